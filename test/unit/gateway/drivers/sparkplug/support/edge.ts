/** An edge node under a test's hand, and what its host understood. */
import { decode } from '../../../../../../gateway/decode.ts';
import {
  EdgeNode,
  type Lapse,
  type Said,
} from '../../../../../../gateway/drivers/sparkplug/node.ts';
import { sampleOf } from '../../../../../../gateway/drivers/sparkplug/sample.ts';
import type { NodeTopic, Verb } from '../../../../../../gateway/drivers/sparkplug/topic.ts';
import { type ManualClock, manualClock } from '../../../../../support/manual-clock.ts';
import {
  bdSeq,
  encode,
  type SaidMetric,
  type SaidPayload,
} from '../../../../../support/sparkplug-edge.ts';

export const NODE = { group: 'g', edgeNode: 'n' } as const;

interface Message {
  readonly seq: number;
  readonly metrics: readonly SaidMetric[];
  readonly timestamp?: number;
}

export interface Edge {
  readonly node: EdgeNode;
  readonly clock: ManualClock;
  /** `born A=1 B=2`, `A=3`, `lapsed CAUSE`, in order. */
  readonly heard: string[];
  readonly lapses: Lapse[];
  /** Rebirth requests so far. */
  requests(): number;
  send(verb: Verb, payload: SaidPayload, device?: string): void;
  birth(message: Message & { readonly bdSeq: number }): void;
  data(message: Message): void;
  deviceBirth(message: Message): void;
  deviceData(message: Message): void;
  death(number: number): void;
  /** Resolves when everything that was sent has been taken. */
  settled(): Promise<void>;
}

/** A host that hears the edge node, or with `device` that device of it, named `d`. */
export function edge(options: { reorderMs?: number; device?: string } = {}): Edge {
  const clock = manualClock();
  const heard: string[] = [];
  const lapses: Lapse[] = [];
  const work: Promise<void>[] = [];
  let requests = 0;
  const node = new EdgeNode({
    ...NODE,
    reorderMs: options.reorderMs ?? 1_000,
    clock,
    requestRebirth: () => {
      requests += 1;
    },
  });
  node.join({
    ...(options.device !== undefined && { device: options.device }),
    async born(said) {
      heard.push(`born ${wordsOf(said)}`);
    },
    async says(said) {
      heard.push(wordsOf(said));
    },
    async lapses(lapse) {
      heard.push(`lapsed ${lapse.cause}`);
      lapses.push(lapse);
    },
    awaits: () => undefined,
  });
  const send: Edge['send'] = (verb, payload, device) => {
    const topic: NodeTopic = { ...NODE, verb, ...(device !== undefined && { device }) };
    const bytes = encode({ timestamp: clock.nowMs(), ...payload });
    work.push(node.take(topic, bytes, clock.nowMs()));
  };
  return {
    node,
    clock,
    heard,
    lapses,
    requests: () => requests,
    send,
    birth: ({ bdSeq: number, metrics, ...rest }) =>
      send('NBIRTH', { ...rest, metrics: [bdSeq(number), ...metrics] }),
    data: (message) => send('NDATA', message),
    deviceBirth: (message) => send('DBIRTH', message, 'd'),
    deviceData: (message) => send('DDATA', message, 'd'),
    death: (number) => send('NDEATH', { metrics: [bdSeq(number)] }),
    async settled() {
      await Promise.all(work.splice(0));
    },
  };
}

/** Names and values, without the number of the session. */
function wordsOf(said: Said): string {
  return said.metrics
    .filter(({ name }) => name !== 'bdSeq')
    .map((named) => {
      const { rawHex, encoding } = sampleOf(named.name, named, said);
      return `${named.name}=${decode(rawHex, encoding)}`;
    })
    .join(' ');
}
