/**
 * Something runs out under a running gateway or ingester, in turn: room on the disk, the size that
 * a file may have, the right to write, file descriptors, memory. The process goes on or ends with
 * a line that says why; once there is enough again, it works within half a minute and nothing that
 * it had accepted is missing.
 */
import { join } from 'node:path';
import { batchPayload } from '../../../ingest/apply-payload.ts';
import { Chance } from '../../sim/chance.ts';
import type { RunningCommand } from '../../support/commands.ts';
import { ext4Obstacle, openExt4Disk } from '../disk/ext4-disk.ts';
import { giveBack, limitObstacle, type ProcessLimit, takeAway } from '../disk/limit-process.ts';
import { startTappedRig, type TappedRig } from '../disk/tapped-rig.ts';
import { openTmpfsDisk, tmpfsObstacle } from '../disk/tmpfs-disk.ts';
import { addTallies, type Fault, type Shard, type Tally } from '../fault.ts';
import { readJournal } from '../judge-journal.ts';

/** How long the trouble lasts at most, milliseconds. */
const TROUBLE_MS = 1_500;
/** Within this time after it is over everything must work. */
const RECOVERY_MS = 30_000;
const LOOK_MS = 20;

type Side = 'gateway' | 'ingester';

/** Trouble for one process, over and over. */
interface Trouble {
  begin(command: RunningCommand): void;
  /** Ends it. Returns sentences about what the process should not have done meanwhile. */
  end(command: RunningCommand): Promise<readonly string[]>;
  close(): void;
}

/** Fifty on each side. */
const counts = { short: 1, long: 100, shard: 20 };
const unit = 'times';

function exhaustion(
  name: string,
  about: {
    readonly summary: string;
    readonly obstacle: () => string | undefined;
    readonly open: (data: string, folder: string) => Trouble;
  },
): Fault {
  const { obstacle, open, summary } = about;
  const run = async (shard: Shard) => {
    // One side after the other, each on a site of its own.
    // A single one strikes either side, as the name has it.
    const half = shard.count === 1 ? name.length % 2 : Math.ceil(shard.count / 2);
    const sides = [
      ['gateway', half],
      ['ingester', shard.count - half],
    ] as const;
    const tallies: Tally[] = [];
    for (const [side, count] of sides) {
      if (count > 0) tallies.push(await exhaust({ ...shard, count }, side, open));
    }
    return tallies.reduce(addTallies);
  };
  return { name, summary, unit, counts, obstacle, run };
}

export const diskFull = exhaustion('disk-full', {
  summary: 'the disk of a gateway or an ingester has no room left',
  obstacle: tmpfsObstacle,
  open(data) {
    const disk = openTmpfsDisk(data);
    return {
      begin: () => disk.fill(),
      async end() {
        disk.empty();
        return [];
      },
      close: () => disk.close(),
    };
  },
});

export const readOnly = exhaustion('read-only', {
  summary: 'an error makes the file system of a gateway or an ingester read-only',
  obstacle: ext4Obstacle,
  open(data, folder) {
    const disk = openExt4Disk(data, folder);
    return {
      begin: () => disk.turnReadOnly(),
      async end(command) {
        // Whoever writes sees it, and ends; then a person repairs it, and starts the program again.
        const untilMs = performance.now() + RECOVERY_MS;
        while (!hasEnded(command) && performance.now() < untilMs) await sleep(LOOK_MS);
        const notes = hasEnded(command) ? [] : [`it went on for ${RECOVERY_MS} ms without a disk`];
        await command.kill();
        disk.remount();
        return notes;
      },
      close: () => disk.close(),
    };
  },
});

export const fileSizeLimit = limited('file-size-limit', 'fsize', 'no file may grow');
export const noDescriptors = limited('no-descriptors', 'nofile', 'no file can be opened');
export const memoryLimit = limited('memory-limit', 'data', 'no more memory is to be had');

function limited(name: string, limit: ProcessLimit, what: string): Fault {
  return exhaustion(name, {
    summary: `a gateway or an ingester runs into a limit: ${what}`,
    obstacle: limitObstacle,
    open: () => ({
      begin: ({ pid }) => void takeAway(pid, limit),
      async end({ pid }) {
        giveBack(pid, limit);
        return [];
      },
      close: () => undefined,
    }),
  });
}

async function exhaust(
  shard: Shard,
  side: Side,
  open: (data: string, folder: string) => Trouble,
): Promise<Tally> {
  const { count, directory, say, seed } = shard;
  const place = join(directory, side);
  const data = join(place, side === 'gateway' ? 'gateway-data' : 'ingest-data');
  const trouble = open(data, join(directory, `${side}-disk`));
  try {
    const rig = await startTappedRig(place);
    try {
      const chance = new Chance(seed);
      const gateways = [rig.startGateway()];
      const running = { gateway: gateways[0] as RunningCommand, ingester: rig.ingester };
      await rig.tap.more('accepted');
      const notes: string[] = [];
      let recoveryMs = 0;
      for (let done = 1; done <= count; done += 1) {
        const command = running[side];
        trouble.begin(command);
        // Whoever has to open something now, cannot.
        if (chance.happens(0.3)) rig.tap.swallow(false);
        await sleep(chance.fraction() * TROUBLE_MS);
        notes.push(...(await trouble.end(command)));
        const fromMs = performance.now();
        if (!(await worksAgain({ rig, running, side }, notes))) {
          notes.push(`time ${done}: nothing works after ${RECOVERY_MS} ms: ${running[side].said}`);
        }
        if (side === 'gateway' && running.gateway !== command) gateways.push(running.gateway);
        recoveryMs = Math.max(recoveryMs, Math.round(performance.now() - fromMs));
        if (done % 10 === 0) say(`${side}: ${done} of ${count}`);
      }
      const tally = await rig.judge(running, notes);
      const signed = signedLosses(rig);
      const dropped = gateways.reduce((sum, { lines }) => sum + droppedOf(lines), 0);
      const unsaid = Math.max(0, dropped - signed);
      const own = { count, lost: 0, doubled: 0, wrong: 0, figures: { recoveryMs, dropped } };
      const loss = { ...own, lost: unsaid, notes: [`${dropped} dropped, ${signed} signed for`] };
      return addTallies(tally, unsaid > 0 ? loss : own);
    } finally {
      await rig.close();
    }
  } finally {
    trouble.close();
  }
}

function hasEnded({ child }: RunningCommand): boolean {
  return child.exitCode !== null || child.signalCode !== null;
}

/** What a process says that ended for want of something: a code of ours, or Node's last line. */
const CLEAR = /\b[A-Z]{2,}_[A-Z_]+: |FATAL ERROR|out of memory|Cannot allocate|ERR_[A-Z_]+/i;

/** Waits for a new receipt; where the side ends it is started anew, as systemd does. */
async function worksAgain(
  {
    rig,
    running,
    side,
  }: {
    readonly rig: TappedRig;
    readonly running: { gateway: RunningCommand; ingester: RunningCommand };
    readonly side: Side;
  },
  notes: string[],
): Promise<boolean> {
  const untilMs = performance.now() + RECOVERY_MS;
  while (performance.now() < untilMs) {
    const { said } = running[side];
    if (hasEnded(running[side])) {
      if (!CLEAR.test(said)) notes.push(`it ended, and no line says why: ${said.slice(-300)}`);
      if (side === 'gateway') running.gateway = rig.startGateway();
      else running.ingester = await rig.site.startIngester();
    }
    if (await rig.tap.more('accepted', 500)) return true;
  }
  return false;
}

/** Readings that signed losses of the cause `storage-full` in the journal stand for. */
function signedLosses({ site }: TappedRig): number {
  let sum = 0;
  for (const entry of readJournal(site.journalFile)) {
    if (entry.header.kind !== 'batch') continue;
    for (const loss of batchPayload(entry).credentialSubject['bl:losses'] ?? []) {
      if (loss['bl:cause'] === 'storage-full') sum += loss['bl:count'];
    }
  }
  return sum;
}

function droppedOf(lines: readonly Readonly<Record<string, unknown>>[]): number {
  const last = lines.findLast((line) => typeof line['dropped'] === 'number');
  return Number(last?.['dropped'] ?? 0);
}

function sleep(delayMs: number): Promise<void> {
  return new Promise((done) => setTimeout(done, delayMs));
}
