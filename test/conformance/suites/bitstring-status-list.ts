/**
 * W3C Bitstring Status List: encoded lists with what they say, and credentials whose status is
 * looked up from end to end. The suite does not hold the lists that its credentials name, so one is
 * made for each, with the flaw that its address names; a flaw that we do not know is a list that is
 * not there.
 */
import { gzipSync } from 'node:zlib';
import { signToken } from '../../../devices/credential/jws.ts';
import { isRefusal } from '../../../devices/credential/refusal.ts';
import {
  decodeStatusList,
  encodeStatusList,
  statusAt,
  statusBits,
} from '../../../devices/credential/status-list.ts';
import type { JsonObject } from '../../../devices/credential/vcdm-values.ts';
import { formatTime } from '../../../devices/runtime.ts';
import { memorySigner } from '../../support/identity.ts';
import { type Case, expect, type Suite, theCase } from '../case.ts';
import { judge, pinned, told } from '../judge.ts';
import { stemOf, type Vectors } from '../vectors.ts';

export const bitstringStatusListSuite: Suite = {
  name: 'Bitstring Status List',
  folder: 'w3c-bitstring-status-list',
  cases: (vectors) => [
    ...vectors
      .files(/^[^/]*\.json$/)
      .flatMap((file) => vectors.json<{ cases: readonly Encoded[] }>(file).cases.map(encoded)),
    ...vectors.files(/^vc-fixtures\/.*\.json(ld)?$/).map((file) => lookedUp(vectors, file)),
  ],
};

interface Encoded {
  readonly id: string;
  readonly encodedList: string;
  readonly expectError?: string;
  readonly minEntries?: number;
  readonly statusSize?: number;
  readonly checks?: readonly (readonly [number, number | null])[];
}

function encoded(one: Encoded): Case {
  return theCase(one.id, () => {
    const { encodedList, expectError, minEntries = 0, statusSize = 1, checks = [] } = one;
    const bits = decodeStatusList(encodedList);
    if (expectError !== undefined) {
      const refusal = isRefusal(bits)
        ? bits
        : statusAt(encodedList, checks[0]?.[0] ?? 0, statusSize);
      expect(typeof refusal !== 'number', 'it is accepted');
      const isNamed = NAMED.includes(expectError);
      expect(!isNamed || refusal.reason.startsWith(expectError), refusal.reason);
    } else if (isRefusal(bits)) throw new Error(bits.reason);
    else expect(bits.length * 8 >= minEntries * statusSize, `${bits.length * 8} bits`);
    for (const [index, wanted] of checks) {
      const found = statusAt(encodedList, index, statusSize);
      const said = typeof found === 'number' ? found : null;
      expect(said === wanted, `${String(said)} at ${index}, not ${String(wanted)}`);
    }
  });
}

/** Errors of the specification (§3.5) that have to do with the encoded list alone. */
const NAMED = ['MALFORMED_VALUE_ERROR', 'STATUS_LIST_LENGTH_ERROR', 'RANGE_ERROR'];

interface Entry {
  readonly statusPurpose: string;
  readonly statusListIndex: string;
  readonly statusListCredential: string;
}

function lookedUp(vectors: Vectors, file: string): Case {
  return theCase(file, async () => {
    const input = vectors.json<JsonObject>(file);
    const named = input['credentialStatus'] as Entry | readonly Entry[] | undefined;
    const entries: readonly Entry[] = [named ?? []].flat();
    const wanted = wantedOf(stemOf(file));
    const signer = memorySigner();
    const atMs = Date.now();
    const lists = new Map<string, Uint8Array>();
    for (const { statusListCredential: url, statusPurpose: purpose, ...entry } of entries) {
      const set = wanted.codes.some((code) => SAID.includes(code))
        ? [Number(entry.statusListIndex)]
        : [];
      const payload = listAt(url, { issuer: signer.did, purpose, atMs, set });
      if (!payload) continue;
      const token = await signToken({ payload: JSON.stringify(payload), signer, typ: 'vc+jwt' });
      lists.set(url, token);
    }
    const payload = JSON.stringify({ ...input, issuer: signer.did });
    const token = await signToken({ payload, signer, typ: 'vc+jwt' });
    const report = await judge(vectors, token, { documents: pinned([], lists), atMs });
    expect(report.verdict === wanted.verdict && wanted.codes.includes(report.code), told(report));
  });
}

/** What is said about an entry that is set. */
const SAID = ['VC_REVOKED', 'VC_SUSPENDED'];

interface Wanted {
  readonly verdict: string;
  readonly codes: readonly string[];
}

function wantedOf(stem: string): Wanted {
  if (/should-not-/.test(stem)) return { verdict: 'valid', codes: ['VC_VALID'] };
  if (stem.endsWith('revoked')) return { verdict: 'invalid', codes: ['VC_REVOKED'] };
  if (stem.endsWith('suspended')) return { verdict: 'invalid', codes: ['VC_SUSPENDED'] };
  if (stem.endsWith('-ok')) return { verdict: 'valid', codes: ['VC_VALID'] };
  // Whatever is wrong with the list, nothing is said about the credential: it stays open.
  return { verdict: 'undecided', codes: ['VC_STATUS_INVALID', 'VC_STATUS_MISSING'] };
}

interface Listing {
  readonly issuer: string;
  readonly purpose: string;
  readonly atMs: number;
  /** Entries that are set. */
  readonly set: readonly number[];
}

/** The list credential of an address, by its name; `undefined` for a flaw that we do not know. */
function listAt(url: string, { issuer, purpose, atMs, set }: Listing): JsonObject | undefined {
  const name = stemOf(url);
  const isMulti = name.includes('multi');
  const list = {
    '@context': ['https://www.w3.org/ns/credentials/v2'],
    id: url,
    type: ['VerifiableCredential', 'BitstringStatusListCredential'],
    issuer,
    validFrom: formatTime(atMs - 86_400_000),
    credentialSubject: {
      id: `${url}#list`,
      type: 'BitstringStatusList',
      statusPurpose: isMulti ? ['revocation', 'suspension'] : purpose,
      encodedList: encodeStatusList(statusBits(set)),
    },
  };
  if (!name.endsWith('-fail')) return list;
  const flaw = FLAWS.find(([pattern]) => pattern.test(name))?.[1];
  return flaw?.(list, atMs);
}

type List = JsonObject & { readonly credentialSubject: JsonObject };

const withSubject = (list: List, changes: JsonObject): JsonObject => ({
  ...list,
  credentialSubject: { ...list.credentialSubject, ...changes },
});

const DAY_MS = 86_400_000;

/** Flaws by the words of a name. */
const FLAWS: readonly (readonly [RegExp, (list: List, atMs: number) => JsonObject])[] = [
  [/expired/, (list, atMs) => ({ ...list, validUntil: formatTime(atMs - DAY_MS / 2) })],
  [/future|not-yet|early/, (list, atMs) => ({ ...list, validFrom: formatTime(atMs + DAY_MS) })],
  [/encoded-list-invalid/, (list) => withSubject(list, { encodedList: 'uThisIsNoGzip' })],
  [/encoded-list-missing/, (list) => withSubject(list, { encodedList: undefined })],
  [/encoded-list-short/, (list) => withSubject(list, { encodedList: short() })],
  [/vc-type-missing/, (list) => ({ ...list, type: undefined })],
  [/vc-type-wrong/, (list) => ({ ...list, type: ['VerifiableCredential'] })],
  [/type-missing/, (list) => withSubject(list, { type: undefined })],
  [/type-wrong/, (list) => withSubject(list, { type: 'SomethingElse' })],
  [/purpose-missing/, (list) => withSubject(list, { statusPurpose: undefined })],
  [/purpose/, (list) => withSubject(list, { statusPurpose: 'somethingElse' })],
  [/issuer/, (list) => ({ ...list, issuer: 'did:example:someone' })],
];

function short(): string {
  return `u${gzipSync(new Uint8Array(16_383)).toString('base64url')}`;
}
