/**
 * A key store on a PKCS#11 token (TPM, HSM, smart card): keys are made inside and cannot be read
 * out. A key's label is CKA_LABEL; when it was made and the name that it was given stand in
 * CKA_ID, so that a key never exists without them.
 */
import { createHash, type KeyObject, randomBytes, verify } from 'node:crypto';
import { EdgeError } from '../errors.ts';
import { didOfPublicJwk, keyIdOfDid } from '../identity/did-key.ts';
import { jwkOfKey, keyOfEd25519, keyOfP256 } from '../identity/public-key.ts';
import type { Algorithm, Signer } from '../identity/signer.ts';
import type { Clock } from '../runtime.ts';
import type { KeyStore, StoredKey } from './key-store.ts';
import { tokenCounters } from './key-store-counters.ts';
import {
  type Attribute,
  CKM_EC_EDWARDS_KEY_PAIR_GEN,
  CKM_EDDSA,
  type Handle,
} from './pkcs11-library.ts';
import { openTokenSession, type TokenCall, type TokenChoice } from './pkcs11-session.ts';

/** CKA_EC_PARAMS: the OIDs of prime256v1 (RFC 5480 §2.1.1.1) and Ed25519 (RFC 8410 §3). */
const CURVES: Readonly<Record<Algorithm, string>> = {
  ES256: '06082a8648ce3d030107',
  EdDSA: '06032b6570',
};
/** pkcs11js finds at most so many objects at a time; far more than a gateway has. */
const OBJECTS_MAX = 4096;
/** What CKA_ID says of a key that Bondline made. */
const ID_PATTERN = /^bondline:1:(\d{1,15}):[0-9a-f]{16}:(.*)$/;

/** A key on the token, as it was found. */
interface TokenKey {
  readonly stored: StoredKey;
  readonly key: KeyObject;
  readonly privateKey: Handle;
}

/**
 * Opens the keys of a token.
 *
 * @throws EdgeError KEY_MODULE_UNUSABLE, KEY_TOKEN_MISSING, KEY_PIN_WRONG, KEY_PIN_LOCKED,
 *   KEY_TOKEN_FAILED
 */
export async function openPkcs11KeyStore(
  choice: TokenChoice,
  pin: string,
  clock: Clock,
): Promise<KeyStore> {
  const token = await openTokenSession(choice, pin, clock);
  let known: readonly StoredKey[] = [];

  const look = (call: TokenCall): readonly TokenKey[] => {
    const found = findKeys(call);
    known = found.map(({ stored }) => stored);
    return found;
  };

  async function signer(label: string): Promise<Signer> {
    const what = `looking for "${label}" on the token`;
    const { found, generation } = await token.call(what, (call) => {
      const one = findOne(look(call), label, what);
      assertInside(call, one, what);
      return { found: one, generation: call.generation };
    });
    const { did, keyId, algorithm, publicJwk } = found.stored;
    let handle = { privateKey: found.privateKey, generation };
    const signing = `signing with "${label}"`;
    return {
      did,
      keyId,
      algorithm,
      sign: (data) =>
        token.call(signing, async (call) => {
          if (handle.generation !== call.generation) {
            const { privateKey, stored } = findOne(look(call), label, signing);
            if (JSON.stringify(stored.publicJwk) !== JSON.stringify(publicJwk)) {
              throw new EdgeError('KEY_NOT_FOUND', `${signing}: the token has another key now`);
            }
            handle = { privateKey, generation: call.generation };
          }
          return sign(call, handle.privateKey, { algorithm, key: found.key, data, what: signing });
        }),
    };
  }

  const store: KeyStore = {
    place: 'secure-element',
    list: () => known,
    async look() {
      await token.call('looking for keys on the token', look);
      return known;
    },
    async create(label, algorithm, name) {
      const what = `making the key "${label}" on the token`;
      return token.call(what, async (call) => {
        if (look(call).some(({ stored }) => stored.label === label)) {
          throw new EdgeError('KEY_LABEL_TAKEN', what);
        }
        const made = await makeKey(call, { label, algorithm, name, nowMs: clock.nowMs() });
        try {
          const found = findOne(look(call), label, what);
          assertInside(call, found, what);
          // Checked before it is relied on: what was made must sign.
          const data = randomBytes(32);
          await sign(call, found.privateKey, { algorithm, key: found.key, data, what });
          return found.stored;
        } catch (error) {
          // Nobody has heard of it: it goes again, and the label stays free.
          call.api.C_DestroyObject(call.session, made.privateKey);
          call.api.C_DestroyObject(call.session, made.publicKey);
          throw error;
        }
      });
    },
    signer,
    counters: tokenCounters(token),
    close: () => token.close(),
  };
  try {
    await store.look();
  } catch (error) {
    await token.close();
    throw error;
  }
  return store;
}

/** Makes a key pair on the token that stays there. @throws EdgeError KEY_ALGORITHM_MISSING */
function makeKey(
  { api, constants, session }: TokenCall,
  asked: {
    readonly label: string;
    readonly algorithm: Algorithm;
    readonly name: Pick<Signer, 'keyId'> | undefined;
    readonly nowMs: number;
  },
) {
  const { algorithm, label, name, nowMs } = asked;
  const id = `bondline:1:${Math.trunc(nowMs)}:${randomBytes(8).toString('hex')}:${name?.keyId ?? ''}`;
  const mechanism =
    algorithm === 'ES256' ? constants.CKM_EC_KEY_PAIR_GEN : CKM_EC_EDWARDS_KEY_PAIR_GEN;
  const common: Attribute[] = [
    { type: constants.CKA_TOKEN, value: true },
    { type: constants.CKA_LABEL, value: label },
    { type: constants.CKA_ID, value: Buffer.from(id) },
  ];
  return api.C_GenerateKeyPairAsync(
    session,
    { mechanism },
    [
      ...common,
      { type: constants.CKA_VERIFY, value: true },
      { type: constants.CKA_EC_PARAMS, value: Buffer.from(CURVES[algorithm], 'hex') },
    ],
    [
      ...common,
      { type: constants.CKA_PRIVATE, value: true },
      { type: constants.CKA_SENSITIVE, value: true },
      { type: constants.CKA_EXTRACTABLE, value: false },
      { type: constants.CKA_SIGN, value: true },
    ],
  );
}

/** The private keys that can sign batches, each with its public half; others are not ours. */
function findKeys(call: TokenCall): readonly TokenKey[] {
  const { constants } = call;
  const mark = ({ label, id }: { label: Buffer; id: Buffer }) =>
    `${label.toString('hex')} ${id.toString('hex')}`;
  const publicKeys = new Map(
    findObjects(call, constants.CKO_PUBLIC_KEY).map((object) => [mark(object), object.handle]),
  );
  return findObjects(call, constants.CKO_PRIVATE_KEY).flatMap((object) => {
    const publicKey = publicKeys.get(mark(object));
    const material = publicKey && readPublicKey(call, publicKey);
    if (!material) return [];
    const publicJwk = jwkOfKey(material.key);
    const [, createdMs = '0', keyId = ''] = ID_PATTERN.exec(object.id.toString()) ?? [];
    const did = keyId === '' ? didOfPublicJwk(publicJwk) : (keyId.split('#', 1)[0] ?? '');
    const stored: StoredKey = {
      label: object.label.toString(),
      did,
      keyId: keyId === '' ? keyIdOfDid(did) : keyId,
      algorithm: material.algorithm,
      publicJwk,
      createdMs: Number(createdMs),
    };
    return [{ stored, key: material.key, privateKey: object.handle }];
  });
}

function findObjects({ api, constants, session }: TokenCall, kind: number) {
  api.C_FindObjectsInit(session, [{ type: constants.CKA_CLASS, value: kind }]);
  const handles: Handle[] = [];
  try {
    while (handles.length < OBJECTS_MAX) {
      const more = api.C_FindObjects(session, OBJECTS_MAX);
      if (more.length === 0) break;
      handles.push(...more);
    }
  } finally {
    api.C_FindObjectsFinal(session);
  }
  return handles.map((handle) => {
    const [label, id] = api.C_GetAttributeValue(session, handle, [
      { type: constants.CKA_LABEL },
      { type: constants.CKA_ID },
    ]);
    const none = Buffer.alloc(0);
    return { handle, label: bytesOf(label?.value) ?? none, id: bytesOf(id?.value) ?? none };
  });
}

/** P-256 or Ed25519, checked like every public key; `undefined` for other kinds of keys. */
function readPublicKey({ api, constants, session }: TokenCall, handle: Handle) {
  const attributes = [{ type: constants.CKA_EC_PARAMS }, { type: constants.CKA_EC_POINT }];
  let found: (Buffer | undefined)[];
  try {
    found = api.C_GetAttributeValue(session, handle, attributes).map(({ value }) => bytesOf(value));
  } catch {
    // An RSA key has no point.
    return undefined;
  }
  const [curve, octets] = found;
  if (!curve || !octets) return undefined;
  if (curve.toString('hex') === CURVES.ES256) {
    const point = keyOfP256(unwrapped(octets, 65));
    return point && { algorithm: 'ES256' as const, key: point.key };
  }
  if (curve.toString('hex') !== CURVES.EdDSA) return undefined;
  const point = keyOfEd25519(unwrapped(octets, 32));
  return point && { algorithm: 'EdDSA' as const, key: point.key };
}

/** CKA_EC_POINT is a DER OCTET STRING (PKCS#11 2.40 §2.3.3); some tokens give the bare point. */
function unwrapped(octets: Buffer, length: number): Buffer {
  const isWrapped = octets.length === length + 2 && octets[0] === 0x04 && octets[1] === length;
  return isWrapped ? octets.subarray(2) : octets;
}

function findOne(keys: readonly TokenKey[], label: string, what: string): TokenKey {
  const [found, another] = keys.filter(({ stored }) => stored.label === label);
  if (!found) throw new EdgeError('KEY_NOT_FOUND', what);
  if (another) throw new EdgeError('KEY_UNFIT', `${what}: several keys have this label`);
  return found;
}

/** The token itself must say that the key was made inside and never could be read out. */
function assertInside({ api, constants, session }: TokenCall, key: TokenKey, what: string): void {
  const wanted = [
    [constants.CKA_SENSITIVE, true, 'CKA_SENSITIVE is not set'],
    [constants.CKA_EXTRACTABLE, false, 'CKA_EXTRACTABLE is set'],
    [constants.CKA_ALWAYS_SENSITIVE, true, 'CKA_ALWAYS_SENSITIVE is not set'],
    [constants.CKA_NEVER_EXTRACTABLE, true, 'CKA_NEVER_EXTRACTABLE is not set'],
  ] as const;
  const types = wanted.map(([type]) => ({ type }));
  const found = api.C_GetAttributeValue(session, key.privateKey, types);
  for (const [index, [, value, why]] of wanted.entries()) {
    const isSet = bytesOf(found[index]?.value)?.[0] === 1;
    if (isSet !== value) throw new EdgeError('KEY_UNFIT', `${what}: ${why}`);
  }
}

/** Signs off the event loop; the signature is verified, since a batch with a bad one is lost. */
async function sign(
  { api, constants, session }: TokenCall,
  privateKey: Handle,
  asked: {
    readonly algorithm: Algorithm;
    readonly key: KeyObject;
    readonly data: Uint8Array;
    readonly what: string;
  },
): Promise<Uint8Array> {
  const { algorithm, key, data, what } = asked;
  const isEs256 = algorithm === 'ES256';
  // Every token signs a digest; CKM_ECDSA_SHA256, which would hash inside, is not offered by all.
  const input = isEs256 ? createHash('sha256').update(data).digest() : Buffer.from(data);
  api.C_SignInit(session, { mechanism: isEs256 ? constants.CKM_ECDSA : CKM_EDDSA }, privateKey);
  const signature = await api.C_SignAsync(session, input, Buffer.alloc(64));
  const isGood = isEs256
    ? verify('sha256', data, { key, dsaEncoding: 'ieee-p1363' }, signature)
    : verify(null, data, key, signature);
  if (!isGood) throw new EdgeError('KEY_TOKEN_FAILED', `${what}: the signature is wrong`);
  return signature;
}

function bytesOf(value: unknown): Buffer | undefined {
  return Buffer.isBuffer(value) ? value : undefined;
}
