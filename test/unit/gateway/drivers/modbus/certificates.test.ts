/** Which certificates a TLS line shows the operator, before they expire. */
import { X509Certificate } from 'node:crypto';
import { copyFileSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import type { PointDefinition } from '../../../../../devices/profile.ts';
import { createModbusDriver } from '../../../../../gateway/drivers/modbus.ts';
import { makeCertificates } from '../../../../peers/modbus-line.ts';
import { driverContext, until } from '../../../../support/driver-context.ts';
import { dataFrame, registers, startSlave } from '../../../../support/modbus-slave.ts';
import { startTlsFront } from '../../../../support/tls-front.ts';

const never = new AbortController().signal;
const closers: (() => Promise<void> | void)[] = [];

afterEach(async () => {
  for (const close of closers.splice(0).reverse()) await close();
});

const encoding = { type: 'uint16', order: 'ABCD' } as const;
const a: PointDefinition = {
  summary: '',
  type: 'Dimensionless',
  unit: '',
  modbus: { table: 'holding', address: 1, encoding },
};

function stateOf(path: string, use: string) {
  const { fingerprint256, subject, validToDate } = new X509Certificate(readFileSync(path));
  return { use, subject, fingerprint: fingerprint256, notAfterMs: validToDate.getTime() };
}

describe('certificates of a Modbus line', () => {
  it('are ours and the authority’s, and the device’s while it is connected', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'bondline-certificates-'));
    closers.push(() => rmSync(folder, { recursive: true, force: true }));
    const pem = makeCertificates(folder);
    const { ca = '', client = '', clientKey = '', server = '', serverKey = '' } = pem;
    const slave = await startSlave((r) =>
      dataFrame(
        r,
        registers(r, (n) => n),
      ),
    );
    closers.push(() => slave.close());
    const front = await startTlsFront(slave.port, { ca, certificate: server, key: serverKey });
    closers.push(() => front.close());
    const connection = await createModbusDriver().open(
      {
        transport: 'tls',
        host: '127.0.0.1',
        port: front.port,
        unitId: 1,
        timeoutMs: 10_000,
        tls: { ca, certificate: client, key: clientKey },
      },
      { a },
      driverContext(),
    );
    closers.push(() => connection.close());
    const peer = `127.0.0.1:${front.port}`;
    const named = [
      stateOf(client, `own certificate towards ${peer}`),
      stateOf(ca, `certificate authority of ${peer}`),
    ];
    expect(connection.certificates?.()).toEqual(named);
    expect((await connection.read(['a'], never)).samples[0]?.rawHex).toBe('0001');
    const device = stateOf(server, `certificate of ${peer}`);
    expect(connection.certificates?.()).toEqual([...named, device]);
    expect(device.subject).toBe('CN=server');
    await front.close();
    await until(() => connection.certificates?.().length === 2);
    // A renewed file shows at once, and one that is gone is left out.
    copyFileSync(pem['stranger'] ?? '', client);
    expect(connection.certificates?.()[0]?.subject).toBe('CN=Stranger');
    rmSync(client);
    expect(connection.certificates?.()).toEqual(named.slice(1));
  });

  it('are none on a line without them', async () => {
    const settings = { host: '127.0.0.1', port: 1, unitId: 1, timeoutMs: 100 };
    const connection = await createModbusDriver().open(settings, { a }, driverContext());
    closers.push(() => connection.close());
    expect(connection.certificates?.()).toEqual([]);
  });
});
