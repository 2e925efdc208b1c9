/** An issuer with a `did:web`, and what it issues and presents, for the lines of the profile. */
import { randomUUID } from 'node:crypto';
import { signToken } from '../../../devices/credential/jws.ts';
import type { JsonObject } from '../../../devices/credential/vcdm-values.ts';
import type { VerdictReport } from '../../../devices/credential/verdict.ts';
import { formatTime } from '../../../devices/runtime.ts';
import { memoryOrganisation } from '../../support/identity.ts';
import { expect } from '../case.ts';
import { judge, pinned, told } from '../judge.ts';
import type { Vectors } from '../vectors.ts';

export const mill = memoryOrganisation('did:web:mill.example', 'Mill');
export const atMs = Date.now();
export const CREDENTIALS = 'https://www.w3.org/ns/credentials/v2';
export const TRACEABILITY = 'https://w3id.org/traceability/v1';

export function uuid(): string {
  return `urn:uuid:${randomUUID()}`;
}

/** A credential of the mill; what `changes` sets to `undefined` is left out. */
export function credential(changes: JsonObject = {}): JsonObject {
  return {
    '@context': [CREDENTIALS],
    id: uuid(),
    type: ['VerifiableCredential'],
    issuer: mill.did,
    validFrom: formatTime(atMs - 60_000),
    credentialSubject: { id: 'did:web:meter.example' },
    ...changes,
  };
}

/** The mill's signature around a payload. */
export async function asToken(payload: JsonObject, content: 'vc' | 'vp' = 'vc'): Promise<string> {
  const options = { payload: JSON.stringify(payload), signer: mill.signer } as const;
  const token = await signToken({ ...options, typ: `${content}+jwt` });
  return Buffer.from(token).toString('latin1');
}

/** A presentation that the trade programme takes, of credentials in envelopes. */
export async function traceable(changes: JsonObject = {}): Promise<JsonObject> {
  const token = await asToken(credential());
  return {
    '@context': [CREDENTIALS, TRACEABILITY],
    id: uuid(),
    type: ['VerifiablePresentation', 'TraceablePresentation'],
    holder: mill.did,
    verifiableCredential: [enveloped(token)],
    ...changes,
  };
}

export function enveloped(token: string): JsonObject {
  const id = `data:application/vc+jwt,${token}`;
  return { '@context': CREDENTIALS, id, type: 'EnvelopedVerifiableCredential' };
}

/** The verdict of the public verifier, with the mill's document at hand. */
export async function verdictOn(
  vectors: Vectors,
  input: string | JsonObject,
  lists: ReadonlyMap<string, Uint8Array> = new Map(),
): Promise<VerdictReport> {
  const text = typeof input === 'string' ? input : JSON.stringify(input);
  const documents = pinned([mill.document], lists);
  return judge(vectors, Buffer.from(text, 'utf8'), { documents, atMs });
}

/** Fails unless the input is valid. */
export async function expectValid(vectors: Vectors, input: string | JsonObject): Promise<void> {
  const report = await verdictOn(vectors, input);
  expect(report.verdict === 'valid', told(report));
}

/** Fails unless the input is refused with one of these codes. */
export async function expectCode(
  vectors: Vectors,
  input: string | JsonObject,
  ...codes: readonly string[]
): Promise<void> {
  const report = await verdictOn(vectors, input);
  expect(report.verdict !== 'valid' && codes.includes(report.code), told(report));
}
