import { createHash } from 'node:crypto';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { signTokenNow } from '../../../../devices/credential/jws.ts';
import { addProof } from '../../../../devices/credential/proof/add-proof.ts';
import { contextPins } from '../../../../devices/credential/proof/context-pins.ts';
import {
  composeStatusList,
  encodeStatusList,
  statusBits,
} from '../../../../devices/credential/status-list.ts';
import { credentialDigest } from '../../../../devices/envelope.ts';
import { openDocuments, withoutLineEnd } from '../../../../devices/io/documents.ts';
import { digestSourceOf } from '../../../../devices/io/json-ld.ts';
import { limits } from '../../../../devices/limits.ts';
import { enrol, memoryOrganisation, memorySigner } from '../../../support/identity.ts';
import { hasShared, sharedPath } from '../../../support/shared.ts';
import { someProfile } from '../../../support/signed-batch.ts';

const mill = memoryOrganisation('did:web:mill.example', 'Mill');
const device = memorySigner().did;
const url = 'https://mill.example/status/revocation.jwt';

let folder = '';

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'documents-'));
});

afterEach(() => rmSync(folder, { recursive: true, force: true }));

function put(path: string, content: string | Uint8Array): void {
  const file = join(folder, path);
  mkdirSync(join(file, '..'), { recursive: true });
  writeFileSync(file, content);
}

function enrolled(nowMs: number): Promise<{ readonly token: Uint8Array }> {
  return enrol(mill, { device, gateway: device, label: 'a', profile: someProfile, nowMs });
}

function list(validFromMs: number): Uint8Array {
  const payload = composeStatusList({
    id: url,
    issuer: mill.did,
    purpose: 'revocation',
    encodedList: encodeStatusList(statusBits([])),
    validFromMs,
  });
  return signTokenNow({ payload, signer: mill.signer, typ: 'vc+jwt' });
}

describe('a folder of documents', () => {
  it('gives what lies in it at any depth, and passes over the rest', async () => {
    const older = (await enrolled(1_000_000_000)).token;
    const newer = (await enrolled(2_000_000_000)).token;
    put('mill/.well-known/did.json', JSON.stringify(mill.document));
    put('enrolments/a.jwt', older);
    put('b.jwt', Buffer.concat([newer, Buffer.from('\n')]));
    put('status/revocation.jwt', list(0));
    put('package.json', '{"name":"x"}');
    put('notes.txt', 'x');
    put('broken.jwt', 'x.y');
    put('large.jwt', new Uint8Array(limits.credentialBytesMax + 1));
    const documents = openDocuments(folder);
    expect(documents.didDocument(mill.did)?.id).toBe(mill.did);
    expect(documents.didDocument('did:web:other.example')).toBeUndefined();
    const found = documents.enrolments(device).map((token) => Buffer.from(token).toString());
    expect(found).toEqual([Buffer.from(newer).toString(), Buffer.from(older).toString()]);
    expect(documents.enrolments(device, credentialDigest(older))).toHaveLength(1);
    expect(documents.enrolments(mill.did)).toEqual([]);
    expect(documents.statusList(url)).toBeDefined();
    expect(documents.statusList(`${url}x`)).toBeUndefined();
  });

  it.each([
    ['list.jsonld', 'as a token'],
    ['list.json', 'as a token'],
    ['list.txt', 'as a token'],
    ['list', 'as a token'],
    ['list.vc+jwt', 'as a token'],
    ['list.jwt', 'as a token between line ends'],
    ['list.jsonld', 'with a proof inside'],
    ['list', 'with a proof inside'],
    ['list.jwt', 'with a proof inside'],
    ['list.json', 'in an envelope'],
    ['list', 'in an envelope'],
  ])('gives the status list in %s, %s', async (name, form) => {
    const token = Buffer.from(list(0)).toString();
    const payload = JSON.parse(Buffer.from(token.split('.')[1] ?? '', 'base64url').toString());
    const options = { purpose: 'assertionMethod', created: '2026-01-01T00:00:00Z' } as const;
    const contents: Readonly<Record<string, string>> = {
      'as a token': token,
      'as a token between line ends': `\r\n ${token}\n\n\r\n`,
      'with a proof inside': JSON.stringify(await addProof(payload, mill.signer, options)),
      'in an envelope': JSON.stringify({
        '@context': 'https://www.w3.org/ns/credentials/v2',
        id: `data:application/vc+jwt,${token}`,
        type: 'EnvelopedVerifiableCredential',
      }),
    };
    put(name, contents[form] ?? '');
    const found = openDocuments(folder).statusList(url);
    if (form === 'with a proof inside') expect(found).toEqual(Buffer.from(contents[form] ?? ''));
    else expect(Buffer.from(found ?? []).toString()).toBe(token);
  });

  it('gives DID documents and contexts under any name, and digests of their bytes', () => {
    put('mill', JSON.stringify(mill.document));
    expect(openDocuments(folder).didDocument(mill.did)?.id).toBe(mill.did);
    expect(openDocuments(folder).contexts.size).toBe(0);
  });

  it.skipIf(!hasShared)('gives the digests of the bytes of contexts, in each edition', () => {
    const published = readFileSync(sharedPath('contexts', 'credentials-v2.jsonld'));
    const anew = JSON.stringify(JSON.parse(published.toString()));
    put('credentials', published);
    put('of-nobody.jsonld', '{"@context":{"a":"https://x.example/#"}}');
    const hash = contextPins['https://www.w3.org/ns/credentials/v2'] ?? '';
    // The Recommendation prints this digest (VCDM 2.0 §B.1).
    const printed = 'sha256:59955ced6697d61e03f2b2556febe5308ab16842846f5b586d7f1f7adec92734';
    const before = openDocuments(folder);
    expect([...before.contexts.keys()]).toEqual([hash]);
    expect(before.digests.get(hash)?.size).toBe(3);
    expect(before.digests.get(hash)).toContain(printed);
    put('anew.json', anew);
    const after = openDocuments(folder);
    expect(after.digests.get(hash)).toContain(printed);
    expect(after.digests.get(hash)).toContain(
      `sha512:${createHash('sha512').update(anew).digest('hex')}`,
    );
    const digestsOf = digestSourceOf(after.digests);
    expect(digestsOf('https://www.w3.org/ns/credentials/v2')?.size).toBe(6);
    expect(digestsOf('https://www.w3.org/2018/credentials/v1')).toBeUndefined();
    expect(digestsOf('toString')).toBeUndefined();
  });

  it('gives the latest edition of a status list, in whatever order they are found', () => {
    put('a.jwt', list(2000));
    put('b.jwt', list(1000));
    const found = openDocuments(folder).statusList(url);
    put('a.jwt', list(1000));
    put('b.jwt', list(2000));
    const again = openDocuments(folder).statusList(url);
    const payloadOf = (token: Uint8Array | undefined): unknown =>
      JSON.parse(
        Buffer.from(
          Buffer.from(token ?? [])
            .toString()
            .split('.')[1] ?? '',
          'base64url',
        ).toString(),
      );
    expect(payloadOf(found)).toEqual(payloadOf(again));
    expect(payloadOf(found)).toMatchObject({ validFrom: '1970-01-01T00:00:02.000Z' });
  });

  it('takes the same document twice, but not two that disagree', () => {
    const other = memoryOrganisation(mill.did, 'Other');
    put('a/did.json', JSON.stringify(mill.document));
    put('b/did.json', JSON.stringify(mill.document));
    expect(openDocuments(folder).didDocument(mill.did)).toBeDefined();
    put('b/did.json', JSON.stringify(other.document));
    expect(() => openDocuments(folder)).toThrow(expect.objectContaining({ code: 'DOC_INVALID' }));
  });

  it('tells of a did.json that is none, and of a folder that is none', () => {
    put('did.json', '{"id":"did:web:a.example","id":"did:web:b.example"}');
    expect(() => openDocuments(folder)).toThrow(expect.objectContaining({ code: 'DOC_INVALID' }));
    expect(() => openDocuments(join(folder, 'absent'))).toThrow(
      expect.objectContaining({ code: 'DOC_UNREADABLE' }),
    );
  });
});

describe('a line end', () => {
  it.each([
    ['a\n', 'a'],
    ['a\r\n', 'a'],
    ['a', 'a'],
    ['a\n\n', 'a\n'],
    ['\n', ''],
    ['', ''],
  ])('of %j leaves %j', (text, rest) => {
    expect(Buffer.from(withoutLineEnd(Buffer.from(text))).toString()).toBe(rest);
  });
});
