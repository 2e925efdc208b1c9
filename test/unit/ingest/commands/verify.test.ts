import { createHash } from 'node:crypto';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { signTokenNow } from '../../../../devices/credential/jws.ts';
import type { JsonObject } from '../../../../devices/credential/vcdm-values.ts';
import { encodeBase58 } from '../../../../devices/identity/base58.ts';
import { withBaseContexts } from '../../../../devices/io/base-contexts.ts';
import { openJsonLd } from '../../../../devices/io/json-ld.ts';
import { limits } from '../../../../devices/limits.ts';
import { formatTime } from '../../../../devices/runtime.ts';
import { verifyCommand } from '../../../../ingest/commands/verify.ts';
import { memorySigner } from '../../../support/identity.ts';
import { hasShared, sharedPath } from '../../../support/shared.ts';
import { makeWorld, worldMs } from '../../../support/trust-world.ts';

const v2 = 'https://www.w3.org/ns/credentials/v2';
const world = makeWorld();
const at = formatTime(worldMs);

let folder = '';

beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), 'verify-'));
  put('enrolment.jwt', await world.enrolment());
  put('docs/did.json', world.document());
  put('docs/enrolment.jwt', await world.enrolment());
  put('batch', Buffer.concat([await world.device.next(worldMs), Buffer.from('\n')]));
  put('broken', 'x.y');
});

afterEach(() => rmSync(folder, { recursive: true, force: true }));

function put(name: string, content: string | Uint8Array): void {
  const file = join(folder, name);
  mkdirSync(dirname(file), { recursive: true });
  writeFileSync(file, content);
}

async function run(...words: string[]): Promise<{ code: number; out: string; err: string }> {
  const args = words.map((word) => word.replace(/^@/, `${folder}/`));
  let [out, err] = ['', ''];
  const code = await verifyCommand(args, {
    out: (text) => {
      out += text;
    },
    err: (text) => {
      err += text;
    },
  });
  return { code, out, err };
}

describe('bondline-ingest verify', () => {
  it('prints exactly the members that others rely on, a line for each input, in order', async () => {
    const words = ['@batch', '@broken', '--documents', '@docs', '--at', at, '--json'];
    const { out } = await run(...words);
    const [batch, broken, ...rest] = out.trimEnd().split('\n');
    expect(rest).toEqual([]);
    expect(JSON.parse(batch ?? '')).toEqual({
      verdict: 'valid',
      code: 'VC_VALID',
      reason: expect.stringMatching(/batch \d+ of epoch 1 of fc-1/),
      hint: expect.any(String),
      issuer: world.device.signer.did,
      keyId: world.device.signer.keyId,
    });
    expect(JSON.parse(broken ?? '')).toEqual({
      verdict: 'invalid',
      code: 'VC_MALFORMED',
      reason: expect.any(String),
      hint: expect.any(String),
      issuer: null,
      keyId: null,
    });
  });

  it.each<[string, string[], number]>([
    ['valid', ['@batch', '@enrolment.jwt', '--documents', '@docs'], 0],
    ['not valid', ['@broken'], 1],
    ['not judged, without documents', ['@batch'], 2],
    ['not judged, without the file', ['@absent'], 2],
    ['valid and not judged', ['@batch', '@absent', '--documents', '@docs'], 2],
    ['not judged and not valid', ['@absent', '@broken', '@batch', '--documents', '@docs'], 1],
  ])('exits by the worst: %s', async (_, words, code) => {
    expect((await run(...words, '--at', at)).code).toBe(code);
  });

  it('judges at the time that is named', async () => {
    const early = formatTime(worldMs - limits.clockSkewMs - 1);
    const words = ['@batch', '--documents', '@docs', '--json', '--at'];
    expect(JSON.parse((await run(...words, early)).out).code).toBe('VC_NOT_YET_VALID');
    expect(JSON.parse((await run(...words, at)).out).code).toBe('VC_VALID');
  });

  it('prints a block for people', async () => {
    const { out } = await run('@broken', '--at', at);
    expect(out).toMatch(/broken: invalid \(VC_MALFORMED\)\n {2}\S/);
    expect(out).toContain(`judged as of ${at}`);
  });

  it('prints a block for each part of evidence, and relies on no document that it brings', async () => {
    const document = JSON.parse(Buffer.from(world.document()).toString('utf8'));
    const credentials = [Buffer.from(await world.device.next(worldMs)).toString('utf8'), 'x.y'];
    put('evidence', JSON.stringify({ bondlineEvidence: 1, documents: [document], credentials }));
    const { out, code } = await run('@evidence', '--documents', '@docs', '--at', at);
    expect(code).toBe(1);
    expect(out).toContain(`offers  the document of ${document.id}, which is not relied on`);
    expect(out).toMatch(/^ {2}credentials\[0\]: valid \(VC_VALID\)\n {4}batch \d+ of epoch 1/m);
    expect(out).toMatch(/^ {2}credentials\[1\]: invalid \(VC_MALFORMED\)$/m);
    const alone = JSON.parse((await run('@evidence', '--json', '--at', at)).out);
    expect(alone.inner).toMatchObject([
      { place: 'credentials[0]', verdict: 'undecided', code: 'VC_ENROLMENT_MISSING' },
      { place: 'credentials[1]', verdict: 'invalid' },
    ]);
    expect(alone.offered).toEqual([document.id]);
  });

  it('judges a file that is far too large by its start, without reading it all', async () => {
    put('huge', Buffer.alloc(3 * limits.credentialBytesMax, 0x61));
    const { code, out } = await run('@huge', '--json');
    expect(code).toBe(1);
    expect(JSON.parse(out).code).toBe('VC_TOO_LARGE');
  });

  it.each<[string, string[]]>([
    ['no file', []],
    ['a time that is none', ['@batch', '--at', 'noon']],
    ['an unknown option', ['@batch', '--fast']],
    ['documents that are not there', ['@batch', '--documents', '@absent']],
  ])('exits with 2 and a line on standard error for %s', async (_, words) => {
    const { code, out, err } = await run(...words);
    expect(code).toBe(2);
    expect(out).toBe('');
    expect(err).toMatch(/^bondline-ingest verify: /);
  });

  it.skipIf(!hasShared)('compares digests of contexts with the bytes at hand', async () => {
    const context = readFileSync(sharedPath('contexts', 'credentials-v2.jsonld'));
    const signer = memorySigner();
    const naming = (bytes: Uint8Array) => {
      const digest = createHash('sha384').update(bytes).digest('base64');
      const payload = JSON.stringify({
        '@context': [v2],
        type: ['VerifiableCredential'],
        issuer: signer.did,
        credentialSubject: { id: 'urn:x:1' },
        relatedResource: { id: v2, digestSRI: `sha384-${digest}` },
      });
      return signTokenNow({ payload, signer, typ: 'vc+jwt' });
    };
    put('right', naming(context));
    put('wrong', naming(Buffer.from('{}')));
    put('contexts/v2', context);
    const words = ['--at', at, '--documents', '@contexts'];
    expect((await run('@right', ...words)).code).toBe(0);
    const wrong = await run('@wrong', ...words);
    expect(wrong.code).toBe(1);
    expect(wrong.out).toContain('another digest');
    // What is not at hand is compared with nothing.
    expect((await run('@wrong', '--at', at)).code).toBe(0);
  });

  it('judges what is signed over RDF with documents that hold no context', async () => {
    const signer = memorySigner();
    const credential = {
      '@context': [v2],
      type: ['VerifiableCredential'],
      issuer: signer.did,
      credentialSubject: { id: 'urn:x:1' },
    };
    const canonize = openJsonLd(await withBaseContexts(new Map()));
    const options = {
      type: 'DataIntegrityProof',
      cryptosuite: 'ecdsa-rdfc-2019',
      verificationMethod: signer.keyId,
      proofPurpose: 'assertionMethod',
    };
    const hashed = async (document: object): Promise<Buffer> => {
      const made = await canonize({ document: document as JsonObject, digest: 'sha256' });
      return createHash('sha256').update(String(made)).digest();
    };
    const data = [await hashed({ ...options, '@context': [v2] }), await hashed(credential)];
    const proofValue = `z${encodeBase58(await signer.sign(Buffer.concat(data)))}`;
    const proof = { ...options, proofValue };
    put('good', JSON.stringify({ ...credential, proof }));
    put('changed', JSON.stringify({ ...credential, credentialSubject: { id: 'urn:x:2' }, proof }));
    const words = ['--at', at, '--documents', '@docs'];
    expect((await run('@good', ...words)).code).toBe(0);
    expect((await run('@changed', ...words)).out).toContain('VC_SIGNATURE');
  });

  it('explains itself', async () => {
    expect(await run('--help')).toMatchObject({ code: 0, out: expect.stringMatching(/^Usage/) });
  });
});
