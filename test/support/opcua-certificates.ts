/**
 * Certificates of every quality, made by a library that the gateway does not use: good ones, and
 * those that a gateway must refuse.
 */
import { createPrivateKey, generateKeyPairSync, X509Certificate } from 'node:crypto';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { crypto_utils } from 'node-opcua-client';

const { x509 } = crypto_utils;
const webCrypto = globalThis.crypto;

/** A certificate with its key. */
export interface Identity {
  readonly certificate: X509Certificate;
  readonly keyPem: string;
}

export interface CertificateOptions {
  readonly name?: string;
  /** Default: itself. */
  readonly issuer?: Identity;
  /** Whose key it certifies; default: a key of its own. */
  readonly key?: Identity;
  readonly notBeforeMs?: number;
  readonly notAfterMs?: number;
  readonly dns?: readonly string[];
  readonly ip?: readonly string[];
  readonly uri?: string;
  readonly authority?: boolean;
  readonly bits?: number;
  readonly hash?: 'SHA-1' | 'SHA-256';
  /** Bits of keyUsage; default: what an application or an authority needs. */
  readonly usage?: number;
  /** OIDs of extendedKeyUsage; default: server and client. */
  readonly extended?: readonly string[];
}

export const USAGE = { digitalSignature: 1, keyEncipherment: 4, dataEncipherment: 8 } as const;
const APPLICATION_USAGE = 0b0000_1111;
const AUTHORITY_USAGE = 0b0110_0000;
const DAY_MS = 86_400_000;
export const SERVER_URI = 'urn:bondline:test:server';

/** RSA keys take time to find; those of one size are found once a test file. */
const keys = new Map<string, string>();

export function keyOf(name: string, bits = 2_048): string {
  const known = keys.get(`${name} ${bits}`);
  if (known) return known;
  const { privateKey } = generateKeyPairSync('rsa', { modulusLength: bits });
  const pem = String(privateKey.export({ type: 'pkcs8', format: 'pem' }));
  keys.set(`${name} ${bits}`, pem);
  return pem;
}

async function importKeys(pem: string, hash: string) {
  const algorithm = { name: 'RSASSA-PKCS1-v1_5', hash };
  const key = createPrivateKey(pem);
  const jwk = key.export({ format: 'jwk' });
  const privateKey = await webCrypto.subtle.importKey('jwk', jwk, algorithm, true, ['sign']);
  const open = { kty: jwk.kty ?? '', n: jwk.n ?? '', e: jwk.e ?? '' };
  const publicKey = await webCrypto.subtle.importKey('jwk', open, algorithm, true, ['verify']);
  return { privateKey, publicKey, algorithm };
}

let serial = 0x1000;

/** Makes a certificate; without options, a good one for a server on 127.0.0.1. */
export async function makeCertificate(options: CertificateOptions = {}): Promise<Identity> {
  const { authority = false, hash = 'SHA-256', issuer, name = 'test server' } = options;
  const keyPem = options.key?.keyPem ?? keyOf(name, options.bits);
  const own = await importKeys(keyPem, hash);
  const signer = await importKeys(issuer?.keyPem ?? keyPem, hash);
  const nowMs = Date.now();
  const names = [
    ...(options.dns ?? []).map((value) => ({ type: 'dns' as const, value })),
    ...(options.ip ?? ['127.0.0.1']).map((value) => ({ type: 'ip' as const, value })),
    { type: 'url' as const, value: options.uri ?? SERVER_URI },
  ];
  const extended = [...(options.extended ?? ['1.3.6.1.5.5.7.3.1', '1.3.6.1.5.5.7.3.2'])];
  serial += 1;
  const made = await x509.X509CertificateGenerator.create(
    {
      serialNumber: serial.toString(16),
      subject: `CN=${name}`,
      issuer: issuer?.certificate.subject.replaceAll('\n', ', ') ?? `CN=${name}`,
      notBefore: new Date(options.notBeforeMs ?? nowMs - DAY_MS),
      notAfter: new Date(options.notAfterMs ?? nowMs + 365 * DAY_MS),
      signingAlgorithm: signer.algorithm,
      publicKey: own.publicKey,
      signingKey: signer.privateKey,
      extensions: [
        new x509.BasicConstraintsExtension(authority, undefined, true),
        new x509.KeyUsagesExtension(
          options.usage ?? (authority ? AUTHORITY_USAGE : APPLICATION_USAGE),
          true,
        ),
        ...(authority ? [] : [new x509.ExtendedKeyUsageExtension(extended)]),
        new x509.SubjectAlternativeNameExtension(names),
      ],
    },
    webCrypto,
  );
  return { certificate: new X509Certificate(made.toString('pem')), keyPem };
}

/** A revocation list of `issuer` that names `revoked`; PEM. */
export async function makeRevocationList(
  issuer: Identity,
  revoked: readonly X509Certificate[],
  times: { readonly thisUpdateMs?: number; readonly nextUpdateMs?: number } = {},
): Promise<string> {
  const { algorithm, privateKey } = await importKeys(issuer.keyPem, 'SHA-256');
  const nowMs = Date.now();
  const made = await x509.X509CrlGenerator.create(
    {
      issuer: issuer.certificate.subject.replaceAll('\n', ', '),
      thisUpdate: new Date(times.thisUpdateMs ?? nowMs - DAY_MS),
      nextUpdate: new Date(times.nextUpdateMs ?? nowMs + 30 * DAY_MS),
      signingAlgorithm: algorithm,
      signingKey: privateKey,
      entries: revoked.map(({ serialNumber }) => ({
        serialNumber,
        revocationDate: new Date(nowMs - DAY_MS),
      })),
    },
    webCrypto,
  );
  return made.toString('pem');
}

/** Writes certificate (with those behind it) and key, and returns their files. */
export function writeIdentity(
  directory: string,
  identity: Identity,
  behind: readonly Identity[] = [],
): { readonly certificateFile: string; readonly privateKeyFile: string } {
  const certificateFile = join(directory, 'certificate.pem');
  const privateKeyFile = join(directory, 'key.pem');
  const chain = [identity, ...behind].map(({ certificate }) => certificate.toString());
  writeFileSync(certificateFile, chain.join(''));
  writeFileSync(privateKeyFile, identity.keyPem);
  return { certificateFile, privateKeyFile };
}
