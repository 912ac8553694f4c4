import type { Connection } from '../../src/client/index.ts';

/** The name that somebody has joined with: the client's part of the data is `{"name": "…"}`. */
export function nameOf({ data, connectionId }: Pick<Connection, 'data' | 'connectionId'>): string {
  const [metadata = ''] = data.split('%/%');
  try {
    const parsed: unknown = JSON.parse(metadata);
    if (typeof parsed === 'object' && parsed !== null && 'name' in parsed && typeof parsed.name === 'string') {
      return parsed.name.trim() || connectionId;
    }
  } catch {
    // Somebody came from another page, with data of another kind.
  }
  return metadata.trim().slice(0, 40) || connectionId;
}
