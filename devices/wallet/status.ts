/** What the organisation says later of what it signed: it is suspended, or revoked for good. */
import { EdgeError } from '../errors.ts';
import type { Member, SignedPaper, WalletFile } from './wallet-file.ts';

export type Change = 'revoke' | 'suspend' | 'reinstate';

/** What has an entry in the status lists. */
type Listed = Member | SignedPaper;

/** The status in one word. */
export function statusOf({
  revokedMs,
  suspendedMs,
}: Pick<Listed, 'revokedMs' | 'suspendedMs'>): 'active' | 'suspended' | 'revoked' {
  if (revokedMs !== undefined) return 'revoked';
  return suspendedMs === undefined ? 'active' : 'suspended';
}

/** What took the place of an enrolment, as far as something did. */
export interface Replacement {
  /** DID of the device's new key. */
  readonly replacedBy?: string;
  /** Id of a later enrolment of the same key: the organisation signed it anew. */
  readonly reissuedAs?: string;
}

/**
 * What took the place of each member, in their order: the next enrolment of its key, which a
 * rotation of the organisation's key makes, and the key that a request to replace it brought. What
 * it signed until then stays as good as its status says.
 */
export function replacementsOf(members: readonly Member[]): readonly Replacement[] {
  const byKey = new Map<string, string>();
  const reissues = new Map<string, string>();
  // From the newest back, so that the earliest one that replaces a key is what is remembered, and
  // an enrolment finds the one right after it.
  return members
    .toReversed()
    .map(({ device, enrolment, supersedes }) => {
      const reissuedAs = reissues.get(device);
      reissues.set(device, enrolment);
      const replacedBy = byKey.get(device);
      if (supersedes !== undefined) byKey.set(supersedes, device);
      return {
        ...(replacedBy !== undefined && { replacedBy }),
        ...(reissuedAs !== undefined && { reissuedAs }),
      };
    })
    .toReversed();
}

/**
 * The wallet's memory after a change of these entries. What is so already stays as it was.
 *
 * @throws EdgeError DOC_INVALID for an entry that nobody has, and for lifting a revocation.
 */
export function withStatus(
  file: WalletFile,
  indexes: readonly number[],
  change: Change,
  nowMs: number,
): WalletFile {
  const { members, papers = [] } = file;
  const lost = indexes.find((index) => ![...members, ...papers].some((one) => one.index === index));
  if (lost !== undefined) throw new EdgeError('DOC_INVALID', `nothing has the entry ${lost}`);
  const all = <T extends Listed>(listed: readonly T[], nameOf: (one: T) => string): T[] =>
    listed.map((one) =>
      indexes.includes(one.index) ? changed(one, nameOf(one), change, nowMs) : one,
    );
  return {
    ...file,
    members: all(members, ({ label }) => label),
    ...(file.papers && { papers: all(papers, ({ kind, number }) => `the ${kind} ${number}`) }),
  };
}

function changed<T extends Listed>(one: T, name: string, change: Change, nowMs: number): T {
  if (change === 'revoke') return { ...one, revokedMs: one.revokedMs ?? nowMs };
  if (change === 'suspend') return { ...one, suspendedMs: one.suspendedMs ?? nowMs };
  const { suspendedMs: _, ...lifted } = one;
  // A revocation is for good; only a suspension can be lifted.
  if (one.revokedMs === undefined) return lifted as T;
  throw new EdgeError('DOC_INVALID', `${name} is revoked; sign it anew instead`);
}
