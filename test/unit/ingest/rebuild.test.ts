import SqliteDatabase from 'better-sqlite3';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { systemClock } from '../../../devices/runtime.ts';
import { Applier } from '../../../ingest/apply-engine.ts';
import { foldPlugins } from '../../../ingest/apply-plugins.ts';
import { rebuildTwins } from '../../../ingest/apply-rebuild.ts';
import { openJournalReader } from '../../../ingest/journal-reader.ts';
import { openTwinsStore } from '../../../ingest/twins-store.ts';
import { TwinWorld, type WorldDevice } from '../../support/twin-world.ts';

let world: TwinWorld;
let meter: WorldDevice;

beforeEach(async () => {
  world = new TwinWorld();
  const organisation = world.organisation('did:web:northline.example', 'Northline Pipeline');
  meter = await world.enrol({
    organisation,
    label: 'fc-1',
    profile: 'liquid-flow-computer',
    cadenceMs: 1,
    facility: {
      id: 'did:web:northline.example/facility/neche',
      name: 'Neche',
      latitude: 49,
      longitude: -97.5,
    },
    goods: ['did:web:northline.example/batch/'],
  });
});

afterEach(async () => {
  await world.end();
});

async function run(from: number, count: number): Promise<void> {
  for (let at = from; at < from + count; at += 1) {
    const timeMs = Math.round(systemClock.nowMs()) - 10;
    await world.batch(
      meter,
      [
        {
          timeMs,
          about: `did:web:northline.example/batch/${at % 7}`,
          readings: [
            {
              point: 'flowRate',
              type: 'VolumeFlowRate',
              unit: 'B1',
              rawHex: '00',
              quality: 'good',
              value: at,
            },
          ],
        },
      ],
      { keep: at % 10 !== 3 },
    );
    if (at % 20 === 19) world.tick();
  }
}

const files = () => ({ journalFile: world.journalFile, twinsFile: world.twinsFile });

describe('rebuildTwins', () => {
  it('proves the live twins equal, while the ingester runs and after restarts in between', async () => {
    await world.start();
    await run(0, 60);
    await world.settled();
    const first = rebuildTwins(files());
    expect(first).toMatchObject({ equal: true, differences: [], entries: world.journal.size() });
    expect(first.twins).toBe(2 + 7);
    await world.stop();
    await run(60, 300);
    await world.start();
    await world.settled();
    await world.stop();
    expect(rebuildTwins(files())).toMatchObject({ equal: true, entries: world.journal.size() });
  });

  it('does not depend on how entries fall into transactions', async () => {
    await run(0, 90);
    const journal = openJournalReader(world.journalFile);
    const store = openTwinsStore(world.twinsFile);
    const applier = new Applier({ journal, store, plugins: foldPlugins });
    for (let end = 1; applier.cursor < journal.size(); end += 1) applier.drain(end);
    journal.close();
    store.close();
    expect(rebuildTwins(files())).toMatchObject({ equal: true });
  });

  it('names every twin that was changed, added or taken away', async () => {
    await world.start();
    await run(0, 30);
    await world.settled();
    await world.stop();
    const db = new SqliteDatabase(world.twinsFile);
    const batches = db
      .prepare<[], { id: string }>("SELECT id FROM twin WHERE kind = 'pipeline-batch' ORDER BY id")
      .all();
    db.prepare('UPDATE twin SET state = replace(state, ?, ?) WHERE id = ?').run(
      '"B1"',
      '"B2"',
      batches[0]?.id,
    );
    db.prepare('DELETE FROM twin WHERE id = ?').run(batches[1]?.id);
    db.prepare("INSERT INTO twin VALUES ('urn:uuid:made-up', 'device', 1, NULL, '{}')").run();
    db.close();
    const result = rebuildTwins(files());
    expect(result.equal).toBe(false);
    expect(result.differences).toHaveLength(3);
    expect(result.differences.join('\n')).toMatch(/differs/);
    expect(result.differences.join('\n')).toMatch(/is missing/);
    expect(result.differences.join('\n')).toMatch(/made-up .* does not follow from the journal/);
  });

  it('puts the rebuilt twins in place of damaged ones', async () => {
    await world.start();
    await run(0, 10);
    await world.settled();
    await world.stop();
    const db = new SqliteDatabase(world.twinsFile);
    db.exec('DELETE FROM twin');
    db.close();
    expect(rebuildTwins(files()).equal).toBe(false);
    rebuildTwins({ ...files(), replace: true });
    expect(rebuildTwins(files())).toMatchObject({ equal: true, entries: world.journal.size() });
  });

  it.each([
    ['has lost its end', 'DELETE FROM entry WHERE position >= 6'],
    [
      'went on otherwise',
      `UPDATE entry SET (header, leaf, bytes) =
         (SELECT header, leaf, bytes FROM entry WHERE position = 5) WHERE position >= 6`,
    ],
  ])('does not start beside a journal that %s, until a person folds it anew', async (_, sql) => {
    await world.start();
    await run(0, 10);
    await world.settled();
    await world.stop();
    const db = new SqliteDatabase(world.journalFile);
    db.exec(sql);
    db.close();
    await expect(world.start()).rejects.toMatchObject({ code: 'IN_JOURNAL_OTHER' });
    rebuildTwins({ ...files(), replace: true });
    await world.start();
    await world.stop();
    expect(rebuildTwins(files())).toMatchObject({ equal: true });
  });
});
