import { describe, expect, it } from 'vitest';
import { limits } from '../../../../../devices/limits.ts';
import { type Edge, edge, NODE } from './support/edge.ts';

const A = { name: 'A', alias: 1, datatype: 10, double: 1 };
const B = { name: 'B', alias: 2, datatype: 10, double: 2 };

/** An edge node that was born with A and B, and the birth was heard. */
async function alive(options: { reorderMs?: number; device?: string } = {}): Promise<Edge> {
  const node = edge(options);
  node.birth({ seq: 0, bdSeq: 7, metrics: [A, B] });
  if (options.device !== undefined) node.deviceBirth({ seq: 1, metrics: [A, B] });
  await node.settled();
  node.heard.splice(0);
  return node;
}

describe('births', () => {
  it('tck-id-payloads-nbirth-seq, tck-id-payloads-sequence-num-req-nbirth: begin at any number', async () => {
    for (const seq of [0, 1, 255]) {
      const node = edge();
      node.birth({ seq, bdSeq: 0, metrics: [A] });
      node.data({ seq: (seq + 1) % 256, metrics: [{ alias: 1, double: 5 }] });
      await node.settled();
      expect(node.heard).toEqual(['born A=1', 'A=5']);
    }
  });

  it('without a sequence number, or with one beyond 255, are refused and asked for again', async () => {
    const node = edge();
    node.send('NBIRTH', { metrics: [A] });
    node.send('NBIRTH', { seq: 256, metrics: [A] });
    await node.settled();
    expect(node.heard).toEqual([]);
    expect(node.node.counts).toMatchObject({ nonsense: 2, births: 0 });
    expect(node.requests()).toBe(1);
  });

  it('give aliases anew: what an alias meant before is forgotten', async () => {
    const node = await alive();
    node.birth({
      seq: 0,
      bdSeq: 8,
      metrics: [
        { ...A, alias: 2 },
        { ...B, alias: 1 },
      ],
    });
    node.data({ seq: 1, metrics: [{ alias: 1, double: 3 }] });
    await node.settled();
    expect(node.heard).toEqual(['born A=1 B=2', 'B=3']);
  });

  it('tck-id-payloads-alias-uniqueness: an alias that was given twice names nothing', async () => {
    const node = edge();
    node.birth({ seq: 0, bdSeq: 0, metrics: [A, { ...B, alias: 1 }] });
    node.data({ seq: 1, metrics: [{ alias: 1, double: 3 }] });
    await node.settled();
    expect(node.heard).toEqual(['born A=1 B=2', 'lapsed nonsense']);
  });

  it('tck-id-topics-dbirth-seq: those of devices count in the edge node’s sequence', async () => {
    const node = edge({ device: 'd' });
    node.birth({ seq: 0, bdSeq: 0, metrics: [A] });
    node.deviceBirth({ seq: 1, metrics: [B] });
    node.send('DBIRTH', { seq: 2, metrics: [A] }, 'another');
    node.deviceData({ seq: 3, metrics: [{ alias: 2, double: 4 }] });
    await node.settled();
    expect(node.heard).toEqual(['born B=2', 'B=4']);
    expect(node.requests()).toBe(0);
  });
});

describe('aliases and names', () => {
  it('edge 34 (benthos-umh #345): an unknown alias brings a rebirth, and no value', async () => {
    const node = await alive();
    node.data({
      seq: 1,
      metrics: [
        { alias: 1, double: 3 },
        { alias: 9, double: 4 },
      ],
    });
    await node.settled();
    expect(node.heard).toEqual(['lapsed nonsense']);
    expect(node.requests()).toBe(1);
    node.data({ seq: 2, metrics: [{ alias: 1, double: 5 }] });
    node.birth({ seq: 0, bdSeq: 7, metrics: [A, B] });
    await node.settled();
    expect(node.heard).toEqual(['lapsed nonsense', 'born A=1 B=2']);
  });

  it('edge 34 (benthos-umh #345): data of an edge node that was never born bring a rebirth', async () => {
    const node = edge();
    node.data({ seq: 17, metrics: [{ alias: 1, double: 3 }] });
    await node.settled();
    expect(node.heard).toEqual([]);
    expect(node.requests()).toBe(1);
  });

  it('a name that no birth gave is left out, the others are taken, a birth is asked for', async () => {
    const node = await alive();
    node.data({
      seq: 1,
      metrics: [
        { name: 'C', double: 3 },
        { name: 'A', double: 4 },
      ],
    });
    await node.settled();
    expect(node.heard).toEqual(['A=4']);
    expect(node.requests()).toBe(1);
  });

  it('a name and an alias, or a type, that contradict the birth are not believed', async () => {
    for (const metric of [
      { name: 'A', alias: 2, double: 3 },
      { alias: 1, datatype: 9, float: 3 },
    ]) {
      const node = await alive();
      node.data({ seq: 1, metrics: [metric] });
      await node.settled();
      expect(node.heard).toEqual(['lapsed nonsense']);
    }
  });

  it('an alias of the edge node is none of its devices’', async () => {
    const node = edge({ device: 'd' });
    node.birth({ seq: 0, bdSeq: 0, metrics: [A] });
    node.deviceBirth({ seq: 1, metrics: [B] });
    node.deviceData({ seq: 2, metrics: [{ alias: 1, double: 4 }] });
    await node.settled();
    expect(node.heard).toEqual(['born B=2', 'lapsed nonsense']);
  });
});

describe('deaths', () => {
  it.each([
    'tck-id-operational-behavior-edge-node-termination-host-action-ndeath-node-offline',
    'tck-id-operational-behavior-edge-node-termination-host-action-ndeath-node-tags-stale',
  ])('%s', async () => {
    const node = await alive();
    node.clock.advance(500);
    node.death(7);
    await node.settled();
    expect(node.heard).toEqual(['lapsed absent']);
    expect(node.lapses.at(-1)).toMatchObject({ fromMs: node.clock.nowMs() });
    expect(node.requests()).toBe(0);
  });

  it.each([
    'tck-id-operational-behavior-edge-node-termination-host-action-ndeath-devices-offline',
    'tck-id-operational-behavior-edge-node-termination-host-action-ndeath-devices-tags-stale',
  ])('%s', async () => {
    const node = await alive({ device: 'd' });
    node.death(7);
    await node.settled();
    expect(node.heard).toEqual(['lapsed absent']);
  });

  it('edge 34 (sparkplug #421): the death of an earlier session is not this one’s', async () => {
    const node = await alive();
    node.death(6);
    node.data({ seq: 1, metrics: [{ alias: 1, double: 3 }] });
    await node.settled();
    expect(node.heard).toEqual(['A=3']);
    expect(node.node.counts).toMatchObject({ deaths: 0, staleDeaths: 1 });
  });

  it('edge 34 (sparkplug #502): bdSeq may jump with every attempt to reconnect', async () => {
    const node = await alive();
    for (const bdSeq of [12, 3, 255, 0, 0]) {
      node.clock.advance(1);
      node.birth({ seq: 0, bdSeq, metrics: [A] });
      node.death(bdSeq);
    }
    await node.settled();
    expect(node.heard).toEqual(Array(5).fill(['born A=1', 'lapsed absent']).flat());
  });

  it('a birth that its own death has overtaken is not believed until it is said again', async () => {
    const node = await alive();
    node.death(7);
    node.birth({ seq: 0, bdSeq: 7, metrics: [A], timestamp: 1 });
    await node.settled();
    expect(node.heard).toEqual(['lapsed absent']);
    expect(node.requests()).toBe(1);
    node.birth({ seq: 0, bdSeq: 7, metrics: [A], timestamp: 1 });
    await node.settled();
    expect(node.heard).toEqual(['lapsed absent', 'born A=1']);
  });

  it.each([
    'tck-id-operational-behavior-edge-node-termination-host-action-ddeath-devices-offline',
    'tck-id-operational-behavior-edge-node-termination-host-action-ddeath-devices-tags-stale',
  ])('%s', async () => {
    const node = await alive({ device: 'd' });
    node.clock.advance(1_000);
    const diedMs = node.clock.nowMs() - 400;
    node.send('DDEATH', { seq: 2, timestamp: diedMs }, 'd');
    node.deviceData({ seq: 3, metrics: [{ alias: 1, double: 3 }] });
    await node.settled();
    expect(node.heard).toEqual(['lapsed absent']);
    expect(node.lapses.at(-1)).toMatchObject({ fromMs: diedMs, sourceTimeMs: diedMs });
    expect(node.requests()).toBe(1);
  });

  it('of one device leaves the others alone', async () => {
    const node = await alive({ device: 'd' });
    node.send('DDEATH', { seq: 2 }, 'another');
    node.deviceData({ seq: 3, metrics: [{ alias: 1, double: 3 }] });
    await node.settled();
    expect(node.heard).toEqual(['A=3']);
  });
});

describe('order', () => {
  it('tck-id-operational-behavior-host-reordering-success: what comes late but in time is put in its place', async () => {
    const node = await alive({ reorderMs: 100 });
    node.data({ seq: 3, metrics: [{ alias: 1, double: 33 }] });
    node.data({ seq: 2, metrics: [{ alias: 1, double: 22 }] });
    node.clock.advance(99);
    node.data({ seq: 1, metrics: [{ alias: 1, double: 11 }] });
    node.clock.advance(1_000);
    await node.settled();
    expect(node.heard).toEqual(['A=11', 'A=22', 'A=33']);
    expect(node.requests()).toBe(0);
  });

  it('tck-id-operational-behavior-host-reordering-start, tck-id-operational-behavior-host-reordering-rebirth: what does not come in time brings a rebirth', async () => {
    const node = await alive({ reorderMs: 100 });
    const lastMs = node.clock.nowMs();
    node.clock.advance(50);
    node.data({ seq: 2, metrics: [{ alias: 1, double: 22 }] });
    node.clock.advance(99);
    expect(node.requests()).toBe(0);
    node.clock.advance(1);
    expect(node.requests()).toBe(1);
    await node.settled();
    expect(node.heard).toEqual(['lapsed timeout']);
    expect(node.lapses.at(-1)).toMatchObject({ fromMs: lastMs });
  });

  it('a second hole has a time of its own', async () => {
    const node = await alive({ reorderMs: 100 });
    node.data({ seq: 2, metrics: [] });
    node.clock.advance(60);
    node.data({ seq: 4, metrics: [] });
    node.data({ seq: 1, metrics: [] });
    node.clock.advance(60);
    expect(node.requests()).toBe(0);
    node.clock.advance(40);
    expect(node.requests()).toBe(1);
  });

  it('tck-id-operational-behavior-host-reordering-param: with a timeout of 0, a hole is a hole', async () => {
    const node = await alive({ reorderMs: 0 });
    node.data({ seq: 2, metrics: [{ alias: 1, double: 22 }] });
    await node.settled();
    expect(node.heard).toEqual(['lapsed timeout']);
    expect(node.requests()).toBe(1);
  });

  it('tck-id-payloads-sequence-num-incrementing: 0 follows 255', async () => {
    const node = edge();
    node.birth({ seq: 0, bdSeq: 0, metrics: [A] });
    for (let n = 1; n <= 600; n += 1) {
      node.data({ seq: n % 256, metrics: [{ alias: 1, double: n }] });
    }
    await node.settled();
    expect(node.heard).toHaveLength(601);
    expect(node.heard.at(-1)).toBe('A=600');
  });

  it('a message older than the birth belongs to an earlier session and says nothing', async () => {
    const node = await alive();
    node.send('NDATA', { seq: 1, timestamp: 5, metrics: [{ alias: 1, double: 3 }] });
    await node.settled();
    expect(node.heard).toEqual([]);
    expect(node.node.counts.outdated).toBe(1);
  });

  it('holds so many bytes and no more', async () => {
    const node = await alive({ reorderMs: 60_000 });
    const text = 'x'.repeat(60_000);
    let seq = 2;
    while (node.requests() === 0 && seq < 256) {
      node.data({ seq, metrics: [{ alias: 1, text }] });
      seq += 1;
    }
    expect(seq * 60_000).toBeLessThan(limits.sparkplugHeldBytesMax + 4 * 60_000);
    await node.settled();
    expect(node.heard).toEqual(['lapsed timeout']);
  });
});

describe('asking for a rebirth', () => {
  it('is repeated at doubling intervals until a birth comes', () => {
    const node = edge();
    node.node.connected();
    const times = [node.requests()];
    for (let n = 0; n < 8; n += 1) {
      node.clock.advance(limits.sparkplugRebirthMs * 2 ** n);
      times.push(node.requests());
      if (limits.sparkplugRebirthMs * 2 ** (n + 1) > limits.sparkplugRebirthMsMax) break;
    }
    expect(times).toEqual(times.map((_, index) => index + 1));
    node.birth({ seq: 0, bdSeq: 0, metrics: [A] });
    node.clock.advance(10 * limits.sparkplugRebirthMsMax);
    expect(node.requests()).toBe(times.length);
  });

  it('is never more frequent than that, however many reasons there are', () => {
    const node = edge();
    for (let n = 0; n < 1_000; n += 1) {
      node.data({ seq: n % 256, metrics: [{ alias: 1, double: 1 }] });
      node.clock.advance(1);
    }
    expect(node.requests()).toBe(1);
  });

  it('ends when the edge node dies, and when the host goes', async () => {
    const node = edge();
    node.node.connected();
    node.death(0);
    node.clock.advance(limits.sparkplugRebirthMsMax);
    expect(node.requests()).toBe(1);
    node.node.connected();
    await node.node.disconnected('gone', 0);
    node.clock.advance(limits.sparkplugRebirthMsMax);
    expect(node.requests()).toBe(2);
  });
});

describe('the host’s own connection', () => {
  it('when it is lost, makes everything stale, whatever was known', async () => {
    const node = await alive();
    await node.node.disconnected('gone', 0);
    expect(node.heard).toEqual(['lapsed absent']);
    node.data({ seq: 1, metrics: [{ alias: 1, double: 3 }] });
    await node.settled();
    expect(node.heard).toEqual(['lapsed absent']);
  });

  it('nonsense on a topic is counted and is no value', async () => {
    const node = await alive();
    await node.node.take({ ...NODE, verb: 'NDATA' }, Buffer.from('air=5'), 0);
    expect(node.heard).toEqual([]);
    expect(node.node.counts.nonsense).toBe(1);
  });
});
