/** What `bondline-ingest audit` and `checkpoint` say, and with which exit code they end. */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import SqliteDatabase from 'better-sqlite3';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { systemClock, systemRandom } from '../../../../devices/runtime.ts';
import { rebuildTwins } from '../../../../ingest/apply-rebuild.ts';
import { runAudit } from '../../../../ingest/commands/audit.ts';
import { runCheckpoint } from '../../../../ingest/commands/checkpoint.ts';
import type { CommandContext } from '../../../../ingest/commands/command.ts';
import { openJournalStore } from '../../../../ingest/journal-store.ts';
import { sources } from '../../../../ingest/sources/registry.ts';
import { keeper, statementOf } from '../../../support/checkpoint-parts.ts';
import { memorySigner } from '../../../support/identity.ts';
import {
  batchEntry,
  deviceDid,
  enrolmentEntry,
  reading,
  startMs,
} from '../../../support/journal-entries.ts';
import { keepCheckpoint, rewriteJournal } from '../../../support/rewritten-journal.ts';

const signer = memorySigner();
const device = deviceDid('fc-1');
const ENTRIES = 21;

let folder: string;
let kept: string;

const batch = (sequence: number) => {
  const timeMs = startMs + sequence * 1_000;
  const readings = [reading('volume', sequence, { type: 'Volume', unit: 'MTQ' })];
  const groups = [{ timeMs, gatewayTimeMs: timeMs, readings }];
  return batchEntry({ position: 0, device, sequence, groups, closedMs: timeMs });
};

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'bondline-audit-'));
  kept = join(folder, 'old.checkpoint.json');
  const store = openJournalStore(file('journal.db'));
  store.append([enrolmentEntry({ position: 0, device })]);
  for (let sequence = 1; sequence < ENTRIES; sequence += 1) store.append([batch(sequence)]);
  const { token } = keepCheckpoint(store, signer, startMs);
  const statement = statementOf(token).bytes.subarray(1);
  store.keep(undefined, [{ gateway: keeper.did, token: statement }]);
  store.close();
  rebuildTwins({ ...files(), replace: true });
  writeFileSync(
    file('ingest.yaml'),
    'ingester: { name: border, tenant: cbp, data: . }\nhttp: { port: 0 }\n',
  );
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

const file = (name: string) => join(folder, name);
const files = () => ({ journalFile: file('journal.db'), twinsFile: file('twins.db') });

/** Runs a command in this process. */
async function run(
  command: (args: readonly string[], context: CommandContext) => Promise<number>,
  ...args: string[]
) {
  const text = { out: '', err: '' };
  const context: CommandContext = {
    ...{ clock: systemClock, random: systemRandom, terminal: false, pid: 1, sources },
    out: (more) => {
      text.out += more;
    },
    err: (more) => {
      text.err += more;
    },
    stop: new AbortController().signal,
    onInputEnd: () => {},
  };
  return { code: await command(args, context), ...text };
}

const take = () => run(runCheckpoint, file('ingest.yaml'), '--out', kept);
const audit = (...more: string[]) => run(runAudit, folder, kept, ...more);

function edit(database: string, sql: string, ...values: unknown[]): void {
  const db = new SqliteDatabase(file(database));
  db.prepare(sql).run(...values);
  db.close();
}

describe('bondline-ingest checkpoint', () => {
  it('writes the newest one with what gateways said, for audit to read', async () => {
    const { code, out } = await take();
    expect([code, out]).toEqual([0, expect.stringContaining(`${kept}: ${ENTRIES} entries`)]);
    expect(out).toContain('statements of 1 gateways');
    const text = (await run(runCheckpoint, file('ingest.yaml'))).out;
    expect(text).toBe(readFileSync(kept, 'utf8'));
    const found = await audit();
    expect(found.code).toBe(0);
    for (const line of [
      `checkpoint of 2026-01-01T00:00:00.000Z over ${ENTRIES} entries HOLDS`,
      `signed by ${signer.did}`,
      `as signed by ${keeper.did}`,
      'twins folded anew from 21 entries equal those that are kept',
    ]) {
      expect(found.out).toContain(line);
    }
  });

  it('leaves out statements on checkpoints of another key', async () => {
    const store = openJournalStore(file('journal.db'));
    keepCheckpoint(store, memorySigner(), startMs + 1);
    store.close();
    expect((await take()).out).toContain('statements of 0 gateways');
    expect((await audit()).code).toBe(0);
  });

  it('says that there is none yet', async () => {
    edit('journal.db', 'DELETE FROM checkpoint');
    await expect(take()).rejects.toMatchObject({ code: 'IN_CHECKPOINT_NONE' });
  });
});

describe('bondline-ingest audit', () => {
  beforeEach(take);

  it('ends with 1 where the journal was rewritten, and says so', async () => {
    rewriteJournal({
      ...{ file: file('journal.db'), signer, issuedMs: startMs + 5 },
      change: (all) => all.toSpliced(3, 1),
    });
    const { code, out } = await audit();
    expect([code, out]).toEqual([1, expect.stringContaining('DOES NOT HOLD')]);
    expect(out).toContain('rewritten between entry 0 and entry 20');
    const json = JSON.parse((await audit('--json')).out) as object;
    expect(json).toMatchObject({
      holds: false,
      change: { from: 0, to: ENTRIES },
      checkpoints: [{ file: kept, size: ENTRIES, holds: false, failure: 'shorter' }],
    });
  });

  it('ends with 1 where the twins are others, or only some of them', async () => {
    edit('twins.db', "UPDATE twin SET state = replace(state, 'MTQ', 'LTR')");
    expect(await audit()).toMatchObject({ code: 1, out: expect.stringContaining('DIFFER') });
    expect(await audit('--journal-only')).toMatchObject({ code: 0 });
  });

  it('ends with 1 where the twins leave out an entry that their own database names', async () => {
    edit('twins.db', "INSERT INTO unapplied VALUES (7, 'held', 'it takes too long')");
    rebuildTwins({ ...files(), replace: true });
    const { code, out } = await audit();
    expect([code, out]).toEqual([1, expect.stringContaining('LEFT OUT of both: entries 7')]);
  });

  it('ends with 1 where the twins end before the journal does', async () => {
    const store = openJournalStore(file('journal.db'));
    store.append([batch(ENTRIES), batch(ENTRIES + 1)]);
    store.close();
    const { code, out } = await audit();
    expect([code, out]).toEqual([1, expect.stringContaining('THEY END at 21 of 23 entries')]);
  });

  it('folds them where none are kept, and says that there was nothing to compare', async () => {
    rmSync(file('twins.db'));
    const { code, out } = await audit();
    expect([code, out]).toEqual([0, expect.stringContaining('none are kept here to compare')]);
  });

  it('takes checkpoints of one ingester, and of the one that is named', async () => {
    const other = memorySigner();
    const foreign = file('foreign.jwt');
    const store = openJournalStore(':memory:');
    store.append([batch(1)]);
    writeFileSync(foreign, keepCheckpoint(store, other, 1).token);
    await expect(audit(foreign)).rejects.toMatchObject({ code: 'IN_CHECKPOINT' });
    await expect(audit('--ingester', other.did)).rejects.toMatchObject({ code: 'IN_CHECKPOINT' });
    expect((await audit('--ingester', signer.did)).code).toBe(0);
    await expect(run(runAudit, folder, file('none'))).rejects.toMatchObject({
      code: 'DOC_UNREADABLE',
    });
    await expect(run(runAudit, folder, file('ingest.yaml'))).rejects.toMatchObject({
      code: 'IN_CHECKPOINT',
    });
  });

  it('finds journal and twins by the configuration too', async () => {
    expect((await run(runAudit, file('ingest.yaml'), kept)).code).toBe(0);
    rmSync(file('journal.db'));
    await expect(audit()).rejects.toMatchObject({ code: 'IN_JOURNAL_ABSENT' });
  });
});
