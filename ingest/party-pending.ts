/**
 * Custody steps that came while the status lists that they rest on were too old, their signers' or
 * those of bonds and standings: once a list is here again they are judged anew, and an act in the
 * journal says that they count or never did. Where lists stay away, an officer may say it.
 */
import { isRefusal } from '../devices/credential/refusal.ts';
import { openSecured } from '../devices/credential/secured.ts';
import { EdgeError } from '../devices/errors.ts';
import { limits } from '../devices/limits.ts';
import { digestMultibase } from '../devices/profile.ts';
import { compileChecker, type Static, Type } from '../devices/schema.ts';
import { partyPayload } from './apply-payload.ts';
import type { CustodyResolution } from './custody-act.ts';
import type { ListCheck } from './journal-index.ts';
import type { PartyIndex } from './journal-party.ts';
import { judgeParty } from './party-admit.ts';
import type { PartyJudge } from './party-book.ts';
import type { Recorder } from './record.ts';
import type { JournalEntry, NewEntry } from './store.ts';
import { isTightening, type TrustBook } from './trust.ts';

/** Steps that may be judged anew by now. Plain memory: what is due is found again by a look. */
export interface PendingSteps {
  /** Hears of entries of trust that the book has learnt. */
  learn(entries: readonly JournalEntry[], trust: TrustBook): void;
  /** Hears of lists that were found at their address. */
  found(checks: readonly ListCheck[], trust: TrustBook): void;
  /** The acts that follow, a page for each organisation at most; the rest stays due. */
  acts(trust: TrustBook): NewEntry[];
}

export function createPendingSteps(
  tenant: string,
  index: PartyIndex,
  judge: PartyJudge,
): PendingSteps {
  const waiting = new Map<string, { readonly from: number; readonly atMs: number }>();
  const due = (signer: string, atMs: number) => void waiting.set(signer, { from: 0, atMs });
  return {
    learn(entries, trust) {
      for (const { header } of entries) {
        if (!isTightening(header.kind)) continue;
        const { digest, receivedMs } = header;
        for (const one of trust.statusLists.values()) {
          if (one.digest === digest) due(one.issuer, receivedMs);
        }
        for (const one of trust.organisations.values()) {
          if (one.digest === digest) due(one.did, receivedMs);
        }
      }
    },
    found(checks, trust) {
      for (const { list, atMs, isMissed } of checks) {
        if (isMissed) continue;
        const issuer = trust.statusLists.get(list)?.issuer;
        if (issuer !== undefined) due(issuer, atMs);
      }
    },
    acts(trust) {
      const acts = new Map<string, NewEntry>();
      for (const [signer, { from, atMs }] of waiting) {
        const steps = index.pendingSteps(signer, from, limits.pendingStepsPage);
        for (const step of steps) {
          const act = resolutionOf(step, { trust, judge, foundMs: atMs });
          if (act !== undefined) acts.set(act.step, entryOf(tenant, act));
        }
        const last = steps.at(-1);
        const isAll = last === undefined || steps.length < limits.pendingStepsPage;
        if (isAll) waiting.delete(signer);
        else waiting.set(signer, { from: last.position + 1, atMs });
      }
      return [...acts.values()];
    },
  };
}

/** What a step comes to by all that is trusted at `atMs`; `undefined` while nobody can say. */
function resolutionOf(
  entry: JournalEntry,
  given: { readonly trust: TrustBook; readonly judge: PartyJudge; readonly foundMs: number },
): CustodyResolution | undefined {
  const { trust, judge, foundMs } = given;
  // After a restart the last look may be older than the step, and says nothing of that time.
  const atMs = Math.max(foundMs, entry.header.receivedMs);
  const secured = openSecured(entry.bytes, limits.credentialBytesMax);
  if (isRefusal(secured)) return undefined;
  // Its dates and keys are judged as of its receipt; whether it was revoked, by what is known now.
  const verdict = judgeParty(secured, entry.header.receivedMs, trust, atMs);
  const about = { act: 'custody', goods: goodsOf(entry), step: entry.header.digest, atMs } as const;
  if (verdict.outcome === 'refused') {
    return { ...about, effect: 'void', reason: `${verdict.code}: ${verdict.reason}` };
  }
  if (verdict.outcome !== 'accepted' || verdict.header.standing !== undefined) return undefined;
  const use = judge.judgeAgain(entry, trust, atMs);
  if (use === 'waits') return undefined;
  if (use === 'holds') {
    return {
      ...about,
      effect: 'take',
      reason: 'the status lists that it rests on are fresh again',
    };
  }
  return { ...about, effect: 'void', reason: `${use.code}: ${use.reason}` };
}

function goodsOf(entry: JournalEntry): string {
  const step = partyPayload(entry);
  return step.kind === 'custody' ? step.goods : '';
}

function entryOf(tenant: string, act: CustodyResolution): NewEntry {
  const bytes = Buffer.from(JSON.stringify(act));
  const digest = digestMultibase(bytes);
  const receivedMs = Math.round(act.atMs);
  return { header: { version: 1, tenant, kind: 'act', receivedMs, digest }, bytes };
}

const requestSchema = Type.Object(
  {
    /** Position of the step in the journal. */
    step: Type.Integer({ minimum: 0 }),
    effect: Type.Enum(['take', 'void']),
    officer: Type.String({ minLength: 1, maxLength: 200 }),
    reason: Type.String({ minLength: 1, maxLength: 2_000 }),
  },
  { additionalProperties: false },
);

export type StepRequest = Static<typeof requestSchema>;

/** Whether a decision is about a pending step. */
export const isStepRequest = compileChecker(requestSchema);

export interface StepAnswer {
  /** Where the act stands. */
  readonly position: number;
  readonly step: number;
  readonly effect: 'take' | 'void';
}

/**
 * Does what an officer decided about a step that is pending.
 *
 * @throws EdgeError IN_ACT when nothing is pending there
 */
export function answerStep(
  { recorder, index, tenant }: { recorder: Recorder; index: PartyIndex; tenant: string },
  { step, effect, officer, reason }: StepRequest,
  nowMs: () => number,
): Promise<StepAnswer> {
  return recorder.exclusively(async (append) => {
    const entry = index.pendingStep(step);
    if (entry === undefined) {
      throw new EdgeError('IN_ACT', `no custody step is pending at position ${step}`);
    }
    const about = { act: 'custody', goods: goodsOf(entry), step: entry.header.digest } as const;
    const act = { ...about, effect, reason, officer, atMs: Math.round(nowMs()) };
    const [appended] = await append([entryOf(tenant, act)]);
    if (appended === undefined) throw new Error('the journal answers every entry');
    return { position: appended.position, step, effect };
  });
}
