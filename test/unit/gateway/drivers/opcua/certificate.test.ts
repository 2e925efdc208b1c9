import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterAll, describe, expect, it } from 'vitest';
import {
  alternativeNames,
  fingerprint,
  fingerprintName,
  isSelfSigned,
  permits,
  readCertificates,
  readChain,
  signatureAlgorithm,
} from '../../../../../gateway/drivers/opcua/certificate.ts';
import { readElement, readElements } from '../../../../../gateway/drivers/opcua/der.ts';
import {
  isListOf,
  readRevocationList,
  revokedAtMs,
} from '../../../../../gateway/drivers/opcua/revocation.ts';
import {
  keyOf,
  makeCertificate,
  makeRevocationList,
} from '../../../../support/opcua-certificates.ts';

const folder = mkdtempSync(join(tmpdir(), 'bondline-certificates-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** Changes bytes of `valid` and cuts it; whatever comes out, reading either works or throws. */
function mangled(valid: Buffer): fc.Arbitrary<Buffer> {
  const change = fc.tuple(fc.nat(valid.length - 1), fc.nat(255));
  return fc
    .tuple(
      fc.array(change, { minLength: 1, maxLength: 4 }),
      fc.integer({ min: 1, max: valid.length }),
    )
    .map(([changes, length]) => {
      const bytes = Buffer.from(valid);
      for (const [at, octet] of changes) bytes[at] = octet;
      return length % 3 === 0 ? bytes.subarray(0, length) : bytes;
    });
}

describe('DER', () => {
  it('is read back as it was written, whatever follows it', () => {
    const lengths = fc.oneof(fc.nat(300), fc.constantFrom(127, 128, 255, 256, 65_535, 65_536));
    fc.assert(
      fc.property(lengths, fc.uint8Array({ maxLength: 5 }), (length, rest) => {
        const content = Buffer.alloc(length, 7);
        const head =
          length < 128
            ? [length]
            : length < 256
              ? [0x81, length]
              : length < 65_536
                ? [0x82, length >> 8, length & 255]
                : [0x83, length >> 16, (length >> 8) & 255, length & 255];
        const element = Buffer.concat([Buffer.from([0x04, ...head]), content]);
        const read = readElement(Buffer.concat([element, rest]));
        expect(read.bytes).toEqual(element);
        expect(read.content).toEqual(content);
        if (length > 0) expect(() => readElement(element.subarray(0, -1))).toThrow('too early');
      }),
      { numRuns: 200 },
    );
  });

  it('with an indefinite length, which DER forbids, is refused', () => {
    expect(() => readElement(Buffer.from([0x30, 0x80, 0, 0]))).toThrow('not one');
    expect(() => readElement(Buffer.from([0x30, 0x85, 1, 0, 0, 0, 0]))).toThrow('not one');
    expect(() => readElement(Buffer.from([0x1f, 0x01, 0]))).toThrow('several octets');
    expect(readElements(Buffer.alloc(0))).toEqual([]);
  });
});

describe('a certificate', () => {
  it('of OpenSSL says what OpenSSL says of it', () => {
    const keyFile = join(folder, 'key.pem');
    writeFileSync(keyFile, keyOf('openssl'));
    const file = join(folder, 'openssl.pem');
    execFileSync('openssl', [
      ...['req', '-x509', '-key', keyFile, '-subj', '/CN=by openssl', '-days', '3', '-sha384'],
      ...['-addext', 'keyUsage=critical,digitalSignature,dataEncipherment'],
      ...['-addext', 'subjectAltName=URI:urn:a,DNS:mill.example,IP:192.0.2.9,IP:2001:db8::7'],
      ...['-out', file],
    ]);
    const [certificate] = readCertificates(readFileSync(file));
    if (!certificate) throw new Error('OpenSSL wrote no certificate');
    expect(alternativeNames(certificate)).toEqual({
      uris: ['urn:a'],
      dns: ['mill.example'],
      ips: ['192.0.2.9', '2001:db8:0:0:0:0:0:7'],
    });
    expect(permits(certificate, 'digitalSignature')).toBe(true);
    expect(permits(certificate, 'dataEncipherment')).toBe(true);
    expect(permits(certificate, 'keyEncipherment')).toBe(false);
    expect(permits(certificate, 'cRLSign')).toBe(false);
    expect(signatureAlgorithm(certificate)).toBe('1.2.840.113549.1.1.12');
    expect(isSelfSigned(certificate)).toBe(true);
    const said = execFileSync('openssl', [
      'x509',
      '-in',
      file,
      '-noout',
      '-fingerprint',
      '-sha256',
    ]);
    expect(said.toString().trim().toLowerCase()).toBe(
      `sha256 fingerprint=${fingerprint(certificate.raw)}`.toLowerCase(),
    );
    expect(fingerprintName(certificate.raw)).toMatch(/^[0-9a-f]{64}$/);
  });

  it('comes with those behind it, and rubbish is no chain', async () => {
    const root = await makeCertificate({ name: 'root', authority: true });
    const leaf = await makeCertificate({ issuer: root });
    const both = Buffer.concat([leaf.certificate.raw, root.certificate.raw]);
    expect(readChain(both).map(({ subject }) => subject)).toEqual(['CN=test server', 'CN=root']);
    expect(readChain(Buffer.alloc(0))).toEqual([]);
    fc.assert(
      fc.property(mangled(both), (bytes) => {
        try {
          for (const certificate of readChain(bytes)) {
            alternativeNames(certificate);
            permits(certificate, 'digitalSignature');
            signatureAlgorithm(certificate);
          }
        } catch (error) {
          expect(error).toBeInstanceOf(Error);
        }
      }),
      { numRuns: 300 },
    );
  });
});

describe('a revocation list', () => {
  it('of OpenSSL names whom OpenSSL revoked', async () => {
    const root = await makeCertificate({ name: 'openssl root', authority: true });
    const good = await makeCertificate({ name: 'good', issuer: root });
    const bad = await makeCertificate({ name: 'bad', issuer: root });
    const at = (name: string) => join(folder, name);
    writeFileSync(at('root.pem'), root.certificate.toString());
    writeFileSync(at('root-key.pem'), root.keyPem);
    writeFileSync(at('bad.pem'), bad.certificate.toString());
    writeFileSync(at('index.txt'), '');
    writeFileSync(at('crlnumber'), '01\n');
    writeFileSync(
      at('ca.cnf'),
      `[ca]\ndefault_ca=d\n[d]\ndatabase=${at('index.txt')}\ncrlnumber=${at('crlnumber')}\n` +
        'default_md=sha256\ndefault_crl_days=7\n',
    );
    const ca = [
      'ca',
      '-config',
      at('ca.cnf'),
      '-cert',
      at('root.pem'),
      '-keyfile',
      at('root-key.pem'),
    ];
    execFileSync('openssl', [...ca, '-revoke', at('bad.pem')], { stdio: 'pipe' });
    execFileSync('openssl', [...ca, '-gencrl', '-out', at('root.crl')], { stdio: 'pipe' });
    const list = readRevocationList(readFileSync(at('root.crl')));
    expect(isListOf(list, root.certificate)).toBe(true);
    expect(isListOf(list, bad.certificate)).toBe(false);
    expect(revokedAtMs(list, bad.certificate)).toBeGreaterThan(Date.UTC(2020, 0, 1));
    expect(revokedAtMs(list, good.certificate)).toBeUndefined();
    const week = (list.nextUpdateMs ?? 0) - list.thisUpdateMs;
    expect(week).toBe(7 * 86_400_000);
    // In DER it is the same list.
    expect(readRevocationList(list.bytes).revoked).toEqual(list.revoked);
  });

  it('with a changed byte is nobody’s list', async () => {
    const root = await makeCertificate({ name: 'root', authority: true });
    const leaf = await makeCertificate({ issuer: root });
    const pem = await makeRevocationList(root, [leaf.certificate]);
    const { bytes } = readRevocationList(Buffer.from(pem));
    fc.assert(
      fc.property(mangled(bytes), (changed) => {
        fc.pre(!changed.equals(bytes));
        try {
          const list = readRevocationList(changed);
          // The one octet that is not covered says how many bits of the signature are unused.
          if (isListOf(list, root.certificate)) expect(list.signed).toEqual(signedOf(bytes));
        } catch (error) {
          expect(error).toBeInstanceOf(Error);
        }
      }),
      { numRuns: 300 },
    );
  });
});

function signedOf(bytes: Buffer): Buffer {
  return readRevocationList(bytes).signed;
}
