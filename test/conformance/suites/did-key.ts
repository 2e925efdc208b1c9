/**
 * w3c-ccg/did-method-key: bytes and DID strings of every entry. Keys of P-256, P-384 and Ed25519
 * are read and written again; those of other kinds (P-521, X25519, secp256k1) are refused, and
 * their bytes compared nevertheless. The document shapes there are of 2020 and not compared.
 */
import { decodeBase58, encodeBase58 } from '../../../devices/identity/base58.ts';
import { didOfPublicJwk, isDidKey, publicKeyOfDid } from '../../../devices/identity/did-key.ts';
import { jwkOfKey } from '../../../devices/identity/public-key.ts';
import { type Case, expect, expectSame, type Suite, theCase } from '../case.ts';
import { stemOf } from '../vectors.ts';

interface Published {
  readonly id?: string;
  readonly publicKeyJwk?: Readonly<Record<string, string>>;
  readonly publicKeyBase58?: string;
}

interface Entry {
  readonly keyAgreementKeyPair?: Published;
  readonly didDocument: {
    readonly id: string;
    readonly assertionMethod?: readonly (string | Published)[];
    readonly keyAgreement?: readonly (string | Published)[];
  };
}

export const didKeySuite: Suite = {
  name: 'did:key',
  folder: 'did-key',
  cases: (vectors) =>
    vectors
      .files(/\.json$/)
      .flatMap((file) =>
        Object.entries(vectors.json<Record<string, Entry>>(file)).map(([did, entry]) =>
          caseOf(`${stemOf(file)} ${did}`, did, entry),
        ),
      ),
};

/** Multicodec prefixes (varints) of the kinds of keys. */
const CODECS: Readonly<Record<string, string>> = {
  ed01: 'Ed25519',
  ec01: 'X25519',
  e701: 'secp256k1',
  '8024': 'P-256',
  '8124': 'P-384',
  '8224': 'P-521',
  ea01: 'BLS12-381 G1',
  eb01: 'BLS12-381 G2',
  ee01: 'BLS12-381 G1 and G2',
  '8524': 'RSA',
};

/** Kinds whose published form is the same bytes, so that the two can be compared. */
const COMPARED = ['Ed25519', 'X25519', 'secp256k1', 'P-256', 'P-384', 'P-521'];

const ACCEPTED = ['Ed25519', 'P-256', 'P-384'];

function caseOf(name: string, did: string, entry: Entry): Case {
  return theCase(name, () => {
    const { kind, key } = takeApart(did.slice('did:key:'.length));
    if (COMPARED.includes(kind)) {
      const published = publishedIn(entry).map((one) => bytesOf(one).toString('hex'));
      expect(published.includes(key.toString('hex')), `the key is none of ${published.join()}`);
    }
    expectSame(entry.didDocument.id, did, 'the id of the document');
    if (ACCEPTED.includes(kind)) {
      const found = publicKeyOfDid(did);
      expectSame(didOfPublicJwk(jwkOfKey(found.key)), did, 'the DID of the key');
      for (const one of entry.didDocument.assertionMethod ?? []) {
        const id = (typeof one === 'string' ? one : one.id) ?? '';
        expectSame(id.startsWith('#') ? `${did}${id}` : id, found.keyId, 'the key id');
      }
    } else {
      expect(!isDidKey(did), `a key of ${kind} is accepted`);
    }
    checkAgreement(did, entry);
  });
}

/** Every key that an entry writes down, wherever it stands. */
function publishedIn(value: unknown): readonly Published[] {
  if (typeof value !== 'object' || value === null) return [];
  const one = value as Published;
  const isKey = one.publicKeyBase58 !== undefined || one.publicKeyJwk !== undefined;
  return [...(isKey ? [one] : []), ...Object.values(value).flatMap(publishedIn)];
}

/** The key for agreement that an Ed25519 key stands for is written like any other, and refused. */
function checkAgreement(did: string, { keyAgreementKeyPair: pair, didDocument }: Entry): void {
  if (!pair) return;
  const [named] = didDocument.keyAgreement ?? [];
  const id = (typeof named === 'string' ? named : named?.id) ?? '';
  const multibase = id.slice(id.indexOf('#') + 1);
  expect(id === `${did}#${multibase}` || id === `#${multibase}`, `${id} is not a key of the DID`);
  const { kind, key } = takeApart(multibase);
  expectSame(key.toString('hex'), bytesOf(pair).toString('hex'), 'the key for agreement');
  if (kind === 'X25519') expect(!isDidKey(`did:key:${multibase}`), 'X25519 is accepted');
}

/** The kind and the bytes of a key in multibase base58btc. */
function takeApart(multibase: string): { kind: string; key: Buffer } {
  const bytes = Buffer.from(decodeBase58(multibase.slice(1)) ?? []);
  expectSame(`z${encodeBase58(bytes)}`, multibase, 'base 58, decoded and encoded');
  const kind = CODECS[bytes.subarray(0, 2).toString('hex')];
  expect(kind !== undefined, `no codec is known for ${multibase}`);
  return { kind, key: bytes.subarray(2) };
}

/** The bytes as did:key has them: an Edwards or Montgomery point, or a compressed SEC 1 one. */
function bytesOf({ publicKeyJwk, publicKeyBase58 }: Published): Buffer {
  if (publicKeyBase58 !== undefined) return Buffer.from(decodeBase58(publicKeyBase58) ?? []);
  const { x = '', y } = publicKeyJwk ?? {};
  const point = Buffer.from(x, 'base64url');
  if (y === undefined) return point;
  const parity = (Buffer.from(y, 'base64url').at(-1) ?? 0) & 1;
  return Buffer.concat([Buffer.from([2 + parity]), point]);
}
