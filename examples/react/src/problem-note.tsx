import type { RejoinError } from 'rejoin';

export function ProblemNote({ problem }: { problem: RejoinError }) {
  return (
    <p role="alert">
      <strong>{problem.name}</strong> {problem.message} {problem.action}
    </p>
  );
}
