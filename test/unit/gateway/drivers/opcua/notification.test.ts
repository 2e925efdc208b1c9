import {
  coerceNodeId,
  DataType,
  DataValue,
  type StatusCode,
  StatusCodes,
  Variant,
} from 'node-opcua';
import { describe, expect, it } from 'vitest';
import { limits } from '../../../../../devices/limits.ts';
import { dateOf } from '../../../../../devices/runtime.ts';
import {
  type UnpackContext,
  unpack,
  valuesWithin,
  type Watched,
} from '../../../../../gateway/drivers/opcua/notification.ts';
import type { Item } from '../../../../../gateway/drivers/opcua/plan.ts';
import { Repeats } from '../../../../../gateway/drivers/opcua/repeats.ts';

const level: Item = {
  kind: 'value',
  nodeId: coerceNodeId('ns=1;s=level'),
  parts: [{ point: 'level' }],
  samplingMs: 0,
  silenceMs: 60_000,
  historic: false,
};
const tapped: Item = {
  kind: 'event',
  event: { name: 'Tapped', typeId: coerceNodeId('ns=1;i=5'), fields: [], where: new Map() },
  points: ['tapped', 'weight'],
};

function context(samplingMs = 0): UnpackContext & { readonly items: Map<number, Watched> } {
  const watched = [level, tapped].map((item, index) => ({ handle: index + 1, item, heardAt: 0 }));
  return {
    items: new Map(watched.map((one) => [one.handle, one])),
    types: new Map(),
    repeats: new Repeats(),
    samplingMs,
    gatewayTimeMs: 9_000,
    atMs: 77,
  };
}

function change(
  value: number,
  atMs: number,
  statusCode: StatusCode = StatusCodes.Good,
  clientHandle = 1,
) {
  const sourceTimestamp = dateOf(atMs);
  const variant = { dataType: DataType.Float, value };
  return { clientHandle, value: new DataValue({ value: variant, statusCode, sourceTimestamp }) };
}

function event(typeId: string, atMs: number, receivedMs?: number) {
  return {
    clientHandle: 2,
    eventFields: [
      new Variant({ dataType: DataType.NodeId, value: coerceNodeId(typeId) }),
      new Variant({ dataType: DataType.DateTime, value: dateOf(atMs) }),
      receivedMs === undefined
        ? new Variant()
        : new Variant({ dataType: DataType.DateTime, value: dateOf(receivedMs) }),
      new Variant({ dataType: DataType.String, value: '26041' }),
      new Variant({ dataType: DataType.Double, value: 1.5 }),
    ],
  };
}

describe('a notification', () => {
  it('gives its values as one set and each event as a set of its own', () => {
    const { sets, ended } = unpack(
      [
        { monitoredItems: [change(1, 1_000), change(2, 2_000)] },
        null,
        { events: [event('ns=1;i=5', 3_000), event('ns=1;i=5', 3_000)] },
      ],
      context(),
    );
    expect(ended).toBeUndefined();
    expect(sets.map(({ samples }) => samples.map(({ point }) => point))).toEqual([
      ['level', 'level'],
      ['tapped', 'weight'],
      ['tapped', 'weight'],
    ]);
    expect(sets[1]?.samples[0]).toEqual({
      point: 'tapped',
      rawHex: Buffer.from('26041').toString('hex'),
      encoding: { type: 'string', order: 'ABCD' },
      quality: 'good',
      sourceTimeMs: 3_000,
      gatewayTimeMs: 9_000,
    });
  });

  it('gives the times that the server states of a value and of an event', () => {
    const [first] = [change(1, 1_000)];
    const later = new DataValue({ ...first?.value, serverTimestamp: dateOf(1_250) });
    const { sets } = unpack(
      [
        { monitoredItems: [{ clientHandle: 1, value: later }] },
        { events: [event('ns=1;i=5', 3_000, 3_020), event('ns=1;i=5', 4_000, 4_000)] },
      ],
      context(),
    );
    expect(
      sets.map(({ samples: [one] }) => [one?.point, one?.sourceTimeMs, one?.serverTimeMs]),
    ).toEqual([
      ['level', 1_000, 1_250],
      ['tapped', 3_000, 3_020],
      ['tapped', 4_000, undefined],
    ]);
  });

  it('is a repetition where only the server’s time is another', () => {
    const state = context();
    const at = (serverMs: number) => ({
      clientHandle: 1,
      value: new DataValue({ ...change(1, 1_000).value, serverTimestamp: dateOf(serverMs) }),
    });
    expect(unpack([{ monitoredItems: [at(1_001)] }], state).repeated).toBe(0);
    expect(unpack([{ monitoredItems: [at(1_002)] }], state)).toMatchObject({
      repeated: 1,
      sets: [],
    });
  });

  it('of an item that is not ours gives nothing, and is counted', () => {
    expect(
      unpack([{ monitoredItems: [change(1, 1_000, StatusCodes.Good, 7)] }], context()),
    ).toEqual({ sets: [], foreign: 1, repeated: 0 });
  });

  it("says nothing of an event where a value comes for it, and is not taken for another's", () => {
    const { items, ...rest } = context();
    const handle = [...items.values()].find(({ item }) => item.kind === 'event')?.handle ?? 0;
    expect(handle).toBeGreaterThan(0);
    expect(
      unpack([{ monitoredItems: [change(1, 1_000, StatusCodes.Good, handle)] }], {
        items,
        ...rest,
      }),
    ).toEqual({ sets: [], foreign: 0, repeated: 0 });
  });

  it('with the overflow bit says from when to when values are gone, and keeps this one', () => {
    const state = context(100);
    unpack([{ monitoredItems: [change(1, 1_000)] }], state);
    const full = StatusCodes.GoodWithOverflowBit;
    const { sets } = unpack([{ monitoredItems: [change(2, 3_000, full)] }], state);
    expect(sets).toEqual([
      {
        samples: [],
        missing: {
          points: ['level'],
          cause: 'queue-full',
          fromMs: 1_000,
          toMs: 3_000,
          count: 21,
        },
      },
      { samples: [expect.objectContaining({ sourceTimeMs: 3_000, quality: 'good' })] },
    ]);
  });

  it('of a full event queue is a loss of the points of that event, not an event', () => {
    const state = context();
    unpack([{ events: [event('ns=1;i=5', 2_000)] }], state);
    const { sets } = unpack([{ events: [event('ns=0;i=3035', 5_000)] }], state);
    expect(sets).toEqual([
      {
        samples: [],
        missing: {
          points: ['tapped', 'weight'],
          cause: 'queue-full',
          fromMs: 2_000,
          toMs: 5_000,
          count: 2 * (3_000 / limits.opcuaChangeMs + 1),
        },
      },
    ]);
  });

  it('says that the subscription has ended, but not when it was only moved', () => {
    expect(unpack([{ status: StatusCodes.BadTimeout }], context()).ended).toBe('BadTimeout');
    const moved = StatusCodes.GoodSubscriptionTransferred;
    expect(unpack([{ status: moved }], context()).ended).toBeUndefined();
  });
});

describe('the number of values that an interval can have held', () => {
  it('is at least one a point, and follows the sampling interval', () => {
    expect(valuesWithin(0, 3, 0)).toBe(3);
    expect(valuesWithin(-5, 3, 0)).toBe(3);
    expect(valuesWithin(999, 2, 500)).toBe(4);
    expect(valuesWithin(1_000, 2, 500)).toBe(6);
  });
});
