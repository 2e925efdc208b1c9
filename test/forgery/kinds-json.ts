/**
 * JSON that two readers would understand differently, signed by the genuine signer itself: the
 * signature is right, and it must be refused all the same.
 */
import { limits } from '../../devices/limits.ts';
import { partsOf, signed, type TokenKind, type TokenPlace, textOf } from './case.ts';
import { stranger } from './world.ts';

type Change = (payload: string, place: TokenPlace) => string | Uint8Array | undefined;

const json = ['VC_JSON'] as const;

const kind = (name: string, codes: readonly string[], change: Change): TokenKind => ({
  name: `payload: ${name}`,
  codes,
  forge: async (place) => {
    const payload = textOf(partsOf(place)[1]);
    const made = change(payload, place);
    if (made === undefined || made === payload) return undefined;
    const header = Buffer.from(partsOf(place)[0], 'base64url');
    return `${await signed(header, made, place.signer)}${place.tail}`;
  },
});

const first = (text: string) => (payload: string) => payload.replace('{', `{${text},`);
const last = (text: string) => (payload: string) => payload.replace(/}$/, `,${text}}`);
const bytes = (text: string) => (payload: string) =>
  Buffer.concat([
    Buffer.from('{'),
    Buffer.from(text, 'latin1'),
    Buffer.from(`,${payload.slice(1)}`),
  ]);

/** A name of the payload, spelled with an escape. */
const escaped = (name: string): string =>
  `\\u${name.charCodeAt(0).toString(16).padStart(4, '0')}${name.slice(1)}`;

function twice(payload: string, spell: (name: string) => string, inner: boolean): string {
  const outer = JSON.parse(payload) as Record<string, unknown>;
  const holder = inner ? Object.values(outer).find(isHolder) : outer;
  const [name = 'issuer', value] = Object.entries(holder ?? outer)[0] ?? [];
  const text = JSON.stringify(value);
  const found = `"${name}":${text}`;
  return payload.replace(found, `${found},"${spell(name)}":${text}`);
}

const isHolder = (value: unknown): boolean =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

const NUMBERS: readonly [string, string][] = [
  ['beyond all', '1e400'],
  ['beyond all, negative', '-1e400'],
  ['that no double holds', '9007199254740993'],
  ['that no double holds, negative', '-9007199254740993'],
  ['of a thousand digits', '1'.repeat(1000)],
  ['that vanishes', '1e-400'],
  ['that vanishes, long', `0.${'0'.repeat(400)}1`],
  ['NaN', 'NaN'],
  ['Infinity', 'Infinity'],
  ['in hex', '0x10'],
  ['with a zero before', '01'],
  ['with a plus', '+1'],
  ['without a whole part', '.5'],
  ['without a fraction', '1.'],
  ['with a gap', '1_000'],
  ['for a bigger type', '1n'],
  ['in wide digits', '１'],
  ['with two points', '1.2.3'],
  ['with an empty exponent', '1e'],
];

const BROKEN: readonly [string, Change][] = [
  ['a mark of byte order', (payload) => `\ufeff${payload}`],
  ['a comma at the end', (payload) => payload.replace(/}$/, ',}')],
  ['a remark', (payload) => `${payload}// true`],
  ['a second object behind', (payload) => `${payload}{"issuer":"${stranger.did}"}`],
  ['a NUL behind', (payload) => `${payload}\0`],
  ['a NUL before', (payload) => `\0${payload}`],
  ['cut', (payload) => payload.slice(0, -1)],
  ['single quotes', (payload) => payload.replaceAll('"', "'")],
  [
    'names without quotes',
    (payload) => payload.replace('"id"', 'id').replace('"issuer"', 'issuer'),
  ],
  ['a lone high surrogate', first('"x":"\\ud83d"')],
  ['a lone low surrogate', last('"x":"\\udc00"')],
  ['surrogates in the wrong order', first('"x":"\\udc00\\ud800"')],
  ['a lone surrogate as a name', first('"\\ud800":1')],
  ['a lone surrogate in capitals', first('"x":"\\uD83D"')],
  ['not UTF-8', bytes('"x":"\xff"')],
  ['overlong UTF-8', bytes('"x":"\xc0\xaf"')],
  ['a surrogate in UTF-8', bytes('"x":"\xed\xa0\x80"')],
  ['beyond Unicode in UTF-8', bytes('"x":"\xf5\x80\x80\x80"')],
  ['cut UTF-8', bytes('"x":"\xe2\x82"')],
  ['UTF-16', (payload) => Buffer.from(payload, 'utf16le')],
  ['a control character', first('"x":"\u0001"')],
  ['a tab in a name', first('"a\tb":1')],
  ['an escape that is none', first('"x":"\\x41"')],
  ['half an escape', first('"x":"\\u00"')],
  ['nested deep in lists', first(`"x":${'['.repeat(1000)}${']'.repeat(1000)}`)],
  ['nested deep in objects', first(`"x":${'{"x":'.repeat(999)}1${'}'.repeat(999)}`)],
  [
    'nested one too deep',
    first(`"x":${'['.repeat(limits.jsonDepthMax)}${']'.repeat(limits.jsonDepthMax)}`),
  ],
  ['nothing', () => ''],
  ['a word', () => 'undefined'],
  ['a function', () => '(function(){return 1})()'],
];

/** Members that the kinds of ours do not have, whoever signs them. */
const FOREIGN: readonly [string, string][] = [
  ['an unknown member', '"x":1'],
  ['a prototype', '"__proto__":{"issuer":"did:web:stranger.example"}'],
  ['a constructor', '"constructor":{"prototype":{"issuer":"did:web:stranger.example"}}'],
  ['hasOwnProperty', '"hasOwnProperty":1'],
  ['toString', '"toString":"x"'],
  ['toJSON', '"toJSON":"x"'],
  ['a look-alike of issuer', '"іssuer":"did:web:stranger.example"'],
  ['issuer with a blank', '"issuer ":"did:web:stranger.example"'],
  ['issuer in capitals', '"ISSUER":"did:web:stranger.example"'],
  ['issuer with a NUL', '"issuer\\u0000":"did:web:stranger.example"'],
  ['issuer decomposed', '"issue\\u0301r":"x"'],
  ['a proof that says nothing', '"proof":{"type":"DataIntegrityProof"}'],
  ['the claims of VCDM 1.1', '"vc":{"type":["VerifiableCredential"]}'],
  ['another iss', '"iss":"did:web:stranger.example"'],
  ['another sub', '"sub":"did:web:stranger.example"'],
  ['another jti', '"jti":"urn:uuid:00000000-0000-4000-8000-000000000009"'],
  ['an end in the past', '"exp":1'],
  ['a beginning in the future', '"nbf":99999999999'],
  ['a beginning that is no number', '"nbf":"tomorrow"'],
];

const foreignCodes: readonly string[] = [
  ...['VC_SCHEMA', 'VC_ISSUER', 'VC_CONTRADICTION', 'VC_EXPIRED', 'VC_NOT_YET_VALID'],
  ...['VC_PROOF', 'VC_PROOF_SUITE', 'VC_HOLDER'],
];

/** Of these also those are refused whose kind allows other members: they contradict it. */
const ALWAYS = ['claims of VCDM', 'another iss', 'end in', 'beginning'];

const NO_OBJECTS = ['[]', '"x"', 'null', '0', 'true', '[{"issuer":"did:web:northline.example"}]'];

export const jsonKinds: readonly TokenKind[] = [
  kind('a member twice', json, (payload) => twice(payload, (name) => name, false)),
  kind('a member twice by escape', json, (payload) => twice(payload, escaped, false)),
  kind('an inner member twice', json, (payload) => twice(payload, (name) => name, true)),
  kind('an inner member twice by escape', json, (payload) => twice(payload, escaped, true)),
  kind('issuer twice, the other first', json, (payload) =>
    payload.includes('"issuer":') ? first(`"issuer":"${stranger.did}"`)(payload) : undefined,
  ),
  kind('type twice, the other last', json, last('"type":["VerifiableCredential"],"type":[]')),
  kind('a prototype twice', json, first('"__proto__":1,"__proto__":2')),
  ...BROKEN.map(([name, change]) => kind(name, json, change)),
  ...NUMBERS.map(([name, text]) => kind(`a number ${name}`, json, first(`"x":${text}`))),
  ...NO_OBJECTS.map((text) => kind(`no object: ${text}`, ['VC_SCHEMA'], () => text)),
  ...FOREIGN.map(([name, text]) =>
    kind(`with ${name}`, foreignCodes, (payload, { isClosed }) =>
      isClosed || ALWAYS.some((part) => name.includes(part)) ? first(text)(payload) : undefined,
    ),
  ),
];
