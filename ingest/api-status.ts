/** What /api/status says: counters, positions and latency, in sum and for each gateway. */
import type { Clock } from '../devices/runtime.ts';
import type { Apply } from './apply.ts';
import type { CheckpointState } from './checkpoints-heard.ts';
import type { Feed } from './feed.ts';
import type { HealthSnapshot } from './health.ts';
import type { HeldDevice } from './held.ts';

export interface StatusParts {
  readonly ingester: string;
  readonly name: string;
  readonly clock: Clock;
  readonly apply: Pick<Apply, 'cursor' | 'latency' | 'unapplied'>;
  readonly feed: Feed;
  readonly health: () => HealthSnapshot;
  readonly held: () => readonly HeldDevice[];
  readonly checkpoints: () => CheckpointState;
}

const noLatency = { p50: null, p99: null, max: null, count: 0 };

/** A snapshot; counters count from the ingester's start. */
export function statusOf(parts: StatusParts) {
  const { sites, ...health } = parts.health();
  const latency = parts.apply.latency.byGateway();
  const waiting = parts.held();
  return {
    name: parts.name,
    /** The ingester's clock, by which ages are told. */
    timeMs: parts.clock.nowMs(),
    ingester: parts.ingester,
    ...health,
    /** Positions folded into twins. */
    applied: parts.apply.cursor(),
    /** Of them those that the fold could not take. */
    unapplied: parts.apply.unapplied(),
    heldDevices: waiting.length,
    /** The newest signed checkpoint, and what gateways say of theirs. */
    checkpoint: parts.checkpoints(),
    subscribers: parts.feed.subscribers(),
    latencyMs: parts.apply.latency.total(),
    sites: Object.fromEntries(
      Object.entries(sites).map(([gateway, counts]) => [
        gateway,
        { ...counts, latencyMs: latency[gateway] ?? noLatency },
      ]),
    ),
  };
}
