import { useState } from 'react';
import { type Publisher, RejoinError } from 'rejoin';
import { ProblemNote } from './problem-note.tsx';
import { useActive } from './use-active.ts';

/** Buttons to mute and unmute. Show them once the publisher is published. */
export function Controls({ publisher }: { publisher: Publisher }) {
  const { audio, video } = useActive(publisher);
  const [problem, setProblem] = useState<RejoinError>();

  /** A camera that is gone may not open again. */
  const attempt = async (change: Promise<void>) => {
    setProblem(undefined);
    try {
      await change;
    } catch (error) {
      if (!(error instanceof RejoinError)) throw error;
      setProblem(error);
    }
  };

  return (
    <>
      {problem && <ProblemNote problem={problem} />}
      <button type="button" onClick={() => attempt(publisher.publishAudio(!audio))}>
        {audio ? 'Mute' : 'Unmute'}
      </button>
      <button type="button" onClick={() => attempt(publisher.publishVideo(!video))}>
        {video ? 'Camera off' : 'Camera on'}
      </button>
    </>
  );
}
