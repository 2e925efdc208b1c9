/**
 * Conditions of OPC 10000-9 at a real server: an alarm is heard as an event when it changes, and
 * its state can be read as a variable, since asking for its refresh would be a method call.
 */
import { DataType, type Namespace, type UAObject, type UAVariable } from 'node-opcua';
import { describe, expect, it } from 'vitest';
import type { OpcuaPlace, PointDefinition } from '../../../../../devices/profile.ts';
import type { Sample } from '../../../../../devices/reading.ts';
import { decode } from '../../../../../gateway/decode.ts';
import { eventually } from '../../../../support/eventually.ts';
import { listen, start } from '../../../../support/opcua-history.ts';

function at(opcua: OpcuaPlace): PointDefinition {
  return { summary: '', type: 'bl:Text', unit: '', opcua };
}

const EVENT = '0:ExclusiveLimitAlarmType';

const points = {
  source: at({ event: EVENT, path: '0:SourceName' }),
  active: at({ event: EVENT, path: '0:ActiveState/0:Id' }),
  severity: at({ event: EVENT, path: '0:Severity' }),
  retain: at({ event: EVENT, path: '0:Retain' }),
};

let temperature: UAVariable | undefined;

/** A device with a mould temperature that has an alarm above 1,600 degrees. */
function build(own: Namespace, device: UAObject): void {
  temperature = own.addVariable({
    browseName: 'Temperature',
    componentOf: device,
    eventSourceOf: device,
    dataType: 'Double',
    value: { dataType: DataType.Double, value: 1_500 },
  });
  own.instantiateExclusiveLimitAlarm('ExclusiveLimitAlarmType', {
    browseName: 'TooHot',
    componentOf: device,
    conditionSource: temperature,
    inputNode: temperature,
    highHighLimit: 1_700,
    highLimit: 1_600,
    lowLimit: 0,
    lowLowLimit: -10,
  });
}

function heat(value: number): void {
  temperature?.setValueFromSource({ dataType: DataType.Double, value });
}

const values = (samples: readonly Sample[]) =>
  samples.map(({ rawHex, encoding }) => decode(rawHex, encoding));

describe('an alarm', () => {
  it.each(['root', 'server'] as const)(
    'is heard from the %s when it becomes active and when it ends',
    async (eventsFrom) => {
      const server = await start({ build });
      const { got } = await listen(server, { eventsFrom }, points);
      heat(1_650);
      await eventually(() => values(got.of('active')).includes(true), 'the alarm');
      heat(1_500);
      await eventually(() => values(got.of('active')).at(-1) === false, 'its end');
      // This server writes the namespace's index before the name.
      expect(new Set(values(got.of('source')))).toEqual(new Set(['1:Temperature']));
      expect(Number(values(got.of('severity'))[0])).toBeGreaterThan(0);
      // Every event carried all fields, and a time of its own.
      expect(got.of('retain').length).toBe(got.of('active').length);
      expect(got.samples.every(({ sourceTimeMs }) => sourceTimeMs !== undefined)).toBe(true);
    },
  );

  it('is filtered by the value of a field', async () => {
    const server = await start({ build });
    const where = [{ path: '0:ActiveState/0:Id', is: '=' as const, value: true }];
    const { got } = await listen(server, { events: { [EVENT]: { where } } }, points);
    heat(1_650);
    await eventually(() => got.of('active').length > 0, 'the alarm');
    heat(1_500);
    heat(1_750);
    await eventually(() => got.of('active').length > 1, 'the next one');
    expect(new Set(values(got.of('active')))).toEqual(new Set([true]));
  });

  it('has a state that can be read as a variable, and is read without a method', async () => {
    const server = await start({ build });
    const state = {
      isActive: at({ path: 'TooHot/0:ActiveState/0:Id' }),
      limit: at({ path: 'TooHot/0:HighLimit' }),
    };
    const { connection, got } = await listen(server, {}, state);
    await eventually(() => got.of('isActive').length > 0, 'the state');
    expect(values(got.of('isActive')).at(-1)).toBe(false);
    heat(1_650);
    await eventually(() => values(got.of('isActive')).at(-1) === true, 'the state that changed');
    expect(values(got.of('limit')).at(-1)).toBe(1_600);
    expect(server.asked).toContain('CreateMonitoredItems');
    expect(server.asked).not.toContain('Call');
    expect(connection.state?.().up).toBe(true);
  });
});
