import { DataType, StatusCodes } from 'node-opcua';
import { describe, expect, it } from 'vitest';
import { allowedRequests } from '../../../../../gateway/drivers/opcua/services.ts';
import { opcuaDriver } from '../../../../../gateway/drivers/opcua.ts';
import { driverContext } from '../../../../support/driver-context.ts';
import { eventually } from '../../../../support/eventually.ts';
import { collector, isUp, testSettings } from '../../../../support/opcua-device.ts';
import {
  all,
  closers,
  count,
  dataDirectory,
  listen,
  none,
  point,
  points,
  start,
  wired,
  write,
} from '../../../../support/opcua-history.ts';

describe('a dead subscription', () => {
  it('edge 25 (Industrial-IoT #1890): is noticed when Publish is held, though the connection stands', async () => {
    const server = await start();
    let aheadMs = 0;
    const context = driverContext('line-1', { dataDirectory });
    const timers = new Set<{ atMs: number; action: () => void }>();
    const clock: typeof context.clock = {
      ...context.clock,
      monotonicMs: () => context.clock.monotonicMs() + aheadMs,
      after(delayMs, action) {
        // The long wait for a word of the server is set on by the test; all others are real.
        if (delayMs < 10_500 || delayMs > 30_000) return context.clock.after(delayMs, action);
        const timer = { atMs: aheadMs + delayMs, action };
        timers.add(timer);
        return () => timers.delete(timer);
      },
    };
    const settings = testSettings(server.url, { ...none, publishingMs: 20 });
    const connection = await opcuaDriver.open(settings, points, { ...context, clock });
    closers.push(() => connection.close());
    const got = collector();
    await connection.subscribe?.(all, got.deliver);
    await isUp(connection);
    await eventually(() => got.of('plain').length > 0, 'the first value');
    server.tricks.holdPublish = true;
    const held = write('Plain', 5);
    aheadMs += 30_000;
    for (const { action } of [...timers]) action();
    await eventually(
      () => connection.state?.().reason?.includes('has said nothing'),
      'the silence is noticed',
    );
    server.tricks.holdPublish = false;
    await isUp(connection);
    await eventually(
      () => got.of('plain').some(({ sourceTimeMs }) => sourceTimeMs === held),
      'the value that was held',
    );
  });
});

describe('one item', () => {
  it('that is silent because nothing changes is read, and said to be unchanged', async () => {
    const server = await start();
    const { connection, got } = await listen(server, { watchdogMs: 150 });
    await eventually(() => count(connection, 'unchangedChecks') >= 6, 'it was looked at');
    expect(count(connection, 'deadItems')).toBe(0);
    const [first, second] = got.of('plain');
    expect(second).toMatchObject({
      rawHex: first?.rawHex,
      sourceTimeMs: first?.sourceTimeMs,
      quality: 'good',
      status: 'opcua:unchanged',
    });
    expect(got.missing).toEqual([]);
  });

  it('that the server forgot is found out while the others go on, and is made anew', async () => {
    const server = await start();
    const { connection, got, lines, times } = await listen(server, { watchdogMs: 600 });
    await eventually(() => times('plain').length > 0 && times('kept').length > 0, 'first values');
    expect(server.forget('ns=1;s=Plain')).toBe(1);
    expect(server.forget('ns=1;s=Kept')).toBe(1);
    const unheard = write('Plain', 41);
    const kept = [write('Kept', 42), write('Kept', 43)];
    await eventually(() => {
      write('Other', 1);
      return count(connection, 'deadItems') === 2;
    }, 'it is found out');
    const live = write('Plain', 44);
    await eventually(() => times('plain').includes(live), 'it is heard again');
    expect(times('plain')).toContain(unheard);
    expect(got.missing.map(({ points: lost, cause }) => [lost, cause])).toEqual([
      [['plain'], 'damaged'],
    ]);
    await eventually(() => kept.every((at) => times('kept').includes(at)), 'its history');
    expect(lines.join()).toContain('has forgotten items');
    expect(count(connection, 'reconnects')).toBe(0);
  });

  it('edge 31 (thingsboard-gateway #2093): that turns bad stops no other, nor itself', async () => {
    const server = await start();
    const { got, times } = await listen(server);
    write('Plain', 1, StatusCodes.BadNodeIdUnknown);
    const other = write('Other', 2);
    await eventually(() => times('other').includes(other), 'the other goes on');
    const well = write('Plain', 3);
    await eventually(() => times('plain').includes(well), 'it comes back');
    expect(got.of('plain').map(({ quality, status }) => [quality, status])).toContainEqual([
      'bad',
      'opcua:BadNodeIdUnknown',
    ]);
    expect(got.missing).toEqual([]);
  });
});

describe('the order of values', () => {
  it('edge 27 (Industrial-IoT #2407): over all nodes of a device is that of the server within a subscription', async () => {
    const server = await start();
    const { got } = await listen(server, { publishingMs: 50 });
    await eventually(() => all.every((name) => got.of(name).length > 0), 'first values');
    const before = new Map(all.map((name) => [name, got.of(name).length]));
    let last = 0;
    for (let n = 0; n < 100; n += 1) last = write(['Kept', 'Plain', 'Other'][n % 3] ?? '', n);
    await eventually(() => got.samples.some((one) => one.sourceTimeMs === last), 'the last');
    for (const name of all) {
      const times = got
        .of(name)
        .slice(before.get(name))
        .map((one) => one.sourceTimeMs ?? 0);
      expect(times).toEqual([...times].sort((a, b) => a - b));
      expect(times.length).toBeGreaterThanOrEqual(33);
    }
  });
});

describe('many nodes', () => {
  it('edge 32 (telegraf #14568): 1,200 on a secured server that takes 100 items at a time are all watched', async () => {
    const nodes = 1_200;
    const server = await start({
      secured: true,
      itemsPerCall: 100,
      build: (own, device) => {
        for (let n = 0; n < nodes; n += 1) {
          const value = { dataType: DataType.Double, value: n };
          own.addVariable({ browseName: `N${n}`, componentOf: device, dataType: 'Double', value });
        }
      },
    });
    const many = Object.fromEntries(
      Array.from({ length: nodes }, (_, n) => [`n${n}`, point(`N${n}`)]),
    );
    const { got } = await listen(
      server,
      {
        securityMode: 'SignAndEncrypt',
        securityPolicy: 'Basic256Sha256',
        insecure: false,
        serverCertificate: server.certificateFile,
      },
      many,
    );
    await eventually(
      () => new Set(got.samples.map((one) => one.point)).size === nodes,
      'all',
      30_000,
    );
    expect(server.batches.filter((size) => size <= 100).length).toBeGreaterThanOrEqual(12);
    expect(got.missing).toEqual([]);
  }, 60_000);
});

describe('what leaves the gateway', () => {
  it('are services that read, over subscribing, losing, history, watching and ending', async () => {
    const server = await start();
    const wire = await wired(server);
    const { connection, times } = await listen(server, { url: wire.url, watchdogMs: 200 });
    await eventually(() => count(connection, 'unchangedChecks') > 0, 'the watchdog');
    wire.cut();
    await eventually(() => !connection.state?.().up, 'the cut');
    await isUp(connection);
    server.tricks.lacks.add('TransferSubscriptions');
    wire.cut();
    await eventually(() => !connection.state?.().up, 'the second cut');
    // A session that is still there would go on, and nothing be missing.
    server.forgetSessions();
    const gone = write('Kept', 3);
    await isUp(connection);
    await eventually(() => times('kept').includes(gone), 'the value of the gap');
    await connection.close();
    const asked = new Set(server.asked.map((name) => `${name}Request`));
    for (const name of ['Read', 'HistoryRead', 'CreateMonitoredItems', 'TransferSubscriptions']) {
      expect(asked).toContain(`${name}Request`);
    }
    asked.delete('CreateSessionRequest');
    expect([...asked].filter((name) => !allowedRequests.has(name))).toEqual([]);
    const changing = /Call|Write|HistoryUpdate|AddNodes|AddReferences|DeleteNodes|DeleteReferences/;
    expect([...allowedRequests].filter((name) => changing.test(name))).toEqual([]);
  });
});
