import type { SessionId } from '../../../protocol/ids.ts';
import type { InstanceId, NodeRole } from '../../shared/identity.ts';
import { nodeIdOf } from '../../shared/identity.ts';
import type { OpenSpan, OutboxEvent, SpanKey, SubjectKey, WebhookOutbox } from '../../store/webhook-outbox.ts';
import { beginningOf, type EventMaker, eventId } from './event-maker.ts';
import type { EventSource } from './event-writer.ts';
import type { MediaNodeStatus, NodeFields, NodeRoleName } from './webhook-events.ts';

/** A run of a master or media node. */
export interface KnownNode {
  readonly instance: InstanceId;
  readonly role: Exclude<NodeRole, 'balancer'>;
  readonly url: string;
}

/** A silent entry for a running master: only its end is reported, but the outbox must know of its start. */
const MASTER_IS_THERE = 'masterIsThere';

const ROLE_NAMES: Readonly<Record<KnownNode['role'], NodeRoleName>> = {
  master: 'masternode',
  'media-node': 'medianode',
};

/**
 * Makes events about the nodes that a master sees. All masters see the same and report it; each event names the span that it begins
 * or ends, so the outbox accepts it from only one of them.
 */
export class NodeEvents {
  readonly #outbox: Pick<WebhookOutbox, 'open'>;
  readonly #maker: EventMaker;
  readonly #clusterId: string;

  constructor(outbox: Pick<WebhookOutbox, 'open'>, maker: EventMaker, clusterId: string) {
    this.#outbox = outbox;
    this.#maker = maker;
    this.#clusterId = clusterId;
  }

  /** The node has started or has returned. */
  up(node: KnownNode, now: number): EventSource {
    return async () => {
      const open = await this.#open(node.instance);
      // Another master has already reported it, and its status may have changed since.
      if (open.some((span) => isPresence(span, node.instance))) return [];
      const role = ROLE_NAMES[node.role];
      const crashes = open.filter(({ name }) => name === 'nodeCrashed');
      return [
        this.#isThere(node, now),
        ...crashes.map((crash) => this.#recovered(crash, this.#fieldsOf(node), role, now)),
      ];
    };
  }

  /** A media node has changed its status. */
  statusChanged(instance: InstanceId, newStatus: MediaNodeStatus, now: number): EventSource {
    return async () => {
      const presence = (await this.#open(instance)).find((span) => isPresence(span, instance));
      if (!presence) return [];
      const began = beginningOf(presence);
      if (began.event !== 'mediaNodeStatusChanged') return [];
      return [
        this.#maker.make(
          { ...began, timestamp: now, oldStatus: began.newStatus, newStatus },
          {
            subject: subjectOf(instance),
            id: eventId(newStatus, presence.id),
            ends: presenceSpan(instance, began.newStatus),
            begins: { span: presenceSpan(instance, newStatus), about: { who: instance } },
          },
        ),
      ];
    };
  }

  /**
   * The node has gone. `wasAsked`: it had announced its end, which is then no crash unless it left sessions behind. `sessions`: those that
   * it owned or whose media it carried.
   */
  gone(
    instance: InstanceId,
    wasAsked: boolean,
    sessions: () => Promise<readonly SessionId[]>,
    now: number,
  ): EventSource {
    return async () => {
      const open = await this.#open(instance);
      const presence = open.find((span) => isPresence(span, instance));
      if (!presence) return [];
      const isGone = this.#isGone(instance, presence, now);
      const left = await sessions();
      if (wasAsked && left.length === 0) return [isGone];
      const crash = this.#crashed(instance, presence, left, now);
      // The node may have returned before its end was noticed.
      const next = open.slice(open.indexOf(presence) + 1).find(({ name }) => name === presence.name);
      const role = roleOf(presence);
      const recovered =
        next && this.#recovered({ id: crash.id, span: crashSpan(instance) }, nodeFieldsIn(next), role, now);
      return [crash, isGone, ...(recovered ? [recovered] : [])];
    };
  }

  #open(instance: InstanceId): Promise<OpenSpan[]> {
    return this.#outbox.open(subjectOf(instance));
  }

  #isThere(node: KnownNode, now: number): OutboxEvent {
    const { instance } = node;
    const status = node.role === 'media-node' ? 'running' : MASTER_IS_THERE;
    const span = presenceSpan(instance, status);
    const terms = {
      subject: subjectOf(instance),
      id: eventId(span, now),
      begins: { span, about: { who: instance } },
    };
    const fields = this.#fieldsOf(node);
    if (status === MASTER_IS_THERE) return this.#maker.silent(MASTER_IS_THERE, JSON.stringify(fields), terms);
    const changed = {
      event: 'mediaNodeStatusChanged',
      timestamp: now,
      oldStatus: 'launching',
      newStatus: status,
    } as const;
    return this.#maker.make({ ...changed, ...fields }, terms);
  }

  #isGone(instance: InstanceId, presence: OpenSpan, now: number): OutboxEvent {
    const terms = { subject: subjectOf(instance), id: eventId('end', presence.id), ends: presence.span };
    if (presence.name === MASTER_IS_THERE) return this.#maker.silent('masterIsGone', presence.body, terms);
    const began = beginningOf(presence);
    const oldStatus = began.event === 'mediaNodeStatusChanged' ? began.newStatus : 'running';
    return this.#maker.make(
      {
        ...nodeFieldsIn(presence),
        event: 'mediaNodeStatusChanged',
        timestamp: now,
        oldStatus,
        newStatus: 'terminated',
      },
      terms,
    );
  }

  #crashed(instance: InstanceId, presence: OpenSpan, left: readonly SessionId[], now: number): OutboxEvent {
    return this.#maker.make(
      {
        event: 'nodeCrashed',
        timestamp: now,
        ...nodeFieldsIn(presence),
        nodeRole: roleOf(presence),
        timeOfDisconnection: now,
        sessionIds: left,
        recordingIds: [],
        broadcasts: [],
      },
      {
        subject: subjectOf(instance),
        id: eventId('nodeCrashed', presence.id),
        begins: { span: crashSpan(instance), about: { who: instance } },
      },
    );
  }

  #recovered(crash: Pick<OpenSpan, 'id' | 'span'>, node: NodeFields, nodeRole: NodeRoleName, now: number): OutboxEvent {
    return this.#maker.make(
      { event: 'nodeRecovered', timestamp: now, ...node, nodeRole },
      { subject: subjectNamed(node.id), id: eventId('end', crash.id), ends: crash.span },
    );
  }

  #fieldsOf({ instance, url }: KnownNode): NodeFields {
    return {
      id: nodeIdOf(instance),
      environmentId: instance,
      ip: new URL(url).hostname,
      uri: url,
      clusterId: this.#clusterId,
    };
  }
}

/** All runs of a node share a subject, so that their events stay in order. */
function subjectOf(instance: InstanceId): SubjectKey {
  return subjectNamed(nodeIdOf(instance));
}

function subjectNamed(nodeId: string): SubjectKey {
  return `node ${nodeId}` as SubjectKey;
}

function presenceSpan(instance: InstanceId, status: string): SpanKey {
  return ['node', instance, status].join(' ') as SpanKey;
}

function crashSpan(instance: InstanceId): SpanKey {
  return ['crash', instance].join(' ') as SpanKey;
}

function roleOf(presence: OpenSpan): NodeRoleName {
  return presence.name === MASTER_IS_THERE ? 'masternode' : 'medianode';
}

function isPresence({ name, about }: OpenSpan, instance: InstanceId): boolean {
  return about.who === instance && (name === MASTER_IS_THERE || name === 'mediaNodeStatusChanged');
}

function nodeFieldsIn(presence: OpenSpan): NodeFields {
  const { id, environmentId, ip, uri, clusterId } = JSON.parse(presence.body) as NodeFields;
  return { id, environmentId, ip, uri, clusterId };
}
