import { cpSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { systemClock } from '../../../../../devices/runtime.ts';
import type { Missing } from '../../../../../gateway/driver.ts';
import { openGapFile } from '../../../../../gateway/drivers/opcua/open-gap.ts';
import { opcuaDriver } from '../../../../../gateway/drivers/opcua.ts';
import { driverContext } from '../../../../support/driver-context.ts';
import { eventually } from '../../../../support/eventually.ts';
import { collector, freshFolder, testSettings } from '../../../../support/opcua-device.ts';
import {
  all,
  dataDirectory,
  type Listening,
  listen,
  none,
  points,
  start,
  wired,
  writeAt,
} from '../../../../support/opcua-history.ts';

/** What a kill leaves: the disk as it is now. */
function diskNow(from = dataDirectory): string {
  const folder = freshFolder();
  cpSync(from, folder, { recursive: true });
  return folder;
}

const fileIn = (folder: string) => join(folder, 'gaps', 'line-1.json');

let newestMs = 0;

/** Writes with the time of the source as it is, which rises with every value. */
function happens(name: string, value: number): number {
  newestMs = Math.max(newestMs + 1, systemClock.nowMs());
  writeAt(name, value, newestMs);
  return newestMs;
}

async function heard({ times }: Listening, point: string, timeMs: number): Promise<void> {
  await eventually(() => times(point).includes(timeMs), 'the value');
}

async function nowAfter(timeMs: number): Promise<number> {
  await eventually(() => systemClock.nowMs() > timeMs, 'the clock moves on');
  newestMs = systemClock.nowMs();
  return newestMs;
}

const ofPoint = (missing: readonly Missing[], name: string) =>
  missing.filter(({ points: names }) => names.includes(name));

/** The disk of a gateway that heard a value and was killed, and when its last batch ended. */
async function killedInPeace(server: Awaited<ReturnType<typeof start>>) {
  const folder = diskNow();
  const before = await listen(server, {}, points, { dataDirectory: folder });
  const first = happens('Kept', 1);
  await heard(before, 'kept', first);
  const disk = diskNow(folder);
  await before.connection.close();
  return { first, disk, lastMs: await nowAfter(first) };
}

async function opensAgain(
  server: Awaited<ReturnType<typeof start>>,
  disk: string,
  lastMs: number | undefined,
): Promise<Listening> {
  const history = { messages: [], ...(lastMs !== undefined && { lastMs }) };
  return await listen(server, {}, points, { dataDirectory: disk, history });
}

describe('the time when the gateway did not run', () => {
  it('edge 26 (Industrial-IoT #1995): comes from history; what has none is a loss', async () => {
    const server = await start();
    const { first, disk, lastMs } = await killedInPeace(server);
    const missed = [2, 3, 4].map((value) => happens('Kept', value));
    happens('Plain', 7);
    const again = await opensAgain(server, disk, lastMs);
    const live = happens('Kept', 5);
    await heard(again, 'kept', live);
    expect(again.connection.silence).toMatchObject({ whileAway: true });
    expect(again.times('kept')).not.toContain(first);
    expect(again.times('kept')).toEqual([...missed, live]);
    const told = again.got.of('kept').map(({ status }) => status);
    expect(told).toEqual([...missed.map(() => 'opcua:history'), undefined]);
    expect(ofPoint(again.got.missing, 'kept')).toEqual([]);
    for (const name of ['plain', 'other']) {
      const lost = ofPoint(again.got.missing, name);
      expect(lost[0]?.fromMs).toBe(lastMs);
      expect(new Set(lost.map(({ cause }) => cause))).toEqual(new Set(['not-running']));
      expect(lost[1]?.fromMs ?? lost[0]?.toMs).toBe(lost[0]?.toMs);
    }
    // Nothing is open any more, and the file says so.
    expect(JSON.parse(readFileSync(fileIn(disk), 'utf8'))).toEqual({ version: 1 });
  });

  it('is no gap where the gateway never ran before', async () => {
    const server = await start();
    const first = await opensAgain(server, diskNow(), undefined);
    await heard(first, 'kept', happens('Kept', 1));
    expect(first.got.missing).toEqual([]);
    expect(first.got.of('kept').some(({ status }) => status?.includes('history'))).toBe(false);
  });

  it('is a loss of all points where the server gives no history', async () => {
    const server = await start();
    const { disk, lastMs } = await killedInPeace(server);
    server.tricks.lacks.add('HistoryRead');
    happens('Kept', 2);
    const again = await opensAgain(server, disk, lastMs);
    await eventually(() => again.got.missing.length > 0, 'the loss');
    for (const name of all) {
      expect(ofPoint(again.got.missing, name)[0]).toMatchObject({
        cause: 'not-running',
        fromMs: lastMs,
      });
    }
    expect(again.got.of('kept').some(({ status }) => status?.includes('history'))).toBe(false);
  });

  it('begins with the last batch where the file is damaged, and the log says so', async () => {
    const server = await start();
    const { disk, lastMs } = await killedInPeace(server);
    const missed = happens('Kept', 2);
    mkdirSync(join(disk, 'gaps'), { recursive: true });
    writeFileSync(fileIn(disk), '{"version":1,"gap":{"held":["ke');
    const again = await opensAgain(server, disk, lastMs);
    await heard(again, 'kept', missed);
    expect(again.times('kept')).toEqual([missed]);
    expect(ofPoint(again.got.missing, 'plain')[0]).toMatchObject({ fromMs: lastMs });
    expect(again.lines.filter((line) => line.includes('is damaged'))).toHaveLength(1);
  });
});

describe('a gateway that is killed within an outage', () => {
  it('fills the gap from its beginning, however far batches went on', async () => {
    const server = await start();
    const wire = await wired(server);
    const folder = diskNow();
    const before = await listen(server, { url: wire.url }, points, { dataDirectory: folder });
    const first = happens('Kept', 1);
    await heard(before, 'kept', first);
    await nowAfter(first);
    server.tricks.lacks.add('TransferSubscriptions');
    await wire.close();
    await eventually(() => !before.connection.state?.().up, 'the cut is noticed');
    const early = [2, 3].map((value) => happens('Kept', value));
    const disk = diskNow(folder);
    await before.connection.close();
    // A heartbeat was signed meanwhile, of a device whose points are not heard.
    const lastMs = await nowAfter(newestMs);
    const late = [4, 5].map((value) => happens('Kept', value));
    const again = await opensAgain(server, disk, lastMs);
    const live = happens('Kept', 6);
    await heard(again, 'kept', live);
    expect(again.times('kept')).toEqual([...early, ...late, live]);
    expect(ofPoint(again.got.missing, 'kept')).toEqual([]);
    const lost = ofPoint(again.got.missing, 'plain');
    expect(lost[0]?.fromMs).toBeLessThanOrEqual(early[0] ?? 0);
    expect(lost[0]).toMatchObject({ toMs: lastMs });
    expect(lost[0]?.cause).not.toBe('not-running');
    expect(lost[1]).toMatchObject({ cause: 'not-running', fromMs: lastMs });
  });

  it('and again before the server is back, has not forgotten where it began', async () => {
    const server = await start();
    const { disk, lastMs } = await killedInPeace(server);
    const missed = happens('Kept', 2);
    // A start at which nothing can be reached, and another kill.
    const wire = await wired(server);
    await wire.close();
    const context = { dataDirectory: disk, history: { messages: [], lastMs } };
    const settings = testSettings(wire.url, none);
    const deaf = await opcuaDriver.open(settings, points, driverContext('line-1', context));
    const got = collector();
    await deaf.subscribe?.(all, got.deliver);
    const second = diskNow(disk);
    await deaf.close();
    const again = await opensAgain(server, second, systemClock.nowMs() + 5);
    await heard(again, 'kept', missed);
    expect(again.times('kept')).toEqual([missed]);
    expect(ofPoint(again.got.missing, 'kept')).toEqual([]);
    expect(ofPoint(again.got.missing, 'plain')[0]).toMatchObject({ fromMs: lastMs });
    // One that is stopped in good order says what it knows instead of leaving it open.
    expect(ofPoint(got.missing, 'kept')[0]).toMatchObject({ cause: 'not-running', fromMs: lastMs });
    expect(JSON.parse(readFileSync(fileIn(disk), 'utf8'))).toEqual({ version: 1 });
  });
});

describe('the file of an open gap', () => {
  const gap = {
    held: ['kept'],
    heldMs: 5,
    otherMs: 9,
    spans: [{ fromMs: 5, cause: 'absent' as const }],
    last: { kept: 4 },
  };

  it('gives back what was kept, and nothing when it was closed', () => {
    const context = driverContext('line-1', { dataDirectory: freshFolder() });
    expect(openGapFile(context).keep(gap)).toBe(true);
    expect(openGapFile(context).left).toEqual(gap);
    openGapFile(context).keep(undefined);
    expect(openGapFile(context).left).toBeUndefined();
  });

  it.each([
    '',
    'null',
    '{"version":2}',
    JSON.stringify({ version: 1, gap: { ...gap, heldMs: 'x' } }),
    JSON.stringify({ version: 1, gap: { ...gap, spans: [] } }),
    JSON.stringify({ version: 1, gap: { ...gap, spans: [{ fromMs: 5, cause: 'boredom' }] } }),
  ])('that is damaged (%s) tells nothing, says so, and is replaced', (text) => {
    const dataDirectory = freshFolder();
    mkdirSync(join(dataDirectory, 'gaps'));
    writeFileSync(fileIn(dataDirectory), text);
    const context = driverContext('line-1', { dataDirectory });
    const file = openGapFile(context);
    expect(file.left).toBeUndefined();
    expect(context.lines.filter((line) => line.includes('is damaged'))).toHaveLength(1);
    expect(file.keep(gap)).toBe(true);
    expect(openGapFile(context).left).toEqual(gap);
  });

  it('that cannot be written is said once, so that nothing is held back', () => {
    const context = driverContext('line-1');
    const file = openGapFile(context);
    expect([file.keep(gap), file.keep(gap)]).toEqual([false, false]);
    expect(context.lines.filter((line) => line.includes('cannot be written'))).toHaveLength(1);
  });
});
