/**
 * Digital Bazaar's issuer and verifier for W3C credentials with Data Integrity proofs: a peer that
 * was not written here. Contexts are read where ../shared has them; nothing is fetched.
 */
import { readFileSync } from 'node:fs';
import { DataIntegrityProof } from '@digitalbazaar/data-integrity';
import * as ecdsaMultikey from '@digitalbazaar/ecdsa-multikey';
import { cryptosuite as ecdsaRdfc2019 } from '@digitalbazaar/ecdsa-rdfc-2019-cryptosuite';
import * as ed25519Multikey from '@digitalbazaar/ed25519-multikey';
import {
  createSignCryptosuite,
  createVerifyCryptosuite,
} from '@digitalbazaar/eddsa-jcs-2022-cryptosuite';
import { cryptosuite as eddsaRdfc2022 } from '@digitalbazaar/eddsa-rdfc-2022-cryptosuite';
import * as vc from '@digitalbazaar/vc';
import { sharedPath } from './shared.ts';

/**
 * ecdsa-jcs-2019, of which they have no package: put together of what theirs for its two halves do,
 * the data of the one (SHA-256 of canonical JSON, as both recommendations say it for P-256) and the
 * keys of the other.
 */
function ecdsaJcs2019(
  jcs: ReturnType<typeof createSignCryptosuite>,
): ReturnType<typeof createSignCryptosuite> {
  return {
    name: 'ecdsa-jcs-2019',
    canonize: jcs.canonize,
    requiredAlgorithm: 'P-256',
    createVerifier: ecdsaRdfc2019.createVerifier,
    createVerifyData: (options) => jcs.createVerifyData({ ...options, cryptosuite: jcs }),
  };
}

const suites = {
  'ecdsa-rdfc-2019': { curve: 'P-256', signing: ecdsaRdfc2019, verifying: ecdsaRdfc2019 },
  'ecdsa-rdfc-2019-p384': { curve: 'P-384', signing: ecdsaRdfc2019, verifying: ecdsaRdfc2019 },
  'eddsa-rdfc-2022': { curve: 'Ed25519', signing: eddsaRdfc2022, verifying: eddsaRdfc2022 },
  'eddsa-jcs-2022': {
    curve: 'Ed25519',
    signing: createSignCryptosuite(),
    verifying: createVerifyCryptosuite(),
  },
  'ecdsa-jcs-2019': {
    curve: 'P-256',
    signing: ecdsaJcs2019(createSignCryptosuite()),
    verifying: ecdsaJcs2019(createVerifyCryptosuite()),
  },
} as const;

export type BazaarSuite = keyof typeof suites;

const CONTEXTS: Readonly<Record<string, string>> = {
  'https://www.w3.org/ns/credentials/v2': sharedPath('contexts', 'credentials-v2.jsonld'),
  'https://www.w3.org/ns/did/v1': sharedPath('contexts', 'did-v1.jsonld'),
  'https://w3id.org/security/multikey/v1': sharedPath('contexts', 'multikey-v1.jsonld'),
  'https://w3id.org/security/data-integrity/v2': sharedPath('contexts', 'data-integrity-v2.jsonld'),
  'https://ref.gs1.org/standards/epcis/2.0.0/epcis-context.jsonld': sharedPath(
    'contexts',
    'epcis-2.0.0.jsonld',
  ),
  'https://w3id.org/bondline/v1': new URL('../../docs/contexts/bondline-v1.jsonld', import.meta.url)
    .pathname,
};

/** An issuer with a fresh key, whose DID is its own `did:key`. */
export interface BazaarIssuer {
  readonly did: string;
  issue(credential: object): Promise<Record<string, unknown>>;
}

/** `date`: when it says that it signs; now, unless told otherwise. */
export async function bazaarIssuer(suite: BazaarSuite, date?: string): Promise<BazaarIssuer> {
  const { signing: cryptosuite, curve } = suites[suite];
  const key =
    curve === 'Ed25519'
      ? await ed25519Multikey.generate()
      : await ecdsaMultikey.generate({ curve });
  const did = `did:key:${key.publicKeyMultibase}`;
  key.controller = did;
  key.id = `${did}#${key.publicKeyMultibase}`;
  const at = date && { date };
  const proof = new DataIntegrityProof({ signer: key.signer(), cryptosuite, ...at });
  return {
    did,
    issue: (credential) => vc.issue({ credential, suite: proof, documentLoader }),
  };
}

/** `undefined` when the credential verifies, otherwise what the library says is wrong. */
export async function bazaarVerify(
  credential: object,
  suite: BazaarSuite,
): Promise<string | undefined> {
  const { verifying: cryptosuite } = suites[suite];
  const proof = new DataIntegrityProof({ cryptosuite });
  const result = await vc.verifyCredential({ credential, suite: proof, documentLoader });
  if (result.verified) return undefined;
  return result.error?.errors?.map(({ message }) => message).join('; ') ?? 'not verified';
}

const contexts = new Map<string, object>();

/** Contexts from their files, and the documents that a `did:key` stands for. */
async function documentLoader(url: string) {
  const document = contexts.get(url) ?? documentAt(url);
  if (url in CONTEXTS) contexts.set(url, document);
  return { documentUrl: url, document, contextUrl: null } as const;
}

function documentAt(url: string): object {
  const file = CONTEXTS[url];
  if (file !== undefined) return JSON.parse(readFileSync(file, 'utf8')) as object;
  const [did = '', fragment] = url.split('#');
  if (!did.startsWith('did:key:')) throw new Error(`there is no document at ${url}`);
  const publicKeyMultibase = did.slice('did:key:'.length);
  const multikey = 'https://w3id.org/security/multikey/v1';
  const method = {
    id: `${did}#${publicKeyMultibase}`,
    type: 'Multikey',
    controller: did,
    publicKeyMultibase,
  };
  if (fragment !== undefined) return { '@context': multikey, ...method };
  return {
    '@context': ['https://www.w3.org/ns/did/v1', multikey],
    id: did,
    verificationMethod: [method],
    assertionMethod: [method.id],
    authentication: [method.id],
  };
}
