// A plugin of TypeDoc: sorts what the SDKs export into groups. A table, and not tags in the sources, as most of what one group
// has is another name for something in another.

import { Comment, CommentTag, Converter, ReflectionKind } from 'typedoc';

const CORE = 'Core';
const RECOVERY = 'Recovery';
const OPENVIDU = 'OpenVidu compatibility';

/** The exports that are not of the core, by module. */
const GROUPS = {
  rejoin: {
    [RECOVERY]: [
      ...['SessionState', 'StateEvent', 'AttemptEvent', 'RecoveredEvent', 'RecoveryKind', 'Attempt'],
      ...['SessionDestroyedEvent', 'SessionDisconnectedEvent', 'ConnectionPresenceEvent'],
      ...['TokenProvider', 'RetryPolicy', 'SessionOptions'],
    ],
    [OPENVIDU]: [
      ...[
        'OpenVidu',
        'OpenViduError',
        'OpenViduErrorName',
        'OpenViduAdvancedConfiguration',
        'Event',
        'EventDispatcher',
      ],
      ...['EventMap', 'SessionEventMap', 'StreamManagerEventMap', 'PublisherEventMap'],
      ...['ConnectionOptions', 'InboundStreamOptions', 'OutboundStreamOptions'],
      ...['Filter', 'FilterEvent', 'LocalRecorder', 'LocalRecorderState', 'RecordingEvent', 'RecordingEventReason'],
      ...['SpeechToTextEvent', 'SpeechToTextEventReason'],
    ],
  },
  'rejoin/node-client': {
    [RECOVERY]: ['RetryPolicy', 'RetryEvent', 'FailureReason', 'CallOptions', 'RejoinApiError', 'RejoinApiErrorCode'],
    [OPENVIDU]: [
      'Rejoin',
      'KurentoOptions',
      'MediaMode',
      'RecordingMode',
      'VideoCodec',
      'TokenOptions',
      'ConnectionType',
    ],
  },
};

/** @param {import('typedoc').Application} app */
export function load(app) {
  app.converter.on(Converter.EVENT_RESOLVE_BEGIN, ({ project }) => {
    for (const module of project.getReflectionsByKind(ReflectionKind.Module)) {
      const groups = Object.entries(GROUPS[module.name] ?? {});
      const exported = new Map(module.children?.map((child) => [child.name, child]));
      for (const [group, names] of groups) {
        for (const name of names) {
          if (!exported.has(name))
            app.logger.warn(`${module.name} does not export ${name}, which is listed as "${group}".`);
        }
      }
      for (const [name, child] of exported) {
        const [group] = groups.find(([, names]) => names.includes(name)) ?? [CORE];
        child.comment ??= new Comment();
        child.comment.blockTags.push(new CommentTag('@category', [{ kind: 'text', text: group }]));
      }
    }
  });
}
