import type { ClusterOptions } from './cluster-plan.ts';

/** The masters' settings as environment variables, because other users can list the command lines of all processes. */
export function webhookEnvironment(webhooks: ClusterOptions['webhooks']): Record<string, string> {
  if (!webhooks) return {};
  const { targets, headers, events, secret, tries, timeoutMs, deadlineMs, queue } = webhooks;
  const given = {
    REJOIN_WEBHOOK: targets.join(','),
    REJOIN_WEBHOOK_HEADER: headers?.map(({ name, value }) => `${name}: ${value}`).join('\n'),
    REJOIN_WEBHOOK_EVENTS: events?.join(','),
    REJOIN_WEBHOOK_SECRET: secret,
    REJOIN_WEBHOOK_TRIES: tries,
    REJOIN_WEBHOOK_TIMEOUT: timeoutMs,
    REJOIN_WEBHOOK_DEADLINE: deadlineMs,
    REJOIN_WEBHOOK_QUEUE: queue,
  };
  // An empty variable would count as a value.
  return Object.fromEntries(Object.entries(given).flatMap(([name, value]) => (value ? [[name, String(value)]] : [])));
}
