/** The ids on the wire. Their types are branded, so that one kind of id can't be passed as another. */

declare const brand: unique symbol;
type Brand<T, Name extends string> = T & { readonly [brand]: Name };

/** The application's name for its session (room): 1 to 128 of `[a-zA-Z0-9_-]`. */
export type SessionId = Brand<string, 'SessionId'>;
/** A life of a session: each time the same `SessionId` is created, it gets another one. `<sessionId>_<random>`. */
export type UniqueSessionId = Brand<string, 'UniqueSessionId'>;
/** A participant's connection: `con_` and ten letters or digits. */
export type ConnectionId = Brand<string, 'ConnectionId'>;
/** A published stream: `str_<CAM|SCR|CUS|MIC>_<4>_<connectionId>`. */
export type StreamId = Brand<string, 'StreamId'>;
/** The secret by which a resuming client proves that the connection is its own. */
export type ResumeKey = Brand<string, 'ResumeKey'>;
/** The single-use secret for joining: `tok_` and 22 letters or digits. */
export type TokenId = Brand<string, 'TokenId'>;
/** Fencing number of a session. It rises with every change of owner and every rebuild, and is never reused for a `SessionId`. */
export type Epoch = Brand<number, 'Epoch'>;
/** Number of a frame from owner to client, from 1, without gaps. */
export type Seq = Brand<number, 'Seq'>;
/** Number of a request from client to owner, from 1, without gaps. It is independent of the socket. */
export type RequestId = Brand<number, 'RequestId'>;

const ALPHABET = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789';
/** The largest multiple of the alphabet's size in a byte. Using larger values would make the first letters more likely. */
const UNBIASED = 256 - (256 % ALPHABET.length);

/** `length` random letters and digits from a cryptographic source. */
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

/** The source of a video, in OpenVidu's terms. A stream without video has `MIC` in its id. */
export type TypeOfVideo = 'CAMERA' | 'SCREEN' | 'CUSTOM';

/**
 * The id of a stream. The client chooses `key` (four letters or digits), so that a publish request repeated after a takeover names the
 * stream that the first one created.
 */
export function streamIdOf(connectionId: ConnectionId, key: string, typeOfVideo: TypeOfVideo | undefined): StreamId {
  const kind = { CAMERA: 'CAM', SCREEN: 'SCR', CUSTOM: 'CUS' } as const;
  return `str_${typeOfVideo ? kind[typeOfVideo] : 'MIC'}_${key}_${connectionId}` as StreamId;
}

/** The parts of a stream's id that don't depend on its connection; `undefined` if it isn't a stream's id. */
export function streamNameOf(streamId: string): { readonly prefix: string; readonly key: string } | undefined {
  const [prefix, key] = /^str_[A-Z]+_([A-Za-z0-9]{4})_/.exec(streamId) ?? [];
  return prefix !== undefined && key !== undefined ? { prefix, key } : undefined;
}

const SESSION_ID = /^[a-zA-Z0-9_-]{1,128}$/;

export function isSessionId(text: string): text is SessionId {
  return SESSION_ID.test(text);
}
