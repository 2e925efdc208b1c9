/** libmodbus's own unit-test server with its fault addresses, over TCP and on a serial line. */
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { until } from '../support/driver-context.ts';
import { hasPeer } from '../support/peers.ts';
import { freePort } from '../support/ports.ts';
import { Bench, place } from './modbus-line.ts';

const never = new AbortController().signal;
/** Holding registers with which unit-test-server.c misbehaves. */
const points = {
  right: place('holding', 0x160),
  busy: place('holding', 0x170),
  wrongUnit: place('holding', 0x171),
  slow: place('holding', 0x172),
  bytewise: place('holding', 0x173),
  input: place('input', 0x108),
};

let bench: Bench;

beforeEach(() => {
  bench = new Bench();
});

afterEach(() => bench.stopAll());

describe.skipIf(!hasPeer('libmodbus') || !hasPeer('socat'))('libmodbus with its faults', () => {
  it('over TCP: busy, wrong transaction, slow, byte by byte', async () => {
    const port = await freePort();
    const program = bench.compileExample('unit-test-server', { 1502: String(port) });
    const server = bench.start(program, ['tcp']);
    let listening = false;
    // It prints nothing until somebody connects, and serves one client only.
    for (let i = 0; !listening && i < 200; i += 1) listening = await isListening(port);
    expect(server.exitCode).toBeNull();
    const connection = await bench.open(
      { host: '127.0.0.1', port, unitId: 255, timeoutMs: 2_000 },
      points,
    );
    const readOne = async (name: string) => (await connection.read([name], never)) as Read;
    expect((await readOne('input')).samples[0]).toMatchObject({ rawHex: '000a', quality: 'good' });
    expect((await readOne('busy')).samples[0]).toMatchObject({
      rawHex: '',
      quality: 'bad',
      status: 'modbus:exception:6',
    });
    const startMs = performance.now();
    expect((await readOne('slow')).samples[0]).toMatchObject({ rawHex: '0000' });
    expect(performance.now() - startMs).toBeGreaterThan(400);
    expect((await readOne('bytewise')).samples[0]).toMatchObject({ rawHex: '0000' });
    expect((await readOne('right')).samples).toHaveLength(1);
    expect(connection.counters?.()).toMatchObject({ timeouts: 0, exceptions: 1, connects: 1 });
    // An answer under another transaction id is nobody's.
    const wrong = await readOne('wrongUnit');
    expect(wrong).toMatchObject({ samples: [], missing: { cause: 'nonsense' } });
    expect(connection.counters?.()).toMatchObject({ timeouts: 1, foreignFrames: 1 });
  });

  it('on a serial line: busy, wrong unit, slow', async () => {
    const [ours, theirs] = await bench.ptys();
    const program = bench.compileExample('unit-test-server', { '/dev/ttyUSB0': theirs });
    bench.start(program, ['rtu']);
    const connection = await bench.open(
      {
        transport: 'rtu',
        path: ours,
        baudRate: 115_200,
        parity: 'none',
        unitId: 17,
        timeoutMs: 1_500,
      },
      points,
    );
    const readOne = async (name: string) => (await connection.read([name], never)) as Read;
    await until(() => connection.counters !== undefined);
    expect((await readOne('input')).samples[0]).toMatchObject({ rawHex: '000a', quality: 'good' });
    expect((await readOne('busy')).samples[0]).toMatchObject({ status: 'modbus:exception:6' });
    expect((await readOne('slow')).samples[0]).toMatchObject({ rawHex: '0000' });
    const wrong = await readOne('wrongUnit');
    expect(wrong).toMatchObject({ samples: [], missing: { cause: 'nonsense' } });
    expect(connection.counters?.()['foreignFrames']).toBeGreaterThan(0);
  });
});

type Read = Awaited<ReturnType<Awaited<ReturnType<Bench['open']>>['read']>>;

/** Whether a port is bound, without connecting to it. */
async function isListening(port: number): Promise<boolean> {
  const { createServer } = await import('node:net');
  await new Promise((resolve) => setTimeout(resolve, 25));
  return new Promise((resolve) => {
    const probe = createServer();
    probe.once('error', () => resolve(true));
    probe.listen(port, '127.0.0.1', () => probe.close(() => resolve(false)));
  });
}
