/** What systemd hears of a gateway: through its own program, on a socket as it has one. */
import { type ChildProcess, spawn } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { silentLog, systemClock } from '../../devices/runtime.ts';
import { notifySystemd, type Systemd } from '../../gateway/systemd.ts';
import { eventually } from '../support/eventually.ts';
import { hasPeer } from '../support/peers.ts';

const LISTENER = `
import socket, sys
s = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
s.bind(sys.argv[1])
print("bound", flush=True)
while True: print(s.recv(4096).decode().replace("\\n", " "), flush=True)`;

describe.skipIf(!hasPeer('systemd'))('what systemd hears', () => {
  let folder = '';
  let listener: ChildProcess | undefined;
  let systemd: Systemd | undefined;
  let heard: string[] = [];
  let isAlive = true;

  beforeEach(async () => {
    // A listener that is being ended may still say something, which is not for the next.
    const lines: string[] = [];
    heard = lines;
    isAlive = true;
    folder = mkdtempSync(join(tmpdir(), 'bondline-systemd-'));
    listener = spawn('/usr/bin/python3', ['-c', LISTENER, join(folder, 'notify')], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    if (!listener.stdout) throw new Error('the listener has an output');
    // A line and its end may come in two pieces.
    createInterface({ input: listener.stdout }).on('line', (line) => lines.push(line));
    await eventually(() => heard[0] === 'bound', 'a socket that listens');
  });

  afterEach(() => {
    systemd?.close();
    listener?.kill();
    rmSync(folder, { recursive: true, force: true });
  });

  function start(environment: { readonly WATCHDOG_USEC?: string } = {}): Systemd {
    systemd = notifySystemd({
      environment: { ...environment, NOTIFY_SOCKET: join(folder, 'notify'), PATH: '/usr/bin:/bin' },
      clock: systemClock,
      log: silentLog,
      isAlive: async () => isAlive,
    });
    return systemd;
  }

  const saidOf = (word: string) => heard.filter((line) => line.includes(word)).length;

  it('is ready, reloading, ready again and stopping, in this order', async () => {
    const service = start();
    service.ready('4 devices');
    service.reloading();
    service.ready('5 devices');
    service.stopping();
    await eventually(() => saidOf('STOPPING=1') === 1, 'the stop');
    // The program waits until systemd has taken each word (BARRIER=1).
    const order = heard
      .slice(1)
      .map((line) => /^[A-Z]+=1/.exec(line)?.[0])
      .filter((word) => word !== 'BARRIER=1');
    expect(order).toEqual(['READY=1', 'RELOADING=1', 'READY=1', 'STOPPING=1']);
    expect(heard[1]).toContain('STATUS=4 devices');
  });

  it('hears the watchdog beat while the gateway answers itself, and no longer', async () => {
    start({ WATCHDOG_USEC: '200000' });
    await eventually(() => saidOf('WATCHDOG=1') >= 3, 'three beats');
    isAlive = false;
    // What was on its way may still arrive; then there is a whole interval without a beat.
    await eventually(async () => {
      const before = saidOf('WATCHDOG=1');
      await systemClock.sleep(400);
      return saidOf('WATCHDOG=1') === before;
    }, 'two intervals without a beat');
    isAlive = true;
    const silent = saidOf('WATCHDOG=1');
    await eventually(() => saidOf('WATCHDOG=1') > silent, 'a beat again');
  });

  it('hears nothing where there is no systemd, and a gateway goes on without the program', async () => {
    const nowhere = notifySystemd({
      environment: {},
      clock: systemClock,
      log: silentLog,
      isAlive: async () => true,
    });
    nowhere.ready('x');
    const warned: string[] = [];
    const without = notifySystemd({
      environment: { NOTIFY_SOCKET: join(folder, 'notify'), PATH: folder },
      clock: systemClock,
      log: { ...silentLog, warn: (message) => void warned.push(message) },
      isAlive: async () => true,
    });
    without.ready('x');
    await eventually(() => warned.length > 0, 'a warning');
    expect(warned).toEqual(['systemd was not told']);
    expect(heard).toEqual(['bound']);
  });
});
