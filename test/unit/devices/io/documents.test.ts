import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { signTokenNow } from '../../../../devices/credential/jws.ts';
import {
  composeStatusList,
  encodeStatusList,
  statusBits,
} from '../../../../devices/credential/status-list.ts';
import { credentialDigest } from '../../../../devices/envelope.ts';
import { openDocuments, withoutLineEnd } from '../../../../devices/io/documents.ts';
import { limits } from '../../../../devices/limits.ts';
import { enrol, memoryOrganisation, memorySigner } from '../../../support/identity.ts';
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
