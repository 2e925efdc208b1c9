import { describe, expect, it } from 'vitest';
import { isEnveloped, openEnveloped } from '../../../../devices/credential/enveloped.ts';

const context = 'https://www.w3.org/ns/credentials/v2';
const inBase64 = Buffer.from('e30.e30.AA').toString('base64');

const envelope = (id: unknown, changes: object = {}) => ({
  '@context': context,
  id,
  type: 'EnvelopedVerifiableCredential',
  ...changes,
});

describe('an envelope', () => {
  it.each([
    ['as it is', 'data:application/vc+jwt,e30.e30.AA'],
    ['in base 64', `data:application/vc+jwt;base64,${inBase64}`],
    ['of a media type in capitals', 'data:application/VC+JWT,e30.e30.AA'],
    ['whose media type has some capitals', `data:Application/Vc+jwt;BASE64,${inBase64}`],
  ])('gives what is in it %s', (_, id) => {
    expect(isEnveloped(envelope(id))).toBe(true);
    expect(openEnveloped(envelope(id))).toEqual({
      media: 'vc+jwt',
      bytes: Buffer.from('e30.e30.AA'),
    });
  });

  it.each([
    ['another media type', envelope('data:application/vp+jwt,e30.e30.AA')],
    ['a parameter', envelope('data:application/vc+jwt;a=b,e30.e30.AA')],
    ['base 64 that has two spellings', envelope(`data:application/vc+jwt;base64,${inBase64}=`)],
    ['an address', envelope('https://mill.example/1')],
    ['a number', envelope(7)],
    ['no context', envelope('data:application/vc+jwt,e30.e30.AA', { '@context': [] })],
    ['another type', envelope('data:application/vc+jwt,e30.e30.AA', { type: 'Envelope' })],
  ])('is none with %s', (_, object) => {
    expect(openEnveloped(object)).toMatchObject({ code: 'VC_ENVELOPE' });
  });
});
