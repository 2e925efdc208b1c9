import { randomBytes } from 'node:crypto';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { readBatch, readBatchHead } from '../../../../devices/credential/batch-wire.ts';
import { openCompact, openToken, verifyToken } from '../../../../devices/credential/jws.ts';
import { isRefusal } from '../../../../devices/credential/refusal.ts';
import { digestOfDisclosure, reveal } from '../../../../devices/credential/sd-jwt.ts';
import {
  conceal,
  showOnly,
  signBatchSelectively,
  withDisclosures,
} from '../../../../devices/credential/sd-jwt-issue.ts';
import { publicKeyOfDid } from '../../../../devices/identity/did-key.ts';
import { limits } from '../../../../devices/limits.ts';
import { systemRandom } from '../../../../devices/runtime.ts';
import { memorySigner } from '../../../support/identity.ts';
import { BatchMaker, readingGroups } from '../../../support/signed-batch.ts';

const fromMs = 1_767_225_600_000;
const goods = ['did:web:north.example/batch/1', 'did:web:south.example/batch/2'] as const;
const plain = { random: systemRandom, decoys: false };

/** A batch of two shippers, three elements each, in both forms. */
async function meter(decoys: boolean) {
  const signer = memorySigner();
  const groups = [0, 1, 2].flatMap((time) =>
    goods.flatMap((about) =>
      readingGroups({ fromMs: fromMs + time * 1000, times: 1, points: 2, about }),
    ),
  );
  const token = await new BatchMaker(signer, memorySigner().did).next(fromMs + 9_000, { groups });
  const opened = openToken(token, token.length);
  if (isRefusal(opened)) throw new Error(opened.reason);
  const { payloadText: payload } = opened;
  const bytes = await signBatchSelectively({ payload, signer, random: systemRandom, decoys });
  return { signer, payload, bytes };
}

function open(bytes: Uint8Array) {
  const opened = openToken(bytes, limits.credentialBytesMax);
  if (isRefusal(opened)) throw new Error(`${opened.code} ${opened.reason}`);
  return opened;
}

const isAbout = (uri: string) => (value: unknown) =>
  value === uri ||
  (value as { sensorMetadata?: { 'bl:about'?: string } })?.sensorMetadata?.['bl:about'] === uri;

describe.each([false, true])('a batch with disclosures, decoys %s', (decoys) => {
  it('says with all of them what it says without the form', async () => {
    const { bytes, payload, signer } = await meter(decoys);
    const opened = open(bytes);
    expect(verifyToken(opened, publicKeyOfDid(signer.did))).toBe(true);
    expect(opened.hidden).toBe(0);
    expect(readBatch(opened.payload)).toStrictEqual(readBatch(JSON.parse(payload)));
  });

  it('shows one shipper its own and hides the other', async () => {
    const { bytes, signer } = await meter(decoys);
    const [own, other] = goods;
    const shown = showOnly(bytes, isAbout(own));
    const opened = open(shown);
    expect(verifyToken(opened, publicKeyOfDid(signer.did))).toBe(true);
    expect(opened.digest).toBe(open(bytes).digest);
    expect(readBatchHead(opened.payload)).toMatchObject({ goods: [own], readings: 6 });
    const text = Buffer.from(shown).toString('latin1').split(/[.~]/);
    const clear = text.map((part) => Buffer.from(part, 'base64url').toString('utf8')).join('\n');
    expect(clear).toContain(own);
    expect(clear).not.toContain(other);
    expect(opened).toMatchObject({ hidden: decoys ? 16 - 3 + 16 - 1 : 4, withheld: 0 });
  });

  it('shows a single reading', async () => {
    const { bytes } = await meter(decoys);
    const time = new Date(fromMs + 1000).toISOString();
    const shown = showOnly(bytes, (value) => {
      const { sensorMetadata } = (value ?? {}) as { sensorMetadata?: Record<string, string> };
      const isIt = sensorMetadata?.['time'] === time && isAbout(goods[0])(value);
      return isIt || value === goods[0];
    });
    expect(readBatchHead(open(shown).payload)).toMatchObject({ goods: [goods[0]], readings: 2 });
  });
});

describe('what is not shown is withheld', () => {
  const member = (name: string, value: unknown) =>
    Buffer.from(JSON.stringify(['salt', name, value])).toString('base64url');
  const status = member('credentialStatus', { type: 'x' });
  const subject = member('credentialSubject', { _sd: ['inside'] });
  const inner = member('a', { _sd: ['b'], c: [{ '...': 'd' }] });
  const digest = digestOfDisclosure;
  it.each([
    [
      'never in the subject',
      { credentialSubject: { a: { _sd: ['x'] }, b: [{ '...': 'y' }] } },
      [],
      0,
    ],
    ['never in a list of subjects', { credentialSubject: [{ '...': 'x' }, { _sd: ['y'] }] }, [], 0],
    ['never in a subject that is disclosed', { _sd: [digest(subject)] }, [subject], 0],
    ['in that one beside it', { _sd: [digest(subject), 'x'] }, [subject], 1],
    ['beside the subject', { credentialSubject: { _sd: ['x'] }, _sd: ['y', 'z'] }, [], 2],
    ['behind the subject', { credentialSubject: {}, credentialStatus: [{ '...': 'x' }] }, [], 1],
    ['inside of a status', { credentialStatus: { _sd: ['x'] }, credentialSubject: {} }, [], 1],
    ['in a subject of something else', { evidence: { credentialSubject: { _sd: ['x'] } } }, [], 1],
    ['below what is shown', { _sd: [digest(inner)] }, [inner], 2],
    ['and shown it is not', { _sd: [digest(status)] }, [status], 0],
  ])('%s', (_, payload, disclosures, withheld) => {
    expect(reveal(payload, disclosures)).toMatchObject({ withheld });
  });
});

it('decoys hide the number: one element and sixteen look alike', async () => {
  const lengths = [1, 5, 16].map((count) => {
    const payload = JSON.stringify({ list: Array.from({ length: count }, (_, at) => ({ at })) });
    const options = { random: systemRandom, decoys: true };
    const { payload: text } = conceal(payload, [['list', '*']], options);
    return (JSON.parse(text) as { list: unknown[] }).list.length;
  });
  expect(lengths).toEqual([16, 16, 16]);
});

describe('a disclosure is refused', () => {
  const payload = JSON.stringify({ type: 'x', inner: { secret: 1, other: 2 }, list: ['a', 'b'] });
  const paths = [
    ['inner', 'secret'],
    ['list', '*'],
  ];
  const made = conceal(payload, paths, plain);
  const signed = JSON.parse(made.payload) as Record<string, unknown>;
  const encode = (value: unknown) => Buffer.from(JSON.stringify(value)).toString('base64url');
  const revealed = (disclosures: readonly string[], change: object = {}) =>
    reveal({ ...signed, ...change }, disclosures);

  it('never when it is one that was made', () => {
    expect(revealed(made.disclosures)).toEqual({
      payload: JSON.parse(payload),
      hidden: 0,
      withheld: 0,
    });
    expect(revealed([])).toMatchObject({ hidden: 3, payload: { list: [], inner: { other: 2 } } });
  });

  const [first = ''] = made.disclosures;
  const member = encode(['salt', 'name', 1]);
  const element = encode(['salt', 1]);
  it.each([
    ['it stands nowhere', [...made.disclosures, element], {}],
    ['it is given twice', [...made.disclosures, first], {}],
    [
      'its digest stands twice',
      [element],
      { a: [{ '...': digestOfDisclosure(element) }, { '...': digestOfDisclosure(element) }] },
    ],
    ['a hidden digest stands twice', [], { _sd: ['x', 'x'] }],
    [
      'it overwrites a member',
      [encode(['s', 'type', 2])],
      { _sd: [digestOfDisclosure(encode(['s', 'type', 2]))] },
    ],
    ['a member stands in an array', [member], { a: [{ '...': digestOfDisclosure(member) }] }],
    ['an element stands in an object', [element], { _sd: [digestOfDisclosure(element)] }],
    [
      'it is named _sd',
      [encode(['s', '_sd', []])],
      { _sd: [digestOfDisclosure(encode(['s', '_sd', []]))] },
    ],
    [
      'it is named ...',
      [encode(['s', '...', ''])],
      { _sd: [digestOfDisclosure(encode(['s', '...', '']))] },
    ],
    ['its salt is no text', [encode([1, 2])], {}],
    ['it has four parts', [encode(['a', 'b', 'c', 'd'])], {}],
    ['it is padded', [`${element}=`], {}],
    ['it is no array', [encode({ a: 1 })], {}],
    ['it has a duplicate member', [Buffer.from('["s",{"a":1,"a":2}]').toString('base64url')], {}],
    ['the hash is another', made.disclosures, { _sd_alg: 'sha-512' }],
    ['"..." stands beside others', [], { a: [{ '...': 'x', b: 1 }] }],
    ['"..." stands in an object', [], { a: { '...': 'x' } }],
    ['_sd is no array', [], { _sd: 'x' }],
  ])('when %s', (_, disclosures, change) => {
    expect(revealed(disclosures, change)).toMatchObject({ code: 'VC_DISCLOSURE' });
  });

  it('when it nests without end', () => {
    let text = encode(['s', 1]);
    const disclosures = [text];
    for (let depth = 0; depth < 40; depth += 1) {
      text = encode(['s', [{ '...': digestOfDisclosure(text) }]]);
      disclosures.push(text);
    }
    const whole = { deep: [{ '...': digestOfDisclosure(text) }] };
    expect(reveal(whole, disclosures)).toMatchObject({ code: 'VC_DISCLOSURE' });
  });

  it('when its name is __proto__ it stays a member', () => {
    const text = encode(['s', '__proto__', { admin: true }]);
    const result = reveal({ _sd: [digestOfDisclosure(text)] }, [text]);
    if (isRefusal(result)) throw new Error(result.reason);
    expect(Object.keys(result.payload)).toEqual(['__proto__']);
    expect((result.payload as { admin?: boolean }).admin).toBeUndefined();
  });
});

describe('a token with disclosures', () => {
  it('is refused where typ and form disagree', async () => {
    const { bytes } = await meter(false);
    const text = Buffer.from(bytes).toString('latin1');
    const [token = ''] = text.split('~');
    expect(openCompact(Buffer.from(token), 1e6)).toMatchObject({ code: 'VC_TYPE' });
    const plainToken = await new BatchMaker(memorySigner(), memorySigner().did).next(fromMs);
    expect(openCompact(withDisclosures(plainToken, []), 1e6)).toMatchObject({ code: 'VC_TYPE' });
    const bound = Buffer.from(`${text}${token}`);
    expect(openCompact(bound, 1e6)).toHaveProperty('code');
  });

  it('comes back from any payload, whatever is concealed in it', () => {
    const json = fc.dictionary(fc.stringMatching(/^[a-z]{1,6}$/), fc.jsonValue({ maxDepth: 3 }));
    fc.assert(
      fc.property(json, fc.boolean(), (value, decoys) => {
        const text = JSON.stringify({ keep: 1, value, list: Object.keys(value) });
        const inner = Object.keys(value).map((name) => ['value', name]);
        const options = { random: { ...systemRandom, bytes: randomBytes }, decoys };
        const { disclosures, payload } = conceal(text, [...inner, ['list', '*']], options);
        const back = reveal(JSON.parse(payload) as Record<string, unknown>, disclosures);
        expect(back).toEqual({ payload: JSON.parse(text) as unknown, hidden: 0, withheld: 0 });
      }),
    );
  });
});
