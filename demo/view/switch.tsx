import type { JSX } from 'preact';

export function Switch({
  label,
  hint,
  on,
  change,
}: {
  label: string;
  hint: string;
  on: boolean;
  change: (on: boolean) => void;
}): JSX.Element {
  return (
    <label class="switch">
      <input
        type="checkbox"
        role="switch"
        aria-checked={on}
        checked={on}
        onChange={(event) => change(event.currentTarget.checked)}
      />
      <span class="track" aria-hidden="true" />
      <span class="text">
        {label}
        <small>{hint}</small>
      </span>
    </label>
  );
}
