/** Options from the page's address and the browser's storage. */
export interface PageOptions {
  readonly room: string;
  readonly name: string;
  /** Join at once, without the form. */
  readonly join: boolean;
  /** Join with a token function instead of one token. */
  readonly automatic: boolean;
}

const NAME_KEY = 'rejoin-demo-name';

export function readPageOptions({ search }: { readonly search: string }): PageOptions {
  const query = new URLSearchParams(search);
  return {
    room: query.get('room') || 'demo',
    name: query.get('name') || rememberedName() || `Guest ${10 + Math.floor(Math.random() * 90)}`,
    join: query.has('join'),
    automatic: query.get('token') !== 'plain',
  };
}

/** The page's address with the room, so that a reload leads back to it. */
export function addressOf(room: string, automatic: boolean): string {
  const query = new URLSearchParams({ room, ...(automatic ? {} : { token: 'plain' }) });
  return `${location.pathname}?${query}`;
}

/** The link for inviting another participant. */
export function inviteLink(room: string): string {
  return `${location.origin}${location.pathname}?${new URLSearchParams({ room })}`;
}

/** The link for a second participant in this browser, which joins at once. */
export function guestLink(room: string): string {
  return `${inviteLink(room)}&${new URLSearchParams({ name: 'Guest' })}&join`;
}

export function rememberName(name: string): void {
  try {
    localStorage.setItem(NAME_KEY, name);
  } catch {
    // Without storage, the page asks again next time.
  }
}

function rememberedName(): string | null {
  try {
    return localStorage.getItem(NAME_KEY);
  } catch {
    return null;
  }
}
