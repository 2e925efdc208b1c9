import { StatusCodes } from 'node-opcua';
import { describe, expect, it } from 'vitest';
import { silentLog, systemClock } from '../../../../../devices/runtime.ts';
import { discoverServer } from '../../../../../gateway/drivers/opcua/discover.ts';
import { loadOpcua } from '../../../../../gateway/drivers/opcua/library.ts';
import { openSecured } from '../../../../../gateway/drivers/opcua/link.ts';
import { openPki } from '../../../../../gateway/drivers/opcua/security.ts';
import { allowedRequests, guardServices } from '../../../../../gateway/drivers/opcua/services.ts';
import { driverContext } from '../../../../support/driver-context.ts';
import { eventually } from '../../../../support/eventually.ts';
import { freshFolder, isUp, testSettings } from '../../../../support/opcua-device.ts';
import {
  all,
  build,
  count,
  listen,
  none,
  start,
  wired,
  write,
} from '../../../../support/opcua-history.ts';
import { startMisbehaving } from '../../../../support/opcua-misbehaving.ts';

describe('a server without TransferSubscriptions', () => {
  it('edge 30 (node-opcua #678): the subscription is made anew, and history fills the gap', async () => {
    const server = await start();
    const wire = await wired(server);
    const { connection, got, times } = await listen(server, { url: wire.url });
    const first = write('Kept', 1);
    await eventually(() => times('kept').includes(first), 'the first value');
    server.tricks.lacks.add('TransferSubscriptions');
    wire.cut();
    await eventually(() => !connection.state?.().up, 'the cut is noticed');
    server.forgetSessions();
    const missed = [2, 3, 4].map((value) => write('Kept', value));
    write('Plain', 7);
    await isUp(connection);
    const live = write('Kept', 5);
    await eventually(() => times('kept').includes(live), 'the value after it');
    expect(count(connection, 'resumedSubscriptions')).toBe(0);
    expect(count(connection, 'createdSubscriptions')).toBe(2);
    // Each once and in order, whether it came from history, as an initial value or live.
    expect(times('kept').slice(-5)).toEqual([first, ...missed, live]);
    const told = got.of('kept').slice(-5);
    expect(told.map(({ status }) => status)).toEqual([
      undefined,
      'opcua:history',
      'opcua:history',
      'opcua:history',
      undefined,
    ]);
    // What has no history is lost, and said so; what has one is not.
    expect(got.missing.flatMap((missing) => missing.points)).toEqual(['plain', 'other']);
    expect(got.missing[0]?.cause).toBe('absent');
  });
});

describe('the gap of an outage', () => {
  it('edge 26 (Industrial-IoT #1995): is filled from history page by page, with the quality of each value', async () => {
    const server = await start();
    const wire = await wired(server);
    const { connection, got, times } = await listen(server, { url: wire.url, queueSize: 10_000 });
    const first = write('Kept', 1);
    await eventually(() => times('kept').includes(first), 'the first value');
    server.tricks.lacks.add('TransferSubscriptions');
    wire.cut();
    await eventually(() => !connection.state?.().up, 'the cut is noticed');
    server.forgetSessions();
    const missed = Array.from({ length: 2_500 }, (_, n) => write('Kept', n));
    missed.push(write('Kept', 9, StatusCodes.UncertainLastUsableValue));
    missed.push(write('Kept', 9, StatusCodes.BadSensorFailure));
    await isUp(connection);
    const live = write('Kept', 5);
    await eventually(() => times('kept').includes(live), 'the value after it');
    const from = times('kept').indexOf(first);
    expect(times('kept').slice(from)).toEqual([first, ...missed, live]);
    expect(count(connection, 'historyValues')).toBe(missed.length);
    expect(server.asked.filter((name) => name === 'HistoryRead').length).toBeGreaterThan(2);
    const [uncertain, bad] = got.of('kept').slice(-3);
    expect(uncertain).toMatchObject({
      quality: 'uncertain',
      status: 'opcua:history; opcua:UncertainLastUsableValue',
    });
    expect(bad).toMatchObject({
      quality: 'bad',
      status: 'opcua:history; opcua:BadSensorFailure',
    });
  });

  it('is lost where the server refuses its history after all', async () => {
    const server = await start();
    const wire = await wired(server);
    const { connection, got, times } = await listen(server, { url: wire.url });
    const first = write('Kept', 1);
    await eventually(() => times('kept').includes(first), 'the first value');
    for (const service of ['TransferSubscriptions', 'HistoryRead'])
      server.tricks.lacks.add(service);
    wire.cut();
    await eventually(() => !connection.state?.().up, 'the cut is noticed');
    server.forgetSessions();
    write('Kept', 2);
    await isUp(connection);
    await eventually(
      () => got.missing.some((missing) => missing.points.includes('kept')),
      'the loss',
    );
    expect(new Set(got.missing.flatMap((missing) => missing.points))).toEqual(new Set(all));
  });
});

describe('a session after a broken connection', () => {
  it('is activated on the new channel: a server with one session holds one, and nothing is lost', async () => {
    const server = await start({ maxSessions: 1 });
    const wire = await wired(server);
    const { connection, got, times } = await listen(server, { url: wire.url });
    const sent = [write('Plain', 1)];
    await eventually(() => times('plain').includes(sent[0] ?? 0), 'the first value');
    const from = times('plain').length;
    for (let cut = 1; cut <= 3; cut += 1) {
      wire.cut();
      await eventually(() => !connection.state?.().up, 'the cut is noticed');
      const missed = [1, 2, 3].map((value) => write('Plain', 10 * cut + value));
      await isUp(connection);
      sent.push(...missed);
      await eventually(() => times('plain').includes(missed[2] ?? 0), 'what was written meanwhile');
      expect([server.sessions(), server.subscriptions()]).toEqual([1, 1]);
    }
    expect(times('plain').slice(from)).toEqual(sent.slice(1));
    expect(got.missing).toEqual([]);
    expect(server.asked.filter((name) => name === 'CreateSession')).toHaveLength(1);
    expect(server.asked).not.toContain('TransferSubscriptions');
    expect(count(connection, 'resumedSubscriptions')).toBe(3);
  });

  it('that the server has forgotten is made anew, and takes the subscription over', async () => {
    const server = await start({ secured: true });
    const wire = await wired(server);
    const { connection, got, times } = await listen(server, {
      url: wire.url,
      securityMode: 'SignAndEncrypt',
      securityPolicy: 'Basic256Sha256',
      serverCertificate: server.certificateFile,
    });
    const first = write('Plain', 1);
    await eventually(() => times('plain').includes(first), 'the first value');
    wire.cut();
    await eventually(() => !connection.state?.().up, 'the cut is noticed');
    server.forgetSessions();
    const missed = write('Plain', 2);
    await isUp(connection);
    await eventually(() => times('plain').includes(missed), 'what was written meanwhile');
    expect(got.missing).toEqual([]);
    expect(server.asked.filter((name) => name === 'CreateSession')).toHaveLength(2);
    expect(server.asked).toContain('TransferSubscriptions');
    expect([server.sessions(), server.subscriptions()]).toEqual([1, 1]);
  });
});

describe('every session', () => {
  it('asks only for what reads, from its first request on: nothing is written, no method called', async () => {
    const server = await start();
    const { connection, times } = await listen(server);
    const first = write('Plain', 1);
    await eventually(() => times('plain').includes(first), 'the first value');
    await connection.read(all, AbortSignal.timeout(5_000));
    await connection.close();
    for (const name of server.asked) expect(allowedRequests).toContain(`${name}Request`);
    expect(server.asked).toEqual(expect.arrayContaining(['Browse', 'Read', 'Publish']));
  });

  it('of a discovery likewise', async () => {
    const server = await start();
    const opcua = await loadOpcua(silentLog);
    const context = driverContext('line-1');
    const pki = await openPki({
      opcua,
      directory: freshFolder(),
      clock: systemClock,
      log: silentLog,
    });
    const signal = AbortSignal.timeout(15_000);
    const { session, close } = await openSecured({
      opcua,
      pki,
      settings: testSettings(server.url, none),
      pinned: undefined,
      clock: systemClock,
      context,
      signal,
    });
    const bounds = { rootPath: 'TestDevice', depth: 8, nodes: 1_000, timeMs: 10_000 };
    const found = await discoverServer({ opcua, session, clock: systemClock, signal, ...bounds });
    await expect(
      session.write({ nodeId: 'ns=1;s=Plain', attributeId: 13, value: { value: {} } }),
    ).rejects.toThrow(/never uses/);
    await close();
    expect(found.roots.length).toBeGreaterThan(0);
    for (const name of server.asked) expect(allowedRequests).toContain(`${name}Request`);
    expect(server.asked).toContain('Browse');
  });

  it('refuses any other service before it is opened, whoever asks', async () => {
    const server = await start();
    const opcua = await loadOpcua(silentLog);
    const client = opcua.client.OPCUAClient.create({ endpointMustExist: false });
    guardServices(client);
    await client.connect(server.url);
    const session = await client.createSession();
    const refusal = /is a service that this gateway never uses/;
    const written = session.write({ nodeId: 'ns=1;s=x', attributeId: 13, value: { value: {} } });
    await expect(written).rejects.toThrow(refusal);
    await expect(session.call({ objectId: 'i=2253', methodId: 'i=11492' })).rejects.toThrow(
      refusal,
    );
    expect(server.asked).not.toContain('Write');
    expect(server.asked).not.toContain('Call');
    await session.close();
    await client.disconnect();
  });
});

describe('a server that was restarted', () => {
  it('edge 25 (Industrial-IoT #2055): is not asked for a subscription by an id that it gave to another', async () => {
    const directory = freshFolder();
    const first = await startMisbehaving({ directory, build });
    const { connection, times } = await listen(first);
    await eventually(() => times('plain').length > 0, 'the first value');
    await first.close();
    await eventually(() => !connection.state?.().up, 'the loss is noticed');
    const second = await start({ directory, port: first.port });
    await isUp(connection);
    const live = write('Plain', 2);
    await eventually(() => times('plain').includes(live), 'it is back');
    expect(second.asked).not.toContain('TransferSubscriptions');
    expect(count(connection, 'createdSubscriptions')).toBe(2);
  });

  it('edge 25 (Industrial-IoT #2055): whose id means other items is not believed', async () => {
    const server = await start();
    const { connection, got, times } = await listen(server);
    await eventually(() => times('plain').length > 0, 'the first value');
    server.tricks.handleOffset = 1_000_000;
    const lied = write('Plain', 666);
    await eventually(() => count(connection, 'foreignNotifications') > 0, 'it is noticed');
    server.tricks.handleOffset = 0;
    await eventually(() => count(connection, 'createdSubscriptions') === 2, 'a new subscription');
    await isUp(connection);
    // The new subscription begins with the value that the old one could not give.
    await eventually(() => times('plain').includes(lied), 'the value under its own name');
    expect(got.of('plain').filter(({ sourceTimeMs }) => sourceTimeMs === lied)).toHaveLength(1);
    expect(got.missing.length).toBeGreaterThan(0);
  });
});

describe('the numbers of notifications', () => {
  it('that come twice bring nothing twice', async () => {
    const server = await start();
    const { connection, times } = await listen(server);
    server.tricks.twice = true;
    const written: number[] = [];
    for (let n = 0; n < 20; n += 1) {
      const at = write('Plain', n);
      written.push(at);
      await eventually(() => times('plain').includes(at), 'this value');
    }
    expect(count(connection, 'repeatedNotifications')).toBeGreaterThan(0);
    expect(times('plain').slice(-20)).toEqual(written);
  });

  it('that jump are one hole, filled from history where there is one, and life goes on', async () => {
    const server = await start();
    const { connection, got, times } = await listen(server);
    await eventually(() => times('plain').length > 0, 'the first value');
    server.tricks.sequenceOffset = 5_000;
    const after = write('Plain', 2);
    await eventually(() => times('plain').includes(after), 'the value behind the jump');
    const again = write('Plain', 3);
    await eventually(() => times('plain').includes(again), 'the next');
    // And back, as of a server that counts anew.
    server.tricks.sequenceOffset = 0;
    const back = write('Plain', 4);
    await eventually(() => times('plain').includes(back), 'the value of the old count');
    expect(connection.state?.().up).toBe(true);
    expect(count(connection, 'sequenceJumps')).toBeGreaterThanOrEqual(2);
    const damaged = got.missing.filter(({ cause }) => cause === 'damaged');
    expect(damaged.length).toBeGreaterThanOrEqual(2);
    expect(damaged.every(({ points: lost }) => !lost.includes('kept'))).toBe(true);
  });

  it('of a notification that never came is asked for again', async () => {
    const server = await start();
    const { got, times } = await listen(server);
    await eventually(() => times('plain').length > 0, 'the first value');
    server.tricks.swallow = 1;
    const lost = write('Plain', 2);
    await eventually(() => server.tricks.swallow === 0, 'it is swallowed');
    const next = write('Plain', 3);
    await eventually(() => times('plain').includes(next), 'the next value');
    expect(times('plain').slice(-2)).toEqual([lost, next]);
    expect(got.missing).toEqual([]);
  });
});
