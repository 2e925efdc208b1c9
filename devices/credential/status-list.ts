/**
 * Bitstring Status List (W3C, 15 May 2025): one bit an enrolment, published as a credential.
 * Index 0 is the left-most bit; the list travels as multibase base64url of its gzip.
 */
import { strict as assert } from 'node:assert';
import { gunzipSync, gzipSync } from 'node:zlib';
import { limits } from '../limits.ts';
import { formatTime, parseTime } from '../runtime.ts';
import { compileChecker, Type } from '../schema.ts';
import { isRefusal, type Refusal, refuse } from './refusal.ts';
import { isUrl } from './vcdm-values.ts';
import { credentialsContext, credentialTypes } from './vocabulary.ts';

/** The least number of entries, so that an index does not give its owner away (§2.2). */
export const statusEntriesMin = 131_072;

/** A list as its organisation keeps it. */
export interface StatusList {
  /** URL under which it is published; entries name it. */
  readonly id: string;
  /** DID of the organisation that signs. */
  readonly issuer: string;
  /** `revocation` or `suspension`; lists of others may serve several purposes. */
  readonly purpose: string | readonly string[];
  readonly encodedList: string;
  readonly validFromMs?: number;
  readonly validUntilMs?: number;
  /** How long a reader may keep it, milliseconds; without it, 300,000 (§2.2). */
  readonly ttlMs?: number;
}

/** `encodedList` of a bit string: `u`, then base64url of the gzip. */
export function encodeStatusList(bits: Uint8Array): string {
  assert(bits.length * 8 >= statusEntriesMin, 'a status list has at least 131,072 entries');
  return `u${gzipSync(bits, { level: 9 }).toString('base64url')}`;
}

/**
 * The bits of an `encodedList`, or a refusal VC_STATUS_INVALID whose reason begins with the
 * error name of the Recommendation (§3.2).
 */
export function decodeStatusList(encodedList: string): Uint8Array | Refusal {
  const text = encodedList.slice(1);
  const packed = Buffer.from(text, 'base64url');
  if (encodedList[0] !== 'u' || packed.toString('base64url') !== text) {
    return refuse('VC_STATUS_INVALID', 'MALFORMED_VALUE_ERROR: not multibase base64url (u…)');
  }
  let bits: Uint8Array;
  try {
    bits = unpack(packed);
  } catch {
    return refuse('VC_STATUS_INVALID', 'MALFORMED_VALUE_ERROR: not gzip, or too large unpacked');
  }
  if (bits.length * 8 < statusEntriesMin) {
    const found = `${bits.length * 8} entries, at least ${statusEntriesMin}`;
    return refuse('VC_STATUS_INVALID', `STATUS_LIST_LENGTH_ERROR: ${found}`);
  }
  return bits;
}

/** What `info` asks of Node's gunzip; its types know only the bytes. */
interface Unpacked {
  readonly buffer: Uint8Array;
  readonly engine: { readonly bytesWritten: number };
}

/** Throws for what is not gzip, for more than the bound, and for bytes after the end. */
function unpack(packed: Uint8Array): Uint8Array {
  // A list of a few kilobytes can unpack to gigabytes; the bound stops it while unpacking.
  const options = { maxOutputLength: limits.statusListBytesMax, info: true };
  const { buffer, engine } = gunzipSync(packed, options) as unknown as Unpacked;
  // Node passes over what follows the last member (RFC 1952 §2.2); another reader might not.
  assert(engine.bytesWritten === packed.length, 'nothing follows the gzip');
  return buffer;
}

/** The bit at `index`, or a refusal VC_STATUS_INVALID when the list is shorter. */
export function statusBit(bits: Uint8Array, index: number): 0 | 1 | Refusal {
  const byte = bits[Math.floor(index / 8)];
  if (byte === undefined || !Number.isSafeInteger(index) || index < 0) {
    const found = `index ${index} of ${bits.length * 8}`;
    return refuse('VC_STATUS_INVALID', `RANGE_ERROR: ${found}`);
  }
  return ((byte >> (7 - (index % 8))) & 1) as 0 | 1;
}

/**
 * The number in entry `index` of a list whose entries have `size` bits, the most significant bit
 * first (§3.2); or a refusal VC_STATUS_INVALID when the list has too few entries or none there.
 */
function statusValue(bits: Uint8Array, index: number, size: number): number | Refusal {
  const entries = Math.floor((bits.length * 8) / size);
  if (entries < statusEntriesMin) {
    const found = `${entries} entries of ${size} bits, at least ${statusEntriesMin}`;
    return refuse('VC_STATUS_INVALID', `STATUS_LIST_LENGTH_ERROR: ${found}`);
  }
  if (!(index >= 0 && index < entries)) {
    return refuse('VC_STATUS_INVALID', `RANGE_ERROR: index ${index} of ${entries}`);
  }
  let value = 0;
  for (let place = 0; place < size; place += 1) {
    const bit = statusBit(bits, index * size + place);
    if (typeof bit !== 'number') return bit;
    value = value * 2 + bit;
  }
  return value;
}

const decoded = new Map<string, Uint8Array>();

/**
 * The status in entry `index` of an `encodedList`, whose entries have `size` bits; or a refusal
 * VC_STATUS_INVALID. Lists that were looked into lately stay unpacked.
 */
export function statusAt(encodedList: string, index: number, size = 1): number | Refusal {
  let bits = decoded.get(encodedList);
  if (!bits) {
    const made = decodeStatusList(encodedList);
    if (isRefusal(made)) return made;
    if (decoded.size >= limits.statusListsCached) decoded.delete(decoded.keys().next().value ?? '');
    decoded.set(encodedList, made);
    bits = made;
  }
  return statusValue(bits, index, size);
}

/** A list with these indexes set. */
export function statusBits(indexes: Iterable<number>, entries = statusEntriesMin): Uint8Array {
  const bits = new Uint8Array(Math.ceil(entries / 8));
  for (const index of indexes) {
    assert(index >= 0 && index < entries, `index ${index} lies in the list`);
    bits[index >> 3] = (bits[index >> 3] ?? 0) | (0x80 >> (index & 7));
  }
  return bits;
}

/** The payload of a list's credential, as JSON text ready to be signed. */
export function composeStatusList(list: StatusList & { readonly validFromMs: number }): string {
  return JSON.stringify({
    '@context': [credentialsContext],
    id: list.id,
    type: ['VerifiableCredential', credentialTypes.statusList],
    issuer: list.issuer,
    validFrom: formatTime(list.validFromMs),
    ...(list.validUntilMs !== undefined && { validUntil: formatTime(list.validUntilMs) }),
    credentialSubject: {
      id: `${list.id}#list`,
      type: 'BitstringStatusList',
      statusPurpose: list.purpose,
      encodedList: list.encodedList,
    },
  });
}

const texts = Type.Union([Type.String(), Type.Array(Type.String(), { minItems: 1, maxItems: 16 })]);

/** Open, since lists come from other organisations' software too. */
const schema = Type.Object({
  '@context': Type.Array(Type.Unknown(), { minItems: 1 }),
  id: Type.Optional(Type.String()),
  type: Type.Array(Type.String()),
  issuer: Type.Union([Type.String(), Type.Object({ id: Type.String() })]),
  validFrom: Type.Optional(Type.String()),
  validUntil: Type.Optional(Type.String()),
  credentialSubject: Type.Object({
    type: texts,
    statusPurpose: texts,
    encodedList: Type.String(),
    ttl: Type.Optional(Type.Integer({ minimum: 0 })),
  }),
});

const check = compileChecker(schema);

/** A list as it is published, which may leave its address unsaid (§2.2). */
export type PublishedStatusList = Omit<StatusList, 'id'> & Partial<Pick<StatusList, 'id'>>;

/**
 * The list of a payload, or a refusal VC_STATUS_INVALID. Where it has no id, `url` is the address
 * at which it was found. Verify the credential first.
 */
export function readStatusList(payload: unknown, url?: string): StatusList | Refusal {
  const list = readPublishedList(payload);
  if (isRefusal(list)) return list;
  const { id = url } = list;
  if (id === undefined) return refuse('VC_STATUS_INVALID', 'the list has no id to find it by');
  return { ...list, id };
}

/** As `readStatusList`, where nobody has to find the list. */
export function readPublishedList(payload: unknown): PublishedStatusList | Refusal {
  if (
    !check(payload) ||
    !payload.type.includes(credentialTypes.statusList) ||
    ![payload.credentialSubject.type].flat().includes('BitstringStatusList')
  ) {
    return refuse('VC_STATUS_INVALID', 'not the payload of a status list credential');
  }
  const { id, issuer, credentialSubject: subject, validFrom, validUntil } = payload;
  if (id !== undefined && !isUrl(id)) {
    return refuse('VC_STATUS_INVALID', 'the id of the list is not a URL');
  }
  const bits = decodeStatusList(subject.encodedList);
  if (isRefusal(bits)) return bits;
  const [validFromMs, validUntilMs] = [validFrom, validUntil].map((time) =>
    time === undefined ? undefined : (parseTime(time) ?? null),
  );
  if (validFromMs === null || validUntilMs === null) {
    return refuse('VC_STATUS_INVALID', 'validFrom or validUntil is not a time');
  }
  return {
    ...(id !== undefined && { id }),
    issuer: typeof issuer === 'string' ? issuer : issuer.id,
    purpose: subject.statusPurpose,
    encodedList: subject.encodedList,
    ...(validFromMs !== undefined && { validFromMs }),
    ...(validUntilMs !== undefined && { validUntilMs }),
    ...(subject.ttl !== undefined && { ttlMs: subject.ttl }),
  };
}
