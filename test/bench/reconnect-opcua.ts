/** The OPC UA driver on a wire that is cut again and again; server and wire are elsewhere. */
import { fork } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { silentLog, systemClock } from '../../devices/runtime.ts';
import { opcuaDriver } from '../../gateway/drivers/opcua.ts';
import { driverContext } from '../support/driver-context.ts';
import type { Reconnecting } from './reconnect.ts';

/** Encrypted, as in the field. */
export const opcuaReconnects = () => reconnects('SignAndEncrypt', 'Basic256Sha256');

/** Without the arithmetic of certificates, so that ten thousand take minutes. */
export const plainOpcuaReconnects = () => reconnects('None', 'None');

/** Starts server, wire and driver; each reconnect takes session and subscription over. */
async function reconnects(
  securityMode: 'None' | 'SignAndEncrypt',
  securityPolicy: 'None' | 'Basic256Sha256',
): Promise<Reconnecting> {
  const directory = mkdtempSync(join(tmpdir(), 'bondline-reconnect-'));
  const program = fileURLToPath(new URL('./opcua-server.ts', import.meta.url));
  const child = fork(program, [directory, '1', '20']);
  const [ready] = (await once(child, 'message')) as [{ wireUrl: string; certificateFile: string }];
  // The rest between two attempts is left out; what a deadline waits for is not.
  const sleep: typeof systemClock.sleep = (delayMs, signal) =>
    systemClock.sleep(Math.min(delayMs, 2), signal);
  const connection = await opcuaDriver.open(
    {
      url: ready.wireUrl,
      rootPath: 'Line',
      securityMode,
      securityPolicy,
      ...(securityMode !== 'None' && { serverCertificate: ready.certificateFile }),
      mode: 'subscribe',
      publishingMs: 10,
      samplingMs: 0,
      queueSize: 1_000,
      discard: 'newest',
      trigger: 'timestamp',
      history: 'auto',
      watchdogMs: 60_000,
      eventsFrom: 'root',
    },
    { v0: { summary: '', type: 'Dimensionless', unit: 'C62', opcua: { path: 'V0' } } },
    driverContext('reconnecting', {
      clock: { ...systemClock, sleep },
      log: silentLog,
      dataDirectory: directory,
    }),
  );
  let delivered = 0;
  await connection.subscribe?.(['v0'], async ({ samples }) => {
    delivered += samples.length;
  });
  const until = async (done: () => boolean) => {
    while (!done()) await systemClock.sleep(2);
  };
  await until(() => delivered > 0);
  return {
    async reconnect() {
      const before = connection.counters?.()['reconnects'] ?? 0;
      child.send('cut');
      await until(() => (connection.counters?.()['reconnects'] ?? 0) > before);
      await until(() => connection.state?.().up === true);
      const had = delivered;
      await until(() => delivered > had);
    },
    async stop() {
      await connection.close();
      child.disconnect();
      await once(child, 'exit');
      rmSync(directory, { recursive: true, force: true });
    },
  };
}
