import { DEV_VARIABLE } from '../cli/secret-strength.ts';
import type { ClusterOptions, PlannedNode } from './cluster-plan.ts';
import { withSocketsAt } from './demo-page.ts';
import { webhookEnvironment } from './webhook-environment.ts';

/**
 * Environment variables for settings that are secret or too long for a command line. Other users can list command lines, but not
 * these variables.
 */
export function childEnvironment(
  { role, socketsAt = [] }: Pick<PlannedNode, 'role' | 'socketsAt'>,
  options: ClusterOptions,
  secret: string,
): Record<string, string> {
  const common = { REJOIN_SECRET: secret, [DEV_VARIABLE]: '1' };
  if (role === 'media-node') return common;
  if (role === 'master') {
    const { iceServers, webhooks } = options;
    const ice = iceServers ? { REJOIN_ICE_SERVERS: JSON.stringify(iceServers) } : {};
    return { ...common, ...ice, ...webhookEnvironment(webhooks) };
  }
  const policies = (options.directories ?? []).flatMap(({ prefix, policy }) =>
    policy === undefined ? [] : [`${prefix}=${withSocketsAt(socketsAt, policy)}`],
  );
  return policies.length > 0 ? { ...common, REJOIN_STATIC_POLICY: policies.join('\n') } : common;
}
