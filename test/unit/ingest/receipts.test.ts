/** Receipts by a key that takes its time, and what waits for it. */
import { describe, expect, it } from 'vitest';
import type { Receipt } from '../../../devices/credential/receipt.ts';
import { openReceipt } from '../../../devices/credential/receipt-wire.ts';
import { isRefusal } from '../../../devices/credential/refusal.ts';
import { fingerprintOfDid } from '../../../devices/envelope.ts';
import type { Signer } from '../../../devices/identity/signer.ts';
import { limits } from '../../../devices/limits.ts';
import { digestMultibase } from '../../../devices/profile.ts';
import { silentLog } from '../../../devices/runtime.ts';
import { createReceipts, signReceipts } from '../../../ingest/receipts.ts';
import type { Outcome } from '../../../ingest/record.ts';
import { MachineClock, World } from '../../sim/clock.ts';
import { memorySigner } from '../../support/identity.ts';
import { SlowToken } from '../../support/slow-signer.ts';

const START = 1_767_225_600_000;
const SIGN_MS = 50;

function start(change: (signer: Signer) => Signer = (signer) => signer) {
  const world = new World(START);
  const clock = new MachineClock(world, 0);
  const token = new SlowToken(clock, SIGN_MS);
  const own = memorySigner();
  const sent: Receipt[] = [];
  let freed = 0;
  const receipts = createReceipts({
    signer: token.hold(change(own)),
    clock,
    log: silentLog,
    async reply(_gateway, bytes) {
      const receipt = openReceipt(bytes, own.did);
      if (isRefusal(receipt)) throw new Error(receipt.reason);
      sent.push(receipt);
    },
    freed: () => {
      freed += 1;
    },
  });
  const digests = () =>
    sent.flatMap(({ gateway, results }) => results.map(({ digest }) => `${gateway} ${digest}`));
  return { world, token, receipts, sent, digests, freed: () => freed };
}

const gateways = Array.from({ length: 100 }, () => fingerprintOfDid(memorySigner().did));
const [a = '', b = '', c = ''] = gateways;

let made = 0;
function outcome(gateway: string): Outcome {
  made += 1;
  const digest = digestMultibase(Buffer.from(String(made)));
  const result = { digest, outcome: 'accepted', position: made, leaf: 'a'.repeat(64) } as const;
  return { gateway, result, receivedMs: START, readings: 1, known: false };
}

describe('a receipt key that takes 50 ms a signature', () => {
  it('answers 100 gateways and 10 commits a second, since results wait together', async () => {
    const t = start();
    const all: string[] = [];
    for (let commit = 0; commit < 30; commit += 1) {
      const outcomes = gateways.map(outcome);
      all.push(...outcomes.map(({ gateway, result }) => `${gateway} ${result.digest}`));
      t.receipts.add(outcomes);
      await t.world.run(100);
    }
    // A turn of all gateways takes five seconds, and each has had what waited when it came.
    await t.world.run(2 * 100 * SIGN_MS);
    expect(t.digests().sort()).toEqual(all.sort());
    expect(t.token.waitingMax).toBe(1);
    expect(t.token.signatures).toBeLessThan(260);
    expect(t.receipts.waitingBytes()).toBe(0);
  });

  it('keeps each gateway’s results in order, in receipts that are not too large', async () => {
    const t = start();
    const many = Array.from({ length: 2 * limits.receiptResultsMax + 1 }, () => outcome(a));
    t.receipts.add([...many, outcome(b)]);
    await t.world.run(SIGN_MS * 5);
    const sizes = t.sent.map(({ gateway, results }) => [gateway, results.length]);
    const { receiptResultsMax: most } = limits;
    // Who has much to hear keeps nobody waiting for more than a turn.
    expect(sizes).toEqual([
      [a, most],
      [b, 1],
      [a, most],
      [a, 1],
    ]);
    const own = t.sent.filter(({ gateway }) => gateway === a);
    expect(own.flatMap(({ results }) => results.map(({ digest }) => digest))).toEqual(
      many.map(({ result }) => result.digest),
    );
  });

  it('says how much waits, and when there is less', async () => {
    const t = start();
    t.receipts.add([outcome(a), outcome(b), outcome(c)]);
    const all = t.receipts.waitingBytes();
    expect(all).toBeGreaterThan(3 * limits.messageOverheadBytes);
    expect(t.freed()).toBe(0);
    await t.world.run(SIGN_MS + 1);
    expect(t.freed()).toBe(1);
    expect(t.receipts.waitingBytes()).toBe((all * 2) / 3);
    const drained = t.receipts.drain().then(() => true);
    await t.world.run(2 * SIGN_MS);
    expect(await drained).toBe(true);
    expect(t.sent).toHaveLength(3);
  });

  it('goes on after a signature that could not be made', async () => {
    let asked = 0;
    const t = start((signer) => ({
      ...signer,
      async sign(data) {
        asked += 1;
        if (asked === 1) throw new Error('the token was taken out');
        return signer.sign(data);
      },
    }));
    t.receipts.add([outcome(a), outcome(b)]);
    await t.world.run(3 * SIGN_MS);
    expect(t.sent.map(({ gateway }) => gateway)).toEqual([b]);
    expect(t.receipts.waitingBytes()).toBe(0);
  });
});

/** The longest that a result can be: a final refusal, with a place far on. */
function refusal(gateway: string): Outcome {
  const { result, ...rest } = outcome(gateway);
  const about = { code: 'A'.repeat(64), bytes: result.digest, position: Number.MAX_SAFE_INTEGER };
  return { ...rest, result: { ...result, ...about, outcome: 'refused' } };
}

describe('many refusals at once', () => {
  it('come in receipts that a gateway takes, each refusal once', async () => {
    const t = start();
    const many = Array.from({ length: 3 * limits.receiptResultsMax }, () => refusal(a));
    t.receipts.add(many);
    await t.world.run(60_000);
    expect(t.digests()).toEqual(many.map(({ result }) => `${a} ${result.digest}`));
    const own = memorySigner();
    const signed = await signReceipts(own, START, many);
    const read = signed.map(({ token }) => openReceipt(token, own.did));
    expect(read.filter(isRefusal)).toEqual([]);
    const results = read.flatMap((one) => (isRefusal(one) ? [] : one.results));
    expect(results).toHaveLength(many.length);
  });
});
