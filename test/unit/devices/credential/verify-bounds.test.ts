/** What one file may cost altogether, however it is divided into parts. */
import { describe, expect, it } from 'vitest';
import { signTokenNow } from '../../../../devices/credential/jws.ts';
import { verifyCredential } from '../../../../devices/credential/verify.ts';
import { noDocuments } from '../../../../devices/io/documents.ts';
import { memorySigner } from '../../../support/identity.ts';

const v2 = 'https://www.w3.org/ns/credentials/v2';
const near = 'https://near.example/context';
const signer = memorySigner();
const atMs = Date.parse('2026-06-01T00:00:00Z');

const terms = Object.fromEntries(
  Array.from({ length: 300 }, (_, at) => [`term${at}`, `https://near.example/#${at}`]),
);
let asked = 0;
const contexts = (url: string): unknown => {
  if (url !== near) return undefined;
  asked += 1;
  return { '@context': terms };
};

/** A credential with many subjects, each under a context that no other has. */
function token(part: number, changes: object = {}): string {
  const subjects = Array.from({ length: 1_000 }, (_, at) => ({
    id: 'urn:x:1',
    '@context': [near, { [`own${part}x${at}`]: 'https://x.example/' }],
  }));
  const payload = JSON.stringify({
    '@context': [v2],
    type: ['VerifiableCredential'],
    issuer: signer.did,
    credentialSubject: subjects,
    ...changes,
  });
  return Buffer.from(signTokenNow({ payload, signer, typ: 'vc+jwt' })).toString();
}

function judge(value: unknown) {
  asked = 0;
  const bytes = Buffer.from(JSON.stringify(value));
  return verifyCredential(bytes, { documents: noDocuments, atMs, contexts });
}

describe('the contexts of a file', () => {
  it('are bounded over all of its parts, and beyond that the verdict is open', () => {
    const { verdict, inner = [] } = judge(Array.from({ length: 10 }, (_, part) => token(part)));
    const codes = inner.map(({ code }) => code);
    expect(codes[0]).toBe('VC_VALID');
    expect(codes.at(-1)).toBe('VC_RDF_WORK');
    expect(verdict).toBe('undecided');
  });

  it('are read once where its parts name the same', () => {
    const subject = { credentialSubject: { id: 'urn:x:1', type: 'term1', '@context': [near] } };
    expect(judge([token(1, subject), token(2, subject)]).verdict).toBe('valid');
    expect(asked).toBe(1);
  });

  it('are not read for a part whose proof has failed already', () => {
    const [head, payload] = token(1).split('.');
    const [, , foreign] = token(2).split('.');
    expect(judge([`${head}.${payload}.${foreign}`]).inner?.[0]?.code).toBe('VC_SIGNATURE');
    expect(asked).toBe(0);
  });
});
