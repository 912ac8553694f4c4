import type { ComponentChildren, JSX } from 'preact';
import { useEffect, useRef } from 'preact/hooks';
import type { Problem } from '../model/problem.ts';
import { useFocusBack } from './focus-back.ts';

/** Shows a problem and its remedy; `children` are the buttons. */
export function ProblemCard({
  title,
  problem,
  children,
}: {
  title: string;
  problem: Problem;
  children?: ComponentChildren;
}): JSX.Element {
  const card = useRef<HTMLDivElement>(null);
  useFocusBack(card);
  useEffect(() => card.current?.scrollIntoView({ block: 'nearest', behavior: 'smooth' }), [problem]);
  return (
    <div ref={card} class="problem" role="alert" data-testid="problem" data-name={problem.name}>
      <h2>{title}</h2>
      <p>{problem.message}</p>
      {problem.action && <p class="action">{problem.action}</p>}
      <code>{problem.name}</code>
      {children && <div class="buttons">{children}</div>}
    </div>
  );
}
