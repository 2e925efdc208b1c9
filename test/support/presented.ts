/** Credentials and presentations made by hand, in any state, and the verdict on them. */
import type { Documents } from '../../devices/credential/documents.ts';
import type { JsonObject } from '../../devices/credential/vcdm-values.ts';
import type { VerdictReport } from '../../devices/credential/verdict.ts';
import { verifyCredential } from '../../devices/credential/verify.ts';
import type { VerifyContext } from '../../devices/credential/verify-context.ts';
import { readDidDocument } from '../../devices/identity/did-document.ts';
import { noDocuments } from '../../devices/io/documents.ts';
import { formatTime } from '../../devices/runtime.ts';
import { memoryOrganisation, type Organisation } from './identity.ts';

/** When it is judged. */
export const atMs = 1_795_327_200_000;
export const v2 = 'https://www.w3.org/ns/credentials/v2';
export const mill = memoryOrganisation('did:web:mill.example', 'Mill');
export const rail = memoryOrganisation('did:web:rail.example', 'Rail');
export const created = formatTime(atMs - 60_000);
export const uuid = (digit: number): string =>
  `urn:uuid:0000000${digit}-0000-4000-8000-000000000000`;

/** Documents of these organisations, and whatever else is at hand. */
export function withDocuments(
  organisations: readonly Organisation[],
  more: Partial<Documents> = {},
) {
  const read = organisations.map(({ document }) => {
    const made = readDidDocument(document);
    if ('code' in made) throw new Error(made.reason);
    return made;
  });
  return {
    ...noDocuments,
    didDocument: (did: string) => read.find(({ id }) => id === did),
    ...more,
  };
}

/** The verdict on a token, or on a value as JSON. */
export function judge(value: unknown, more: Partial<VerifyContext> = {}): VerdictReport {
  const bytes = typeof value === 'string' ? value : JSON.stringify(value);
  const documents = withDocuments([mill, rail]);
  return verifyCredential(Buffer.from(bytes), { documents, atMs, ...more });
}

/** A compact token by hand, so that header and payload can be anything. */
export function token(payload: object, header: object = {}, by: Organisation = mill): string {
  const { keyId: kid, sign } = by.signer;
  const all = { alg: 'ES256', typ: 'vc+jwt', cty: 'vc', kid, ...header };
  const input = [all, payload]
    .map((part) => Buffer.from(JSON.stringify(part)).toString('base64url'))
    .join('.');
  const signature = sign(Buffer.from(input));
  if (signature instanceof Promise) throw new Error('keys in memory answer at once');
  return `${input}.${Buffer.from(signature).toString('base64url')}`;
}

/** A credential of the mill, not yet secured. */
export function claim(changes: object = {}): JsonObject {
  return {
    '@context': [v2],
    id: uuid(1),
    type: ['VerifiableCredential'],
    issuer: mill.did,
    credentialSubject: { id: 'urn:x:1' },
    ...changes,
  };
}

/** What holds a token in JSON. */
export function envelope(inside: string, media = 'vc+jwt', changes: object = {}): JsonObject {
  const type = media.startsWith('vp')
    ? 'EnvelopedVerifiablePresentation'
    : 'EnvelopedVerifiableCredential';
  return { '@context': v2, type, id: `data:application/${media},${inside}`, ...changes };
}

/** A presentation of one credential by the mill, not yet secured. */
export function presentation(changes: object = {}): JsonObject {
  return {
    '@context': [v2],
    type: ['VerifiablePresentation'],
    holder: mill.did,
    verifiableCredential: [envelope(token(claim()))],
    ...changes,
  };
}

export const vp = { typ: 'vp+jwt', cty: 'vp' };
export const present = (changes: object = {}, header: object = {}, by = mill): string =>
  token(presentation(changes), { ...vp, ...header }, by);
