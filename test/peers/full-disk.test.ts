/** An outbox on a disk that is really full: a small tmpfs, which only root may mount. */
import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { openDatabase } from '../../devices/io/sqlite.ts';
import { silentLog, systemRandom } from '../../devices/runtime.ts';
import { openReserve, RESERVE_FILE } from '../../gateway/outbox-reserve.ts';
import { OutboxStore } from '../../gateway/outbox-store.ts';
import { outboxSchema } from '../../gateway/outbox-tables.ts';
import { memorySigner } from '../support/identity.ts';
import { manualClock } from '../support/manual-clock.ts';
import { allBatches, draftOf } from '../unit/gateway/support/outbox-world.ts';

const START = 1_767_225_600_000;
const RESERVE_BYTES = 1024 * 1024;

/** Whether this account may mount; tells a skipped suite from one that ran. */
function canMount(): boolean {
  const folder = mkdtempSync(join(tmpdir(), 'may-mount-'));
  try {
    execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=1m', 'tmpfs', folder], { stdio: 'ignore' });
    execFileSync('umount', [folder], { stdio: 'ignore' });
    return true;
  } catch {
    return false;
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

describe.skipIf(!canMount())('a disk that is full', () => {
  let disk = '';
  beforeAll(() => {
    disk = mkdtempSync(join(tmpdir(), 'full-disk-'));
    execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=4m', 'tmpfs', disk]);
  });
  afterAll(() => {
    execFileSync('umount', [disk]);
    rmSync(disk, { recursive: true, force: true });
  });

  it('still takes the signed loss of what it has no room for, and all again when it has', async () => {
    const device = memorySigner();
    const clock = manualClock(START);
    const file = join(disk, 'outbox.db');
    const reserveFile = join(disk, RESERVE_FILE);
    const open = () => {
      const reserve = openReserve({
        ...{ file: reserveFile, bytes: RESERVE_BYTES, clock, random: systemRandom },
        log: silentLog,
      });
      return new OutboxStore({
        db: openDatabase(file, { schema: outboxSchema }),
        signers: new Map([[device.did, device]]),
        ...{ bytesMax: 2 ** 30, reserve, random: systemRandom, log: silentLog },
      });
    };
    let store = open();
    expect(statSync(reserveFile).size).toBe(RESERVE_BYTES);

    // Somebody else's file takes what is left; the outbox itself goes on until there is nothing.
    const hog = join(disk, 'hog');
    expect(() => writeFileSync(hog, Buffer.alloc(16 * 1024 * 1024, 1))).toThrow(/ENOSPC/);
    let kept = 0;
    let dropped = 0;
    for (let index = 0; dropped === 0 && index < 500; index += 1) {
      const [appended] = await store.append([draftOf(device.did, START + index, 20)]);
      dropped = appended?.dropped ?? 0;
      if (dropped === 0) kept += 1;
      else expect(appended?.lossesSigned).toBe(20);
    }
    expect(dropped).toBe(20);
    expect(() => statSync(reserveFile)).toThrow(/ENOENT/);

    // The loss is signed and durable while the disk is still full, and a new process finds it.
    expect(() => writeFileSync(join(disk, 'more'), Buffer.alloc(2 * RESERVE_BYTES))).toThrow(
      /ENOSPC/,
    );
    rmSync(join(disk, 'more'), { force: true });
    store.close();
    store = open();
    const batches = allBatches(store);
    const readings = batches.flatMap(({ groups }) => groups.flatMap((group) => group.readings));
    expect(readings).toHaveLength(20 * kept);
    expect(batches.at(-1)?.losses).toMatchObject([{ cause: 'storage-full', count: 20 }]);
    // What comes is dropped and told, and nothing that was kept goes.
    for (let index = 0; index < 5; index += 1) {
      await store.append([draftOf(device.did, START + 1_000 + index, 20)]);
    }
    expect(allBatches(store).length).toBeGreaterThanOrEqual(batches.length);

    rmSync(hog);
    clock.advance(60_000);
    const settled = store.settle(
      store.peek({ after: 0, count: 1_000 }).map(({ digest }) => ({ digest, outcome: 'accepted' })),
    );
    expect(settled.accepted).toBeGreaterThanOrEqual(20 * kept);
    const [again] = await store.append([draftOf(device.did, START + 9_000, 20)]);
    expect(again).toMatchObject({ readings: 20, dropped: 0 });
    expect(statSync(reserveFile).size).toBe(RESERVE_BYTES);
    store.close();
  });
});
