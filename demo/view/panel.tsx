import type { ComponentChildren, JSX } from 'preact';

/** One panel beside the pictures. On small screens it is the content of a tab. */
export function Panel({
  id,
  title,
  note,
  tab,
  hidden,
  children,
}: {
  id: string;
  title: string;
  /** Shown beside the title. */
  note?: ComponentChildren;
  tab: boolean;
  hidden: boolean;
  children: ComponentChildren;
}): JSX.Element {
  return (
    <section
      class="panel card"
      id={`panel-${id}`}
      data-panel={id}
      role={tab ? 'tabpanel' : undefined}
      aria-labelledby={tab ? `tab-${id}` : `title-${id}`}
      hidden={hidden}
    >
      {(note || !tab) && (
        <div class="panel-head">
          {!tab && <h2 id={`title-${id}`}>{title}</h2>}
          {note && <span class="note">{note}</span>}
        </div>
      )}
      {children}
    </section>
  );
}
