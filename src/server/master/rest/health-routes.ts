import { Type } from 'typebox';
import { Value } from 'typebox/value';
import { type Identity, nodeIdOf } from '../../shared/identity.ts';
import { StoreError } from '../../store/store.ts';
import type { RestApp, RestParts } from './rest-api.ts';
import { RETRY_AFTER_S } from './rest-error.ts';
import { route } from './route-schema.ts';

type Status = 'UP' | 'UNSTABLE' | 'DOWN';

const STATUS = Type.Unsafe<Status>({ enum: ['UP', 'UNSTABLE', 'DOWN'] });
const MASTER = Type.Object(
  {
    status: STATUS,
    id: Type.String({ description: 'Identifies this run of the process.' }),
    uri: Type.String({ description: 'URL at which other nodes reach the master.' }),
    disconnectedMediaNodes: Type.Array(Type.String(), {
      description: 'Media nodes that should be there but that this master does not hear.',
    }),
  },
  { additionalProperties: false, description: 'A master.' },
);
const HEALTH = Type.Object(
  { clusterStatus: STATUS, nodes: Type.Record(Type.String(), MASTER, { description: 'The masters, by name.' }) },
  { additionalProperties: false },
);

const CODES: Readonly<Record<Status, number>> = { UP: 200, UNSTABLE: 409, DOWN: 503 };
const health = (description: string) => Type.Unsafe<typeof HEALTH>({ ...HEALTH, description });

/** `GET /health`: the state of the whole cluster, as each master sees it. */
export function registerHealthRoutes(app: RestApp, parts: RestParts): void {
  const { self, forwarder } = parts;
  app.get(
    '/health',
    {
      schema: route(
        {},
        {
          operationId: 'getHealth',
          tags: ['cluster'],
          summary: 'Get the health of the cluster.',
          response: {
            200: health('UP: every expected master and media node is there.'),
            409: health('UNSTABLE: sessions continue and can be created, but a node is missing.'),
            503: health('DOWN: no session can be created, for want of a master, a media node or the store.'),
          },
        },
      ),
    },
    async (request, reply) => {
      const [own, others] = await Promise.all([ownHealth(parts), forwarder.elsewhere(request)]);
      const nodes: Record<string, typeof own> = { [self.id]: own };
      for (const { node, answer } of others) {
        const said: unknown = answer ? JSON.parse(answer.text) : undefined;
        const id = nodeIdOf(node.instance);
        const itself = Value.Check(HEALTH, said) ? said.nodes[id] : undefined;
        nodes[id] = itself ?? {
          ...namesOf({ instance: node.instance, url: node.url }),
          status: 'DOWN',
          disconnectedMediaNodes: [],
        };
      }
      const clusterStatus = together(Object.values(nodes).map(({ status }) => status));
      if (clusterStatus === 'DOWN') reply.header('retry-after', RETRY_AFTER_S);
      return reply.code(CODES[clusterStatus]).send({ clusterStatus, nodes });
    },
  );
}

/** The health as this master alone can judge it. */
async function ownHealth({ self, directory, store, accepts }: RestParts) {
  const mediaNodes = directory.listed('media-node');
  const disconnected = mediaNodes.filter(({ times }) => times === undefined).map(({ instance }) => nodeIdOf(instance));
  const usable = mediaNodes.some(({ times, beat }) => times && beat?.ready && !beat.retires);
  const storeAnswers = await store.listNodes().then(
    () => true,
    (error: unknown) => {
      if (!(error instanceof StoreError)) throw error;
      return false;
    },
  );
  const works = accepts() && usable && storeAnswers;
  const status: Status = works ? (disconnected.length > 0 ? 'UNSTABLE' : 'UP') : 'DOWN';
  return { status, ...namesOf(self), disconnectedMediaNodes: disconnected as string[] };
}

function namesOf({ instance, url }: Pick<Identity, 'instance' | 'url'>): { id: string; uri: string } {
  return { id: instance, uri: url };
}

function together(all: readonly Status[]): Status {
  if (all.every((status) => status === 'UP')) return 'UP';
  return all.every((status) => status === 'DOWN') ? 'DOWN' : 'UNSTABLE';
}
