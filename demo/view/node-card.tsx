import type { JSX } from 'preact';
import type { NodeState } from '../model/cluster-state.ts';
import { KillIcon, ROLE_ICONS } from './icons.tsx';

const ROLES = { balancer: 'Balancer', master: 'Master', 'media-node': 'Media node' } as const;

/** One process. */
export function NodeCard({
  node,
  live,
  isOwner,
  isMedia,
  canKill,
  kill,
}: {
  node: NodeState;
  /** Whether the shown state is current. */
  live: boolean;
  isOwner: boolean;
  isMedia: boolean;
  canKill: boolean;
  /** Undefined if this page may not kill nodes. */
  kill: (() => void) | undefined;
}): JSX.Element {
  const { id, role, pid, state, load, facts, restarts } = node;
  const RoleIcon = ROLE_ICONS[role];
  return (
    <li
      class="node"
      data-testid="node-card"
      data-node-id={id}
      data-role={role}
      data-state={state}
      data-owner={isOwner}
      data-media={isMedia}
    >
      <span class="role-icon">
        <RoleIcon />
      </span>
      <div class="node-head">
        <b>{id}</b>
        {isOwner && <span class="badge owner">owner</span>}
        {isMedia && <span class="badge media">media</span>}
      </div>
      {kill && (
        <button
          class="button small danger"
          type="button"
          data-testid="kill-button"
          aria-label={`Kill ${id}`}
          title={`Kill the process of ${id} (SIGKILL)`}
          aria-disabled={!canKill}
          onClick={() => canKill && kill()}
        >
          <KillIcon />
          Kill
        </button>
      )}
      <p class="node-facts">
        <span class="node-state">
          <span class="dot" />
          {live ? state : 'unknown'}
        </span>
        <span>{ROLES[role]}</span>
        {pid !== undefined && <span>pid {pid}</span>}
        {restarts > 0 && <span class="restarts">{restarts === 1 ? '1 restart' : `${restarts} restarts`}</span>}
      </p>
      {state !== 'up' && <p class="node-facts">{state === 'down' ? 'Restarts automatically.' : 'Getting ready…'}</p>}
      {state === 'up' && load !== undefined && (
        <>
          <p class="node-facts">
            <span>
              <b>{Math.round(load)}%</b> load
            </span>
            {Object.entries(facts).map(([name, value]) => (
              <span key={name}>
                <b>{value}</b> {value === 1 ? name.replace(/s$/, '') : name}
              </span>
            ))}
          </p>
          <div class="load" aria-hidden="true">
            <span style={{ width: `${Math.min(100, Math.max(1, load))}%` }} />
          </div>
        </>
      )}
    </li>
  );
}
