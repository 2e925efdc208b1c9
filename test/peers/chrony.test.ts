/** chronyd from Debian, which did not read our parser: one that nobody sets, one that is set. */
import { spawn } from 'node:child_process';
import { createSocket } from 'node:dgram';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { systemClock } from '../../devices/runtime.ts';
import { createClockWatch } from '../../gateway/clock.ts';
import { chrony } from '../../gateway/clock-sources/chrony.ts';
import { thisMachine } from '../../gateway/clock-sources/machine.ts';
import { eventually } from '../support/eventually.ts';
import { hasPeer } from '../support/peers.ts';

async function freePort(): Promise<number> {
  const socket = createSocket('udp4');
  await new Promise<void>((bound) => socket.bind(0, '127.0.0.1', bound));
  const { port } = socket.address();
  await new Promise<void>((closed) => socket.close(closed));
  return port;
}

describe.skipIf(!hasPeer('chrony'))('chronyd', () => {
  let directory = '';
  const stops: (() => Promise<void>)[] = [];
  const signal = new AbortController().signal;
  const machine = thisMachine();

  /** A chronyd of the test's own, which leaves the clock alone (`-x`); resolves with its socket. */
  function start(name: string, lines: readonly string[]): string {
    const socket = join(directory, `${name}.sock`);
    const own = ['cmdport 0', `bindcmdaddress ${socket}`, `pidfile ${join(directory, name)}.pid`];
    const file = join(directory, `${name}.conf`);
    writeFileSync(file, `${[...own, 'user root', ...lines].join('\n')}\n`);
    const child = spawn('/usr/sbin/chronyd', ['-x', '-d', '-f', file], { stdio: 'ignore' });
    const gone = new Promise<void>((done) => child.once('close', () => done()));
    stops.push(() => {
      child.kill('SIGTERM');
      return gone;
    });
    return socket;
  }

  let server = '';
  let follower = '';

  beforeAll(async () => {
    // A path of a Unix socket has little room.
    directory = mkdtempSync(join(tmpdir(), 'chr-'));
    const port = await freePort();
    server = start('a', [
      `port ${port}`,
      'bindaddress 127.0.0.1',
      'allow 127.0.0.1',
      'local stratum 3',
    ]);
    const lively = 'iburst minpoll -4 maxpoll -2';
    follower = start('b', ['port 0', `server 127.0.0.1 port ${port} ${lively}`]);
  });

  afterAll(async () => {
    await Promise.all(stops.map((stop) => stop()));
    rmSync(directory, { recursive: true, force: true });
  });

  it('is asked through its socket, and is unsynchronised while nobody sets it', async () => {
    const alone = start('c', ['port 0']);
    const ask = () => chrony(machine, { chronySocket: alone }, signal);
    const answer = await eventually(ask, 'chronyd answers');
    expect(answer).toEqual({ source: 'unsynchronised', toldBy: 'chrony' });
    // One that serves its own clock follows nobody either, whatever it tells others.
    expect(await chrony(machine, { chronySocket: server }, signal)).toEqual({
      source: 'unsynchronised',
      toldBy: 'chrony',
    });
  });

  it('is synchronised where it follows a server, and a batch says how well', async () => {
    await eventually(async () => {
      const answer = await chrony(machine, { chronySocket: follower }, signal);
      return answer?.source === 'ntp';
    }, 'the follower is set');
    const watch = createClockWatch(
      systemClock,
      { source: 'auto', chronySocket: follower },
      (settings, over) => chrony(machine, settings, over),
    );
    await eventually(() => watch.quality(0).source !== 'unknown', 'the answer is there');
    const { offsetMs, source, toldBy, uncertaintyMs } = watch.quality(0);
    expect({ source, toldBy }).toEqual({ source: 'ntp', toldBy: 'chrony' });
    // Both daemons read the same clock.
    expect(Math.abs(offsetMs ?? 1_000)).toBeLessThan(5);
    expect(uncertaintyMs).toBeGreaterThan(0);
  });

  it('says nothing where it is not there', async () => {
    const socket = join(directory, 'nobody.sock');
    expect(await chrony(machine, { chronySocket: socket }, signal)).toBeUndefined();
  });
});
