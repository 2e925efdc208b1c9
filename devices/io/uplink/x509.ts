/**
 * Makes X.509 certificates and requests for them, P-256 throughout; the one file that loads
 * @peculiar/x509. The authority's key stays in its key store: what is to be signed goes to its
 * signer, and no private key of an authority ever comes here.
 */
import {
  createPrivateKey,
  createPublicKey,
  generateKeyPairSync,
  type KeyObject,
} from 'node:crypto';
import type { Signer } from '../../identity/signer.ts';
import { dateOf } from '../../runtime.ts';

type X509 = typeof import('@peculiar/x509');

/** The platform's own Web Crypto, by the type that the package knows. */
const platform = globalThis.crypto;
const ECDSA = { name: 'ECDSA', namedCurve: 'P-256' } as const;
const SIGNATURE = { name: 'ECDSA', hash: 'SHA-256' } as const;

/** Loaded when a certificate is first made: its dependencies take a tenth of a second. */
async function load(): Promise<X509> {
  // tsyringe, below @peculiar/x509, needs the metadata functions before it is loaded itself.
  await import('reflect-metadata');
  return import('@peculiar/x509');
}

/** Who signs certificates: a certificate of its own and the key that it names. */
export interface Authority {
  /** Its certificate, PEM. */
  readonly certificate: string;
  readonly signer: Signer;
}

/** A TLS key with the certificate for it, both PEM. */
export interface TlsIdentity {
  readonly cert: string;
  readonly key: string;
}

/** What a certificate says. */
export interface CertificateWish {
  /** Common name, at most 64 characters (RFC 5280 §A.1, ub-common-name). */
  readonly commonName: string;
  readonly names: readonly { readonly type: 'dns' | 'ip' | 'url'; readonly value: string }[];
  readonly use: 'server' | 'client';
  readonly publicKey: KeyObject;
  readonly fromMs: number;
  readonly untilMs: number;
}

/** Object identifiers of RFC 5280 §4.2.1.12. */
const SERVER_AUTH = '1.3.6.1.5.5.7.3.1';
const CLIENT_AUTH = '1.3.6.1.5.5.7.3.2';

/** A P-256 key for TLS, kept by the caller in memory only. */
export function makeTlsKey(): { readonly publicKey: KeyObject; readonly key: string } {
  const { privateKey, publicKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  return { publicKey, key: privateKey.export({ type: 'pkcs8', format: 'pem' }).toString() };
}

/** The certificate by which an authority signs itself: it may sign others, and nothing below. */
export async function makeAuthorityCertificate(options: {
  readonly signer: Signer;
  readonly publicKey: KeyObject;
  readonly commonName: string;
  readonly serial: Uint8Array;
  readonly fromMs: number;
  readonly untilMs: number;
}): Promise<string> {
  const x509 = await load();
  const { commonName, publicKey, signer } = options;
  const name = [{ CN: [commonName] }];
  const key = await publicCryptoKey(publicKey);
  const made = await x509.X509CertificateGenerator.create(
    {
      serialNumber: serialOf(options.serial),
      subject: name,
      issuer: name,
      notBefore: dateOf(options.fromMs),
      notAfter: dateOf(options.untilMs),
      signingAlgorithm: SIGNATURE,
      publicKey: key,
      signingKey: key,
      extensions: [
        new x509.BasicConstraintsExtension(true, 0, true),
        new x509.KeyUsagesExtension(
          x509.KeyUsageFlags.keyCertSign | x509.KeyUsageFlags.cRLSign,
          true,
        ),
        await x509.SubjectKeyIdentifierExtension.create(key, false, platform),
      ],
    },
    signingWith(signer),
  );
  return made.toString('pem');
}

/** A certificate signed by `authority`, PEM. */
export async function issueCertificate(
  authority: Authority,
  wish: CertificateWish,
  serial: Uint8Array,
): Promise<string> {
  const x509 = await load();
  const issuer = new x509.X509Certificate(authority.certificate);
  const key = await publicCryptoKey(wish.publicKey);
  const made = await x509.X509CertificateGenerator.create(
    {
      serialNumber: serialOf(serial),
      subject: [{ CN: [wish.commonName] }],
      issuer: issuer.subjectName.toJSON(),
      notBefore: dateOf(wish.fromMs),
      notAfter: dateOf(wish.untilMs),
      signingAlgorithm: SIGNATURE,
      publicKey: key,
      signingKey: key,
      extensions: [
        new x509.BasicConstraintsExtension(false, undefined, true),
        new x509.KeyUsagesExtension(x509.KeyUsageFlags.digitalSignature, true),
        new x509.ExtendedKeyUsageExtension([wish.use === 'server' ? SERVER_AUTH : CLIENT_AUTH]),
        new x509.SubjectAlternativeNameExtension([...wish.names]),
        await x509.AuthorityKeyIdentifierExtension.create(issuer, false, platform),
      ],
    },
    signingWith(authority.signer),
  );
  return made.toString('pem');
}

/** A request for a certificate (RFC 2986) for a TLS key, DER; its own key signs it. */
export async function composeCertificateRequest(
  keyPem: string,
  publicKey: KeyObject,
  commonName: string,
): Promise<Uint8Array> {
  const x509 = await load();
  const pkcs8 = createPrivateKey(keyPem).export({ type: 'pkcs8', format: 'der' });
  const bytes = new Uint8Array(pkcs8);
  const privateKey = await platform.subtle.importKey('pkcs8', bytes, ECDSA, false, ['sign']);
  const made = await x509.Pkcs10CertificateRequestGenerator.create(
    {
      name: [{ CN: [commonName] }],
      signingAlgorithm: SIGNATURE,
      keys: { privateKey, publicKey: await publicCryptoKey(publicKey) },
    },
    platform,
  );
  return new Uint8Array(made.rawData);
}

/**
 * The TLS key that a request (DER) asks a certificate for, or `undefined` when it is no request,
 * is not signed by the key that it names, or names another kind of key than P-256. Nothing else
 * that it says is looked at: whoever issues decides what the certificate says.
 */
export async function keyOfCertificateRequest(der: Uint8Array): Promise<KeyObject | undefined> {
  const x509 = await load();
  try {
    const request = new x509.Pkcs10CertificateRequest(Buffer.from(der));
    const spki = Buffer.from(request.publicKey.rawData);
    const key = createPublicKey({ key: spki, format: 'der', type: 'spki' });
    const { asymmetricKeyDetails, asymmetricKeyType } = key;
    if (asymmetricKeyType !== 'ec' || asymmetricKeyDetails?.namedCurve !== 'prime256v1') {
      return undefined;
    }
    return (await request.verify(platform)) ? key : undefined;
  } catch {
    // The parser throws for whatever is not a request.
    return undefined;
  }
}

function publicCryptoKey(key: KeyObject): Promise<CryptoKey> {
  const spki = new Uint8Array(key.export({ type: 'spki', format: 'der' }));
  return platform.subtle.importKey('spki', spki, ECDSA, true, ['verify']);
}

/** RFC 5280 §4.1.2.2: positive, at most 20 bytes. */
function serialOf(bytes: Uint8Array): string {
  const serial = Buffer.from(bytes);
  serial[0] = ((serial[0] ?? 0) & 0x3f) | 0x40;
  return serial.toString('hex');
}

/** Web Crypto whose signatures are the signer's; r‖s is also what JOSE has (RFC 7518 §3.4). */
function signingWith(signer: Signer): Crypto {
  const own = platform.subtle;
  const subtle = {
    exportKey: own.exportKey.bind(own),
    importKey: own.importKey.bind(own),
    digest: own.digest.bind(own),
    async sign(_algorithm: unknown, _key: unknown, data: ArrayBuffer) {
      return new Uint8Array(await signer.sign(new Uint8Array(data))).buffer;
    },
  };
  return { subtle, getRandomValues: platform.getRandomValues.bind(platform) } as never;
}
