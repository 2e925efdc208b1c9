/** The status of a credential (W3C Bitstring Status List §3.2), by the lists that are at hand. */
import { limits } from '../limits.ts';
import { issuerOf } from './claims.ts';
import { isRefusal, type Refusal, refuse } from './refusal.ts';
import { openSecured } from './secured.ts';
import { readStatusList, type StatusList } from './status-list.ts';
import { judgeEntry, needsList, readStatusEntry, statusEntryType } from './status-list-entry.ts';
import { isObject, type JsonObject, textsOf } from './vcdm-values.ts';
import type { VerifyContext } from './verify-context.ts';
import { checkSecured } from './verify-issuer.ts';

/**
 * Looks up the status of a credential (W3C Bitstring Status List §3.2): a refusal when it is
 * revoked or suspended, or when that cannot be told.
 */
export function checkStatus(payload: JsonObject, context: VerifyContext): Refusal | undefined {
  const { credentialStatus } = payload as { credentialStatus?: unknown };
  if (credentialStatus === undefined) return undefined;
  const issuer = issuerOf(payload) ?? '';
  let doubt: Refusal | undefined;
  for (const entry of [credentialStatus].flat()) {
    const found = checkStatusEntry(entry, issuer, context);
    // That one list is missing must not hide that another one says "revoked".
    if (found?.code === 'VC_REVOKED' || found?.code === 'VC_SUSPENDED') return found;
    doubt ??= found;
  }
  return doubt;
}

function checkStatusEntry(
  entry: unknown,
  issuer: string,
  context: VerifyContext,
): Refusal | undefined {
  // Under several types it is an entry all the same: a list in place of a name must not hide it.
  const types = isObject(entry) ? (textsOf(entry['type']) ?? []) : [];
  if (!isObject(entry) || !types.includes(statusEntryType)) {
    const type = types.join(', ').slice(0, 60) || 'none';
    return refuse('VC_STATUS_UNSUPPORTED', `status of type ${type}`);
  }
  const asked = readStatusEntry(entry);
  if (isRefusal(asked)) return asked;
  const needed = needsList(asked);
  if (needed !== true) return needed === false ? undefined : needed;
  const list = findStatusList(asked.listUrl, issuer, context);
  return isRefusal(list) ? list : judgeEntry(asked, list);
}

/** The list at a URL: at hand, valid itself, and by the issuer of the credential it speaks of. */
function findStatusList(url: string, issuer: string, context: VerifyContext): StatusList | Refusal {
  const bytes = context.documents.statusList(url);
  if (!bytes) return refuse('VC_STATUS_MISSING', `the status list ${url.slice(0, 200)} is needed`);
  const opened = openSecured(bytes, limits.credentialBytesMax);
  if (isRefusal(opened)) return refuse('VC_STATUS_INVALID', `${url}: ${opened.reason}`);
  const refusal = checkSecured(opened, context);
  if (refusal) return refuse('VC_STATUS_INVALID', `${url}: ${refusal.reason}`);
  const list = readStatusList(opened.payload, url);
  if (isRefusal(list)) return list;
  if (list.id !== url) return refuse('VC_STATUS_INVALID', `${url} calls itself ${list.id}`);
  if (list.issuer !== issuer) {
    return refuse('VC_STATUS_INVALID', `${url} is by ${list.issuer}, not by ${issuer}`);
  }
  return list;
}
