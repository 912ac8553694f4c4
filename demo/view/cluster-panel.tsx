import type { JSX } from 'preact';
import type { ClusterModel } from '../model/cluster-model.ts';
import { NodeCard } from './node-card.tsx';
import { Panel } from './panel.tsx';
import { useObservable } from './use-observable.ts';

const ORDER = ['balancer', 'master', 'media-node'] as const;

/** The processes that serve this room, with buttons to kill them. */
export function ClusterPanel({
  cluster,
  tab,
  hidden,
}: {
  cluster: ClusterModel;
  tab: boolean;
  hidden: boolean;
}): JSX.Element {
  useObservable(cluster);
  const { nodes, room, live, mayKill } = cluster;
  const ordered = nodes.toSorted((one, other) => ORDER.indexOf(one.role) - ORDER.indexOf(other.role));
  const note = room && (
    <>
      epoch <b>{room.epoch}</b> · on a crash: <b>{room.failover}</b>
    </>
  );
  return (
    <Panel id="cluster" title="Cluster" note={note} tab={tab} hidden={hidden}>
      {/* biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls has to be scrolled by keyboard, too */}
      <ul class="nodes" data-live={live} aria-label="Nodes" tabIndex={0}>
        {ordered.map((node) => (
          <NodeCard
            key={node.id}
            node={node}
            live={live}
            isOwner={room?.owner === node.id}
            isMedia={room?.mediaNode === node.id}
            canKill={cluster.canKill(node)}
            kill={mayKill ? () => void cluster.kill(node) : undefined}
          />
        ))}
      </ul>
      {live && !mayKill && <p class="hint">Only the computer that runs the demo can kill nodes.</p>}
      {!live && (
        <p class="stale" role="status">
          <span class="spinner" />
          {nodes.length === 0 ? 'Loading the cluster…' : 'The balancer does not answer.'}
        </p>
      )}
    </Panel>
  );
}
