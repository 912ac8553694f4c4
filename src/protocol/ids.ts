/** The names of things on the wire. Branded, so that one kind of id cannot be passed where another is meant. */

declare const brand: unique symbol;
type Brand<T, Name extends string> = T & { readonly [brand]: Name };

/** The name an application gives its session (room): `[a-zA-Z0-9_-]+`, 1 to 128 characters. */
export type SessionId = Brand<string, 'SessionId'>;
/** One life of a session: the same `SessionId` created anew is another `UniqueSessionId`. `<sessionId>_<random>`. */
export type UniqueSessionId = Brand<string, 'UniqueSessionId'>;
/** One participant's membership: `con_` and ten letters or digits. */
export type ConnectionId = Brand<string, 'ConnectionId'>;
/** One published stream: `str_<CAM|SCR|CUS|MIC>_<4>_<connectionId>`. */
export type StreamId = Brand<string, 'StreamId'>;
/** The secret that proves a resuming client to be the one that joined. */
export type ResumeKey = Brand<string, 'ResumeKey'>;
/** The single-use secret with which a connection is joined: `tok_` and 22 letters or digits. */
export type TokenId = Brand<string, 'TokenId'>;
/** Fencing number of a session: +1 at every change of owner and at every rebuild, never reused for one `SessionId`. */
export type Epoch = Brand<number, 'Epoch'>;
/** Number of a frame from owner to client, from 1, without gaps. */
export type Seq = Brand<number, 'Seq'>;
/** Number of a request from client to owner, from 1, without gaps. Outlives the socket. */
export type RequestId = Brand<number, 'RequestId'>;

const ALPHABET = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789';
/** The largest multiple of the alphabet's size in a byte: values past it would make the first letters likelier. */
const UNBIASED = 256 - (256 % ALPHABET.length);

/** `length` random letters and digits, from the platform's cryptographic source. */
export function randomText(length: number): string {
  let text = '';
  const bytes = new Uint8Array(Math.min(length * 2, 1_024));
  while (text.length < length) {
    crypto.getRandomValues(bytes);
    for (const byte of bytes) {
      if (byte < UNBIASED && text.length < length) text += ALPHABET.charAt(byte % ALPHABET.length);
    }
  }
  return text;
}

export const newConnectionId = (): ConnectionId => `con_${randomText(10)}` as ConnectionId;
export const newResumeKey = (): ResumeKey => randomText(32) as ResumeKey;
export const newSessionId = (): SessionId => `ses_${randomText(10)}` as SessionId;
export const newUniqueSessionId = (sessionId: SessionId): UniqueSessionId =>
  `${sessionId}_${randomText(8)}` as UniqueSessionId;

/** What a stream shows, as OpenVidu names it; a stream without video is `MIC` in its id. */
export type TypeOfVideo = 'CAMERA' | 'SCREEN' | 'CUSTOM';

/**
 * The id of a stream. `key` (four letters or digits) is chosen by the client, so that a publish request which is sent
 * again after a takeover names the stream it made the first time.
 */
export function streamIdOf(connectionId: ConnectionId, key: string, typeOfVideo: TypeOfVideo | undefined): StreamId {
  const kind = { CAMERA: 'CAM', SCREEN: 'SCR', CUSTOM: 'CUS' } as const;
  return `str_${typeOfVideo ? kind[typeOfVideo] : 'MIC'}_${key}_${connectionId}` as StreamId;
}

/** The parts of a stream's id that stay the same when its connection gets another id; `undefined`: it is not such an id. */
export function streamNameOf(streamId: string): { readonly prefix: string; readonly key: string } | undefined {
  const [prefix, key] = /^str_[A-Z]+_([A-Za-z0-9]{4})_/.exec(streamId) ?? [];
  return prefix !== undefined && key !== undefined ? { prefix, key } : undefined;
}

const SESSION_ID = /^[a-zA-Z0-9_-]{1,128}$/;

export function isSessionId(text: string): text is SessionId {
  return SESSION_ID.test(text);
}
