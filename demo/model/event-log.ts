import { Observable } from './observable.ts';

export type Tone = 'good' | 'info' | 'warn' | 'bad';

export interface LogEntry {
  readonly id: number;
  /** Unix time, ms. */
  readonly at: number;
  /** The SDK's name for its own events, e.g. `rebuilt`. */
  readonly event: string;
  readonly tone: Tone;
  readonly title: string;
  readonly note: string | undefined;
  readonly durationMs: number | undefined;
}

/** An entry as tests and the console read it. */
export interface PlainEvent {
  /** Unix time, ms. */
  readonly at: number;
  readonly event: string;
  readonly detail: Readonly<Record<string, unknown>>;
}

export interface LogMore {
  readonly note?: string;
  readonly durationMs?: number;
  /** The data of the event. */
  readonly detail?: Readonly<Record<string, unknown>>;
}

/** Maximum of shown entries; `events` has all. */
const SHOWN = 300;

/** All events in this page since it was opened. */
export class EventLog extends Observable {
  /** Newest first. */
  entries: readonly LogEntry[] = [];
  /** Oldest first. */
  readonly events: PlainEvent[] = [];
  #count = 0;

  add(event: string, tone: Tone, title: string, { note, durationMs, detail = {} }: LogMore = {}): void {
    const at = Date.now();
    this.#count += 1;
    const entry = { id: this.#count, at, event, tone, title, note, durationMs };
    this.entries = [entry, ...this.entries].slice(0, SHOWN);
    this.events.push({ at, event, detail: durationMs === undefined ? detail : { ...detail, durationMs } });
    this.changed();
  }
}
