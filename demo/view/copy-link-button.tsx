import type { JSX } from 'preact';
import { useEffect, useState } from 'preact/hooks';
import { inviteLink } from '../model/page-options.ts';
import { CheckIcon, LinkIcon } from './icons.tsx';

const SAID_MS = 2_000;

export function CopyLinkButton({ room }: { room: string }): JSX.Element {
  const [copied, setCopied] = useState(false);
  useEffect(() => {
    if (!copied) return;
    const timer = setTimeout(() => setCopied(false), SAID_MS);
    return () => clearTimeout(timer);
  }, [copied]);
  const copy = async (): Promise<void> => {
    const link = inviteLink(room);
    try {
      await navigator.clipboard.writeText(link);
      setCopied(true);
    } catch {
      // Browsers offer the clipboard only to pages that are served securely.
      prompt('The link to this room', link);
    }
  };
  return (
    <button class="control" type="button" title="Copy the link to this room" onClick={() => void copy()}>
      {copied ? <CheckIcon /> : <LinkIcon />}
      <span class="label" aria-live="polite">
        {copied ? 'Copied' : 'Copy link'}
      </span>
    </button>
  );
}
