/**
 * The OPC UA driver: subscribes to values and events of a server, over a secured channel to a
 * server whose certificate a person has trusted. It reads and subscribes; it never writes, and no
 * method is ever called.
 */
import { join } from 'node:path';
import type { Connection, Driver } from '../driver.ts';
import { OpcuaConnection } from './opcua/connection.ts';
import { loadOpcua } from './opcua/library.ts';
import { openPki, readPinned } from './opcua/security.ts';
import { checkOpcua, type OpcuaSettings, opcuaSettings } from './opcua/settings.ts';

export const opcuaDriver: Driver<OpcuaSettings> = {
  name: 'opcua',
  summary: 'OPC UA client: subscriptions to values and events, Basic256Sha256 and newer.',
  settings: opcuaSettings,
  check: checkOpcua,
  async open(settings, points, context) {
    const opcua = await loadOpcua(context.log);
    const { clock, log } = context;
    const directory = join(context.dataDirectory, 'pki');
    const pki = await openPki({ opcua, directory, clock, log });
    const file = settings.serverCertificate;
    const pinned = file === undefined ? undefined : readPinned(context.resolvePath?.(file) ?? file);
    const connection = new OpcuaConnection({ opcua, pki, settings, pinned, points, context });
    return settings.mode === 'poll' ? polled(connection) : connection;
  },
};

/** The same connection for a device that is asked: without subscribing, so that it is polled. */
function polled(connection: Connection): Connection {
  return {
    read: (wanted, signal) => connection.read(wanted, signal),
    state: () => connection.state?.() ?? { up: true },
    counters: () => connection.counters?.() ?? {},
    certificates: () => connection.certificates?.() ?? [],
    close: () => connection.close(),
  };
}
