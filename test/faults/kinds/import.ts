/**
 * What waits on a gateway is carried in files: out as evidence, into an ingester, and its receipts
 * back, with damage on the disk and on the way. Nothing goes that the ingester has not got, nothing
 * is taken that was not signed, and nothing takes effect twice.
 */
import { mkdirSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { openToken, signToken } from '../../../devices/credential/jws.ts';
import { composeReceipt } from '../../../devices/credential/receipt-wire.ts';
import { isRefusal } from '../../../devices/credential/refusal.ts';
import { limits } from '../../../devices/limits.ts';
import { silentLog } from '../../../devices/runtime.ts';
import { writeEvidence } from '../../../gateway/outbox-evidence.ts';
import { type BatchRow, hashOfHead, hashRow } from '../../../gateway/outbox-tables.ts';
import { settlementsOf } from '../../../gateway/receipt-file.ts';
import { createInlineAdmitter } from '../../../ingest/admitter.ts';
import { createIngest, type Ingest } from '../../../ingest/ingest.ts';
import { createLocalJournal } from '../../../ingest/journal.ts';
import { openJournalReader } from '../../../ingest/journal-reader.ts';
import { openJournalStore } from '../../../ingest/journal-store.ts';
import { Chance } from '../../sim/chance.ts';
import { memorySigner } from '../../support/identity.ts';
import { manualClock } from '../../support/manual-clock.ts';
import { makeWorld, type World, worldMs } from '../../support/trust-world.ts';
import { draftOf, openStore, type StoreWorld } from '../../unit/gateway/support/outbox-world.ts';
import type { Fault, Shard, Tally } from '../fault.ts';

export const carriedEvidence: Fault = {
  name: 'import',
  summary: 'an outbox is carried to its ingester in files, and its receipts back, with damage',
  unit: 'round trips',
  counts: { short: 8, long: 2_000, shard: 200 },
  run: carry,
};

const signer = memorySigner();

/** One site and its ingester, with what must hold between them. */
interface Trip extends StoreWorld {
  readonly world: World;
  readonly ingest: Ingest;
  readonly folder: string;
  readonly enrolment: Buffer;
  /** Tokens as they were signed, by digest. */
  readonly signed: Map<string, string>;
  /** Digests of rows that rotted: the outbox tells them as lost. */
  readonly rotten: Set<string>;
  readonly notes: string[];
  readonly dice: Chance;
}

async function carry({ count, directory, say, seed }: Shard): Promise<Tally> {
  const dice = new Chance(seed);
  const notes: string[] = [];
  let [lost, doubled] = [0, 0];
  for (let done = 0; done < count; done += 1) {
    const folder = join(directory, String(done));
    mkdirSync(folder);
    const trip = await openTrip(folder, dice);
    for (let round = 0; round < 3; round += 1) await goThere(trip, false);
    await goThere(trip, true);
    leftBehind(trip);
    trip.store.close();
    await trip.ingest.drain();
    const account = accountOf(trip);
    lost += account.lost;
    doubled += account.doubled;
    notes.push(...trip.notes);
    rmSync(folder, { recursive: true });
    say(`${done + 1} of ${count} round trips`);
  }
  return { count, lost, doubled, wrong: notes.length, notes: notes.slice(0, 20) };
}

async function openTrip(folder: string, dice: Chance): Promise<Trip> {
  const world = makeWorld();
  const clock = manualClock(worldMs);
  const ingest = createIngest({
    ...{ tenant: 'cbp', signer, clock, log: silentLog, reply: async () => {}, wake: () => {} },
    journal: createLocalJournal(openJournalStore(join(folder, 'journal.db'))),
    admitter: createInlineAdmitter('cbp'),
    failed: (error) => trip.notes.push(`a stage failed: ${String(error)}`),
  });
  const outbox = openStore({ file: join(folder, 'outbox.db'), devices: [world.device.signer] });
  const enrolment = Buffer.from(await world.enrolment());
  const rest = { signed: new Map<string, string>(), rotten: new Set<string>(), notes: [], dice };
  const trip: Trip = { ...outbox, world, ingest, folder, enrolment, ...rest };
  await ingest.desk.add([{ name: 'did.json', bytes: world.document() }], false);
  return trip;
}

/** More is signed, some of it rots, and all of it is carried there and back. */
async function goThere(trip: Trip, isWhole: boolean): Promise<void> {
  const { db, dice, folder, notes, signed, store, world } = trip;
  for (let at = 0; at < dice.between(1, 6); at += 1) {
    const closedMs = worldMs - 60_000 + 1_000 * signed.size + at;
    const more = { gateway: world.gateway };
    await store.append([draftOf(world.device.signer.did, closedMs, dice.between(0, 4), more)]);
  }
  for (const row of allRows(trip)) {
    if (!signed.has(row.digest)) signed.set(row.digest, Buffer.from(row.token).toString());
  }
  if (!isWhole && dice.fraction() < 0.5) rot(trip);
  const file = join(folder, 'site.json');
  const enrolments = [trip.enrolment];
  writeEvidence({ db, file, gateway: world.gateway, enrolments });
  const { credentials } = JSON.parse(readFileSync(file, 'utf8')) as { credentials: string[] };
  const genuine = new Set([...signed.values(), ...enrolments.map((one) => one.toString())]);
  for (const text of credentials) {
    if (!genuine.has(text)) notes.push('a credential is exported that nobody signed so');
  }
  const receipts = await importDamaged(trip, credentials, isWhole ? 0 : 0.15);
  settleForged(trip, receipts, await forgedFor(trip));
  const { settlements } = settlementsOf(receipts, pinnedBy(trip));
  store.settle(settlements);
}

function allRows({ db }: Trip): BatchRow[] {
  return db.prepare('SELECT * FROM batch ORDER BY id').all() as BatchRow[];
}

const pinnedBy = ({ world }: Trip) => ({ gateway: world.gateway, ingester: signer.did });

/** A row changes on the disk: carelessly, or with hashes that are right. */
function rot(trip: Trip): void {
  const { db, dice } = trip;
  const row = dice.pick(allRows(trip));
  trip.rotten.add(row.digest);
  const token = Buffer.from(row.token);
  const at = dice.between(0, token.length - 1);
  token[at] = (token[at] ?? 0) ^ (1 << dice.between(0, 6));
  const changed = { ...row, token };
  const sealed =
    dice.fraction() < 0.5 ? changed : { ...changed, hash: hashRow(changed), head: hashOfHead(row) };
  db.prepare('UPDATE batch SET token = @token, hash = @hash, head = @head WHERE id = @id').run(
    sealed,
  );
}

/** The file changes on the way, and is imported as often as somebody likes. */
async function importDamaged(
  trip: Trip,
  credentials: readonly string[],
  share: number,
): Promise<string[]> {
  const { dice, ingest, notes, signed, world } = trip;
  const genuine = new Set(signed.values());
  const carried = credentials.map((text) => (dice.fraction() < share ? scratch(text, dice) : text));
  const receipts: string[] = [];
  for (const texts of dice.fraction() < 0.5 ? [carried] : [carried, carried]) {
    const answer = await ingest.import({ import: [...texts], gateway: world.gateway });
    receipts.push(...answer.receipts);
    for (const [at, { outcome, reason }] of answer.imported.entries()) {
      const text = texts[at] ?? '';
      const isSigned = genuine.has(text) || credentials[0] === text;
      if (outcome === 'accepted' && !isSigned)
        notes.push('what was changed on the way is accepted');
      if (outcome === 'refused' && isSigned) notes.push(`what was signed is refused: ${reason}`);
    }
  }
  return receipts;
}

function scratch(text: string, dice: Chance): string {
  const at = dice.between(0, text.length - 1);
  return `${text.slice(0, at)}${text[at] === 'A' ? 'B' : 'A'}${text.slice(at + 1)}`;
}

/** Receipts for everything that waits, by somebody else under the ingester's name. */
async function forgedFor(trip: Trip): Promise<string[]> {
  const { world } = trip;
  const results = allRows(trip).map(({ digest }) => ({ digest, outcome: 'accepted' as const }));
  if (results.length === 0) return [];
  const payload = composeReceipt({
    ...{ issuer: signer.did, gateway: world.fingerprint, issuedMs: worldMs, results },
  });
  const stranger = { ...memorySigner(), did: signer.did, keyId: signer.keyId };
  const token = await signToken({ payload, signer: stranger, typ: 'bondline-receipt+jwt' });
  return [Buffer.from(token).toString()];
}

/** None of them lets anything go, nor do genuine ones that were scratched. */
function settleForged(trip: Trip, genuine: readonly string[], forged: readonly string[]): void {
  const { dice, notes, store } = trip;
  const before = allRows(trip).length;
  const scratched = genuine.map((text) => scratch(text, dice));
  const { settlements } = settlementsOf([...forged, ...scratched], pinnedBy(trip));
  store.settle(settlements);
  if (allRows(trip).length < before) notes.push('forged receipts let batches go');
}

/** What was carried whole has its receipt, and what rotted is all that stays. */
function leftBehind(trip: Trip): void {
  const { notes, store } = trip;
  const sound = store.peek({ after: 0, count: 1_000 });
  if (sound.length > 0) notes.push(`${sound.length} batches were carried whole and still wait`);
}

/** Whatever is not in the outbox any more is in the journal, once. */
function accountOf(trip: Trip): { lost: number; doubled: number } {
  const { folder, signed } = trip;
  const journal = openJournalReader(join(folder, 'journal.db'));
  const stored = new Map<string, number>();
  for (const { bytes, header } of journal.read(0, Number.MAX_SAFE_INTEGER)) {
    if (header.kind !== 'batch') continue;
    const opened = openToken(bytes, limits.batchBytesMax);
    const digest = isRefusal(opened) ? '' : opened.digest;
    stored.set(digest, (stored.get(digest) ?? 0) + 1);
  }
  journal.close();
  const { db, store } = openStore({
    file: join(folder, 'outbox.db'),
    devices: [trip.world.device.signer],
  });
  const left = db.prepare('SELECT digest FROM batch').all() as Pick<BatchRow, 'digest'>[];
  const waiting = new Set(left.map(({ digest }) => digest));
  store.close();
  let [lost, doubled] = [0, 0];
  for (const digest of signed.keys()) {
    const isTold = trip.rotten.has(digest);
    if (!waiting.has(digest) && !stored.has(digest) && !isTold) lost += 1;
  }
  for (const times of stored.values()) if (times > 1) doubled += times - 1;
  return { lost, doubled };
}
