/**
 * Every member of every payload, header, document and proof, changed in every way: the value, the
 * type, the name, the place, the spelling. Made from the genuine artefact, so nothing is left out.
 */
import type { JsonObject } from '../../devices/credential/vcdm-values.ts';

/** A member by the names and indexes that lead to it. */
export type Path = readonly (string | number)[];

/** What is written in place of a member: text of JSON, or nothing. */
export interface Change {
  readonly name: string;
  /** `"name":value`, or the value alone in a list; `undefined` where the change does not apply. */
  write(name: string | undefined, value: unknown): string | undefined;
}

/** All members below a value, outermost first. */
export function pathsOf(value: unknown, at: Path = []): Path[] {
  if (typeof value !== 'object' || value === null) return [];
  const entries: [string | number, unknown][] = Array.isArray(value)
    ? value.map((one, index) => [index, one])
    : Object.entries(value);
  return entries.flatMap(([name, one]) => [[...at, name], ...pathsOf(one, [...at, name])]);
}

/** The JSON text of a value, with the member at `path` written as `change` says. */
export function written(value: unknown, path: Path, change: Change): string | undefined {
  const [head, ...rest] = path;
  const isList = Array.isArray(value);
  let isChanged = false;
  const parts = Object.entries(value as object).flatMap(([name, one]) => {
    const label = isList ? undefined : name;
    const prefix = label === undefined ? '' : `${JSON.stringify(label)}:`;
    if (name !== String(head)) return [`${prefix}${JSON.stringify(one)}`];
    if (rest.length > 0) {
      const inner = written(one, rest, change);
      isChanged = inner !== undefined;
      return [`${prefix}${inner}`];
    }
    const text = change.write(label, one);
    isChanged = text !== undefined;
    return text === undefined || text === '' ? [] : [text];
  });
  if (!isChanged) return undefined;
  return isList ? `[${parts.join(',')}]` : `{${parts.join(',')}}`;
}

const member = (name: string | undefined, text: string): string =>
  name === undefined ? text : `${JSON.stringify(name)}:${text}`;

const valued = (name: string, make: (value: unknown) => unknown): Change => ({
  name,
  write: (label, value) => {
    const made = make(value);
    const isSame = made === undefined || JSON.stringify(made) === JSON.stringify(value);
    return isSame ? undefined : member(label, JSON.stringify(made));
  },
});

function nearJson(value: unknown): string {
  return JSON.stringify(near(value) ?? null);
}

/** Another value of the same type, as close as can be. */
function near(value: unknown): unknown {
  if (typeof value === 'number') return value + 1;
  if (typeof value === 'boolean') return !value;
  if (typeof value === 'string') return nearText(value);
  return undefined;
}

function nearText(text: string): string {
  const at = text.search(/[0-9a-z](?=[^0-9a-z]*$)/i);
  if (at < 0) return `${text}x`;
  const found = text[at] ?? '';
  const [digit, letter] = [found === '1' ? '2' : '1', found === 'a' ? 'b' : 'a'];
  return `${text.slice(0, at)}${/\d/.test(found) ? digit : letter}${text.slice(at + 1)}`;
}

const LOOK_ALIKE: Readonly<Record<string, string>> = {
  a: 'а',
  c: 'с',
  e: 'е',
  i: 'і',
  o: 'о',
  p: 'р',
  s: 'ѕ',
};

function lookAlike(text: string): string | undefined {
  const at = text.search(/[aceiops]/);
  return at < 0
    ? undefined
    : `${text.slice(0, at)}${LOOK_ALIKE[text[at] ?? '']}${text.slice(at + 1)}`;
}

const isText = (value: unknown): value is string => typeof value === 'string';

/** Changes that make another statement of it. */
export const changes: readonly Change[] = [
  valued('another value', near),
  { name: 'removed', write: () => '' },
  valued('null', () => null),
  valued('a text for what is none', (value) => (isText(value) ? undefined : JSON.stringify(value))),
  valued('in a list', (value) => [value]),
  valued('in an object', (value) => ({ id: value })),
  valued('true', () => true),
  valued('an empty text', () => ''),
  valued('an empty object', () => ({})),
  valued('a look-alike value', (value) => (isText(value) ? lookAlike(value) : undefined)),
  valued('a blank behind', (value) => (isText(value) ? `${value} ` : undefined)),
  valued('a NUL behind', (value) => (isText(value) ? `${value}\0` : undefined)),
  valued('in capitals', (value) => (isText(value) ? value.toUpperCase() : undefined)),
  valued('decomposed', (value) => (isText(value) ? `${value}\u0301` : undefined)),
  valued('negative', (value) => (typeof value === 'number' ? -value - 1 : undefined)),
  valued('a little more', (value) => (typeof value === 'number' ? value + 1e-9 : undefined)),
  {
    name: 'under a look-alike name',
    write: (name, value) => {
      const other = name === undefined ? undefined : lookAlike(name);
      return other === undefined ? undefined : member(other, JSON.stringify(value));
    },
  },
  {
    name: 'under the name of every prototype',
    write: (name, value) =>
      name === undefined ? undefined : member('__proto__', JSON.stringify({ [name]: value })),
  },
  {
    name: 'twice, the other last',
    write: (name, value) => {
      if (name === undefined) return undefined;
      return `${member(name, JSON.stringify(value))},${member(name, nearJson(value))}`;
    },
  },
  {
    name: 'twice, the other first by escape',
    write: (name, value) => {
      if (name === undefined || name === '') return undefined;
      const spelled = `\\u${name.charCodeAt(0).toString(16).padStart(4, '0')}${name.slice(1)}`;
      return `"${spelled}":${nearJson(value)},${member(name, JSON.stringify(value))}`;
    },
  },
  {
    name: 'as a number beyond all',
    write: (name, value) => (typeof value === 'number' ? member(name, '1e400') : undefined),
  },
  {
    name: 'as a number that no double holds',
    write: (name, value) =>
      typeof value === 'number' ? member(name, '9007199254740993') : undefined,
  },
];

/** Spellings that say the same: around a token they are other bytes, over JSON they are nothing. */
export const spellings: readonly Change[] = [
  {
    name: 'the name escaped',
    write: (name, value) => {
      if (name === undefined || name === '') return undefined;
      const spelled = `\\u${name.charCodeAt(0).toString(16).padStart(4, '0')}${name.slice(1)}`;
      return `"${spelled}":${JSON.stringify(value)}`;
    },
  },
  {
    name: 'the value escaped',
    write: (name, value) => {
      if (!isText(value) || value === '') return undefined;
      const spelled = `\\u${value.charCodeAt(0).toString(16).padStart(4, '0')}`;
      return member(name, `"${spelled}${JSON.stringify(value.slice(1)).slice(1)}`);
    },
  },
  {
    name: 'a whole number as a fraction',
    write: (name, value) =>
      Number.isInteger(value) ? member(name, `${String(value)}.0`) : undefined,
  },
  {
    name: 'a number with an exponent',
    write: (name, value) =>
      typeof value === 'number' && !String(value).includes('e')
        ? member(name, `${String(value)}e0`)
        : undefined,
  },
  {
    name: 'zero below zero',
    write: (name, value) => (value === 0 ? member(name, '-0') : undefined),
  },
  {
    name: 'blanks around',
    write: (name, value) =>
      name === undefined
        ? ` ${JSON.stringify(value)}\n`
        : ` ${JSON.stringify(name)} :\t${JSON.stringify(value)} `,
  },
];

/** The value without the member at `path`, which stands one level further out instead. */
export function movedOut(value: JsonObject, path: Path): string | undefined {
  const name = path.at(-1);
  const outer = path.slice(0, -2);
  const copy = structuredClone(value) as Record<string, unknown>;
  const at = (way: Path) =>
    way.reduce<unknown>((holder, step) => (holder as Record<string, unknown>)[step], copy);
  const [from, to] = [at(path.slice(0, -1)), at(outer)] as Record<string, unknown>[];
  if (path.length < 2 || typeof name !== 'string' || !from || !to) return undefined;
  if (Array.isArray(to) || Object.hasOwn(to, name)) return undefined;
  to[name] = from[name];
  delete from[name];
  return JSON.stringify(copy);
}
