/** Takes status lists: the checks are the same whether a person gave one or it was fetched. */
import { isDeepStrictEqual } from 'node:util';
import type { Documents } from '../devices/credential/documents.ts';
import { isRefusal } from '../devices/credential/refusal.ts';
import { openSecured } from '../devices/credential/secured.ts';
import {
  decodeStatusList,
  readStatusList,
  type StatusList,
} from '../devices/credential/status-list.ts';
import { checkSecured } from '../devices/credential/verify-issuer.ts';
import { limits } from '../devices/limits.ts';
import { digestMultibase } from '../devices/profile.ts';
import type { ListCheck } from './journal-index.ts';
import { digestOfSecured } from './party-admit.ts';
import type { NewEntry } from './store.ts';
import { isStale, type TrustBook, type TrustedStatusList } from './trust.ts';
import { added, type Change, type Context, known, refused, trimmed } from './trust-given.ts';

/** Takes a list, secured either way, that its organisation signed and that is not an older one. */
export async function addStatusList(context: Context, url?: string): Promise<Change> {
  const { append, trust, tenant, nowMs: receivedMs } = context;
  const bytes = trimmed(context.bytes);
  const secured = openSecured(bytes, limits.credentialBytesMax);
  if (isRefusal(secured)) return refused('status', '', secured.code, secured.reason);
  const list = readStatusList(secured.payload);
  if (isRefusal(list)) return refused('status', '', list.code, list.reason);
  const subject = list.id;
  if (url !== undefined && subject !== url) {
    return refused('status', url, 'VC_STATUS_INVALID', `the list calls itself ${subject}`);
  }
  const organisation = trust.organisations.get(list.issuer);
  if (organisation === undefined) {
    const reason = `${list.issuer} is not trusted`;
    return refused('status', subject, 'IN_ORGANISATION_UNKNOWN', reason);
  }
  const unproven = checkSecured(secured, { documents: documentsIn(trust), atMs: receivedMs });
  if (unproven) return refused('status', subject, unproven.code, unproven.reason);
  const digest = digestOfSecured(secured);
  const before = trust.statusLists.get(subject);
  if (before !== undefined && (before.digest === digest || saysTheSame(before, list))) {
    return known('status', subject, before.position);
  }
  const foreign = before !== undefined && before.issuer !== list.issuer;
  const { validFromMs = 0 } = list;
  if (foreign || validFromMs < (before?.list.validFromMs ?? 0)) {
    const reason = foreign ? `the list is ${before.issuer}'s` : 'a newer one is in force';
    return refused('status', subject, foreign ? 'VC_ISSUER' : 'IN_LIST_OLDER', reason);
  }
  const documents = [organisation.digest];
  const header = { version: 1, tenant, kind: 'status', receivedMs, digest, documents } as const;
  return added('status', subject, await append([{ header, bytes }]));
}

/** The documents of those whom we trust; a list has no status of its own. */
function documentsIn({ organisations }: TrustBook): Documents {
  return {
    didDocument: (did) => organisations.get(did)?.document,
    statusList: () => undefined,
    enrolments: () => [],
  };
}

/** An organisation may publish one list in both forms; the second tells nothing new. */
function saysTheSame(before: TrustedStatusList, { encodedList, ...list }: StatusList): boolean {
  const bits = decodeStatusList(encodedList);
  return (
    !isRefusal(bits) &&
    isDeepStrictEqual(before.list, list) &&
    Buffer.compare(before.bits, bits) === 0
  );
}

/**
 * Takes a list that was fetched from where enrolments name it. What is found again after it was
 * not for too long, or for the first time, is said in the journal, since custody steps that wait
 * for it may then go on.
 */
export async function refreshStatusList(context: Context, url: string): Promise<Change> {
  const { append, nowMs, tenant, trust } = context;
  const change = await addStatusList(context, url);
  const inForce = trust.statusLists.get(url);
  if (change.result === 'refused' || inForce === undefined) return change;
  // The journal knows these bytes from before, but something newer has taken their place.
  if (change.position !== inForce.position) {
    return refused('status', url, 'IN_LIST_OLDER', 'an older list than the one in force');
  }
  if (trust.checks.has(url) && !isStale(trust, url, nowMs)) return change;
  const checked = [{ list: url, digest: inForce.digest }];
  await append([tickOf({ tenant, nowMs }, { checked })]);
  return change;
}

/**
 * Says in the journal of lists that came by hand that their addresses do not answer, once, so that
 * the time from which they are too old stands across restarts. Others are passed over.
 */
export async function missStatusLists(
  { append, nowMs, tenant, trust }: Omit<Context, 'bytes' | 'called'>,
  urls: readonly string[],
): Promise<readonly ListCheck[]> {
  const missed = urls.flatMap((list) => {
    const inForce = trust.checks.has(list) ? undefined : trust.statusLists.get(list);
    return inForce === undefined ? [] : [{ list, digest: inForce.digest }];
  });
  if (missed.length > 0) await append([tickOf({ tenant, nowMs }, { missed })]);
  return missed.map(({ list }) => ({ list, atMs: nowMs, isMissed: true }));
}

function tickOf(
  { tenant, nowMs }: Pick<Context, 'tenant' | 'nowMs'>,
  said: Partial<Record<'checked' | 'missed', readonly { readonly list: string }[]>>,
): NewEntry {
  const bytes = Buffer.from(JSON.stringify({ atMs: nowMs, ...said }));
  const digest = digestMultibase(bytes);
  return { header: { version: 1, tenant, kind: 'tick', receivedMs: nowMs, digest }, bytes };
}
