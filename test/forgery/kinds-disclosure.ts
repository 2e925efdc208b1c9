/** Deceits with disclosures: swapped, borrowed, shadowing, repeated, or of another shape. */
import { createHash } from 'node:crypto';
import {
  encode,
  headerOf,
  type Made,
  partsOf,
  payloadOf,
  signed,
  type TokenKind,
  type TokenPlace,
} from './case.ts';
import { batches } from './places.ts';
import { forger } from './world.ts';

const codes = [
  'VC_DISCLOSURE',
  'VC_SCHEMA',
  'VC_CONTRADICTION',
  'VC_TYPE',
  'VC_MALFORMED',
  'VC_FORM_UNSUPPORTED',
  'VC_SIGNATURE',
  // One signature of four, cut by a character, is still base64url.
  'VC_SIGNATURE_FORM',
];

const disclosuresOf = ({ tail }: TokenPlace): string[] =>
  tail.split('~').filter((one) => one !== '');
const ended = (disclosures: readonly string[]): string => ['', ...disclosures, ''].join('~');
const disclose = (...said: readonly unknown[]): string => encode(JSON.stringify(said));
const digestOf = (text: string): string => createHash('sha256').update(text).digest('base64url');
const read = (text: string): unknown[] => JSON.parse(Buffer.from(text, 'base64url').toString());

const kind = (
  name: string,
  forge: (place: TokenPlace, own: string[]) => Made | undefined | Promise<Made | undefined>,
): TokenKind => ({
  name: `disclosures: ${name}`,
  codes,
  forge: (place) => {
    const own = disclosuresOf(place);
    return own.length === 0 ? undefined : forge(place, own);
  },
});

/** The genuine token with other disclosures behind it. */
const behind = (
  name: string,
  change: (own: string[], place: TokenPlace) => readonly string[],
): TokenKind => kind(name, (place, own) => `${place.token}${ended(change(own, place))}`);

/** What the signer itself may not sign: a payload that its own disclosures would falsify. */
const signedAnew = (
  name: string,
  change: (payload: Record<string, unknown>, own: string[]) => [object, readonly string[]],
): TokenKind =>
  kind(name, async (place, own) => {
    const [payload, disclosures] = change(payloadOf(place), own);
    const token = await signed(
      JSON.stringify(headerOf(place)),
      JSON.stringify(payload),
      place.signer,
    );
    return `${token}${ended(disclosures)}`;
  });

const foreign = disclose('salt', 'did:web:northline.example/batch/9');

/** Changes the value of the first disclosure that is an object, and keeps its salt. */
function raised(own: readonly string[]): string[] {
  return own.map((text) => {
    const [salt, value] = read(text);
    if (typeof value !== 'object' || value === null) return text;
    return encode(JSON.stringify([salt, value]).replace(/"value":(\d+)/, '"value":9$1'));
  });
}

export const disclosureKinds: readonly TokenKind[] = [
  behind('one of nobody', (own) => [...own, foreign]),
  behind('one swapped for another', (own) => [foreign, ...own.slice(1)]),
  behind('one twice', (own) => [own[0] ?? '', ...own]),
  behind('all twice', (own) => [...own, ...own]),
  behind('a value raised', (own) => raised(own)),
  behind('another salt', (own) => own.map((text) => disclose('salt', ...read(text).slice(1)))),
  behind('without a salt', (own) => own.map((text) => disclose(...read(text).slice(1)))),
  behind('a name for an element', (own) =>
    own.map((text) => disclose(read(text)[0], 'x', read(text)[1])),
  ),
  behind('no list', () => [encode('{"salt":"x"}')]),
  behind('no JSON', () => [encode('[')]),
  behind('an empty one', (own) => [...own, '']),
  behind('padded', (own) => own.map((text) => `${text}=`)),
  behind('the other alphabet', (own) => own.map((text) => `${text.slice(0, -1)}+`)),
  behind('a blank inside', (own) => own.map((text) => `${text.slice(0, 4)} ${text.slice(4)}`)),
  behind('a member twice', () => [encode('["s",{"a":1,"a":2}]')]),
  behind('nested deep', () => [encode(`["s",${'['.repeat(500)}${']'.repeat(500)}]`)]),
  behind('a number beyond all', () => [encode('["s",1e400]')]),
  behind('a lone surrogate', () => [encode('["s","\\ud800"]')]),
  behind('more than anyone has', (own) => [
    ...own,
    ...Array.from({ length: 1_025 }, (_, at) => disclose('s', at)),
  ]),
  behind('a prototype', () => [disclose('s', '__proto__', { issuer: 'x' })]),
  behind('a member over the issuer', (own) => [
    ...own,
    disclose('s', 'issuer', 'did:web:x.example'),
  ]),
  kind('of another batch', (_, own) => `${batches.meter}${ended(own)}`),
  kind('a key binding behind', (place) => `${place.token}${place.tail}${batches.meter}`),
  kind('no tilde at the end', (place) => `${place.token}${place.tail.slice(0, -1)}`),
  kind('no tilde at all', (place) => place.token),
  kind('before the token', (place) => `${place.tail}${place.token}`),
  kind('between its parts', (place, own) => partsOf(place).join(`~${own[0]}.`)),
  kind(
    'a tilde in the signature',
    (place) => `${place.token.slice(0, -3)}~${place.token.slice(-3)}${place.tail}`,
  ),
  kind('under the plain type', async (place) => {
    const header = JSON.stringify({ ...headerOf(place), typ: 'vc+jwt' });
    return `${await signed(header, JSON.stringify(payloadOf(place)), place.signer)}${place.tail}`;
  }),
  kind('signed by the forger', async (place) => {
    const by = forger[place.signer.algorithm];
    const header = JSON.stringify(headerOf(place));
    return `${await signed(header, JSON.stringify(payloadOf(place)), by)}${place.tail}`;
  }),
  signedAnew('another hash', (payload, own) => [{ ...payload, _sd_alg: 'sha-1' }, own]),
  signedAnew('a hash that is no text', (payload, own) => [
    { ...payload, _sd_alg: ['sha-256'] },
    own,
  ]),
  signedAnew('a hash of no name', (payload, own) => [{ ...payload, _sd_alg: 'none' }, own]),
  signedAnew('one digest at two places', (payload, own) => [
    { ...payload, _sd: [digestOf(own[0] ?? ''), digestOf(own[0] ?? '')] },
    own,
  ]),
  signedAnew('a claim under a claim', (payload, own) => {
    const shadow = disclose('salt', 'issuer', 'did:web:stranger.example');
    return [{ ...payload, _sd: [digestOf(shadow)] }, [...own, shadow]];
  }),
  signedAnew('a claim named like the mechanism', (payload, own) => {
    const shadow = disclose('salt', '_sd', ['x']);
    return [{ ...payload, _sd: [digestOf(shadow)] }, [...own, shadow]];
  }),
  signedAnew('a claim that nobody knows', (payload, own) => {
    const shadow = disclose('salt', 'x', 1);
    return [{ ...payload, _sd: [digestOf(shadow)] }, [...own, shadow]];
  }),
  signedAnew('digests that are no list', (payload, own) => [{ ...payload, _sd: 'x' }, own]),
  signedAnew('a digest that is no text', (payload, own) => [{ ...payload, _sd: [1] }, own]),
  signedAnew('an element that does not stand alone', (payload, own) => [
    { ...payload, evidence: [{ '...': digestOf(own[0] ?? ''), x: 1 }] },
    own,
  ]),
  signedAnew('dots where no list is', (payload, own) => [{ ...payload, '...': 'x' }, own]),
  signedAnew('one in another', (payload, own) => {
    const inner = disclose('salt', 'x', 1);
    const outer = disclose('salt', 'y', { _sd: [digestOf(inner)] });
    return [{ ...payload, _sd: [digestOf(outer)] }, [...own, outer, inner]];
  }),
];
