import type { JSX } from 'preact';

export interface TabDetail<Id extends string> {
  readonly id: Id;
  readonly label: string;
  /** Number of new items. */
  readonly count?: number;
}

/** Arrow keys change the tab, as users of keyboards expect. */
export function Tabs<Id extends string>({
  tabs,
  selected,
  select,
}: {
  tabs: readonly TabDetail<Id>[];
  selected: Id;
  select: (id: Id) => void;
}): JSX.Element {
  const onKeyDown = (event: KeyboardEvent): void => {
    const step = event.key === 'ArrowRight' ? 1 : event.key === 'ArrowLeft' ? -1 : 0;
    if (step === 0) return;
    const at = tabs.findIndex(({ id }) => id === selected);
    const next = tabs[(at + step + tabs.length) % tabs.length];
    if (!next) return;
    event.preventDefault();
    select(next.id);
    document.getElementById(`tab-${next.id}`)?.focus();
  };
  return (
    <div class="tabs" role="tablist" aria-label="Panels">
      {tabs.map(({ id, label, count = 0 }) => (
        <button
          key={id}
          id={`tab-${id}`}
          type="button"
          role="tab"
          aria-selected={selected === id}
          aria-controls={`panel-${id}`}
          tabIndex={selected === id ? 0 : -1}
          onClick={() => select(id)}
          onKeyDown={onKeyDown}
        >
          {label}
          {count > 0 && <span class="count">{count}</span>}
        </button>
      ))}
    </div>
  );
}
