import type { NetworkStats } from './network-quality.ts';

/** The answer of `getStats()`: each entry has a `type`, and numbers by names. */
export interface StatsReport {
  forEach(work: (entry: Readonly<Record<string, unknown>>) => void): void;
}

/** Packets since the transport was made. */
interface Counters {
  received: number;
  /** Of those that were to be received. */
  missed: number;
  sent: number;
  /** Of those that were sent, as the other side says. */
  unheard: number;
  sentOfVideo: number;
}

/** Reads one transport's statistics: what has changed since the last time says how the network does now. */
export class TransportStats {
  #before: Counters = { received: 0, missed: 0, sent: 0, unheard: 0, sentOfVideo: 0 };

  /** `connected`: whether the transport has a path. */
  read(connected: boolean, report: StatsReport): NetworkStats {
    const now: Counters = { received: 0, missed: 0, sent: 0, unheard: 0, sentOfVideo: 0 };
    let rtt: number | undefined;
    let jitter: number | undefined;
    let bitrate: number | undefined;
    report.forEach((entry) => {
      const number = (name: string): number => Number(entry[name] ?? 0);
      switch (entry['type']) {
        case 'inbound-rtp':
          now.received += number('packetsReceived');
          now.missed += number('packetsLost');
          // The packets of a picture are sent in bursts, which is no fault of the network.
          if (entry['kind'] === 'audio') jitter = Math.max(jitter ?? 0, number('jitter'));
          break;
        case 'outbound-rtp':
          now.sent += number('packetsSent');
          if (entry['kind'] === 'video') now.sentOfVideo += number('packetsSent');
          break;
        case 'remote-inbound-rtp':
          now.unheard += number('packetsLost');
          rtt = Math.max(rtt ?? 0, number('roundTripTime'));
          break;
        case 'candidate-pair':
          // Others have been tried, and say nothing of now.
          if (entry['nominated'] !== true || entry['state'] !== 'succeeded') break;
          rtt = Math.max(rtt ?? 0, number('currentRoundTripTime'));
          if (entry['availableOutgoingBitrate'] !== undefined) bitrate = number('availableOutgoingBitrate');
          break;
      }
    });
    const before = this.#before;
    this.#before = now;
    const missed = now.missed - before.missed;
    return {
      connected,
      rttMs: rtt === undefined ? undefined : rtt * 1_000,
      loss: worse(
        shareOf(missed, missed + now.received - before.received),
        shareOf(now.unheard - before.unheard, now.sent - before.sent),
      ),
      jitterMs: jitter === undefined ? undefined : jitter * 1_000,
      // Where little is sent, little is known of what could be.
      bitrate: now.sentOfVideo > before.sentOfVideo ? bitrate : undefined,
    };
  }
}

/** The measurements of several transports as one: the worst of each. */
export function worstOf(all: readonly NetworkStats[]): NetworkStats {
  const least = (one: number | undefined, other: number | undefined): number | undefined =>
    one === undefined ? other : Math.min(one, other ?? one);
  return all.reduce((one, other) => ({
    connected: one.connected && other.connected,
    rttMs: worse(one.rttMs, other.rttMs),
    loss: worse(one.loss, other.loss),
    jitterMs: worse(one.jitterMs, other.jitterMs),
    bitrate: least(one.bitrate, other.bitrate),
  }));
}

function worse(one: number | undefined, other: number | undefined): number | undefined {
  return one === undefined ? other : Math.max(one, other ?? one);
}

/** Streams that end take their counters with them: a share of nothing, or of less, is not known. */
function shareOf(part: number, whole: number): number | undefined {
  return whole > 0 ? Math.min(1, Math.max(0, part / whole)) : undefined;
}
