/**
 * Whether memory stays flat while a driver reconnects: the heap after collection, at 1,000 and at
 * 10,000 reconnects. `test/unit/gateway/drivers/reconnect.test.ts` runs the same cases for fewer.
 */
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { type Figure, figure } from './figure.ts';
import { modbusReconnects } from './reconnect-modbus.ts';
import { mqttReconnects } from './reconnect-mqtt.ts';
import { opcuaReconnects, plainOpcuaReconnects } from './reconnect-opcua.ts';
import { sparkplugReconnects } from './reconnect-sparkplug.ts';

/** A driver with a peer that ends the connection whenever the driver has read from it. */
export interface Reconnecting {
  /** Resolves when the driver has lost its connection, made a new one and read a value on it. */
  reconnect(): Promise<void>;
  stop(): Promise<void>;
}

/** One line a driver: what starts it with its peer. The peer must keep nothing a connection. */
export const reconnectCases: Readonly<Record<string, () => Promise<Reconnecting>>> = {
  modbus: modbusReconnects,
  sparkplug: sparkplugReconnects,
  mqtt: mqttReconnects,
};

/** Those that take a tenth of a second each; their short form is shorter. */
export const slowReconnectCases: Readonly<Record<string, () => Promise<Reconnecting>>> = {
  opcua: opcuaReconnects,
  plainOpcua: plainOpcuaReconnects,
};

/** Bytes that the heap may grow between the two: the issue asks for 2 MiB over 9,000. */
export const BYTES_PER_RECONNECT = (2 * 1024 * 1024) / 9_000;

/** Bytes of heap in use after collection at `to` reconnects less those at `from`. */
export async function heapGrowth(
  start: () => Promise<Reconnecting>,
  { from, to }: { readonly from: number; readonly to: number },
): Promise<number> {
  const driver = await start();
  try {
    for (let count = 0; count < from; count += 1) await driver.reconnect();
    const before = await heapAfterCollection();
    for (let count = from; count < to; count += 1) await driver.reconnect();
    return (await heapAfterCollection()) - before;
  } finally {
    await driver.stop();
  }
}

/** Measures every driver, or those named; `say` gets progress. */
export async function benchReconnect(say: (line: string) => void): Promise<Figure[]> {
  const figures: Figure[] = [];
  for (const [name, start] of Object.entries({ ...reconnectCases, ...slowReconnectCases })) {
    say(`${name}: 10,000 reconnects`);
    const growth = await heapGrowth(start, { from: 1_000, to: 10_000 });
    figures.push(figure(`reconnect.${name}.heapGrowthMiB`, growth / 1024 / 1024, 'MiB', 2));
  }
  return figures;
}

async function heapAfterCollection(): Promise<number> {
  setFlagsFromString('--expose-gc');
  const collect: () => void = runInNewContext('gc');
  // Closing handles, weak references and finalizers each need a turn of the loop of their own.
  for (let round = 0; round < 5; round += 1) {
    await new Promise((done) => setTimeout(done, 20));
    collect();
  }
  return process.memoryUsage().heapUsed;
}
