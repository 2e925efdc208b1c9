import { DataType, type Namespace, type UAObject, VariantArrayType } from 'node-opcua';
import { describe, expect, it } from 'vitest';
import type { OpcuaPlace, PointDefinition } from '../../../../../devices/profile.ts';
import type { Sample } from '../../../../../devices/reading.ts';
import { dateOf } from '../../../../../devices/runtime.ts';
import { decode } from '../../../../../gateway/decode.ts';
import { deadbandOf } from '../../../../../gateway/drivers/opcua/plan.ts';
import { opcuaDriver } from '../../../../../gateway/drivers/opcua.ts';
import { driverContext } from '../../../../support/driver-context.ts';
import { eventually } from '../../../../support/eventually.ts';
import { testSettings } from '../../../../support/opcua-device.ts';
import {
  closers,
  count,
  dataDirectory,
  listen,
  none,
  start,
} from '../../../../support/opcua-history.ts';

function at(opcua: OpcuaPlace, more: Partial<PointDefinition> = {}): PointDefinition {
  return { summary: '', type: 'Dimensionless', unit: 'C62', opcua, ...more };
}

const never = new AbortController().signal;

function valuesOf(samples: readonly Sample[]): Record<string, unknown> {
  return Object.fromEntries(
    samples.map((one) => [one.point, one.status ?? decode(one.rawHex, one.encoding)]),
  );
}

async function readOf(
  server: { readonly url: string },
  points: Readonly<Record<string, PointDefinition>>,
) {
  const context = driverContext('line-1', { dataDirectory });
  const settings = testSettings(server.url, { ...none, mode: 'poll' });
  const connection = await opcuaDriver.open(settings, points, context);
  closers.push(() => connection.close());
  // A device that is polled is asked, and does not subscribe.
  expect(connection.subscribe).toBeUndefined();
  return await connection.read(Object.keys(points), never);
}

function buildArrays(own: Namespace, device: UAObject): void {
  own.addVariable({
    browseName: 'List',
    componentOf: device,
    dataType: 'Int64',
    valueRank: 1,
    value: {
      dataType: DataType.Int64,
      arrayType: VariantArrayType.Array,
      value: [
        [0, 1],
        [0x7fffffff, 0xffffffff],
        [0xffffffff, 0xfffffffe],
      ],
    },
  });
  own.addVariable({
    browseName: 'Grid',
    componentOf: device,
    dataType: 'Double',
    valueRank: 2,
    arrayDimensions: [2, 3],
    value: {
      dataType: DataType.Double,
      arrayType: VariantArrayType.Matrix,
      dimensions: [2, 3],
      value: [1, 2, 3, 4, 5, 6],
    },
  });
}

describe('elements of arrays', () => {
  const points = {
    one: at({ path: 'List', index: '1' }),
    two: at({ path: 'List', index: '2' }),
    cell: at({ path: 'Grid', index: '1,2' }),
    beyond: at({ path: 'List', index: '9' }),
    whole: at({ path: 'List' }),
  };

  it('are read one by one, 64-bit integers to the last bit (node-opcua #650, #1283)', async () => {
    const server = await start({ build: buildArrays });
    const { samples, missing } = await readOf(server, points);
    expect(missing).toBeUndefined();
    expect(valuesOf(samples)).toEqual({
      one: 2n ** 63n - 1n,
      two: -2,
      cell: 6,
      beyond: expect.stringMatching(/^opcua:(BadIndexRangeNoData|no-element 9)/),
      whole: 'opcua:not-a-scalar',
    });
  });

  it('are subscribed one by one', async () => {
    const server = await start({ build: buildArrays });
    const { one, cell } = points;
    const { got } = await listen(server, {}, { one, cell });
    await eventually(() => got.samples.length >= 2, 'both');
    expect(valuesOf(got.samples)).toEqual({ one: 2n ** 63n - 1n, cell: 6 });
  });
});

function buildAnalog(own: Namespace, device: UAObject): void {
  own.addAnalogDataItem({
    browseName: 'Analog',
    nodeId: 's=Analog',
    componentOf: device,
    dataType: 'Double',
    engineeringUnitsRange: { low: 0, high: 200 },
    minimumSamplingInterval: 0,
    value: { dataType: DataType.Double, value: 100 },
  });
  own.addVariable({
    browseName: 'Plain',
    nodeId: 's=Plain',
    componentOf: device,
    dataType: 'Double',
    minimumSamplingInterval: 0,
    value: { dataType: DataType.Double, value: 100 },
  });
}

describe('fields of structures', () => {
  const points = {
    low: at({ path: 'Analog/0:EURange', field: 'Low' }),
    high: at({ path: 'Analog/0:EURange', field: 'High' }),
    text: at({ path: 'Analog/0:EURange', field: 'Middle' }),
  };
  const expected = { low: 0, high: 200, text: 'opcua:no-field Middle' };

  it('are read by the definition that the server gives', async () => {
    const server = await start({ build: buildAnalog });
    const { samples } = await readOf(server, points);
    expect(valuesOf(samples)).toEqual(expected);
  });

  it('share one item, and come together', async () => {
    const server = await start({ build: buildAnalog });
    const { got } = await listen(server, {}, points);
    await eventually(() => got.samples.length >= 3, 'all fields');
    expect(valuesOf(got.samples)).toEqual(expected);
    expect(server.batches).toEqual([1]);
  });
});

describe('a deadband', () => {
  it('is applied by the server, absolute or in percent of EURange; one that it refuses is said', async () => {
    let set = (_name: string, _value: number): void => {};
    const server = await start({
      build: (own, device, space) => {
        buildAnalog(own, device);
        set = (name, value) => {
          const node = space.findNode(`ns=1;s=${name}`);
          if (node && 'setValueFromSource' in node) {
            const write = node.setValueFromSource as (value: object) => void;
            write.call(node, { dataType: DataType.Double, value });
          }
        };
      },
    });
    const points = {
      percent: at({ path: 'Analog', deadband: { percent: 5 } }),
      absolute: at({ path: 'Plain' }, { deadband: { absolute: 3 }, scale: 0.5 }),
      refused: at({ path: 'Plain', deadband: { percent: 5 } }),
    };
    const { connection, got, lines } = await listen(server, {}, points);
    await eventually(() => new Set(got.samples.map(({ point }) => point)).size === 3, 'all');
    for (const value of [105, 111, 112, 118, 122]) {
      set('Analog', value);
      set('Plain', value);
    }
    await eventually(() => got.of('refused').length === 6, 'every change');
    await eventually(() => got.of('percent').length === 3, 'what moved by more than ten');
    const numbers = (point: string) => got.of(point).map((one) => decode(one.rawHex, one.encoding));
    expect(numbers('percent')).toEqual([100, 111, 122]);
    // Three of the unit are six of the wire.
    expect(numbers('absolute')).toEqual([100, 111, 118]);
    expect(count(connection, 'refusedDeadbands')).toBe(1);
    expect(lines.join()).toContain('does not apply the deadband');
  });

  it('of a point is brought to the unit of the wire', () => {
    const of = (more: Partial<PointDefinition>) => deadbandOf(at({ path: 'P' }, more));
    expect(of({})).toBeUndefined();
    expect(of({ deadband: { absolute: 2 } })).toEqual({ absolute: 2 });
    expect(of({ deadband: { absolute: 2 }, scale: -0.1 })).toEqual({ absolute: 20 });
    expect(of({ deadband: { percent: 10 }, range: [0, 50] })).toEqual({ absolute: 5 });
    expect(of({ deadband: { absolute: 1 }, linear: [0, 1_000, 0, 10] })).toEqual({ absolute: 100 });
    const table = [
      [0, 0],
      [1, 5],
    ] as const;
    expect(of({ deadband: { absolute: 1 }, table })).toBeUndefined();
  });
});

describe('events', () => {
  it('come by type, severity and the value of a field', async () => {
    let raise = (_heat: string, _severity: number, _line: string): void => {};
    const server = await start({
      build: (own, device) => {
        const type = own.addEventType({ browseName: 'HeatTappedType', subtypeOf: 'BaseEventType' });
        for (const browseName of ['HeatId', 'Line']) {
          own.addVariable({
            browseName,
            propertyOf: type,
            dataType: 'String',
            modellingRule: 'Mandatory',
            value: { dataType: DataType.String, value: '' },
          });
        }
        raise = (heat, severity, line) =>
          device.raiseEvent(type, {
            heatId: { dataType: DataType.String, value: heat },
            line: { dataType: DataType.String, value: line },
            severity: { dataType: DataType.UInt16, value: severity },
            time: { dataType: DataType.DateTime, value: dateOf(1_700_000_000_000) },
          });
      },
    });
    const points = {
      heat: at({ event: 'HeatTappedType', path: 'HeatId' }),
      message: at({ event: 'HeatTappedType', path: '0:Severity' }),
    };
    const events = {
      HeatTappedType: {
        minSeverity: 200,
        where: [{ path: 'Line', is: '=' as const, value: 'L1' }],
      },
    };
    const { got } = await listen(server, { events }, points);
    raise('mild', 100, 'L1');
    raise('elsewhere', 300, 'L2');
    raise('A', 200, 'L1');
    raise('B', 900, 'L1');
    await eventually(() => got.of('heat').length === 2, 'both');
    expect(got.of('heat').map((one) => decode(one.rawHex, one.encoding))).toEqual(['A', 'B']);
    expect(got.of('message').map((one) => decode(one.rawHex, one.encoding))).toEqual([200, 900]);
  });

  it('need a subscription, and a filter needs its event', () => {
    const points = { heat: at({ event: 'HeatTappedType', path: 'HeatId' }) };
    const check = (more: object) =>
      opcuaDriver
        .check(testSettings('opc.tcp://127.0.0.1:4840', more), points)
        .map(({ message }) => message);
    expect(check({})).toEqual([]);
    expect(check({ mode: 'poll' })).toEqual([expect.stringContaining('mode: subscribe')]);
    expect(check({ events: { Other: {} } })).toEqual([expect.stringContaining('Other')]);
  });
});
