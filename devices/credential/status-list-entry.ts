/**
 * The entry of a credential that points into a status list (W3C Bitstring Status List §2.1), and
 * what the list says there (§3.2).
 */
import { isRefusal, type Refusal, refuse } from './refusal.ts';
import { type StatusList, statusAt } from './status-list.ts';
import { isObject, isUrl, type JsonObject, textsOf } from './vcdm-values.ts';

/** A place in a list, and what is asked there. */
export interface StatusEntry {
  /** `revocation` and `suspension` decide; `refresh` and `message` inform. */
  readonly purpose: string;
  readonly listUrl: string;
  readonly index: number;
  /** Bits of an entry; 1 unless it says otherwise. */
  readonly size: number;
  /** What each status means, where the entry says so. */
  readonly messages: ReadonlyMap<number, string>;
}

/** The type of the entries that are judged. */
export const statusEntryType = 'BitstringStatusListEntry';

/** An entry has at most so many bits; each status has its message, so nobody needs more. */
const SIZE_MAX = 16;
/** §2.1: a base 10 integer as text; 15 digits are more than any list has entries. */
const INDEX = /^\d{1,15}$/;

/** The entry of a `credentialStatus` of type `BitstringStatusListEntry`, or VC_SCHEMA. */
export function readStatusEntry(entry: JsonObject): StatusEntry | Refusal {
  const {
    id,
    statusPurpose: purpose,
    statusListIndex: index,
    statusListCredential: listUrl,
    statusSize,
    statusMessage,
    statusReference,
  } = entry as Record<string, unknown>;
  if (typeof purpose !== 'string' || purpose === '') return malformed('statusPurpose is no text');
  if (!isUrl(listUrl)) return malformed('statusListCredential is not a URL');
  if (typeof index !== 'string' || !INDEX.test(index)) {
    return malformed('statusListIndex is not a whole number as text');
  }
  if (id !== undefined && (!isUrl(id) || id === listUrl)) {
    return malformed('its id is not a URL of its own');
  }
  // What a message is about is fixed when it is promised (§2.1), so its size is never left open.
  const size = statusSize ?? (purpose === 'message' ? undefined : 1);
  if (typeof size !== 'number' || !Number.isInteger(size) || size < 1 || size > SIZE_MAX) {
    return malformed(`statusSize is not 1 to ${SIZE_MAX}`);
  }
  if (statusReference !== undefined && !(textsOf(statusReference)?.every(isUrl) ?? false)) {
    return malformed('statusReference is not one or more URLs');
  }
  const messages = readMessages(statusMessage, size);
  if (isRefusal(messages)) return messages;
  return { purpose, listUrl, index: Number(index), size, messages };
}

/** §2.1: one message a status when entries have several bits; with one bit they may be left out. */
function readMessages(value: unknown, size: number): ReadonlyMap<number, string> | Refusal {
  const messages = new Map<number, string>();
  if (value === undefined) {
    return size === 1 ? messages : malformed('statusSize without statusMessage');
  }
  if (!Array.isArray(value)) return malformed('statusMessage is no list');
  for (const one of value) {
    const { status, message } = (isObject(one) ? one : {}) as Record<string, unknown>;
    if (typeof status !== 'string' || !/^0x[0-9a-f]{1,4}$/i.test(status)) {
      return malformed('a statusMessage has no status such as 0x1');
    }
    if (typeof message !== 'string') return malformed('a statusMessage has no message');
    messages.set(Number(status), message);
  }
  const isWhole = messages.size === 2 ** size && value.length === messages.size;
  const isInside = [...messages.keys()].every((status) => status < 2 ** size);
  return isWhole && isInside ? messages : malformed('statusMessage has not one message a status');
}

function malformed(what: string): Refusal {
  return refuse('VC_SCHEMA', `the status entry is not in order: ${what} (§2.1)`);
}

/** Purposes that say whether a credential counts, with what it is when the status is set. */
const DECIDING: Readonly<Record<string, 'VC_REVOKED' | 'VC_SUSPENDED'>> = {
  revocation: 'VC_REVOKED',
  suspension: 'VC_SUSPENDED',
};

/**
 * Whether a list must be asked; a refusal VC_STATUS_UNSUPPORTED for purposes nobody knows. A
 * message decides nothing, yet its list must be one; that something newer is there (`refresh`) is
 * only told.
 */
export function needsList({ purpose }: StatusEntry): boolean | Refusal {
  if (purpose === 'refresh') return false;
  if (purpose === 'message' || Object.hasOwn(DECIDING, purpose)) return true;
  return refuse('VC_STATUS_UNSUPPORTED', `status for ${purpose.slice(0, 60)}`);
}

/**
 * What a list, proven and in force, says about an entry: VC_REVOKED, VC_SUSPENDED, nothing, or
 * VC_STATUS_INVALID where it cannot say (§3.2: another purpose, too short, index out of range).
 */
export function judgeEntry(entry: StatusEntry, list: StatusList): Refusal | undefined {
  const { purpose, index, size, messages } = entry;
  if (![list.purpose].flat().includes(purpose)) {
    return refuse('VC_STATUS_INVALID', `${list.id} is not for ${purpose.slice(0, 60)}`);
  }
  const status = statusAt(list.encodedList, index, size);
  if (typeof status !== 'number') return refuse(status.code, `${list.id}: ${status.reason}`);
  const code = DECIDING[purpose];
  if (status === 0 || code === undefined) return undefined;
  const said = messages.get(status);
  const what = size === 1 ? `bit ${index} of ${list.id} is set` : `${list.id} says ${status}`;
  return refuse(code, said === undefined ? what : `${what}: ${said.slice(0, 100)}`);
}
