/**
 * Credentials that a person carried in an evidence file, where a gateway has no other way: they are
 * admitted as from the wire, in the order of the file, and answered by receipts to carry back.
 */
import { readBatchHead } from '../devices/credential/batch-wire.ts';
import { readEnrolment } from '../devices/credential/enrolment-wire.ts';
import { openToken } from '../devices/credential/jws.ts';
import { isRefusal } from '../devices/credential/refusal.ts';
import { openSecured } from '../devices/credential/secured.ts';
import { credentialKindOf } from '../devices/credential/vocabulary.ts';
import { credentialDigest, fingerprintOfDid } from '../devices/envelope.ts';
import { EdgeError } from '../devices/errors.ts';
import { isDidKey } from '../devices/identity/did-key.ts';
import type { Signer } from '../devices/identity/signer.ts';
import { limits } from '../devices/limits.ts';
import { compileChecker, type Static, Type } from '../devices/schema.ts';
import { type Admitter, chunkOf, type JudgedChunk, messageOf } from './admitter.ts';
import { signReceipts } from './receipts.ts';
import type { Outcome, Recorder } from './record.ts';
import type { Inbound } from './source.ts';

/** What became of one credential of the file. */
export interface Imported {
  readonly digest: string;
  /** `skipped`: a status list, which is taken with `trust add`. */
  readonly outcome: 'accepted' | 'doubtful' | 'refused' | 'held' | 'skipped';
  /** The same was stored before; nothing changed. */
  readonly known: boolean;
  readonly readings: number;
  readonly device?: string;
  readonly position?: number;
  readonly code?: string;
  readonly reason?: string;
}

export interface ImportAnswer {
  readonly imported: readonly Imported[];
  /** Signed receipts for what is settled, by which its gateway lets it go. */
  readonly receipts: readonly string[];
}

const requestSchema = Type.Object(
  {
    import: Type.Array(Type.String({ maxLength: limits.credentialBytesMax }), {
      minItems: 1,
      maxItems: limits.importMax,
    }),
    /** DID of the gateway that wrote the file: whose receipts those of papers are. */
    gateway: Type.Optional(Type.String({ maxLength: limits.didLengthMax })),
  },
  { additionalProperties: false },
);

export type ImportRequest = Static<typeof requestSchema>;

const isRequest = compileChecker(requestSchema);

export interface ImportStages {
  readonly admitter: Pick<Admitter, 'admit'>;
  readonly recorder: Pick<Recorder, 'record'>;
  readonly signer: Signer;
  readonly nowMs: () => number;
  /** Told after the commit, as of what came over the uplink. */
  readonly told: (outcomes: readonly Outcome[]) => void;
}

/**
 * Admits and stores what a request hands over, and signs receipts after the commit.
 *
 * @throws EdgeError IN_REQUEST when it is not one, and what admission and journal throw
 */
export async function answerImport(stages: ImportStages, request: unknown): Promise<ImportAnswer> {
  if (!isRequest(request)) throw new EdgeError('IN_REQUEST', 'reading what is imported');
  const writer = request.gateway;
  const carrier = writer !== undefined && isDidKey(writer) ? fingerprintOfDid(writer) : '';
  const receivedMs = Math.round(stages.nowMs());
  const texts = request.import.map((text) => Buffer.from(text, 'utf8'));
  const seen = texts.map((bytes) => sightOf(bytes, carrier));
  const messages = texts.flatMap((bytes, at): Inbound[] => {
    const { gateway, isList } = seen[at] as Sight;
    return isList ? [] : [{ gateway, bytes, receivedMs }];
  });
  const outcomes = messages.length === 0 ? [] : await admitAll(stages, messages);
  stages.told(outcomes);
  let next = 0;
  const imported = seen.map(({ digest, isList }): Imported => {
    if (isList) return { digest, outcome: 'skipped', known: false, readings: 0 };
    const outcome = outcomes[next++];
    if (outcome === undefined) throw new Error('there is an outcome for every message');
    return importedOf(outcome);
  });
  // Who holds something has to be asked again anyway, and nobody carries receipts of nobody.
  const settled = outcomes.filter(
    ({ gateway, result }) => gateway !== '' && result.outcome !== 'held',
  );
  const receipts = await signReceipts(stages.signer, Math.round(stages.nowMs()), settled);
  return { imported, receipts: receipts.map(({ token }) => Buffer.from(token).toString()) };
}

/** One outcome for each message, in their order. */
async function admitAll(
  { admitter, recorder }: ImportStages,
  messages: readonly Inbound[],
): Promise<readonly Outcome[]> {
  const found = new Map<string, Outcome[]>();
  const waiting: Promise<JudgedChunk>[] = [admitter.admit(chunkOf(messages))];
  // What held a worker up is judged apart; its verdict comes later.
  for (let next = waiting.shift(); next !== undefined; next = waiting.shift()) {
    const chunk = await next;
    waiting.push(...(chunk.late ?? []));
    // The journal takes the buffers over.
    const texts = chunk.items.map((item) => textOf(messageOf(chunk, item).bytes));
    const outcomes = await recorder.record([chunk]);
    for (const [at, outcome] of outcomes.entries()) {
      const text = texts[at] ?? '';
      found.set(text, [...(found.get(text) ?? []), outcome]);
    }
  }
  return messages.map(({ bytes }) => {
    const outcome = found.get(textOf(bytes))?.shift();
    if (outcome === undefined) throw new Error('the recorder answers every message');
    return outcome;
  });
}

function textOf(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString('latin1');
}

function importedOf({ device, kind, known, readings, reason, result }: Outcome): Imported {
  const { code, digest, outcome, position } = result;
  return {
    digest,
    outcome: kind === 'doubtful' ? 'doubtful' : outcome,
    known,
    readings,
    ...(device !== undefined && device !== '' && { device }),
    ...(position !== undefined && { position }),
    ...(code !== undefined && { code }),
    ...(reason !== undefined && { reason }),
  };
}

interface Sight {
  readonly digest: string;
  /** Fingerprint of the gateway whose uplink it would have come by; empty where nobody says. */
  readonly gateway: string;
  readonly isList: boolean;
}

/** What bytes say of themselves, before anything of it is proven. */
function sightOf(bytes: Uint8Array, carrier: string): Sight {
  const opened = openToken(bytes, limits.credentialBytesMax);
  const secured = isRefusal(opened) ? openSecured(bytes, limits.credentialBytesMax) : undefined;
  const payload = isRefusal(opened)
    ? secured && !isRefusal(secured)
      ? secured.payload
      : {}
    : opened.payload;
  const digest = isRefusal(opened) ? credentialDigest(bytes) : opened.digest;
  const kind = credentialKindOf(payload);
  const named =
    kind === 'batch' ? readBatchHead(payload) : kind === 'enrolment' && readEnrolment(payload);
  const gateway = named && !isRefusal(named) ? fingerprintOfDid(named.gateway) : carrier;
  return { digest, gateway, isList: kind === 'statusList' };
}
