import type { ConnectionId, SessionId, StreamId, TypeOfVideo, UniqueSessionId } from '../../../protocol/ids.ts';
import type { LeaveReason, StreamEndReason } from '../../../protocol/model.ts';

/** The bodies of webhooks, as in OpenVidu 2. Times are Unix time, ms; durations are whole seconds. */

interface OfSession {
  readonly sessionId: SessionId;
  readonly uniqueSessionId: UniqueSessionId;
}

/** Fields of an event that ends something. */
interface Ending<Reason> {
  readonly startTime: number;
  readonly duration: number;
  readonly reason: Reason;
}

export type SessionDestroyedReason = 'lastParticipantLeft' | 'sessionClosedByServer' | 'nodeCrashed';

interface Participant extends OfSession {
  readonly connectionId: ConnectionId;
  /** The same as `connectionId`, under OpenVidu's older name. */
  readonly participantId: ConnectionId;
  readonly location: 'unknown';
  readonly ip: string;
  readonly platform: string;
  readonly clientData: string;
  readonly serverData: string;
}

interface WebrtcConnection extends OfSession {
  readonly streamId: StreamId;
  /** The participant that sends or receives the stream. */
  readonly connectionId: ConnectionId;
  readonly participantId: ConnectionId;
  readonly connection: 'INBOUND' | 'OUTBOUND';
  /** The publisher; only for `INBOUND`. */
  readonly receivingFrom?: ConnectionId;
  readonly audioEnabled: boolean;
  readonly videoEnabled: boolean;
  readonly videoSource?: TypeOfVideo;
  readonly videoFramerate?: number;
  /** JSON: `{"width":640,"height":480}`. */
  readonly videoDimensions?: string;
}

/** A master or a media node. */
export interface NodeFields {
  /** Name of the node, as in `GET /nodes`. */
  readonly id: string;
  /** Identifies this run of the process. */
  readonly environmentId: string;
  readonly ip: string;
  readonly uri: string;
  /** Host of the cluster's public URL. */
  readonly clusterId: string;
}

export type NodeRoleName = 'medianode' | 'masternode';
export type MediaNodeStatus = 'launching' | 'running' | 'waiting-idle-to-terminate' | 'terminating' | 'terminated';

interface EventFields {
  sessionCreated: OfSession;
  sessionDestroyed: OfSession & Ending<SessionDestroyedReason>;
  participantJoined: Participant;
  participantLeft: Participant & Ending<LeaveReason>;
  webrtcConnectionCreated: WebrtcConnection;
  webrtcConnectionDestroyed: WebrtcConnection & Ending<StreamEndReason | 'unsubscribe'>;
  signalSent: OfSession & {
    /** `null`: sent through the REST API. */
    readonly from: ConnectionId | null;
    readonly to: readonly ConnectionId[];
    readonly type: string;
    readonly data: string;
  };
  mediaNodeStatusChanged: NodeFields & { readonly oldStatus: MediaNodeStatus; readonly newStatus: MediaNodeStatus };
  nodeCrashed: NodeFields & {
    readonly nodeRole: NodeRoleName;
    readonly timeOfDisconnection: number;
    /** Sessions that the node owned or whose media it carried. */
    readonly sessionIds: readonly SessionId[];
    readonly recordingIds: readonly string[];
    readonly broadcasts: readonly string[];
  };
  nodeRecovered: NodeFields & { readonly nodeRole: NodeRoleName };
}

export type WebhookEventName = keyof EventFields;

/** A webhook body; `event` tells which. */
export type WebhookEvent = {
  [Name in WebhookEventName]: { readonly event: Name; readonly timestamp: number } & EventFields[Name];
}[WebhookEventName];

export type WebhookEventOf<Name extends WebhookEventName> = Extract<WebhookEvent, { event: Name }>;

const NAMES: Readonly<Record<WebhookEventName, true>> = {
  sessionCreated: true,
  sessionDestroyed: true,
  participantJoined: true,
  participantLeft: true,
  webrtcConnectionCreated: true,
  webrtcConnectionDestroyed: true,
  signalSent: true,
  mediaNodeStatusChanged: true,
  nodeCrashed: true,
  nodeRecovered: true,
};

export const WEBHOOK_EVENT_NAMES: readonly string[] = Object.keys(NAMES);

export function isWebhookEventName(text: string): text is WebhookEventName {
  return Object.hasOwn(NAMES, text);
}
