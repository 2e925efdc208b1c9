/** All forgeries: every kind at every place to which it applies, made one after the other. */
import type { DocumentPlace, Forgery, Made, TokenKind, TokenPlace } from './case.ts';
import { encode, headerOf, partsOf, payloadOf } from './case.ts';
import { jsonLdKinds } from './kinds-context.ts';
import { disclosureKinds } from './kinds-disclosure.ts';
import { formKinds } from './kinds-form.ts';
import { headerKinds } from './kinds-header.ts';
import { jsonKinds } from './kinds-json.ts';
import { changes, movedOut, pathsOf, spellings, written } from './kinds-member.ts';
import { proofKinds } from './kinds-proof.ts';
import { impersonations, signatureKinds } from './kinds-signature.ts';
import { forgedStandings } from './kinds-standing.ts';
import { inside, messages, presentation, provenDocuments, tokens } from './places.ts';

const tokenKinds: readonly TokenKind[] = [
  ...signatureKinds,
  ...impersonations,
  ...headerKinds,
  ...formKinds,
  ...jsonKinds,
  ...disclosureKinds,
];

export const tokenPlaces: readonly TokenPlace[] = [...tokens, presentation, ...inside];

const bytesOf = (made: Made): Uint8Array =>
  typeof made === 'string' ? Buffer.from(made, 'utf8') : made;

/**
 * How much of the corpus is made: of all pairs of kind and place every so many, the next kind at
 * the next place, so that each kind and each place have their turn. 1 is all of it.
 */
export type Stride = number;

const isChosen = (kind: number, place: number, stride: Stride): boolean =>
  (kind + place) % stride === 0;

export { forgedStandings };

/** Tokens forged as a whole. */
export async function* forgedTokens(stride: Stride = 1): AsyncGenerator<Forgery> {
  for (const [placed, place] of tokenPlaces.entries()) {
    for (const [index, { name, codes, admitted, forge }] of tokenKinds.entries()) {
      if (!isChosen(index, placed, stride)) continue;
      const made = await forge(place);
      if (made === undefined) continue;
      const { carry } = place;
      if (carry && typeof made !== 'string') continue;
      const bytes = carry ? await carry(made as string) : bytesOf(made);
      yield {
        kind: name,
        place: place.name,
        bytes,
        codes: [...codes, ...(carry ? carriedCodes : [])],
        admitted,
        ...(carry && { only: 'verifier' }),
      };
    }
  }
}

/** An envelope or a list can find fault with what it holds before anyone looks into that. */
const carriedCodes = ['VC_ENVELOPE', 'VC_SCHEMA'];

/** The same for what is signed between the parts of the system. */
export async function* forgedMessages(
  stride: Stride = 1,
): AsyncGenerator<Forgery & { readonly at: TokenPlace }> {
  for (const [placed, at] of messages.entries()) {
    for (const [index, { name, forge }] of tokenKinds.entries()) {
      if (!isChosen(index, placed, stride)) continue;
      const made = await forge(at);
      if (made !== undefined) yield { kind: name, place: at.name, bytes: bytesOf(made), at };
    }
    for (const one of members(at, stride)) yield { ...one, at };
  }
}

/** Each member of each token changed under the old signature. */
export function* forgedMembers(stride: Stride = 1): Generator<Forgery> {
  for (const place of [...tokens, presentation]) yield* members(place, stride);
}

function* members(place: TokenPlace, stride: Stride): Generator<Forgery> {
  const [header, payload, signature] = partsOf(place);
  const parts = [
    { part: 'header', value: headerOf(place), put: (text: string) => `${encode(text)}.${payload}` },
    {
      part: 'payload',
      value: payloadOf(place),
      put: (text: string) => `${header}.${encode(text)}`,
    },
  ] as const;
  for (const { part, value, put } of parts) {
    for (const [placed, path] of pathsOf(value).entries()) {
      for (const [index, change] of [...changes, ...spellings].entries()) {
        if (!isChosen(index, placed, stride)) continue;
        const text = written(value, path, change);
        if (text === undefined) continue;
        const bytes = Buffer.from(`${put(text)}.${signature}${place.tail}`);
        yield { kind: `member ${change.name}`, place: at(place.name, part, path), bytes };
      }
      const moved = isChosen(0, placed, stride) ? movedOut(value, path) : undefined;
      if (moved === undefined) continue;
      const bytes = Buffer.from(`${put(moved)}.${signature}${place.tail}`);
      yield { kind: 'member moved out', place: at(place.name, part, path), bytes };
    }
  }
}

const at = (name: string, part: string, path: readonly (string | number)[]): string =>
  `${name}, ${part} ${path.join('.')}`;

const documentKinds = [...proofKinds, ...jsonLdKinds];

/** Documents forged as a whole. */
export async function* forgedDocuments(stride: Stride = 1): AsyncGenerator<Forgery> {
  for (const [placed, place] of provenDocuments.entries()) {
    for (const [index, { name, codes, admitted, forge }] of documentKinds.entries()) {
      if (!isChosen(index, placed, stride)) continue;
      const made = await forge(place);
      if (made === undefined) continue;
      yield { kind: name, place: place.name, bytes: bytesOfDocument(made), codes, admitted };
    }
  }
}

function bytesOfDocument(made: object | string): Uint8Array {
  if (made instanceof Uint8Array) return made;
  return Buffer.from(typeof made === 'string' ? made : JSON.stringify(made));
}

/** Each member of each document and of its proofs changed. */
export function* forgedDocumentMembers(stride: Stride = 1): Generator<Forgery> {
  for (const place of provenDocuments) {
    const { document } = place;
    for (const [placed, path] of pathsOf(document).entries()) {
      for (const [index, change] of changes.entries()) {
        if (!isChosen(index, placed, stride) || saysTheSame(place, path, change.name)) continue;
        const text = written(document, path, change);
        if (text === undefined) continue;
        const bytes = Buffer.from(text);
        yield { kind: `member ${change.name}`, place: at(place.name, 'member', path), bytes };
      }
      const moved = isChosen(0, placed, stride) ? movedOut(document, path) : undefined;
      if (moved === undefined) continue;
      const bytes = Buffer.from(moved);
      yield { kind: 'member moved out', place: at(place.name, 'member', path), bytes };
    }
  }
}

/** A set of one is that one: for proofs always, for values where their RDF is what is signed. */
function saysTheSame({ over }: DocumentPlace, path: readonly unknown[], change: string): boolean {
  return change === 'in a list' && (over === 'rdf' || (path.length === 1 && path[0] === 'proof'));
}

/** Spellings of documents that are the genuine ones, and count as these. */
export function* sameDocuments(): Generator<Forgery> {
  for (const place of provenDocuments.filter(({ over }) => over === 'json')) {
    for (const path of pathsOf(place.document)) {
      for (const change of spellings) {
        const text = written(place.document, path, change);
        if (text === undefined) continue;
        const bytes = Buffer.from(text);
        yield { kind: `spelling: ${change.name}`, place: at(place.name, 'member', path), bytes };
      }
    }
  }
}
