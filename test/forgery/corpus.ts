/** All forgeries: every kind at every place to which it applies, made one after the other. */
import type { DocumentPlace, Forgery, Made, TokenKind, TokenPlace } from './case.ts';
import { encode, headerOf, partsOf, payloadOf } from './case.ts';
import { jsonLdKinds, sameContexts } from './kinds-context.ts';
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

/** Kinds that were accepted once; no stride leaves them out. */
const PASSED_ONCE = [
  'context: the first again, first',
  'context: the first again, in the proofs alone',
  'context: the id under a second name',
  'context: a member that is none',
  'context: the type under both its names',
];

const documentKinds = [...proofKinds, ...jsonLdKinds];

/** Documents forged as a whole. */
export async function* forgedDocuments(stride: Stride = 1): AsyncGenerator<Forgery> {
  for (const [placed, place] of provenDocuments.entries()) {
    for (const [index, { name, codes, admitted, forge }] of documentKinds.entries()) {
      if (!isChosen(index, placed, stride) && !PASSED_ONCE.includes(name)) continue;
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

/**
 * Changes that say the same: a proof alone is a set of one. Where the RDF is what is signed, so is
 * any value that our reader takes in a list, too; an issuer may be an object with nothing but its
 * id (VCDM 2.0 §4.7), and a context that no member needs may be missing.
 */
const SAME_OVER_RDF = [
  'in a list: credentialSubject',
  'in a list: credentialSubject.name',
  'in a list: credentialSubject.description',
  'in an object: issuer',
  'removed: @context.1',
];

function saysTheSame(
  { over, document }: DocumentPlace,
  path: readonly (string | number)[],
  change: string,
): boolean {
  const what = `${change}: ${path.join('.')}`;
  if (what === 'in a list: proof') return !Array.isArray(document['proof']);
  return over === 'rdf' && SAME_OVER_RDF.includes(what);
}

/** Another spelling of a genuine document, with the same statements. */
export interface Spelling extends Forgery {
  readonly of: DocumentPlace;
}

/** All that is left out of the forgeries because it says the same; same.ts shows that it does. */
export async function* sameStatements(): AsyncGenerator<Spelling> {
  for (const of of provenDocuments) {
    for (const path of pathsOf(of.document)) {
      for (const change of changes.filter(({ name }) => saysTheSame(of, path, name))) {
        const text = written(of.document, path, change);
        if (text === undefined) continue;
        const bytes = Buffer.from(text);
        yield { kind: `member ${change.name}`, place: at(of.name, 'member', path), bytes, of };
      }
    }
    for (const { name, forge } of sameContexts) {
      const made = await forge(of);
      if (made !== undefined) {
        yield { kind: name, place: of.name, bytes: bytesOfDocument(made), of };
      }
    }
  }
}

/** Spellings of JSON, which its canonical form (RFC 8785) does not have. */
export function* sameJson(): Generator<Spelling> {
  for (const place of provenDocuments.filter(({ over }) => over === 'json')) {
    for (const path of pathsOf(place.document)) {
      for (const change of spellings) {
        const text = written(place.document, path, change);
        if (text === undefined) continue;
        const bytes = Buffer.from(text);
        const where = at(place.name, 'member', path);
        yield { kind: `spelling: ${change.name}`, place: where, bytes, of: place };
      }
    }
  }
}
