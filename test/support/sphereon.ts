/**
 * An agent as another organisation would make it: the Sphereon SSI SDK with its own key management
 * and nothing of ours. It judges what we sign, and we judge what it signs.
 */

import { MemoryPrivateKeyStore } from '@sphereon/ssi-sdk-ext.key-manager';
import { SphereonKeyManagementSystem } from '@sphereon/ssi-sdk-ext.kms-local';
import {
  type Agent,
  type DidResolution,
  type Jwk,
  loadAgentLibrary,
} from '../../devices/wallet/agent/library.ts';

/** What the SDK says of a signature; `cannot` with its own words where it finds no key. */
export type SphereonVerdict = 'good' | 'bad' | `cannot: ${string}`;

export interface Sphereon {
  readonly agent: Agent;
  /** DID documents that its resolver finds, by DID. */
  readonly documents: Map<string, unknown>;
  /** Verifies by the key that it resolves by itself from the header. */
  verify(token: Uint8Array): Promise<SphereonVerdict>;
  /** Verifies with a key that it is given. */
  verifyWith(token: Uint8Array, jwk: Readonly<Record<string, unknown>>): Promise<SphereonVerdict>;
}

export async function createSphereon(): Promise<Sphereon> {
  const library = await loadAgentLibrary();
  const documents = new Map<string, unknown>();
  const web = async (did: string): Promise<DidResolution> => {
    const didDocument = (documents.get(did) ?? null) as DidResolution['didDocument'];
    const didResolutionMetadata = didDocument ? {} : { error: 'notFound' };
    return { didDocument, didResolutionMetadata, didDocumentMetadata: {} };
  };
  const defaultKms = 'local';
  const agent: Agent = library.createAgent({
    plugins: [
      new library.SphereonKeyManager({
        store: new library.MemoryKeyStore(),
        kms: { local: new SphereonKeyManagementSystem(new MemoryPrivateKeyStore()) },
        defaultKms,
      }),
      new library.DIDManager({
        store: new library.MemoryDIDStore(),
        defaultProvider: 'did:jwk',
        providers: {
          'did:key': new library.SphereonKeyDidProvider({ defaultKms }),
          'did:jwk': new library.JwkDIDProvider({ defaultKms }),
          'did:web': new library.WebDIDProvider({ defaultKms }),
        },
      }),
      new library.DIDResolverPlugin({
        resolver: new library.Resolver({
          ...library.getDidKeyResolver(),
          ...library.getDidJwkResolver(),
          web,
        }),
      }),
      new library.IdentifierResolution(),
      new library.JwtService(),
    ],
  });

  async function ask(token: Uint8Array, jwk?: Jwk): Promise<SphereonVerdict> {
    const jws = Buffer.from(token).toString('latin1');
    try {
      const { error } = await agent.jwtVerifyJwsSignature({ jws, ...(jwk && { jwk }) });
      return error ? 'bad' : 'good';
    } catch (error) {
      return `cannot: ${error instanceof Error ? error.message : String(error)}`;
    }
  }

  return {
    agent,
    documents,
    verify: (token) => ask(token),
    verifyWith: (token, jwk) => ask(token, jwk as unknown as Jwk),
  };
}
