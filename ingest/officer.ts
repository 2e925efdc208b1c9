/**
 * What an officer decides about what is in doubt: each decision is checked against what waits,
 * then appended as an act with the officer's name and reason, and counts from there on.
 */
import { EdgeError } from '../devices/errors.ts';
import { limits } from '../devices/limits.ts';
import { digestMultibase } from '../devices/profile.ts';
import { compileChecker, type Static, Type } from '../devices/schema.ts';
import type { OfficerAct } from './act.ts';
import type { DoubtReader } from './journal-doubt-reader.ts';
import type { Recorder } from './record.ts';
import type { EntryHeader } from './store.ts';

const requestSchema = Type.Object(
  {
    accept: Type.Array(Type.Integer({ minimum: 0 }), { maxItems: limits.actPositionsMax }),
    lift: Type.Array(Type.String({ minLength: 1 }), { maxItems: limits.actPositionsMax }),
    officer: Type.String({ minLength: 1, maxLength: 200 }),
    reason: Type.String({ minLength: 1, maxLength: 2_000 }),
  },
  { additionalProperties: false },
);

export type OfficerRequest = Static<typeof requestSchema>;

const isRequest = compileChecker(requestSchema);

/** Where the act stands, and what it did. */
export interface OfficerAnswer {
  readonly position: number;
  readonly accepted: readonly number[];
  readonly lifted: readonly string[];
}

export interface OfficerDesk {
  readonly recorder: Recorder;
  /** As new as the last append. */
  readonly journal: DoubtReader;
  readonly tenant: string;
}

/**
 * Does what an officer asks, all of it or nothing.
 *
 * @throws EdgeError IN_REQUEST when it is not a request, IN_ACT when it cannot be done
 */
export function answerOfficer(
  { recorder, journal, tenant }: OfficerDesk,
  request: unknown,
  nowMs: () => number,
): Promise<OfficerAnswer> {
  return recorder.exclusively(async (append) => {
    if (!isRequest(request)) throw new EdgeError('IN_REQUEST', "reading an officer's act");
    const { officer, reason } = request;
    const accept = [...new Set(request.accept)].sort((a, b) => a - b);
    const lift = [...new Set(request.lift)];
    if (accept.length + lift.length === 0) throw new EdgeError('IN_ACT', 'it decides nothing');
    checkAccepted(journal, accept);
    checkLifted(journal, lift);
    const receivedMs = Math.round(nowMs());
    const act: OfficerAct = { act: 'officer', accept, lift, officer, reason, atMs: receivedMs };
    const bytes = Buffer.from(JSON.stringify(act));
    const digest = digestMultibase(bytes);
    const header = { version: 1, tenant, kind: 'act', receivedMs, digest } as const;
    const [appended] = await append([{ header, bytes }]);
    if (appended === undefined) throw new Error('the journal answers every entry');
    return { position: appended.position, accepted: accept, lifted: lift };
  });
}

function checkAccepted(journal: DoubtReader, positions: readonly number[]): void {
  const headers: EntryHeader[] = [];
  for (const position of positions) {
    const row = journal.doubtfulAt(position);
    const header = journal.headerAt(position);
    if (row === undefined || header === undefined) {
      throw new EdgeError('IN_ACT', `there is no doubtful batch at position ${position}`);
    }
    if (row.act !== null) {
      throw new EdgeError('IN_ACT', `position ${position} was accepted at position ${row.act}`);
    }
    const other = journal.contradiction(header);
    if (other !== undefined) {
      throw new EdgeError('IN_ACT', `position ${position} contradicts the batch at ${other}`);
    }
    if (headers.some((one) => isOneOrTheOther(one, header))) {
      throw new EdgeError('IN_ACT', `position ${position} contradicts another of the same act`);
    }
    headers.push(header);
  }
}

/** Whether two batches cannot both be true. */
function isOneOrTheOther(
  { batch: a, digest: digestA }: EntryHeader,
  { batch: b, digest: digestB }: EntryHeader,
): boolean {
  if (a?.device !== b?.device || a === undefined || b === undefined) return false;
  if (a.epochCounter !== b.epochCounter || a.epochNonce !== b.epochNonce) return false;
  if (a.sequence === b.sequence) return true;
  if (a.sequence + 1 === b.sequence) return (b.previous ?? digestA) !== digestA;
  return b.sequence + 1 === a.sequence && (a.previous ?? digestB) !== digestB;
}

function checkLifted(journal: DoubtReader, devices: readonly string[]): void {
  const open = journal.quarantines({ count: Number.MAX_SAFE_INTEGER, open: true });
  const lost = devices.find((device) => !open.some((one) => one.device === device));
  if (lost !== undefined) throw new EdgeError('IN_ACT', `${lost} is not in quarantine`);
}
