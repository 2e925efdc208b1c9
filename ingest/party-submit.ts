/**
 * Credentials that a person hands to the ingester: what parties signed (custody, tickets,
 * certificates, bonds) reaches the journal by the same judgement as what comes over the uplink.
 */
import { families, type PartyStatement } from '../devices/credential/party/families.ts';
import type { PartyFamily } from '../devices/credential/party/family.ts';
import { EdgeError } from '../devices/errors.ts';
import { limits } from '../devices/limits.ts';
import { compileChecker, type Static, Type } from '../devices/schema.ts';
import { partyPayload } from './apply-payload.ts';
import { foldPlugins } from './apply-plugins.ts';
import type { Recorder } from './record.ts';
import type { EntryHeader, EntryKind } from './store.ts';

/** What became of one file. */
export interface Submitted {
  readonly name: string;
  readonly outcome: 'accepted' | 'doubtful' | 'refused' | 'held';
  /** The same was stored before; nothing changed. */
  readonly known: boolean;
  readonly digest: string;
  /** Place in the journal; absent when held. */
  readonly position?: number;
  readonly leaf?: string;
  /** `pending`: a custody step that waits until its status lists can be believed again. */
  readonly standing?: 'pending' | 'stale';
  /** Goods that it is about and of which no kind of twin knows: nothing will show it there. */
  readonly unknown?: readonly string[];
  readonly code?: string;
  readonly reason?: string;
}

const closed = { additionalProperties: false } as const;

const requestSchema = Type.Object(
  {
    submit: Type.Array(Type.Object({ name: Type.String(), base64: Type.String() }, closed), {
      minItems: 1,
      maxItems: limits.submitMax,
    }),
  },
  closed,
);

export type SubmitRequest = Static<typeof requestSchema>;

const isRequest = compileChecker(requestSchema);

export interface SubmitAnswer {
  readonly submitted: readonly Submitted[];
}

export function requestToSubmit(
  files: readonly { readonly name: string; readonly bytes: Uint8Array }[],
): SubmitRequest {
  const encoded = files.map(({ name, bytes }) => ({
    name,
    base64: Buffer.from(bytes).toString('base64'),
  }));
  return { submit: encoded };
}

/**
 * Judges and stores what a request hands over, one after the other, so that a bond counts for the
 * movement behind it.
 *
 * @throws EdgeError IN_REQUEST when it is not one
 */
export async function answerSubmit(
  recorder: Pick<Recorder, 'judge' | 'exclusively'>,
  request: unknown,
  nowMs: () => number,
): Promise<SubmitAnswer> {
  if (!isRequest(request)) throw new EdgeError('IN_REQUEST', 'reading what is submitted');
  const { submit } = request;
  return recorder.exclusively(async (append) => {
    const submitted: Submitted[] = [];
    for (const { name, base64 } of submit) {
      const bytes = trimmed(Buffer.from(base64, 'base64'));
      submitted.push({ name, ...(await submitOne(recorder, append, bytes, Math.round(nowMs()))) });
    }
    return { submitted };
  });
}

async function submitOne(
  recorder: Pick<Recorder, 'judge'>,
  append: Recorder['append'],
  bytes: Uint8Array,
  receivedMs: number,
): Promise<Omit<Submitted, 'name'>> {
  const admission = recorder.judge({ gateway: '', bytes, receivedMs });
  const { outcome, digest, header, bytesKept, code, reason } = admission;
  const why = { ...(code && { code }), ...(reason !== undefined && { reason }) };
  if (header === undefined) return { outcome, known: false, digest, ...why };
  // No gateway brought it.
  const { gateway: _nobody, ...kept } = header;
  const [appended] = await append([{ header: kept, bytes: bytes.subarray(0, bytesKept) }]);
  if (appended === undefined) throw new Error('the journal answers every entry');
  const { position, leaf, result, kind } = appended;
  if (result === 'counted') return { outcome, known: false, digest, ...why };
  const { standing } = header;
  const unknown = unknownGoods(header, { position, bytes });
  return {
    outcome: outcomeOf(kind),
    known: result === 'known',
    digest,
    position,
    leaf,
    ...(standing && { standing }),
    ...(unknown.length > 0 && { unknown }),
    ...why,
  };
}

/** Kinds of statements that are about goods; the others are about parties and devices. */
const ABOUT_GOODS: readonly PartyStatement['kind'][] = [
  'custody',
  'ticket',
  'mill-test-report',
  'inspection',
  'event',
  'movement',
  'correction',
];

const goodsKinds = foldPlugins.kinds.filter(({ isGoods }) => isGoods);

function unknownGoods(
  header: EntryHeader,
  { position, bytes }: { readonly position: number; readonly bytes: Uint8Array },
): readonly string[] {
  if (header.kind !== 'party') return [];
  const statement = partyPayload({ position, header, bytes });
  if (!ABOUT_GOODS.includes(statement.kind)) return [];
  const family = families[statement.kind] as PartyFamily<PartyStatement>;
  return family
    .about(statement)
    .filter((uri) => !goodsKinds.some((kind) => kind.identify(uri) !== undefined));
}

function outcomeOf(kind: EntryKind): Submitted['outcome'] {
  if (kind === 'refusal' || kind === 'equivocation') return 'refused';
  return kind === 'doubtful' ? 'doubtful' : 'accepted';
}

/** Editors and shells end a file with a line feed; a token has none. */
function trimmed(bytes: Uint8Array): Uint8Array {
  let end = bytes.length;
  while (end > 0 && (bytes[end - 1] ?? 0) <= 0x20) end -= 1;
  return bytes.subarray(0, end);
}
