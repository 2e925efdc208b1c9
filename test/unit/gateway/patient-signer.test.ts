import { describe, expect, it } from 'vitest';
import { EdgeError, type ErrorCode } from '../../../devices/errors.ts';
import { limits } from '../../../devices/limits.ts';
import { type Log, silentLog } from '../../../devices/runtime.ts';
import { patientSigner } from '../../../gateway/patient-signer.ts';
import { memorySigner } from '../../support/identity.ts';
import { manualClock } from '../../support/manual-clock.ts';

/** A key whose token fails with these codes, one a call, and then signs. */
function failing(codes: readonly (ErrorCode | Error)[]) {
  const inner = memorySigner();
  const left = [...codes];
  const clock = manualClock();
  const stop = new AbortController();
  const said: string[] = [];
  const asked: number[] = [];
  const note: Log['info'] = (message, fields) => {
    said.push(fields?.['waitMs'] === undefined ? message : `${message} ${fields['waitMs']}`);
  };
  const signer = patientSigner(
    {
      ...inner,
      sign: async (data) => {
        asked.push(clock.monotonicMs());
        const next = left.shift();
        if (next instanceof Error) throw next;
        if (next !== undefined) throw new EdgeError(next, 'signing with "fc-1"');
        return inner.sign(data);
      },
    },
    { clock, log: { ...silentLog, info: note, error: note }, stop: stop.signal },
  );
  return { inner, signer, clock, stop, said, asked };
}

const data = Buffer.from('a batch');
/** Lets promises that are due go on. */
const turn = () => new Promise((resolve) => setImmediate(resolve));

describe('a patient signer', () => {
  it('is the key itself while that signs', async () => {
    const { inner, signer, asked, said } = failing([]);
    const { algorithm, did, keyId } = inner;
    expect(signer).toMatchObject({ algorithm, did, keyId });
    expect(await signer.sign(data)).toHaveLength(64);
    expect(asked).toEqual([0]);
    expect(said).toEqual([]);
  });

  it('asks again, later each time, until the token is back, and says both', async () => {
    const { signer, clock, asked, said } = failing([
      'KEY_TOKEN_FAILED',
      'KEY_TOKEN_MISSING',
      'KEY_TOKEN_FAILED',
    ]);
    const signing = signer.sign(data);
    const waits = [1, 2, 4].map((times) => times * limits.keyRetryMs);
    for (const [at, waitMs] of waits.entries()) {
      await turn();
      expect(asked).toHaveLength(at + 1);
      clock.advance(waitMs - 1);
      await turn();
      expect(asked).toHaveLength(at + 1);
      clock.advance(1);
    }
    expect(await signing).toHaveLength(64);
    expect(asked).toHaveLength(4);
    expect(said).toEqual([
      ...waits.map((waitMs) => `the key cannot sign; it is asked again ${waitMs}`),
      'the key signs again',
    ]);
  });

  it('never waits longer than its bound', async () => {
    const { signer, clock, asked } = failing(Array(20).fill('KEY_TOKEN_FAILED'));
    const signing = signer.sign(data);
    while (asked.length < 21) {
      await turn();
      clock.advance(limits.keyRetryMaxMs);
    }
    await signing;
    const last = asked.slice(-5);
    for (const [at, atMs] of last.slice(1).entries()) {
      expect(atMs - (last[at] ?? 0)).toBe(limits.keyRetryMaxMs);
    }
  });

  it.each([
    ['a wrong PIN', new EdgeError('KEY_PIN_WRONG', 'logging in')],
    ['a key that is gone', new EdgeError('KEY_NOT_FOUND', 'looking')],
    ['a mistake of the program', new TypeError('oops')],
  ])('gives %s on at once: asking again makes it no better', async (_, error) => {
    const { signer, asked } = failing([error]);
    await expect(signer.sign(data)).rejects.toBe(error);
    expect(asked).toEqual([0]);
  });

  it('gives up with the last failure when the gateway stops while it waits', async () => {
    const { signer, clock, stop, asked } = failing(Array(9).fill('KEY_TOKEN_MISSING'));
    const signing = expect(signer.sign(data)).rejects.toMatchObject({ code: 'KEY_TOKEN_MISSING' });
    await turn();
    stop.abort();
    await signing;
    expect(asked).toEqual([0, 0]);
    expect(clock.pending()).toBe(0);
  });
});
