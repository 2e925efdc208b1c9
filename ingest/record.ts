/**
 * Stores what was judged and keeps the book of trust: the one lane through which everything
 * reaches the journal, in order. What was judged by an older book is judged again here, so that a
 * revocation or an enrolment counts from its position in the journal on.
 */
import type { ReceiptResult } from '../devices/credential/receipt.ts';
import { type Admission, admit } from './admit.ts';
import { type Admitter, type JudgedChunk, messageOf } from './admitter.ts';
import type { OpenJournal } from './journal.ts';
import type { ListCheck } from './journal-index.ts';
import { createPartyJudge, type PartyRules } from './party-book.ts';
import { createPendingSteps } from './party-pending.ts';
import { poisonOf } from './poison.ts';
import type { Inbound } from './source.ts';
import {
  type Appended,
  type EntryKind,
  isTrustKind,
  type JournalEntry,
  type NewEntry,
} from './store.ts';
import {
  emptyTrust,
  isTightening,
  learnTrust,
  type TrustBook,
  type TrustNews,
  wantList,
} from './trust.ts';

/** What became of one message. */
export interface Outcome {
  readonly gateway: string;
  readonly receivedMs: number;
  /** What its receipt says. */
  readonly result: ReceiptResult;
  readonly reason?: string;
  readonly device?: string;
  /** As what it stands in the journal; absent when held. */
  readonly kind?: EntryKind;
  /** Readings that were stored now; 0 for what was known before. */
  readonly readings: number;
  /** Stored before; nothing changed. */
  readonly known: boolean;
  /** Refused beyond what the journal keeps; only counted. */
  readonly isCounted?: boolean;
}

export interface Recorder {
  /** Who is trusted now. */
  readonly trust: TrustBook;
  /** Stores what is to be stored of the chunks, one outcome a message; takes their buffers. */
  record(chunks: readonly JudgedChunk[]): Promise<readonly Outcome[]>;
  /** Stores entries of our own: trust that a person gave, clock ticks, rules. */
  append(entries: readonly NewEntry[]): Promise<readonly Appended[]>;
  /** Says when status lists were found at their address; chunks handed in later know of it. */
  learnChecks(checks: readonly ListCheck[]): void;
  /** Says which keys the ingester itself signs with, by DID: nobody else's may be enrolled. */
  learnOwn(dids: readonly string[]): void;
  /** Judges a message by all that is known now; nothing is stored. Call it in `exclusively`. */
  judge(message: Inbound): Admission;
  /** Does something between two appends, for changes that must see the newest state. */
  exclusively<T>(action: (append: Recorder['append']) => Promise<T>): Promise<T>;
}

interface Judged {
  readonly message: Inbound;
  readonly admission: Admission;
  /** What parties sign after it may rest on it: a bond, a standing, an act of a movement. */
  readonly isFact?: boolean;
}

/** What a recorder works on. */
export interface RecorderOptions extends PartyRules {
  readonly tenant: string;
  readonly journal: OpenJournal;
  readonly admitter: Pick<Admitter, 'trust'>;
  /** Told after each commit how many entries the journal has. */
  readonly appended: (size: number) => void;
}

export function createRecorder(options: RecorderOptions): Recorder {
  const { journal, admitter, tenant } = options;
  let size = journal.found.size;
  const trust = emptyTrust(journal.enrolments);
  const parties = createPartyJudge(options, journal.parties);
  const pending = createPendingSteps(tenant, journal.parties, parties);
  /** Judgements by a book before this position may have been too kind. */
  let tightened = 0;
  const learn = (news: TrustNews) => {
    learnTrust(trust, news);
    tightened = tightenedBy(news) ?? tightened;
    admitter.trust(news);
  };
  learn({ entries: journal.found.trust, position: size });

  /** Appends, then learns from the entries of trust among those that are new. */
  const store = async (entries: readonly NewEntry[], give?: readonly ArrayBuffer[]) => {
    if (entries.length === 0) return [];
    // The bytes may be given away, so what the book is to read is copied first.
    const copies = copiesOf(entries);
    const appended = await journal.append(entries, give);
    const learnt = learntOf(entries, copies, appended);
    const newest = learnt.at(-1);
    if (newest !== undefined) {
      learn({ entries: learnt, position: newest.position + 1 });
      pending.learn(learnt, trust);
    }
    for (const { position, act = position } of appended) size = Math.max(size, act + 1);
    options.appended(size);
    return appended;
  };

  const withUse = ({ message, admission }: Judged): Judged => {
    if (isPoison(admission)) return { message, admission };
    // Nothing of what is held is stored, so only here is it known what it waits for.
    if (admission.missing) wantList(trust, admission.missing);
    return { message, ...parties.judge(message, admission, trust) };
  };
  /** What a worker could judge may still throw here, by a newer book: it is poison as well. */
  const judge = (message: Inbound): Judged =>
    guarded(message, () => withUse({ message, admission: admit(message, trust, tenant) }));
  const guarded = (message: Inbound, action: () => Judged): Judged => {
    try {
      return action();
    } catch (error) {
      return { message, admission: poisonOf(error, message, tenant) };
    }
  };

  const judgedOf = (chunk: JudgedChunk): Judged[] =>
    chunk.items.map((item, at) => {
      const judged = {
        message: messageOf(chunk, item),
        admission: chunk.admissions[at] as Admission,
      };
      // A held one may be good by now, and a key that was free may be enrolled by another.
      const stale = chunk.trustPosition < trust.position && isOpen(judged.admission);
      const isAgain = stale || chunk.trustPosition < tightened;
      if (isAgain && !isPoison(judged.admission)) return judge(judged.message);
      return guarded(judged.message, () => withUse(judged));
    });

  const record = async (chunks: readonly JudgedChunk[]): Promise<readonly Outcome[]> => {
    const outcomes: Outcome[] = [];
    for (let rest = chunks.flatMap(judgedOf); ; ) {
      const group = rest.slice(0, cutBehindTrust(rest));
      const isAll = group.length === rest.length && outcomes.length === 0;
      const give = isAll ? chunks.map(({ buffer }) => buffer) : undefined;
      outcomes.push(...outcomesOf(group, await store(entriesOf(group), give)));
      if (group.length === rest.length) return outcomes;
      rest = rest
        .slice(group.length)
        .map((one) => (isOpen(one.admission) ? judge(one.message) : one));
    }
  };

  let lane: Promise<unknown> = Promise.resolve();
  const inLane = <T>(action: () => Promise<T>): Promise<T> => {
    const done = lane.then(action).then(async (result) => {
      // What was learnt meanwhile may settle steps that waited for it.
      await store(pending.acts(trust));
      return result;
    });
    lane = done.catch(() => {});
    return done;
  };
  return {
    trust,
    record: (chunks) => inLane(() => record(chunks)),
    append: (entries) => inLane(() => store(entries)),
    judge: (message) => judge(message).admission,
    learnOwn: (own) => learn({ entries: [], position: trust.position, own }),
    learnChecks(checks) {
      learn({ entries: [], position: trust.position, checks });
      pending.found(checks, trust);
    },
    exclusively: (action) => inLane(() => action(store)),
  };
}

/** The position behind the last entry that may have taken trust away. */
function tightenedBy({ entries }: TrustNews): number | undefined {
  const last = entries.findLast(({ header }) => isTightening(header.kind));
  return last && last.position + 1;
}

function copiesOf(entries: readonly NewEntry[]): (Uint8Array | undefined)[] {
  return entries.map(({ header, bytes }) => (isTrustKind(header.kind) ? bytes.slice() : undefined));
}

/** The entries of trust that are new, by the copies that were made of them. */
function learntOf(
  entries: readonly NewEntry[],
  copies: readonly (Uint8Array | undefined)[],
  appended: readonly Appended[],
): JournalEntry[] {
  return entries.flatMap(({ header }, at) => {
    const bytes = copies[at];
    const { position, result } = appended[at] as Appended;
    return bytes === undefined || result !== 'stored' ? [] : [{ position, header, bytes }];
  });
}

function entriesOf(judged: readonly Judged[]): NewEntry[] {
  const entries: NewEntry[] = [];
  for (const { message, admission } of judged) {
    const { header, bytesKept } = admission;
    if (header) entries.push({ header, bytes: message.bytes.subarray(0, bytesKept) });
  }
  return entries;
}

/**
 * How many of the first ones are to be stored before the others are looked at: an enrolment or
 * a bond may be what those behind it wait for, and order is kept.
 */
function cutBehindTrust(judged: readonly Judged[]): number {
  const first = judged.findIndex(
    ({ admission }) => admission.header !== undefined && isTrustKind(admission.header.kind),
  );
  const waits =
    first >= 0 && judged.some((one, at) => at > first && one.admission.outcome === 'held');
  if (waits) return first + 1;
  const fact = judged.findIndex(({ isFact }) => isFact);
  const rests = fact >= 0 && judged.some((one, at) => at > fact && isOpen(one.admission));
  if (rests) return fact + 1;
  const rival = firstRival(judged);
  return rival < 0 ? judged.length : rival;
}

/**
 * The first enrolment of a key that one before it enrols or names as a gateway: the second one in
 * whose hands a key is comes too late, even in the same breath.
 */
function firstRival(judged: readonly Judged[]): number {
  const devices = new Map<string, string>();
  const gateways = new Set<string>();
  return judged.findIndex(({ admission }) => {
    const { device = '', digest, enrolledGateway = '', header } = admission;
    if (header?.kind !== 'enrolment') return false;
    const before = devices.get(device) ?? digest;
    const isRival = before !== digest || gateways.has(device) || devices.has(enrolledGateway);
    devices.set(device, digest);
    gateways.add(enrolledGateway);
    return isRival;
  });
}

/** Whether what is stored meanwhile may change a judgement: see `judgedOf`. */
function isOpen({ outcome, header }: Admission): boolean {
  return outcome === 'held' || header?.kind === 'enrolment' || header?.kind === 'party';
}

/** Nobody looks into it again. */
function isPoison({ code }: Admission): boolean {
  return code === 'IN_POISON';
}

/** Pairs judgements with what the journal answered to those that had an entry. */
function outcomesOf(judged: readonly Judged[], appended: readonly Appended[]): Outcome[] {
  let next = 0;
  return judged.map(({ message, admission }) => {
    const stored = admission.header === undefined ? undefined : appended[next++];
    return outcomeOf(message, admission, stored);
  });
}

function outcomeOf(
  { gateway, receivedMs }: Inbound,
  { digest, bytesDigest, code, reason, device, readings }: Admission,
  stored: Appended | undefined,
): Outcome {
  const about = {
    gateway,
    receivedMs,
    ...(device !== undefined && { device }),
    ...(stored && { kind: stored.kind }),
  };
  if (stored === undefined) {
    const result = { digest, outcome: 'held', ...(code && { code }) } as const;
    return { ...about, result, ...(reason && { reason }), readings: 0, known: false };
  }
  const { position, leaf, kind } = stored;
  const known = stored.result === 'known';
  const isCounted = stored.result === 'counted';
  const place = isCounted ? { digest } : { digest, position, leaf };
  if (kind === 'refusal' || kind === 'equivocation' || kind === 'doubtful') {
    const result = {
      ...place,
      outcome: 'refused',
      // Contradicting batches are both signed by the device, whatever their signatures look like.
      ...(kind === 'refusal' && bytesDigest !== undefined && { bytes: bytesDigest }),
      ...(stored.code && { code: stored.code }),
    } as const;
    const said = { ...(reason && { reason }), ...(isCounted && { isCounted }) };
    return { ...about, result, ...said, readings: 0, known };
  }
  const result = { ...place, outcome: 'accepted' } as const;
  return { ...about, result, readings: known ? 0 : readings, known };
}
