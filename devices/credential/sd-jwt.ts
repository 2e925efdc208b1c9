/**
 * Selective disclosure (RFC 9901): a signed payload names parts of itself by digest only, and
 * disclosures beside the token show them. Whoever has the token can leave disclosures out.
 */
import { hash } from 'node:crypto';
import { limits } from '../limits.ts';
import { isRefusal, type Refusal, refuse } from './refusal.ts';
import { parseStrictJson } from './strict-json.ts';

type JsonObject = Readonly<Record<string, unknown>>;

/** A payload with what was disclosed in its place. */
export interface Revealed {
  readonly payload: JsonObject;
  /** Digests to which no disclosure was given: what is hidden, and decoys. */
  readonly hidden: number;
  /** How many of those stand outside of `credentialSubject`, where a verdict could need them. */
  readonly withheld: number;
}

/** RFC 9901 §4.2: `[salt, value]` stands in an array, `[salt, name, value]` in an object. */
interface Disclosure {
  readonly name?: string;
  readonly value: unknown;
  used: boolean;
}

/** The two names that the mechanism itself uses (RFC 9901 §4.2.4). */
const DIGESTS = '_sd';
const ELEMENT = '...';
const ALGORITHM = '_sd_alg';

/** What digest a disclosure has: SHA-256 over its base64url text (RFC 9901 §4.2.3). */
export function digestOfDisclosure(disclosure: string): string {
  return hash('sha256', disclosure, 'base64url');
}

/**
 * Puts disclosures into their places (RFC 9901 §7.1, step 3). Refusal VC_DISCLOSURE where one is
 * malformed, stands nowhere or twice, or would overwrite a member.
 */
export function reveal(payload: JsonObject, disclosures: readonly string[]): Revealed | Refusal {
  const { [ALGORITHM]: algorithm = 'sha-256', ...rest } = payload;
  if (algorithm !== 'sha-256') return wrong(`_sd_alg is not sha-256`);
  if (disclosures.length > limits.disclosuresMax) {
    return wrong(`${disclosures.length} disclosures, at most ${limits.disclosuresMax}`);
  }
  const known = new Map<string, Disclosure>();
  for (const text of disclosures) {
    const disclosure = readDisclosure(text);
    if (isRefusal(disclosure)) return disclosure;
    const digest = digestOfDisclosure(text);
    if (known.has(digest)) return wrong('a disclosure is given twice');
    known.set(digest, disclosure);
  }
  try {
    const revealer = new Revealer(known);
    const value = revealer.object(rest, 1);
    const unused = [...known.values()].some(({ used }) => !used);
    const { hidden, withheld } = revealer;
    return unused ? wrong('a disclosure stands nowhere') : { payload: value, hidden, withheld };
  } catch (error) {
    if (error instanceof Misplaced) return wrong(error.message);
    throw error;
  }
}

/** Carries a refusal out of the recursion. */
class Misplaced extends Error {}

/** What a credential says, while the members beside it say whether it holds. */
const SUBJECT = 'credentialSubject';

class Revealer {
  hidden = 0;
  withheld = 0;
  #inSubject = false;
  readonly #known: ReadonlyMap<string, Disclosure>;
  readonly #seen = new Set<string>();

  constructor(known: ReadonlyMap<string, Disclosure>) {
    this.#known = known;
  }

  object(value: JsonObject, depth: number): JsonObject {
    checkDepth(depth);
    const members = new Map<string, unknown>();
    for (const [name, member] of Object.entries(value)) {
      if (name === DIGESTS) continue;
      if (name === ELEMENT) throw new Misplaced('"..." is a member where it must not be');
      members.set(name, this.#member(name, member, depth));
    }
    const { [DIGESTS]: digests = [] } = value;
    if (!Array.isArray(digests)) throw new Misplaced('_sd is not an array');
    for (const digest of digests) {
      const found = this.#take(digest);
      if (!found) continue;
      const { name } = found;
      if (name === undefined) throw new Misplaced('an array element is disclosed as a member');
      if (members.has(name)) throw new Misplaced(`${name.slice(0, 60)} stands there already`);
      members.set(name, this.#member(name, found.value, depth));
    }
    return Object.fromEntries(members);
  }

  /** Of the root's members one is the subject, and what is hidden in there is its own affair. */
  #member(name: string, value: unknown, depth: number): unknown {
    if (depth === 1) this.#inSubject = name === SUBJECT;
    const member = this.#value(value, depth + 1);
    if (depth === 1) this.#inSubject = false;
    return member;
  }

  #value(value: unknown, depth: number): unknown {
    if (Array.isArray(value)) return this.#array(value, depth);
    return isObject(value) ? this.object(value, depth) : value;
  }

  #array(value: readonly unknown[], depth: number): unknown[] {
    checkDepth(depth);
    const elements: unknown[] = [];
    for (const element of value) {
      if (!isObject(element) || !Object.hasOwn(element, ELEMENT)) {
        elements.push(this.#value(element, depth + 1));
        continue;
      }
      if (Object.keys(element).length > 1) throw new Misplaced('"..." does not stand alone');
      const found = this.#take(element[ELEMENT]);
      if (!found) continue;
      if (found.name !== undefined) throw new Misplaced('a member is disclosed as array element');
      // A decoy: JSON-LD drops null from an array too (JSON-LD 1.1 API §5.1.2).
      if (found.value !== null) elements.push(this.#value(found.value, depth + 1));
    }
    return elements;
  }

  /** The disclosure of a digest; `undefined` where it is hidden. */
  #take(digest: unknown): Disclosure | undefined {
    if (typeof digest !== 'string') throw new Misplaced('a digest is not text');
    if (this.#seen.has(digest)) throw new Misplaced('a digest stands twice');
    this.#seen.add(digest);
    const found = this.#known.get(digest);
    if (found) found.used = true;
    else {
      this.hidden += 1;
      if (!this.#inSubject) this.withheld += 1;
    }
    return found;
  }
}

function checkDepth(depth: number): void {
  if (depth > limits.jsonDepthMax) throw new Misplaced(`nested deeper than ${limits.jsonDepthMax}`);
}

/** What a disclosure says, or a refusal VC_DISCLOSURE. */
export function readDisclosure(text: string): Disclosure | Refusal {
  const bytes = Buffer.from(text, 'base64url');
  if (bytes.toString('base64url') !== text) return wrong('a disclosure is not base64url');
  const decoded = decode(bytes);
  const parsed = decoded === undefined ? undefined : parseStrictJson(decoded);
  if (parsed === undefined || isRefusal(parsed) || !Array.isArray(parsed.value)) {
    return wrong('a disclosure is not a JSON array');
  }
  const [salt, ...said] = parsed.value as unknown[];
  if (typeof salt !== 'string' || said.length < 1 || said.length > 2) {
    return wrong('a disclosure is not salt, name and value');
  }
  if (said.length === 1) return { value: said[0], used: false };
  const [name, value] = said;
  if (typeof name !== 'string' || name === DIGESTS || name === ELEMENT) {
    return wrong('a disclosure has no name that a member may have');
  }
  return { name, value, used: false };
}

const utf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

function decode(bytes: Uint8Array): string | undefined {
  try {
    return utf8.decode(bytes);
  } catch {
    return undefined;
  }
}

function isObject(value: unknown): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function wrong(reason: string): Refusal {
  return refuse('VC_DISCLOSURE', reason);
}
