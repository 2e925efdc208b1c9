/**
 * The wallet's agent: key manager, DIDs and JOSE of the Sphereon SSI SDK over our key stores. It
 * makes identities, issues and presents credentials, and resolves and verifies those of others. It
 * stays off the path of batches, which a prepared `node:crypto` key signs many times as fast.
 */
import { issuerOf } from '../../credential/claims.ts';
import { type OpenedToken, openCompact, verifySignature } from '../../credential/jws.ts';
import { isRefusal } from '../../credential/refusal.ts';
import { credentialsContext } from '../../credential/vocabulary.ts';
import { EdgeError } from '../../errors.ts';
import { keyInDocument, readDidDocument } from '../../identity/did-document.ts';
import { keyIdOfDid } from '../../identity/did-key.ts';
import { isAlgorithmOf, jwkOfKey, keyOfJwk, type PublicKey } from '../../identity/public-key.ts';
import { keyOfOwnDid } from '../../identity/resolve-key.ts';
import type { KeyStore, StoredKey } from '../../io/key-store.ts';
import { limits } from '../../limits.ts';
import { withWholeCoordinates } from './did-key-resolver.ts';
import { createKeyStoreKms, KMS, managedKeyOf } from './key-store-kms.ts';
import {
  type Agent,
  type AgentLibrary,
  type DidResolution,
  type Jwk,
  loadAgentLibrary,
} from './library.ts';

export type DidMethod = 'web' | 'key' | 'jwk';

/** A name under which a key of the store signs. */
export interface Identity {
  readonly did: string;
  /** DID URL of the verification method; the header's `kid`. */
  readonly keyId: string;
  /** The key's label in the store. */
  readonly label: string;
}

/** Whether a token's signature holds, as the agent sees it; `unknown` when no key was found. */
export interface SignatureVerdict {
  readonly signature: 'good' | 'bad' | 'unknown';
  /** One sentence without a full stop. */
  readonly reason: string;
}

/** What a holder shows, and to whom. */
export interface Presentation {
  /** Tokens of `vc+jwt`, byte for byte as they were issued. */
  readonly credentials: readonly Uint8Array[];
  /** `urn:uuid:` of the presentation. */
  readonly id: string;
  readonly audience?: string;
  readonly nonce?: string;
}

export interface WalletAgent {
  /**
   * Makes a key of P-256 under `label` in the store, unless it is there, and a DID of it. A
   * `did:web` is given, with the fragment of the method that the key becomes.
   * @throws EdgeError of the key store, WALLET_AGENT_FAILED
   */
  create(asked: {
    readonly label: string;
    readonly method: DidMethod;
    readonly web?: { readonly did: string; readonly fragment: string };
  }): Promise<Identity>;
  /**
   * Signs a credential: JSON text exactly as it is to be signed, in our wire form (docs/wire.md).
   * @throws EdgeError KEY_NOT_FOUND, WALLET_AGENT_FAILED
   */
  issue(identity: Identity, payload: string): Promise<Uint8Array>;
  /** Signs a `vp+jwt` of enveloped credentials (VC-JOSE-COSE 1.0 §3.2.1, VCDM 2.0 §4.13). */
  present(identity: Identity, presentation: Presentation): Promise<Uint8Array>;
  /** The DID document, or `undefined` where there is none. */
  resolve(did: string): Promise<object | undefined>;
  /** Resolves the key that a token's header names, and checks the signature with it. */
  verify(token: Uint8Array, atMs: number): Promise<SignatureVerdict>;
}

export interface WalletAgentOptions {
  readonly store: Pick<KeyStore, 'create' | 'list' | 'signer'>;
  /** Documents of `did:web`: the agent never dials by itself. */
  readonly webDocument: (did: string) => Promise<object | undefined>;
}

/** Opens an agent over a key store. @throws EdgeError WALLET_PACKAGE_MISSING */
export async function openWalletAgent(options: WalletAgentOptions): Promise<WalletAgent> {
  const { store } = options;
  /** Label of the key that is being made; the agent's own parameters do not reach the store. */
  let wanted = '';
  const agent = composeAgent(await loadAgentLibrary(), options, () => wanted);

  /** Takes up the identity in the agent's own memory, unless it is there. */
  async function adopt({ did, keyId, label }: Identity): Promise<StoredKey> {
    const key = store.list().find((stored) => stored.label === label);
    if (!key) throw new EdgeError('KEY_NOT_FOUND', `looking for "${label}"`);
    const known = await agent.didManagerFind({});
    if (!known.some((one) => one.did === did && one.controllerKeyId === keyId)) {
      const { kid, publicKeyHex, type } = managedKeyOf(key);
      const managed = { kid, publicKeyHex, type, kms: KMS, privateKeyHex: '' };
      const provider = did.split(':', 2).join(':');
      await agent.didManagerImport({ did, provider, controllerKeyId: keyId, keys: [managed] });
    }
    return key;
  }

  async function sign(identity: Identity, kind: Kind, payload: string): Promise<Uint8Array> {
    const { did, keyId: kid } = identity;
    const { algorithm: alg, publicJwk } = await adopt(identity);
    const protectedHeader = { alg, typ: kind.typ, cty: kind.cty, kid };
    const { jwt } = await agent.jwtCreateJwsCompactSignature({
      mode: 'did',
      issuer: { method: 'did', identifier: did, kid, noIdentifierInHeader: true },
      protectedHeader,
      payload: Buffer.from(payload),
    });
    const token = Buffer.from(jwt, 'latin1');
    const opened = openCompact(token, limits.credentialBytesMax);
    if (isRefusal(opened)) throw failed(`reading back what it signed: ${opened.reason}`);
    // Before anyone gets it: the header to the letter, the text untouched, our verifier content.
    const header = `${Buffer.from(JSON.stringify(protectedHeader)).toString('base64url')}.`;
    const key = keyOfJwk(publicJwk);
    if (!jwt.startsWith(header) || opened.payloadText !== payload) {
      throw failed('it changed what it was to sign');
    }
    if (!key || !verifySignature(opened, key)) throw failed('its signature does not verify');
    return token;
  }

  async function resolve(did: string): Promise<object | undefined> {
    const { didDocument }: DidResolution = await agent.resolveDid({ didUrl: did });
    return didDocument ?? undefined;
  }

  return {
    resolve,
    async create({ label, method, web }) {
      wanted = label;
      const made = await agent.didManagerCreate({
        provider: `did:${method}`,
        kms: KMS,
        alias: web?.did.slice('did:web:'.length) ?? label,
        options: { type: 'Secp256r1', keyType: 'Secp256r1' },
      });
      const key = store.list().find((stored) => stored.label === label);
      if (!key) throw failed('the key that it made is not in the store');
      const did = method === 'jwk' ? wholeDidJwk(made.did, key) : made.did;
      if (web && did !== web.did) throw failed(`it made ${did} of ${web.did}`);
      if (method === 'key') return { did, keyId: keyIdOfDid(did), label };
      return { did, keyId: `${did}#${web?.fragment ?? '0'}`, label };
    },
    issue: (identity, payload) => sign(identity, { typ: 'vc+jwt', cty: 'vc' }, payload),
    present: (identity, shown) =>
      sign(identity, { typ: 'vp+jwt', cty: 'vp' }, presentationOf(identity.did, shown)),
    async verify(token, atMs) {
      // The family reads leniently and takes keys from headers; what is read here is strict.
      const opened = openCompact(token, limits.credentialBytesMax);
      if (isRefusal(opened)) return { signature: 'bad', reason: opened.reason };
      const key = await keyOf(opened, { resolve, atMs });
      if (typeof key === 'string') return { signature: 'unknown', reason: key };
      return checkSignature(agent, opened, token, key);
    },
  };
}

/**
 * The SDK writes coordinates as numbers, without leading zeros: what it makes of one key in 128 is
 * no JWK (RFC 7518 §6.2.1.2), and nobody could verify with it. Such a DID is written here.
 */
function wholeDidJwk(did: string, { publicJwk }: StoredKey): string {
  if (keyOfOwnDid(did)) return did;
  // Without `alg` and `use` the SDK would let the key assert nothing.
  const jwk = JSON.stringify({ alg: 'ES256', use: 'sig', ...publicJwk });
  return `did:jwk:${Buffer.from(jwk).toString('base64url')}`;
}

interface Kind {
  readonly typ: string;
  readonly cty: string;
}

function composeAgent(
  library: AgentLibrary,
  { store, webDocument }: WalletAgentOptions,
  nextLabel: () => string,
): Agent {
  const kms = createKeyStoreKms(library, store, nextLabel);
  const web = async (did: string): Promise<DidResolution> => {
    const didDocument = (await webDocument(did)) as DidResolution['didDocument'] | undefined;
    const didResolutionMetadata = didDocument ? {} : { error: 'notFound' };
    return { didDocument: didDocument ?? null, didResolutionMetadata, didDocumentMetadata: {} };
  };
  const defaultKms = KMS;
  return library.createAgent({
    plugins: [
      new library.SphereonKeyManager({
        store: new library.MemoryKeyStore(),
        kms: { [KMS]: kms },
        defaultKms,
      }),
      new library.DIDManager({
        store: new library.MemoryDIDStore(),
        defaultProvider: 'did:web',
        providers: {
          'did:web': new library.WebDIDProvider({ defaultKms }),
          'did:key': new library.SphereonKeyDidProvider({ defaultKms }),
          'did:jwk': new library.JwkDIDProvider({ defaultKms }),
        },
      }),
      new library.DIDResolverPlugin({
        resolver: new library.Resolver({
          key: withWholeCoordinates(library.getDidKeyResolver()),
          ...library.getDidJwkResolver(),
          web,
        }),
      }),
      new library.IdentifierResolution(),
      new library.JwtService(),
    ],
  });
}

/** The key that signed, by the agent's resolution and our reading of what it found; or why not. */
async function keyOf(
  { header: { kid }, payload }: OpenedToken,
  { resolve, atMs }: { resolve: WalletAgent['resolve']; atMs: number },
): Promise<PublicKey | string> {
  // A kid that is no URL of a DID is a name in the issuer's own document (VC-JOSE-COSE §3.3.2).
  const did = (kid.startsWith('did:') ? kid.split('#', 1)[0] : issuerOf(payload)) ?? '';
  const found = await resolve(did);
  if (!found) return `the DID document of ${did.slice(0, 200)} is not to be had`;
  const document = readDidDocument(found);
  if (isRefusal(document)) return document.reason;
  const key = keyInDocument(document, { keyId: kid, relationship: 'assertionMethod', atMs });
  return isRefusal(key) ? key.reason : key;
}

async function checkSignature(
  agent: Agent,
  opened: OpenedToken,
  token: Uint8Array,
  key: PublicKey,
): Promise<SignatureVerdict> {
  const { alg } = opened.header;
  if (!isAlgorithmOf(alg, key.algorithm)) {
    return { signature: 'bad', reason: `alg is ${alg}, the key is for ${key.algorithm}` };
  }
  const jws = Buffer.from(token).toString('latin1');
  const bad = { signature: 'bad', reason: `it does not verify with ${key.keyId}` } as const;
  try {
    const { error } = await agent.jwtVerifyJwsSignature({ jws, jwk: jwkOfKey(key.key) as Jwk });
    return error ? bad : { signature: 'good', reason: `it verifies with ${key.keyId}` };
  } catch {
    // The curves of the family throw for signatures that are no pair of numbers in range.
    return bad;
  }
}

/** The payload of a presentation, as JSON text ready to be signed. */
function presentationOf(holder: string, { audience, credentials, id, nonce }: Presentation) {
  return JSON.stringify({
    '@context': [credentialsContext],
    id,
    type: ['VerifiablePresentation'],
    holder,
    verifiableCredential: credentials.map((token) => ({
      '@context': [credentialsContext],
      id: `data:application/vc+jwt,${Buffer.from(token).toString('latin1')}`,
      type: ['EnvelopedVerifiableCredential'],
    })),
    ...(audience !== undefined && { aud: audience }),
    ...(nonce !== undefined && { nonce }),
  });
}

function failed(what: string): EdgeError {
  return new EdgeError('WALLET_AGENT_FAILED', `asking the agent to sign: ${what}`);
}
