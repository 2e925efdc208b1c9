/** The part of Digital Bazaar's packages that the tests use; they bring no types of their own. */
interface Suite {
  readonly name: string;
  readonly requiredAlgorithm: unknown;
  readonly canonize: unknown;
  readonly createVerifier: unknown;
  readonly createVerifyData: (options: { readonly cryptosuite: Suite }) => Promise<Uint8Array>;
}

interface Loaded {
  readonly documentUrl: string;
  readonly document: object;
  readonly contextUrl: null;
}

type DocumentLoader = (url: string) => Promise<Loaded>;

interface KeyPair {
  id: string;
  controller: string;
  readonly publicKeyMultibase: string;
  signer(): { readonly id: string };
}

declare module '@digitalbazaar/data-integrity' {
  export class DataIntegrityProof {
    constructor(options: {
      readonly cryptosuite: Suite;
      readonly signer?: { readonly id: string };
      readonly date?: string;
    });
  }
}

declare module '@digitalbazaar/vc' {
  import type { DataIntegrityProof } from '@digitalbazaar/data-integrity';
  export function issue(options: {
    readonly credential: object;
    readonly suite: DataIntegrityProof;
    readonly documentLoader: DocumentLoader;
  }): Promise<Record<string, unknown>>;
  export function verifyCredential(options: {
    readonly credential: object;
    readonly suite: DataIntegrityProof;
    readonly documentLoader: DocumentLoader;
  }): Promise<{
    readonly verified: boolean;
    readonly error?: { readonly message: string; readonly errors?: readonly Error[] };
  }>;
}

declare module '@digitalbazaar/ecdsa-rdfc-2019-cryptosuite' {
  export const cryptosuite: Suite;
}

declare module '@digitalbazaar/eddsa-rdfc-2022-cryptosuite' {
  export const cryptosuite: Suite;
}

declare module '@digitalbazaar/eddsa-jcs-2022-cryptosuite' {
  export function createSignCryptosuite(): Suite;
  export function createVerifyCryptosuite(): Suite;
}

declare module '@digitalbazaar/ecdsa-multikey' {
  export function generate(options: { readonly curve: 'P-256' | 'P-384' }): Promise<KeyPair>;
}

declare module '@digitalbazaar/ed25519-multikey' {
  export function generate(): Promise<KeyPair>;
}
