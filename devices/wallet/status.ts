/** What the organisation says of an enrolment later: that it is suspended, or revoked for good. */
import { EdgeError } from '../errors.ts';
import type { Member, WalletFile } from './wallet-file.ts';

export type Change = 'revoke' | 'suspend' | 'reinstate';

/** The status of an enrolment in one word. */
export function statusOf({ revokedMs, suspendedMs }: Member): 'active' | 'suspended' | 'revoked' {
  if (revokedMs !== undefined) return 'revoked';
  return suspendedMs === undefined ? 'active' : 'suspended';
}

/**
 * The enrolment with this entry after a change. What is so already stays as it was.
 *
 * @throws EdgeError DOC_INVALID for an entry that nobody has, and for lifting a revocation.
 */
export function withStatus(file: WalletFile, index: number, change: Change, nowMs: number): Member {
  const member = file.members.find((one) => one.index === index);
  if (!member) throw new EdgeError('DOC_INVALID', `no enrolment has the entry ${index}`);
  const { suspendedMs: _, ...lifted } = member;
  if (change === 'revoke') return { ...member, revokedMs: member.revokedMs ?? nowMs };
  if (change === 'suspend') return { ...member, suspendedMs: member.suspendedMs ?? nowMs };
  // A revocation is for good; only a suspension can be lifted.
  if (member.revokedMs === undefined) return lifted;
  throw new EdgeError('DOC_INVALID', `${member.label} is revoked; enrol it anew instead`);
}
