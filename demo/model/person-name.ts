import type { Connection } from '../../src/client/index.ts';

/** A participant's name from the client's part of the data: `{"name": "…"}`. */
export function nameOf({ data, connectionId }: Pick<Connection, 'data' | 'connectionId'>): string {
  const [metadata = ''] = data.split('%/%');
  try {
    const parsed: unknown = JSON.parse(metadata);
    if (typeof parsed === 'object' && parsed !== null && 'name' in parsed && typeof parsed.name === 'string') {
      return parsed.name.trim() || connectionId;
    }
  } catch {
    // The participant uses another page, with other data.
  }
  return metadata.trim().slice(0, 40) || connectionId;
}
