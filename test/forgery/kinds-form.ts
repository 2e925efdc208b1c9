/** Deceits with the spelling of a token: what a lenient reader would repair. */
import { gzipSync } from 'node:zlib';
import { limits } from '../../devices/limits.ts';
import {
  encode,
  headerOf,
  partsOf,
  payloadOf,
  signed,
  type TokenKind,
  type TokenPlace,
  textOf,
} from './case.ts';

type Spell = (parts: readonly [string, string, string], place: TokenPlace) => string | undefined;

const malformed = ['VC_MALFORMED'] as const;
const joined = (...parts: readonly string[]): string => parts.join('.');

const kind = (name: string, codes: readonly string[], spell: Spell): TokenKind => ({
  name: `form: ${name}`,
  codes,
  forge: (place) => {
    const made = spell(partsOf(place), place);
    return made === undefined ? undefined : `${made}${place.tail}`;
  },
});

const NAMES = ['header', 'payload', 'signature'] as const;

const PART_TRICKS: readonly [string, (part: string) => string | undefined][] = [
  ['padded', (part) => `${part}=`],
  ['padded twice', (part) => `${part}==`],
  ['a blank inside', (part) => `${part.slice(0, 8)} ${part.slice(8)}`],
  ['a line break inside', (part) => `${part.slice(0, 8)}\r\n${part.slice(8)}`],
  ['a NUL inside', (part) => `${part.slice(0, 8)}\0${part.slice(8)}`],
  ['a letter of no alphabet', (part) => `${part.slice(0, 8)}!${part.slice(8)}`],
  ['a look-alike letter', (part) => `${part.slice(0, 8)}\u0430${part.slice(8)}`],
  ['escaped like a URL', (part) => `%${part.charCodeAt(0).toString(16)}${part.slice(1)}`],
  ['the other alphabet', otherAlphabet],
  ['another last letter', otherLast],
  [
    'one letter more',
    (part) => `${part}${part.length % 4 === 0 ? 'A' : 'AAAAA'.slice(part.length % 4)}`,
  ],
  ['empty', () => ''],
  ['quoted', (part) => `"${part}"`],
  ['in hex', (part) => Buffer.from(part, 'base64url').toString('hex')],
  ['encoded twice', (part) => encode(part)],
  ['plain', (part) => Buffer.from(part, 'base64url').toString('latin1').replaceAll('.', '')],
];

/** The two letters that differ between the alphabets, where the part has them. */
function otherAlphabet(part: string): string | undefined {
  const made = part.replaceAll('-', '+').replaceAll('_', '/');
  return made === part ? undefined : made;
}

const LETTERS = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_';

/** The same bytes with bits set that belong to no byte (RFC 4648 §3.5). */
function otherLast(part: string): string | undefined {
  if (part.length % 4 === 0) return undefined;
  const last = LETTERS.indexOf(part.at(-1) ?? '');
  return `${part.slice(0, -1)}${LETTERS[last ^ 1]}`;
}

const partKinds = NAMES.flatMap((name, at) =>
  PART_TRICKS.map(([trick, spell]) =>
    kind(`${name} ${trick}`, codesOfParts(), (parts) => {
      const made = spell(parts[at] ?? '');
      if (made === undefined) return undefined;
      return joined(...parts.map((part, index) => (index === at ? made : part)));
    }),
  ),
);

/** A part that still is base64url of something is refused for what that something is. */
function codesOfParts(): readonly string[] {
  return [
    ...malformed,
    'VC_JSON',
    'VC_SIGNATURE_FORM',
    'VC_SIGNATURE',
    'VC_SCHEMA',
    'VC_TYPE',
    'VC_DISCLOSURE',
  ];
}

const SPELLINGS: readonly [string, readonly string[], Spell][] = [
  ['two parts', malformed, ([h, p]) => joined(h, p)],
  ['four parts', malformed, ([h, p, s]) => joined(h, p, s, s)],
  ['five parts', malformed, ([h, p, s]) => joined(h, '', p, s, '')],
  ['a dot before', malformed, ([h, p, s]) => joined('', h, p, s)],
  ['a dot behind', malformed, ([h, p, s]) => joined(h, p, s, '')],
  ['wide dots', malformed, ([h, p, s]) => `${h}\uff0e${p}\uff0e${s}`],
  ['a blank before', malformed, ([h, p, s]) => ` ${joined(h, p, s)}`],
  ['a mark of byte order', malformed, ([h, p, s]) => `\ufeff${joined(h, p, s)}`],
  ['a blank without width', malformed, ([h, p, s]) => `\u200b${joined(h, p, s)}`],
  ['the name of a scheme', malformed, ([h, p, s]) => `Bearer ${joined(h, p, s)}`],
  ['quoted', malformed, ([h, p, s]) => `"${joined(h, p, s)}"`],
  ['twice', malformed, ([h, p, s]) => joined(h, p, s) + joined(h, p, s)],
  ['upper case', [...malformed, 'VC_JSON'], ([h, p, s]) => joined(h, p, s).toUpperCase()],
  ['backwards', codesOfParts(), ([h, p, s]) => [...joined(h, p, s)].reverse().join('')],
  ['payload before header', codesOfBadHeader(), ([h, p, s]) => joined(p, h, s)],
  ['signature before payload', codesOfParts(), ([h, p, s]) => joined(h, s, p)],
  ['header as payload', codesOfParts(), ([h, , s]) => joined(h, h, s)],
  ['payload as header', codesOfBadHeader(), ([, p, s]) => joined(p, p, s)],
  ['detached', [...malformed, 'VC_JSON'], ([h, , s]) => joined(h, '', s)],
  [
    'a tail of tildes',
    ['VC_TYPE', 'VC_DISCLOSURE', 'VC_FORM_UNSUPPORTED'],
    (parts, { tail }) => (tail === '' ? `${joined(...parts)}~` : `${joined(...parts)}~~`),
  ],
  [
    'JSON of one signature',
    ['VC_UNSECURED', 'VC_MALFORMED', 'VC_JSON'],
    ([h, p, s]) => JSON.stringify({ protected: h, payload: p, signature: s }),
  ],
  [
    'JSON of signatures',
    ['VC_UNSECURED', 'VC_MALFORMED', 'VC_JSON'],
    ([h, p, s]) => JSON.stringify({ payload: p, signatures: [{ protected: h, signature: s }] }),
  ],
];

function codesOfBadHeader(): readonly string[] {
  return ['VC_ALGORITHM', 'VC_HEADER', 'VC_JSON', 'VC_SCHEMA', 'VC_MALFORMED'];
}

/** Sizes and bombs, and encodings of the whole. */
const wholeKinds: readonly TokenKind[] = [
  {
    name: 'bomb: larger than its kind may be, signed by its signer',
    codes: ['VC_TOO_LARGE', 'VC_SCHEMA'],
    forge: (place) => oversized(place, Math.ceil(place.bytesMax * 0.75) + 1),
  },
  {
    name: 'bomb: a megabyte and more',
    codes: ['VC_TOO_LARGE', 'VC_SCHEMA', 'VC_ENVELOPE'],
    forge: (place) => oversized(place, Math.max(place.bytesMax, limits.presentationBytesMax) + 1),
  },
  {
    name: 'bomb: gzip of the token',
    codes: [...malformed, 'VC_ENVELOPE'],
    forge: (place) => (place.carry ? undefined : gzipSync(place.token)),
  },
  {
    name: 'form: UTF-16',
    codes: malformed,
    forge: (place) => (place.carry ? undefined : Buffer.from(place.token, 'utf16le')),
  },
  {
    name: 'proof stripped: the payload alone',
    codes: ['VC_UNSECURED', 'VC_MALFORMED', 'VC_SCHEMA', 'VC_ENVELOPE'],
    forge: (place) => textOf(partsOf(place)[1]),
  },
  {
    name: 'proof stripped: the payload with a proof that says nothing',
    codes: ['VC_PROOF', 'VC_PROOF_SUITE', 'VC_SCHEMA', 'VC_ENVELOPE'],
    forge: (place) =>
      JSON.stringify({ ...payloadOf(place), proof: { type: 'DataIntegrityProof' } }),
  },
  {
    name: 'proof stripped: the payload with an empty set of proofs',
    codes: ['VC_PROOF', 'VC_SCHEMA', 'VC_ENVELOPE'],
    forge: (place) => JSON.stringify({ ...payloadOf(place), proof: [] }),
  },
  {
    name: 'proof stripped: the token as the value of a proof',
    codes: ['VC_PROOF', 'VC_PROOF_SUITE', 'VC_SCHEMA', 'VC_ENVELOPE', 'VC_FORM_UNSUPPORTED'],
    forge: (place) => {
      const proof = { type: 'JsonWebSignature2020', jws: place.token };
      return JSON.stringify({ ...payloadOf(place), proof });
    },
  },
];

function oversized(place: TokenPlace, bytes: number): Promise<string> {
  const header = JSON.stringify({ ...headerOf(place), x: 'x'.repeat(bytes) });
  return signed(header, textOf(partsOf(place)[1]), place.signer).then((made) => made + place.tail);
}

export const formKinds: readonly TokenKind[] = [
  ...partKinds,
  ...SPELLINGS.map(([name, codes, spell]) => kind(name, codes, spell)),
  ...wholeKinds,
];
