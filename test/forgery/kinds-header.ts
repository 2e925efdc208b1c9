/** Deceits in the protected header, each tried with a genuine signature and with a forged one. */
import {
  encode,
  headerOf,
  type Made,
  partsOf,
  signed,
  type TokenKind,
  type TokenPlace,
} from './case.ts';
import { forger, jwkOf, parties, stranger } from './world.ts';

interface Trick {
  readonly name: string;
  readonly codes: readonly string[];
  /** The header as text, or nothing where it does not apply. */
  header(place: TokenPlace): string | Uint8Array | undefined;
}

const patch = (
  name: string,
  codes: readonly string[],
  changes: (place: TokenPlace) => object | undefined,
): Trick => ({
  name,
  codes,
  header: (place) => {
    const made = changes(place);
    return made && JSON.stringify({ ...headerOf(place), ...made });
  },
});

const raw = (
  name: string,
  codes: readonly string[],
  change: (header: string, place: TokenPlace) => string | Uint8Array | undefined,
): Trick => ({ name, codes, header: (place) => change(JSON.stringify(headerOf(place)), place) });

const ALGORITHMS: readonly unknown[] = [
  ...['none', 'None', 'NONE', 'nOnE', 'HS256', 'HS384', 'HS512', 'RS256', 'PS256', 'PS512'],
  ...['ES256K', 'es256', 'ES256 ', ' ES256', 'ES\u200b256', 'ЕS256', 'Eddsa', 'Ed448', 'dir', ''],
  ...['A128GCM', 'toString', '__proto__', 'constructor', null, 0, true],
  ...[['ES256'], ['none', 'ES256'], { alg: 'ES256' }, 256],
];

const wrongAlgorithm = ['VC_ALGORITHM'] as const;
const badHeader = ['VC_HEADER'] as const;
const json = ['VC_JSON'] as const;
const otherSigner = ['VC_ISSUER', 'VC_HOLDER', 'VC_SIGNATURE', 'VC_KEY_INVALID'] as const;
const unknownKey = ['VC_KEY_UNKNOWN', ...otherSigner] as const;
/** Without iss, a name that is no absolute URL is none at all. */
const halfNamed = [...badHeader, ...unknownKey] as const;

const forgerJwk = ({ signer }: TokenPlace) => jwkOf(forger[signer.algorithm].publicKey);
const other = ({ signer }: TokenPlace) => (signer.algorithm === 'ES256' ? 'EdDSA' : 'ES256');

const KIDS: readonly [string, readonly string[], (place: TokenPlace) => unknown][] = [
  ['missing', badHeader, () => undefined],
  ['empty', badHeader, () => ''],
  ['null', badHeader, () => null],
  ['a number', badHeader, () => 1],
  ['a list', badHeader, ({ signer }) => [signer.keyId]],
  ['an object', badHeader, ({ signer }) => ({ id: signer.keyId })],
  ["the forger's", otherSigner, ({ signer }) => forger[signer.algorithm].keyId],
  ["a stranger's", otherSigner, () => stranger.signer.keyId],
  ["the rival's", otherSigner, () => parties.rival.signer.keyId],
  ['a web address', otherSigner, () => 'https://169.254.169.254/latest/meta-data#key'],
  ['a file', halfNamed, () => '/dev/null'],
  ['a climbing path', halfNamed, () => '../../../../etc/passwd'],
  ['a query', halfNamed, () => "' UNION SELECT 'x'; --"],
  ['its fragment alone', halfNamed, ({ signer }) => signer.keyId.slice(signer.did.length)],
  [
    'the name of its fragment',
    halfNamed,
    ({ signer }) => signer.keyId.slice(signer.did.length + 1),
  ],
  ['another fragment', unknownKey, ({ signer }) => `${signer.did}#key-2`],
  ['a space behind', unknownKey, ({ signer }) => `${signer.keyId} `],
  ['a NUL behind', unknownKey, ({ signer }) => `${signer.keyId}\0`],
  ['upper case', halfNamed, ({ signer }) => signer.keyId.toUpperCase()],
  ['a look-alike', halfNamed, ({ signer }) => signer.keyId.replace('did', 'dіd')],
  ['escaped', unknownKey, ({ signer }) => signer.keyId.replace('#', '%23')],
  ['two fragments', unknownKey, ({ signer }) => `${signer.keyId}#${signer.keyId}`],
  ['another DID before', otherSigner, ({ signer }) => `${stranger.did}#${signer.keyId}`],
  ['a name of every object', halfNamed, () => '__proto__'],
];

const EXTENSIONS: readonly [string, object][] = [
  ['crit empty', { crit: [] }],
  ['crit b64', { crit: ['b64'], b64: false }],
  ['crit exp', { crit: ['exp'], exp: 1 }],
  ['crit of what is there', { crit: ['alg'] }],
  ['crit null', { crit: null }],
  ['crit a text', { crit: 'b64' }],
  ['b64 false', { b64: false }],
  ['b64 true', { b64: true }],
  ['jku', { jku: 'https://forger.example/keys.json' }],
  ['jku inward', { jku: 'http://127.0.0.1/keys.json' }],
  ['x5u', { x5u: 'https://forger.example/chain.pem' }],
  ['x5c', { x5c: ['MIIB'] }],
  ['jwk null', { jwk: null }],
  ['x5c empty', { x5c: [] }],
];

const OTHER_TYPES: readonly unknown[] = [
  ...['vp+jwt', 'bondline-receipt+jwt', 'bondline-enrol-request+jwt', 'JWT', 'at+jwt', ''],
  ...['bondline-certificate-request+jwt', 'vc+ld+jwt', 'vc+cose', 'vc +jwt', 'vc+jwt;q=1'],
  ...['application/application/vc+jwt', 'text/vc+jwt', 'logout+jwt', 'vс+jwt', 'vp+sd-jwt'],
  ...['vc+jwt\0', 'vc+jwt, JWT'],
];

const isOther = (typ: unknown, place: TokenPlace): boolean => typ !== place.typ;

const DUPLICATES: readonly [string, (header: string, place: TokenPlace) => string][] = [
  ['alg twice', (header) => header.replace('{', '{"alg":"none",')],
  ['alg twice, last', (header) => header.replace(/}$/, ',"alg":"none"}')],
  ['alg twice by escape', (header) => header.replace('{', '{"\\u0061lg":"none",')],
  [
    'kid twice',
    (header, { signer }) => header.replace('{', `{"kid":"${forger[signer.algorithm].keyId}",`),
  ],
  ['kid twice by escape', (header) => header.replace(/}$/, ',"ki\\u0064":"x"}')],
  ['typ twice', (header) => header.replace('{', '{"typ":"vp+jwt",')],
  ['the same twice', (header) => header.replace('{', '{"x":1,"x":1,')],
  ['an inner one twice', (header) => header.replace('{', '{"x":{"y":1,"y":2},')],
];

const BROKEN: readonly [string, (header: string) => string | Uint8Array][] = [
  ['a mark of byte order', (header) => `\ufeff${header}`],
  ['a comma at the end', (header) => header.replace(/}$/, ',}')],
  ['a remark', (header) => `/* */${header}`],
  ['a second object', (header) => `${header}{}`],
  ['a NUL behind', (header) => `${header}\0`],
  ['cut', (header) => header.slice(0, -1)],
  ['single quotes', (header) => header.replaceAll('"', "'")],
  ['a lone surrogate', (header) => header.replace('{', '{"x":"\\ud800",')],
  ['a lone surrogate as name', (header) => header.replace('{', '{"\\udc00":1,')],
  ['no number', (header) => header.replace('{', '{"x":NaN,')],
  ['a number beyond all', (header) => header.replace('{', '{"x":1e400,')],
  ['a number that no double holds', (header) => header.replace('{', '{"x":9007199254740993,')],
  ['a number that vanishes', (header) => header.replace('{', '{"x":1e-400,')],
  ['nested deep', (header) => header.replace('{', `{"x":${'['.repeat(99)}${']'.repeat(99)},`)],
  ['not UTF-8', (header) => Buffer.from(header.replace('{', '{"x":"\xff",'), 'latin1')],
  ['overlong UTF-8', (header) => Buffer.from(header.replace('{', '{"x":"\xc0\xaf",'), 'latin1')],
  ['UTF-16', (header) => Buffer.from(header, 'utf16le')],
  ['a control character', (header) => header.replace('{', '{"x":"\u0001",')],
  ['nothing', () => ''],
];

const NO_OBJECTS = ['[]', '"x"', 'null', '1', 'true', '[{"alg":"ES256"}]'];

const tricks: readonly Trick[] = [
  ...ALGORITHMS.map((alg) => patch(`alg ${JSON.stringify(alg)}`, wrongAlgorithm, () => ({ alg }))),
  patch('alg missing', wrongAlgorithm, () => ({ alg: undefined })),
  patch('alg of the other kind of key', [...wrongAlgorithm, ...wrongKey()], (place) => ({
    alg: other(place),
  })),
  ...['ES384', 'ES512'].map((alg) =>
    patch(`alg of a longer key, ${alg}`, ['VC_SIGNATURE_FORM'], () => ({ alg })),
  ),
  raw('alg inherited', wrongAlgorithm, (header) =>
    header.replace(/"alg":"\w+"/, '"__proto__":{"alg":"ES256"}'),
  ),
  ...KIDS.map(([name, codes, kid]) =>
    patch(`kid ${name}`, codes, (place) => {
      const made = kid(place);
      return made === place.signer.keyId ? undefined : { kid: made };
    }),
  ),
  ...EXTENSIONS.map(([name, members]) => patch(name, badHeader, () => members)),
  patch('jwk of the forger', badHeader, (place) => ({ jwk: forgerJwk(place) })),
  patch('jwk of the signer', badHeader, ({ signer }) => ({ jwk: jwkOf(signer.publicKey) })),
  ...OTHER_TYPES.map((typ) =>
    patch(`typ ${JSON.stringify(typ)}`, ['VC_TYPE', 'VC_SCHEMA'], (place) =>
      isOther(typ, place) ? { typ } : undefined,
    ),
  ),
  ...[null, 1, ['vc+jwt'], true].map((typ) =>
    patch(`typ ${JSON.stringify(typ)}`, badHeader, () => ({ typ })),
  ),
  patch('cty of a presentation', ['VC_TYPE'], ({ typ }) =>
    typ.startsWith('vc') ? { cty: 'vp' } : undefined,
  ),
  patch('cty of a page', ['VC_TYPE'], ({ typ }) =>
    typ.startsWith('v') ? { cty: 'text/html' } : undefined,
  ),
  patch('cty no text', badHeader, () => ({ cty: ['vc'] })),
  ...DUPLICATES.map(([name, change]) => raw(`header: ${name}`, json, change)),
  ...BROKEN.map(([name, change]) => raw(`header: ${name}`, json, change)),
  ...NO_OBJECTS.map((text) => raw(`header: ${text}`, ['VC_SCHEMA'], () => text)),
];

function wrongKey(): readonly string[] {
  return ['VC_SIGNATURE'];
}

type Hand = (place: TokenPlace) => Parameters<typeof signed>[2] | undefined;

/** Who signs what was changed: the signer itself, the forger, or nobody anew. */
const HANDS: readonly [string, Hand][] = [
  ['signed by its signer', ({ signer }) => signer],
  ['signed by the forger', ({ signer }) => forger[signer.algorithm]],
  ['under the old signature', () => undefined],
];

async function made(trick: Trick, hand: Hand, place: TokenPlace): Promise<Made | undefined> {
  const header = trick.header(place);
  if (header === undefined) return undefined;
  const [, payload, signature] = partsOf(place);
  const by = hand(place);
  if (by === undefined) return `${encode(header)}.${payload}.${signature}${place.tail}`;
  return `${await signed(header, Buffer.from(payload, 'base64url'), by)}${place.tail}`;
}

export const headerKinds: readonly TokenKind[] = tricks.flatMap((trick) =>
  HANDS.map(([name, hand]) => ({
    name: `${trick.name}, ${name}`,
    codes: trick.codes,
    forge: (place: TokenPlace) => made(trick, hand, place),
  })),
);
