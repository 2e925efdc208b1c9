import { X509Certificate } from 'node:crypto';
import { copyFileSync, mkdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import {
  keptCertificates,
  placeCertificate,
} from '../../../../../gateway/drivers/opcua/trust-list.ts';
import { opcuaDriver } from '../../../../../gateway/drivers/opcua.ts';
import { memoryLedger } from '../../../../../simulators/ledger.ts';
import type { OpcuaServer } from '../../../../../simulators/servers/opcua.ts';
import { driverContext } from '../../../../support/driver-context.ts';
import { eventually } from '../../../../support/eventually.ts';
import {
  allPoints,
  collector,
  connectTo,
  freshFolder,
  isUp,
  keys,
  startTestDevice,
  testProfile,
  testSettings,
  wireTo,
} from '../../../../support/opcua-device.ts';

/** One gateway's folder, so that its key is made once. */
const dataDirectory = freshFolder();
const ledger = memoryLedger();
let server: OpcuaServer;

beforeAll(async () => {
  server = await startTestDevice({
    directory: freshFolder(),
    ledger,
  });
});

afterAll(() => server.close());

describe('a broken connection', () => {
  it('loses nothing while the server holds the subscription', async () => {
    const served = ledger.entries.length;
    const wire = await wireTo(server.port);
    const got = collector();
    const { connection } = await connectTo(server, dataDirectory, { url: wire.url });
    await connection.subscribe?.(['counter', 'tapped', 'weight', 'coils'], got.deliver);
    await isUp(connection);
    let step = 0;
    for (let cut = 0; cut < 3; cut += 1) {
      const untilStep = step + 30;
      await eventually(() => {
        step += 1;
        server.write('counter', BigInt(step), 80_000 + step);
        if (step % 15 === 5) {
          server.raise(
            'TappedEventType',
            { tapped: `${step}`, weight: 1, coils: 1 },
            80_000 + step,
          );
        }
        if (step % 30 === 10) wire.cut();
        return step >= untilStep;
      }, 'thirty writes');
      await isUp(connection);
    }
    await eventually(
      () => got.of('counter').some(({ sourceTimeMs }) => sourceTimeMs === 80_000 + step),
      'the last write',
    );
    expect(connection.counters?.()['resumedSubscriptions']).toBe(3);
    await connection.close();
    await wire.close();
    // The first value is that of the test before.
    const [, ...times] = got.of('counter').map(({ sourceTimeMs }) => sourceTimeMs);
    expect(times).toEqual(Array.from({ length: step }, (_, index) => 80_001 + index));
    expect(got.of('tapped').length).toBe(6);
    expect(got.missing).toEqual([]);
    expect(keys(got.samples)).toEqual(keys(ledger.entries.slice(served)));
  });

  it('brings again what could not be stored', async () => {
    let failures = 0;
    const got = collector(async (set) => {
      if (set.samples.some(({ sourceTimeMs }) => sourceTimeMs === 90_003) && failures < 1) {
        failures += 1;
        throw new Error('the disk is full');
      }
    });
    const { connection } = await connectTo(server, dataDirectory);
    await connection.subscribe?.(['small'], got.deliver);
    await isUp(connection);
    for (let step = 1; step <= 5; step += 1) {
      server.write('small', step, 90_000 + step);
      await eventually(
        () =>
          failures === 1 || got.samples.some(({ sourceTimeMs }) => sourceTimeMs === 90_000 + step),
        'this write',
      );
    }
    await eventually(
      () => got.samples.some(({ sourceTimeMs }) => sourceTimeMs === 90_003),
      'again',
    );
    await eventually(
      () => got.samples.some(({ sourceTimeMs }) => sourceTimeMs === 90_005),
      'the last',
    );
    expect(failures).toBe(1);
    expect(got.missing).toEqual([]);
    await connection.close();
  });

  it('to a server that was restarted is made anew, and the gap is said', async () => {
    const directory = freshFolder();
    const first = await startTestDevice({ directory });
    const { port } = first;
    await first.write('small', 1, 1_000);
    const got = collector();
    const { connection, context } = await connectTo(first, dataDirectory);
    await connection.subscribe?.(['small', 'tapped'], got.deliver);
    await eventually(() => got.of('small').length > 0, 'the first value');
    const beforeMs = Date.now();
    await first.close();
    await eventually(() => !connection.state?.().up, 'the loss is noticed');
    await eventually(
      () => connection.state?.().reason?.includes('GW_OPCUA_UNREACHABLE'),
      'the reason is said',
    );
    const second = await startTestDevice({ directory, port });
    second.write('small', 2, 2_000);
    await eventually(() => got.of('small').some(({ rawHex }) => rawHex === '0200'), 'it is back');
    await isUp(connection);
    const afterMs = Date.now();
    expect(got.missing.length).toBeGreaterThanOrEqual(1);
    const [gap] = got.missing;
    expect(gap).toMatchObject({ points: ['small', 'tapped'], cause: 'absent' });
    expect(gap?.fromMs).toBeLessThanOrEqual(beforeMs);
    expect(got.missing.at(-1)?.toMs).toBeGreaterThan(beforeMs);
    expect(got.missing.at(-1)?.toMs).toBeLessThanOrEqual(afterMs);
    expect(gap?.count).toBeGreaterThanOrEqual(2);
    // Said once, however often it was tried.
    expect(context.lines.filter((line) => line.includes('GW_OPCUA_UNREACHABLE')).length).toBe(1);
    await connection.close();
    await second.close();
  });
});

describe('a server certificate', () => {
  it('that is not the pinned one is refused, kept, and said', async () => {
    const other = await startTestDevice({ directory: freshFolder() });
    const folder = freshFolder();
    const { connection, context } = await connectTo(other, folder, {
      serverCertificate: server.certificateFile,
    });
    const got = collector();
    await connection.subscribe?.(allPoints, got.deliver);
    await eventually(() => connection.state?.().reason?.includes('is not the pinned one'), 'why');
    expect(connection.state?.().up).toBe(false);
    expect(connection.state?.().reason).toMatch(
      /^GW_OPCUA_CERTIFICATE_REFUSED: certificate [0-9A-F:]{95} /,
    );
    expect(context.lines.join()).toContain('GW_OPCUA_CERTIFICATE_REFUSED');
    const refused = keptCertificates(join(folder, 'pki'));
    expect(refused.map(({ shelf }) => shelf)).toEqual(['refused']);
    expect(refused[0]?.refusal).toMatchObject({
      url: other.url,
      reason: expect.stringContaining('is not the pinned one'),
    });
    await connection.close();
    expect(got.samples).toEqual([]);
    // What was not read is said when the connection ends, if not before.
    expect(got.missing.at(-1)).toMatchObject({ cause: 'refused', points: allPoints });
    await other.close();
  });

  it('that nobody has trusted is refused, until a person puts it in the trust list', async () => {
    const folder = freshFolder();
    const context = driverContext('line-1', { dataDirectory: folder });
    const settings = testSettings(server.url);
    const connection = await opcuaDriver.open(settings, testProfile.points, context);
    const set = await connection.read(['small'], AbortSignal.timeout(3_000));
    expect(set).toEqual({ samples: [], missing: { points: ['small'], cause: 'refused' } });
    expect(connection.state?.().reason).toContain(
      `is not trusted by anyone here; to trust it: bondline-gateway opcua-trust ${folder} add `,
    );
    await connection.close();

    const trusted = join(folder, 'pki', 'trusted', 'certs');
    mkdirSync(trusted, { recursive: true });
    copyFileSync(server.certificateFile, join(trusted, 'mill.pem'));
    const again = await opcuaDriver.open(settings, testProfile.points, context);
    const read = await again.read(['small'], AbortSignal.timeout(10_000));
    expect(read.samples.length).toBe(1);
    await again.close();
  });

  it('edge 28 (Industrial-IoT #430): that a person adds counts at the next attempt', async () => {
    const folder = freshFolder();
    const context = driverContext('line-1', { dataDirectory: folder });
    const settings = testSettings(server.url);
    const connection = await opcuaDriver.open(settings, testProfile.points, context);
    const got = collector();
    await connection.subscribe?.(['small'], got.deliver);
    await eventually(() => connection.state?.().reason?.includes('is not trusted'), 'refused');
    const shown = new X509Certificate(readFileSync(server.certificateFile));
    placeCertificate(join(folder, 'pki'), shown, 'trusted');
    // The same connection: nothing was restarted.
    await isUp(connection);
    expect(connection.certificates?.().map(({ fingerprint, use }) => [use, fingerprint])).toEqual([
      ['own certificate for OPC UA', expect.stringMatching(/^([0-9A-F]{2}:){31}[0-9A-F]{2}$/)],
      [`server certificate of ${server.url}`, shown.fingerprint256],
    ]);
    await connection.close();
  });

  it('goes with an endpoint of exactly the configured security', async () => {
    const plain = await startTestDevice({
      directory: freshFolder(),
      security: { modes: ['Sign'], policies: ['Aes256_Sha256_RsaPss'] },
    });
    const { connection } = await connectTo(plain, dataDirectory);
    await connection.subscribe?.(['small'], async () => {});
    const state = await eventually(() => {
      const now = connection.state?.();
      return now?.reason?.includes('GW_OPCUA_ENDPOINT_MISSING') && now;
    }, 'the reason');
    expect(state.reason).toContain('which offers Sign/Aes256_Sha256_RsaPss');
    await connection.close();
    await plain.close();
  });
});
