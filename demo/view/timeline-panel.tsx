import type { JSX } from 'preact';
import type { EventLog, LogEntry } from '../model/event-log.ts';
import { durationText, preciseTime } from './clock-time.ts';
import { Panel } from './panel.tsx';
import { useObservable } from './use-observable.ts';

/** Duration of a full-width bar, ms. */
const FULL_BAR_MS = 3_000;

/** All events, newest first. */
export function TimelinePanel({ log, tab, hidden }: { log: EventLog; tab: boolean; hidden: boolean }): JSX.Element {
  useObservable(log);
  return (
    <Panel id="timeline" title="Timeline" note={`${log.events.length} events`} tab={tab} hidden={hidden}>
      {/* biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls has to be scrolled by keyboard, too */}
      <ol class="timeline" aria-label="Events, newest first" tabIndex={0}>
        {log.entries.map((entry) => (
          <Entry key={entry.id} entry={entry} />
        ))}
      </ol>
    </Panel>
  );
}

function Entry({ entry }: { entry: LogEntry }): JSX.Element {
  const { at, event, tone, title, note, durationMs } = entry;
  return (
    <li class="entry" data-testid="timeline-entry" data-event={event} data-tone={tone} data-duration-ms={durationMs}>
      <span class="title">{title}</span>
      {durationMs !== undefined && <span class="duration">{durationText(durationMs)}</span>}
      <span class="note">
        <time dateTime={new Date(at).toISOString()}>{preciseTime(at)}</time> {note}
      </span>
      {durationMs !== undefined && (
        <span class="duration-bar" aria-hidden="true">
          <span style={{ width: `${Math.min(100, Math.max(1, (durationMs / FULL_BAR_MS) * 100))}%` }} />
        </span>
      )}
    </li>
  );
}
