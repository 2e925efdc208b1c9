/**
 * Reads once: asks an edge node for its births and takes the values from them. It is no host
 * application: it says nothing about STATE, and so disturbs none that is running.
 */
import { limits } from '../../../devices/limits.ts';
import type { LossCause, Sample } from '../../../devices/reading.ts';
import { saysRefused } from '../mqtt/reasons.ts';
import { type BrokerSettings, SparkplugClient } from './client.ts';
import { rebirthRequest } from './command.ts';
import { EdgeNode } from './node.ts';
import { sampleOf } from './sample.ts';
import { filtersOf, parseTopic } from './topic.ts';

export interface LookOptions extends BrokerSettings {
  readonly group: string;
  readonly edgeNode: string;
  readonly device?: string;
  readonly points: ReadonlyMap<string, readonly string[]>;
  /** Any of these ends it. */
  readonly signals: readonly AbortSignal[];
}

/** The samples of the first birth, or why there was none. */
export function lookOnce(options: LookOptions): Promise<readonly Sample[] | LossCause> {
  const { group, edgeNode, device, points, signals, ...broker } = options;
  const { clock } = broker;
  const signal = AbortSignal.any([...signals]);
  if (signal.aborted) return Promise.resolve('not-running');
  return new Promise((resolve) => {
    const end = (result: readonly Sample[] | LossCause) => {
      cancel();
      signal.removeEventListener('abort', abort);
      node.close();
      resolve(result);
      void client.close();
    };
    const requestRebirth = () =>
      void client.publish(rebirthRequest(group, edgeNode, clock.nowMs()));
    const node = new EdgeNode({ group, edgeNode, reorderMs: 0, clock, requestRebirth });
    node.join({
      ...(device !== undefined && { device }),
      async born(said) {
        const samples = said.metrics.flatMap((named) =>
          (points.get(named.name) ?? []).map((point) => sampleOf(point, named, said)),
        );
        end(samples);
      },
      says: async () => undefined,
      lapses: async () => undefined,
      awaits: () => undefined,
    });
    const abort = () => end('not-running');
    const cancel = clock.after(limits.mqttReadMs, () => end(client.isUp ? 'timeout' : 'absent'));
    signal.addEventListener('abort', abort, { once: true });
    const client = new SparkplugClient({
      ...broker,
      topics: () => filtersOf(group, edgeNode),
      onUp: () => node.connected(),
      onDown: (reason) => end(saysRefused(reason) ? 'refused' : 'absent'),
      async onMessage({ topic: name, payload, retained }) {
        const topic = parseTopic(name);
        if (topic === undefined || retained) return;
        const { nonsense } = node.counts;
        await node.take(topic, payload, clock.nowMs());
        // A birth that cannot be read will not be better the next time.
        const isBirth = topic.verb === 'NBIRTH' || topic.verb === 'DBIRTH';
        if (isBirth && node.counts.nonsense > nonsense) end('nonsense');
      },
    });
  });
}
