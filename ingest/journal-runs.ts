/**
 * Tells a copied key from a disk that was put back. Each start of a gateway is a run with an epoch
 * of its own, and one gateway has one run at a time: a run that ended never speaks again. A run
 * that signed before another and signs again after it shows that two are at work.
 *
 * Nobody knows when a batch was signed: clocks are wrong and networks late. So it counts as proof
 * only what no order of runs explains (docs/decisions/0037):
 * - by times for which the ingester's own clock vouches: the batch that returns came when it says
 *   it was closed, and was closed after one of the other run had come, which in turn was closed
 *   after one of this run had come; each by more than clocks may differ;
 * - or by turns: the two runs took turns so often, each batch the next of its run and closed after
 *   all that came before, that no backlog and no clock that was put back looks like it.
 *
 * What both have in common, up to the batch behind which one began, proves nothing: the gateway
 * that goes on sends that backlog too.
 */
import type { Database } from '../devices/io/sqlite.ts';
import { limits } from '../devices/limits.ts';
import { parseTime } from '../devices/runtime.ts';
import { batchPayload } from './apply-payload.ts';
import type { DoubtPlace } from './journal-doubt.ts';
import type { EntryHeader, NewEntry } from './store.ts';

/** Step of the journal's schema. */
export const runSchema = `
  -- The runs of devices that have several: the first batch of each that came, and the place
  -- behind which it says that it began. Filled when such a device speaks.
  CREATE TABLE run (
    device INTEGER NOT NULL REFERENCES device,
    epoch_counter INTEGER NOT NULL,
    epoch_nonce TEXT NOT NULL,
    position INTEGER NOT NULL,
    received_ms INTEGER NOT NULL,
    closed_ms INTEGER,
    is_first INTEGER NOT NULL,
    after_counter INTEGER,
    after_nonce TEXT,
    after_sequence INTEGER,
    PRIMARY KEY (device, epoch_counter, epoch_nonce)
  ) STRICT, WITHOUT ROWID;
`;

/**
 * So often has one of two runs come back after the other when nothing else explains it. A disk
 * that is put back with its clock, and a backlog that comes late, account for two.
 */
const RETURNS_PROOF = 4;

export interface Runs {
  /** The position of a batch that another run signed meanwhile, when this one shows that. */
  proofIn(place: DoubtPlace, entry: NewEntry, position: number): number | undefined;
  /** The first batch of a run took its place. */
  began(device: number): void;
  /** After an act, or a transaction that failed: what counted until then counts no more. */
  reload(): void;
}

interface Named {
  readonly counter: number;
  readonly nonce: string;
}

interface LinePlace extends Named {
  readonly sequence: number;
}

interface RunRow extends Named {
  /** The highest place that is taken. */
  readonly high: number;
  /** Of the first batch that came. */
  readonly position: number;
  readonly receivedMs: number;
  readonly closedMs: number | null;
  /** It says that nothing was before it. */
  readonly isFirst: number;
  readonly afterCounter: number | null;
  readonly afterNonce: string | null;
  readonly afterSequence: number | null;
}

interface Seen {
  readonly position: number;
  readonly receivedMs: number;
}

interface Run extends RunRow {
  /** The places behind which it began, one behind the other; `isWhole` back to the first run. */
  readonly line: readonly LinePlace[];
  readonly isWhole: boolean;
  /** The least of its places behind which another run began. */
  common: number;
  /** By another run: a batch of this one that was signed after the other had been heard. */
  readonly after: Map<Run, Seen>;
  /** The newest place that was heard since the device has forked, and whether it counted. */
  heard: number | undefined;
  /** How far before its closing a batch of it came: so far ahead its clock is at least. */
  aheadMs: number;
  hasCounted: boolean;
}

/** What is known of a device whose runs cannot all be one history. */
interface Forked {
  readonly runs: readonly Run[];
  /** The batch that counted last, by the order of arrival. */
  last: { readonly run: Run; readonly sequence: number; readonly position: number } | undefined;
  newestMs: number;
  returns: number;
}

/** What every batch asks: the runs of a device that has several, and what became of these. */
interface Known {
  readonly runs: readonly Pick<Run, 'counter' | 'nonce' | 'common'>[];
  forked: Forked | undefined;
}

interface Spoken {
  readonly run: Run;
  readonly sequence: number;
  readonly position: number;
  readonly receivedMs: number;
  readonly closedMs: number;
}

/** The writer's side, for the connection that appends. */
export function createRuns(db: Database): Runs {
  const sql = prepare(db);
  const devices = new Map<number, Known>();
  const open = (device: number): Known => {
    const found = devices.get(device);
    if (found !== undefined) return found;
    if (devices.size >= limits.enrolmentsCached) devices.clear();
    const known = load(sql, device);
    devices.set(device, known);
    return known;
  };
  return {
    proofIn({ device, epochCounter, epochNonce, sequence }, entry, position) {
      const known = open(device);
      const run = known.runs.find(
        ({ counter, nonce }) => counter === epochCounter && nonce === epochNonce,
      );
      // Of a new run, or of one so old that it is not looked at.
      if (run === undefined) return undefined;
      if (known.forked === undefined && sequence <= run.common) return undefined;
      known.forked ??= forkedOf(sql, device, loadRuns(sql, device));
      const closedMs = saidBy(entry)?.closedMs ?? null;
      if (closedMs === null) return undefined;
      const { receivedMs } = entry.header;
      return proofIn(known.forked, epochNonce, { sequence, position, receivedMs, closedMs });
    },
    began: (device) => void devices.delete(device),
    reload: () => devices.clear(),
  };
}

function proofIn(known: Forked, epochNonce: string, said: Omit<Spoken, 'run'>): number | undefined {
  const run = known.runs.find(({ nonce }) => nonce === epochNonce);
  if (run === undefined) return undefined;
  const spoken = { ...said, run };
  const rivals = rivalsOf(known.runs, spoken);
  if (rivals === undefined) return undefined;
  return proofByTime(rivals, spoken) ?? proofByTurns(known, spoken);
}

/**
 * The runs that cannot have been before or after this one as a whole; none where the batch is of
 * the history of any other run, whoever sent it.
 */
function rivalsOf(runs: readonly Run[], { run, sequence }: Spoken): Run[] | undefined {
  const rivals: Run[] = [];
  for (const other of runs) {
    if (other === run) continue;
    const common = placeBehind(other, run);
    if (common !== undefined && sequence <= common) return undefined;
    if (common !== undefined && placeBehind(run, other) !== undefined) rivals.push(other);
  }
  return rivals;
}

function proofByTime(rivals: readonly Run[], spoken: Spoken): number | undefined {
  const { closedMs, position, receivedMs, run } = spoken;
  if (!isVouchedFor(run, spoken)) return undefined;
  for (const rival of rivals) {
    const between = rival.after.get(run);
    if (between !== undefined && isAfter(closedMs, between)) return between.position;
    if (!run.after.has(rival) && isAfter(closedMs, rival)) {
      run.after.set(rival, { position, receivedMs });
    }
  }
  return undefined;
}

/**
 * It came when it says that it was closed. A run that was heard well ahead of its clock's time may
 * be further ahead: what is dated later than clocks may differ is held until that time has come.
 */
function isVouchedFor(
  run: Run,
  { closedMs, receivedMs }: { readonly closedMs: number; readonly receivedMs: number },
): boolean {
  run.aheadMs = Math.max(run.aheadMs, closedMs - receivedMs);
  return receivedMs - closedMs <= limits.clockSkewMs && run.aheadMs <= limits.clockSkewMs / 2;
}

/** Whether it was closed when the other was here already, however clocks differ. */
function isAfter(closedMs: number, { receivedMs }: Pick<Seen, 'receivedMs'>): boolean {
  return closedMs > receivedMs + limits.clockSkewMs;
}

function proofByTurns(known: Forked, spoken: Spoken): number | undefined {
  const { closedMs, position, run, sequence } = spoken;
  const isNext = run.heard === undefined || sequence === run.heard + 1;
  run.heard = Math.max(run.heard ?? 0, sequence);
  if (!isNext || closedMs <= known.newestMs) return undefined;
  const { last } = known;
  known.newestMs = closedMs;
  known.last = { run, sequence, position };
  const isNew = !run.hasCounted;
  run.hasCounted = true;
  // A gateway that starts again and again from one copy is no second one.
  if (isNew) known.returns = 0;
  if (isNew || last === undefined || last.run === run) return undefined;
  const common = placeBehind(run, last.run);
  if (common === undefined || last.sequence <= common) return undefined;
  known.returns += 1;
  return known.returns >= RETURNS_PROOF ? last.position : undefined;
}

/**
 * The place in `to` behind which `from` began, through others if need be; 0 where it did not begin
 * there, and `undefined` where that is not known.
 */
function placeBehind(from: Run, to: Run): number | undefined {
  const found = from.line.find((place) => isIn(place, to));
  if (found !== undefined) return found.sequence;
  // Each run began behind one place, so two that come from the same one are beside each other.
  const meet = from.line.some((place) => to.line.some((other) => isIn(place, other)));
  if (meet || to.line.some((place) => isIn(place, from))) return 0;
  return from.isWhole && to.isWhole ? 0 : undefined;
}

function isIn(place: Named, run: Named): boolean {
  return place.counter === run.counter && place.nonce === run.nonce;
}

/** The places behind which a run began, its own first, as far back as runs are known. */
function lineOf(rows: readonly RunRow[], row: RunRow): { line: LinePlace[]; isWhole: boolean } {
  const line: LinePlace[] = [];
  for (let at: RunRow | undefined = row; at !== undefined && line.length <= rows.length; ) {
    const { afterCounter: counter, afterNonce: nonce, afterSequence: sequence }: RunRow = at;
    if (counter === null || nonce === null || sequence === null) {
      return { line, isWhole: at.isFirst === 1 };
    }
    line.push({ counter, nonce, sequence });
    at = rows.find((other) => other.counter === counter && other.nonce === nonce);
  }
  return { line, isWhole: false };
}

const one: Known = { runs: [], forked: undefined };

function load(sql: ReturnType<typeof prepare>, device: number): Known {
  const runs = loadRuns(sql, device);
  // Most devices have one: nothing of it is read, and nothing kept.
  if (runs.length === 0) return one;
  const isForked = runs.some((run) => run.high > run.common || isBeside(runs, run));
  if (isForked) return { runs, forked: forkedOf(sql, device, runs) };
  const kept = runs.map(({ common, counter, nonce }) => ({ common, counter, nonce }));
  return { runs: kept, forked: undefined };
}

/** The runs of a device that has several. */
function loadRuns(sql: ReturnType<typeof prepare>, device: number): Run[] {
  const ids = sql.epochs.all(device, limits.voucherEpochsMax);
  if (ids.length < 2) return [];
  for (const { counter, nonce, isKnown } of ids) if (!isKnown) fill(sql, device, counter, nonce);
  const rows = sql.runs.all(device, limits.voucherEpochsMax);
  const runs = rows.map((row): Run => {
    const common = Number.POSITIVE_INFINITY;
    return {
      ...row,
      ...lineOf(rows, row),
      common,
      after: new Map(),
      heard: undefined,
      hasCounted: false,
      aheadMs: 0,
    };
  });
  for (const run of runs) {
    for (const other of runs) {
      const common = other === run ? undefined : placeBehind(other, run);
      if (common) run.common = Math.min(run.common, common);
    }
  }
  return runs;
}

function forkedOf(sql: ReturnType<typeof prepare>, device: number, runs: readonly Run[]): Forked {
  recall(runs, sql.lifted.get(device)?.act ?? -1);
  return { runs, last: undefined, newestMs: Number.NEGATIVE_INFINITY, returns: 0 };
}

/** Whether another run began neither behind this one nor before it. */
function isBeside(runs: readonly Run[], run: Run): boolean {
  return runs.some((other) => {
    if (other === run) return false;
    return placeBehind(other, run) === 0 && placeBehind(run, other) === 0;
  });
}

/** What first batches show; what an officer has looked at, up to the act, proves nothing again. */
function recall(runs: readonly Run[], lifted: number): void {
  for (const run of runs) {
    const { closedMs, position, receivedMs } = run;
    if (closedMs === null || position <= lifted) continue;
    if (!isVouchedFor(run, { closedMs, receivedMs })) continue;
    for (const other of runs) {
      if (other !== run && isAfter(closedMs, other)) run.after.set(other, { position, receivedMs });
    }
  }
}

/** Notes what the first batch of a run says. */
function fill(
  sql: ReturnType<typeof prepare>,
  device: number,
  counter: number,
  nonce: string,
): void {
  const row = sql.first.get(device, counter, nonce);
  if (row === undefined) return;
  const header = JSON.parse(row.header) as EntryHeader;
  const said = saidBy({ header, bytes: row.bytes });
  const { after = null, closedMs = null, isFirst = false } = said ?? {};
  sql.insert.run(
    ...([device, counter, nonce, row.position, header.receivedMs, closedMs] as const),
    ...([isFirst ? 1 : 0, after?.['bl:counter'] ?? null] as const),
    ...([after?.['bl:nonce'] ?? null, after?.['bl:sequence'] ?? null] as const),
  );
}

/** What a batch says of time and of the run before; nothing where its form is not ours. */
function saidBy({ header, bytes }: NewEntry) {
  try {
    const payload = batchPayload({ position: 0, header, bytes });
    const epoch = payload.credentialSubject['bl:epoch'];
    const { 'bl:after': after, 'bl:follows': follows } = epoch;
    const closedMs = parseTime(payload.validFrom);
    const isFirst = after === undefined && follows === undefined;
    return Number.isFinite(closedMs) ? { after, closedMs, isFirst } : undefined;
  } catch {
    return undefined;
  }
}

function prepare(db: Database) {
  return {
    // Those that are not known yet, then those that were heard last for the first time.
    epochs: db.prepare<[number, number], { counter: number; nonce: string; isKnown: number }>(
      `SELECT epoch_counter AS counter, epoch_nonce AS nonce, position IS NOT NULL AS isKnown
       FROM high_water LEFT JOIN run USING (device, epoch_counter, epoch_nonce)
       WHERE high_water.device = ?
       ORDER BY isKnown, position DESC, epoch_counter DESC LIMIT ?`,
    ),
    runs: db.prepare<[number, number], RunRow>(
      `SELECT epoch_counter AS counter, epoch_nonce AS nonce, sequence AS high, position,
         received_ms AS receivedMs, closed_ms AS closedMs, is_first AS isFirst,
         after_counter AS afterCounter, after_nonce AS afterNonce, after_sequence AS afterSequence
       FROM run JOIN high_water USING (device, epoch_counter, epoch_nonce)
       WHERE run.device = ? ORDER BY position DESC LIMIT ?`,
    ),
    first: db.prepare<
      [number, number, string],
      { position: number; header: string; bytes: Buffer }
    >(
      `SELECT entry.position, header, bytes FROM replay JOIN entry USING (position)
       WHERE device = ? AND epoch_counter = ? AND epoch_nonce = ? ORDER BY sequence LIMIT 1`,
    ),
    insert: db.prepare<
      [
        ...[number, number, string, number, number, number | null],
        ...[number, number | null, string | null, number | null],
      ]
    >('INSERT INTO run VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)'),
    lifted: db.prepare<[number], { act: number | null }>(
      'SELECT max(act) AS act FROM quarantine WHERE device = ?',
    ),
  };
}
