/**
 * Enrolment: what an organisation signs for a device that a gateway asks for, and why it would
 * not. Terms are checked against everything that the wallet has signed before.
 */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { EnrolRequest } from '../credential/enrol-request.ts';
import type { Enrolment, EnrolmentScope, Facility } from '../credential/enrolment.ts';
import { composeEnrolment, readEnrolment } from '../credential/enrolment-wire.ts';
import { openToken } from '../credential/jws.ts';
import { isRefusal } from '../credential/refusal.ts';
import { statusEntriesMin } from '../credential/status-list.ts';
import { credentialDigest } from '../envelope.ts';
import { EdgeError } from '../errors.ts';
import { didOfPublicJwk } from '../identity/did-key.ts';
import { isSuspectDid } from '../identity/suspect-key.ts';
import { limits } from '../limits.ts';
import type { Clock, Random } from '../runtime.ts';
import { listUrl, PURPOSES, type PublicPlace } from './place.ts';
import type { WalletSession } from './session.ts';
import { statusOf } from './status.ts';
import type { Member, WalletFile } from './wallet-file.ts';

/** What an organisation decides about the devices that it enrols. */
export interface EnrolTerms {
  readonly facility: Facility;
  readonly scope: EnrolmentScope;
  readonly validUntilMs?: number;
}

/** What is to be enrolled. */
export interface EnrolOrder {
  readonly requests: readonly EnrolRequest[];
  /** Without terms each request must replace a device's key, whose terms go on. */
  readonly terms?: EnrolTerms;
  /** Keys that are lost may be replaced without their word; they are revoked in the same act. */
  readonly isLostAccepted?: boolean;
}

/** A signed enrolment. */
export interface Enrolled {
  readonly member: Member;
  readonly token: Uint8Array;
}

interface At {
  readonly file: WalletFile;
  readonly place: PublicPlace;
  readonly session: WalletSession;
  readonly context: { readonly clock: Clock; readonly random: Random };
  readonly issuedFolder: string;
}

/**
 * Signs an enrolment for each request; nothing is signed unless all are in order.
 *
 * @throws EdgeError VC_KEY_SUSPECT, WALLET_KEY_REUSED, WALLET_ROTATION_REFUSED, WALLET_FULL, DOC_…
 */
export async function enrolDevices(
  order: EnrolOrder,
  at: At,
): Promise<{ readonly enrolled: readonly Enrolled[]; readonly members: readonly Member[] }> {
  const { requests } = order;
  for (const request of requests) checkKeys(request, { file: at.file, requests });
  const wanted = requests.map((request) => {
    const old = checkSuperseded(request, order, at.file);
    const terms = order.terms ?? (old && termsOf(old, at.issuedFolder));
    if (terms) return { request, terms };
    const what = `${request.label} replaces no enrolled key, so its terms are not known`;
    throw new EdgeError('WALLET_ROTATION_REFUSED', what);
  });
  const nowMs = at.context.clock.nowMs();
  const lost = requests.flatMap(({ lost: isLost, supersedes }) => (isLost ? [supersedes] : []));
  const members = at.file.members.map((member) =>
    lost.includes(member.device) ? { ...member, revokedMs: member.revokedMs ?? nowMs } : member,
  );
  const enrolled = await signAll(wanted, at);
  return { enrolled, members: [...members, ...enrolled.map(({ member }) => member)] };
}

/**
 * Signs the enrolment of every active device anew, with its terms, under the newest key. A device
 * key that was replaced gets none: what it signed is judged by the enrolment that it had.
 */
export async function reissueAll(
  at: At,
): Promise<{ readonly enrolled: readonly Enrolled[]; readonly members: readonly Member[] }> {
  const { members } = at.file;
  const replaced = new Set(members.map(({ supersedes }) => supersedes));
  const newest = new Map(
    members
      .filter((one) => statusOf(one) === 'active' && !replaced.has(one.device))
      .map((one) => [one.device, one]),
  );
  const wanted = [...newest.values()].map((member) => {
    const { enrolment, terms } = issuedOf(member, at.issuedFolder);
    const { device, gateway, label, profile, cadenceMs, heartbeatMs, keyLocation } = enrolment;
    const { supersedes } = enrolment;
    const asked = { device, gateway, label, profile, cadenceMs, heartbeatMs, keyLocation };
    const request = { ...asked, requestedMs: 0, ...(supersedes !== undefined && { supersedes }) };
    return { request, terms };
  });
  const enrolled = await signAll(wanted, at);
  return { enrolled, members: [...members, ...enrolled.map(({ member }) => member)] };
}

async function signAll(
  wanted: readonly { readonly request: EnrolRequest; readonly terms: EnrolTerms }[],
  at: At,
): Promise<readonly Enrolled[]> {
  const taken = takenIndexes(at.file);
  const made: Enrolled[] = [];
  for (const { request, terms } of wanted) {
    const index = freeIndex(taken, at.context.random);
    taken.add(index);
    const enrolment = enrolmentOf(request, terms, index, at);
    const token = await at.session.issue(composeEnrolment(enrolment));
    const { device, gateway, label, supersedes } = request;
    const member: Member = {
      ...{ index, device, gateway, label, enrolment: enrolment.id },
      digest: credentialDigest(token),
      enrolledMs: enrolment.validFromMs,
      ...(supersedes !== undefined && { supersedes }),
    };
    made.push({ member, token });
  }
  return made;
}

/** One key, one purpose: what a reused key signed could be said of either of its holders. */
function checkKeys(
  { device, gateway, label }: EnrolRequest,
  { file, requests }: { readonly file: WalletFile; readonly requests: readonly EnrolRequest[] },
): void {
  const suspect = [device, gateway].find(isSuspectDid);
  if (suspect !== undefined) {
    throw new EdgeError('VC_KEY_SUSPECT', `enrolling ${label} with ${suspect}`);
  }
  const reused = (whose: string): EdgeError =>
    new EdgeError('WALLET_KEY_REUSED', `the key of ${label} is that of ${whose}`);
  const others = [...file.members, ...requests];
  const other = others.find(
    (one) => one.device === device && (one.label !== label || one.gateway !== gateway),
  );
  if (other) throw reused(`the device ${other.label}`);
  if (gateway === device || others.some((one) => one.gateway === device)) throw reused('a gateway');
  const own = file.keys.map(({ publicJwk }) => didOfPublicJwk(publicJwk));
  if (own.includes(device)) throw reused('the organisation');
  if (own.includes(gateway) || others.some((one) => one.device === gateway)) {
    const what = `the key of the gateway of ${label} is that of a device or of the organisation`;
    throw new EdgeError('WALLET_KEY_REUSED', what);
  }
}

/** The enrolment that a request replaces, which must be of the same device at the same gateway. */
function checkSuperseded(
  { gateway, label, lost, supersedes }: EnrolRequest,
  { isLostAccepted = false }: EnrolOrder,
  file: WalletFile,
): Member | undefined {
  if (supersedes === undefined) return undefined;
  const old = file.members.findLast(({ device }) => device === supersedes);
  const no = (why: string): EdgeError =>
    new EdgeError('WALLET_ROTATION_REFUSED', `the request for ${label}: ${why}`);
  if (!old) throw no(`this wallet never enrolled ${supersedes}, which it replaces`);
  if (old.label !== label || old.gateway !== gateway) {
    throw no(`it replaces ${old.label}, which is another device or at another gateway`);
  }
  if (statusOf(old) === 'revoked')
    throw no('what it replaces is revoked; enrol it as a new device');
  if (lost === true && !isLostAccepted) {
    throw no('it says that the old key is lost; if that is so, say --lost too');
  }
  return old;
}

/** The terms of an enrolment that the wallet signed. */
function termsOf(member: Member, folder: string): EnrolTerms {
  return issuedOf(member, folder).terms;
}

function issuedOf(
  { digest, label }: Member,
  folder: string,
): { readonly enrolment: Enrolment; readonly terms: EnrolTerms } {
  const path = join(folder, `${digest}.jwt`);
  let token: Uint8Array;
  try {
    token = readFileSync(path);
  } catch (cause) {
    throw new EdgeError('DOC_UNREADABLE', `reading what was signed for ${label}`, { cause });
  }
  const opened = openToken(token, limits.credentialBytesMax);
  const enrolment = isRefusal(opened) ? opened : readEnrolment(opened.payload);
  if (isRefusal(enrolment) || credentialDigest(token) !== digest) {
    throw new EdgeError('DOC_INVALID', `reading what was signed for ${label}: ${path}`);
  }
  const { facility, scope, validUntilMs } = enrolment;
  const terms = { facility, scope, ...(validUntilMs !== undefined && { validUntilMs }) };
  return { enrolment, terms };
}

function enrolmentOf(
  request: EnrolRequest,
  terms: EnrolTerms,
  index: number,
  { context, file, place }: At,
): Enrolment {
  const { device, gateway, label, profile, cadenceMs, heartbeatMs, keyLocation } = request;
  const { facility, scope, validUntilMs } = terms;
  return {
    id: `urn:uuid:${uuid(context.random)}`,
    organisation: file.did,
    organisationName: file.name,
    device,
    gateway,
    label,
    profile,
    facility,
    cadenceMs,
    heartbeatMs,
    keyLocation,
    scope,
    validFromMs: context.clock.nowMs(),
    ...(validUntilMs !== undefined && { validUntilMs }),
    status: PURPOSES.map((purpose) => ({ purpose, list: listUrl(place, purpose), index })),
    ...(request.supersedes !== undefined && { supersedes: request.supersedes }),
  };
}

/** Entries of the status lists that stand for something already. */
export function takenIndexes({ members, papers = [] }: WalletFile): Set<number> {
  return new Set([...members, ...papers].map(({ index }) => index));
}

/** A free entry, drawn at random: its number then says nothing about when a device came. */
export function freeIndex(taken: ReadonlySet<number>, random: Random): number {
  if (taken.size >= statusEntriesMin) throw new EdgeError('WALLET_FULL', 'allotting an entry');
  const [a = 0, b = 0, c = 0] = random.bytes(3);
  let index = ((a << 16) | (b << 8) | c) % statusEntriesMin;
  while (taken.has(index)) index = (index + 1) % statusEntriesMin;
  return index;
}

/** A version 4 UUID of our own randomness (RFC 9562 §5.4). */
export function uuid(random: Random): string {
  const bytes = random.bytes(16);
  bytes[6] = ((bytes[6] ?? 0) & 0x0f) | 0x40;
  bytes[8] = ((bytes[8] ?? 0) & 0x3f) | 0x80;
  const hex = Buffer.from(bytes).toString('hex');
  return hex.replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, '$1-$2-$3-$4-$5');
}
