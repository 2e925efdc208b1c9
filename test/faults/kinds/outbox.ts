/**
 * An outbox over a real file under what befalls it: full under each policy, cut off, a commit that
 * has no disk, rows that were changed. Every reading comes or is told; no place is signed twice.
 */
import { join } from 'node:path';
import { signToken } from '../../../devices/credential/jws.ts';
import { limits } from '../../../devices/limits.ts';
import { whenFullPolicies } from '../../../gateway/outbox.ts';
import { type BatchRow, hashOfHead, hashRow } from '../../../gateway/outbox-tables.ts';
import { Chance } from '../../sim/chance.ts';
import { memorySigner } from '../../support/identity.ts';
import { OutboxTrial } from '../../support/outbox-trial.ts';
import type { Fault, Shard, Tally } from '../fault.ts';

/** Room for some twenty batches. */
const BYTES_MAX = limits.batchBytesMax + 60_000;
/** Steps of one trial. */
const STEPS = 60;

export const outboxFull: Fault = {
  name: 'outbox-full',
  summary: 'an outbox is full, cut off and without a disk at random, under each policy',
  unit: 'steps',
  counts: { short: 360, long: 36_000, shard: 3_600 },
  run: full,
};

export const outboxRows: Fault = {
  name: 'outbox-rows',
  summary: 'rows of an outbox are changed, their hashes with them: none is sent, all are told',
  unit: 'changed rows',
  counts: { short: 60, long: 6_000, shard: 600 },
  run: changed,
};

async function full({ count, directory, say, seed }: Shard): Promise<Tally> {
  const dice = new Chance(seed);
  const notes: string[] = [];
  for (let done = 0; done < count; done += STEPS) {
    const whenFull = whenFullPolicies[(done / STEPS) % whenFullPolicies.length] ?? 'keep-oldest';
    const trial = new OutboxTrial({
      file: join(directory, `${done}.db`),
      ...{ whenFull, bytesMax: BYTES_MAX },
    });
    for (let step = 0; step < Math.min(STEPS, count - done); step += 1) {
      await befall(trial, dice);
      if (trial.store.stats().bytes > BYTES_MAX + limits.outboxReserveBytes) {
        trial.notes.push('the outbox is larger than it may be');
      }
    }
    notes.push(...(await trial.close()).map((note) => `${whenFull}: ${note}`));
    say(`${done + STEPS} of ${count} steps`);
  }
  return tallyOf(count, notes);
}

async function befall(trial: OutboxTrial, dice: Chance): Promise<void> {
  const kind = dice.fraction();
  if (kind < 0.05) trial.crash();
  else if (kind < 0.12) trial.deliver(dice.between(1, 8), dice.between(0, 100));
  else {
    const drafts = Array.from({ length: dice.between(1, 4) }, () => trial.draft(dice));
    // The disk has no room for one commit.
    const pages = Number(trial.db.pragma('page_count', { simple: true }));
    if (kind < 0.2) trial.db.pragma(`max_page_count = ${pages}`);
    await trial.store.append(drafts);
    trial.db.pragma('max_page_count = 1000000');
  }
}

async function changed({ count, directory, seed }: Shard): Promise<Tally> {
  const dice = new Chance(seed);
  const notes: string[] = [];
  const file = join(directory, 'rows.db');
  const trial = new OutboxTrial({ file, whenFull: 'keep-oldest', bytesMax: 2 ** 30 });
  for (let done = 0; done < count; done += 1) {
    await trial.store.append([trial.draft(dice), trial.draft(dice), trial.draft(dice)]);
    const rows = trial.db.prepare('SELECT * FROM batch ORDER BY id').all() as BatchRow[];
    const row = dice.pick(rows);
    const what = await change(trial, row, dice);
    const before = trial.delivered.size;
    trial.deliver(100);
    const came = trial.delivered.size - before;
    if (came !== rows.length - 1) notes.push(`${what}: ${came} of ${rows.length} rows are sent`);
  }
  notes.push(...(await trial.close()));
  return tallyOf(count, notes);
}

/** Changes a row: carelessly, as a disk does, or so that its hashes are right. */
async function change(trial: OutboxTrial, row: BatchRow, dice: Chance): Promise<string> {
  const kind = dice.between(0, 2);
  if (kind === 0) {
    const token = Buffer.from(row.token);
    const at = dice.between(0, token.length - 1);
    token[at] = (token[at] ?? 0) ^ (1 << dice.between(0, 6));
    trial.db.prepare('UPDATE batch SET token = ? WHERE id = ?').run(token, row.id);
    return 'a bit of a token';
  }
  if (kind === 1) {
    const column = dice.pick(['readings', 'sequence', 'epoch', 'closed_ms', 'to_ms'] as const);
    write(trial, { ...row, [column]: row[column] + 1 });
    return `the column ${column} with its hashes`;
  }
  const stranger = memorySigner();
  const [, payload = ''] = Buffer.from(row.token).toString('latin1').split('.');
  const text = Buffer.from(payload, 'base64url').toString();
  const named = { did: row.device, keyId: `${row.device}#${row.device.slice('did:key:'.length)}` };
  const signer = { ...stranger, ...named };
  const token = await signToken({ payload: text, signer, typ: 'vc+jwt' });
  write(trial, { ...row, token, bytes: token.length });
  return 'the signature with its hashes';
}

function write({ db }: OutboxTrial, row: BatchRow): void {
  db.prepare(`UPDATE batch SET epoch = @epoch, sequence = @sequence, readings = @readings,
    closed_ms = @closed_ms, to_ms = @to_ms, bytes = @bytes, token = @token, hash = @hash,
    head = @head WHERE id = @id`).run({ ...row, hash: hashRow(row), head: hashOfHead(row) });
}

function tallyOf(count: number, notes: readonly string[]): Tally {
  return { count, lost: 0, doubled: 0, wrong: notes.length, notes: notes.slice(0, 20) };
}
