import { describe, expect, it } from 'vitest';
import { credentialDigest, fingerprintOfDid } from '../../../devices/envelope.ts';
import { limits } from '../../../devices/limits.ts';
import { digestMultibase } from '../../../devices/profile.ts';
import { memorySigner } from '../../support/identity.ts';
import { startForwarder as start } from './support/forward-world.ts';
import { openBatch } from './support/outbox-world.ts';

describe('the way to the ingester', () => {
  it('sends nothing without an uplink, and everything with one, in order', async () => {
    const t = start();
    await t.append(3);
    expect(t.sent).toHaveLength(0);
    await t.up();
    expect(t.taken()).toEqual([1, 2, 3]);
    await t.append(2);
    expect(t.taken()).toEqual([4, 5]);
    expect(t.store.stats().rows).toBe(5);
  });

  it('keeps a row whose signature somebody changed on the way', async () => {
    const t = start();
    await t.append(1);
    await t.up();
    const [token] = t.sent as [Uint8Array];
    const forged = Uint8Array.from(token);
    forged.set([forged.at(-1) === 0x41 ? 0x42 : 0x41], forged.length - 1);
    expect(credentialDigest(forged)).toBe(credentialDigest(token));
    await t.receipt([token], 'refused', { bytes: digestMultibase(forged) });
    expect(t.store.stats().rows).toBe(1);
    await t.receipt([token], 'refused', { bytes: digestMultibase(token) });
    expect(t.store.stats().rows).toBe(0);
  });

  it('deletes a row when, and only when, the ingester’s receipt names it', async () => {
    const t = start();
    await t.append(3);
    await t.up();
    const [one, two] = t.sent as [Uint8Array, Uint8Array, Uint8Array];
    await t.receipt([one], 'accepted', { signer: memorySigner() });
    await t.receipt([one], 'accepted', { gateway: fingerprintOfDid(memorySigner().did) });
    t.forwarder.receipt(Buffer.from('nonsense'));
    await t.world.run(10);
    expect(t.store.stats().rows).toBe(3);
    expect(t.lines.filter((line) => line.includes('receipt'))).toHaveLength(3);
    await t.receipt([one]);
    await t.receipt([two], 'refused');
    expect(t.store.stats().rows).toBe(1);
    expect(t.settled).toEqual({ accepted: 1, refused: 1 });
    await t.world.run(limits.receiptTimeoutMs + 1_000);
    expect(t.taken()).toEqual([1, 2, 3, 3]);
  });

  it('sends again what a full disk could not let go, and lets it go by the next receipt', async () => {
    const t = start();
    await t.append(1);
    await t.up();
    const { settle } = t.outbox;
    t.outbox.settle = async () => ({ accepted: 0, refused: 0, undone: true });
    await t.receipt(t.sent);
    t.outbox.settle = settle;
    await t.world.run(limits.receiptTimeoutMs + 1_000);
    expect(t.taken()).toEqual([1, 1]);
    expect(t.store.stats().rows).toBe(1);
    const [row] = t.store.peek({ after: 0, count: 1 });
    await t.receipt(row ? [row.token] : []);
    expect(t.store.stats().rows).toBe(0);
    expect(t.settled).toEqual({ accepted: 1, refused: 0 });
  });

  it('says each kind of refusal once', async () => {
    const t = start();
    await t.append(3);
    await t.up();
    await t.receipt(t.sent, 'refused');
    expect(t.lines.filter((line) => line.includes('refused a batch'))).toHaveLength(1);
    expect(t.settled.refused).toBe(3);
  });

  it.each([
    ['VC_REVOKED', 'in doubt, without effect until an officer accepts it'],
    ['IN_QUARANTINE', 'in doubt, without effect until an officer accepts it'],
    ['IN_CLONED', 'in doubt: another gateway signs with the same key'],
    ['IN_FORK', 'as evidence, without effect: another claims its place'],
    ['VC_SCHEMA', 'refused a batch for good'],
  ])('says of %s what became of the batch', async (code, words) => {
    const t = start();
    await t.append(1);
    await t.up();
    await t.receipt(t.sent, 'refused', { code });
    expect(t.store.stats().rows).toBe(0);
    expect(t.lines.filter((line) => line.includes(code))).toEqual([expect.stringContaining(words)]);
  });

  it('keeps no more than a window in flight, in bytes and in rows, a share of it backlog', async () => {
    const t = start();
    await t.append(6 * limits.forwardWindow);
    await t.up();
    const bytes = t.sent.reduce((sum, token) => sum + token.length, 0);
    const last = t.sent.at(-1)?.length ?? 0;
    expect(bytes).toBeGreaterThanOrEqual(limits.forwardCreditBytes);
    expect(bytes - last).toBeLessThan(limits.forwardCreditBytes);
    // Receipts that come soon say that the line is fast: then the rows are the bound.
    for (let round = 0; round < 3; round += 1) await t.receipt(t.sent.splice(0));
    expect(t.sent).toHaveLength(limits.forwardBacklogWindow);
    await t.append(limits.forwardWindow);
    expect(t.sent).toHaveLength(limits.forwardLiveWindow);
    await t.receipt(t.sent.splice(0, 4));
    expect(t.sent).toHaveLength(limits.forwardLiveWindow);
    await t.append(limits.forwardWindow, undefined, 1, 'urgent');
    expect(t.sent).toHaveLength(limits.forwardWindow);
  });

  it('sends what is urgent before live, and live before backlog', async () => {
    const t = start();
    await t.append(limits.forwardBacklogWindow);
    await t.append(1, undefined, 1, 'urgent');
    await t.append(9);
    await t.up();
    expect(t.taken()[0]).toBe(limits.forwardBacklogWindow + 1);
    const before = t.store.stats().lastId;
    await t.append(60);
    await t.append(1, undefined, 1, 'urgent');
    expect(t.taken().at(-1)).toBe(before + 61);
  });

  it('lets fresh batches overtake live ones that had to wait for long', async () => {
    const t = start();
    await t.up();
    await t.append(200);
    const first = t.sent.splice(0);
    await t.world.run(limits.forwardBehindMs + 2 * limits.forwardTickMs);
    await t.append(1);
    await t.receipt(first);
    expect(t.taken()[0]).toBe(201);
    expect(t.taken()).toEqual([]);
  });

  it('sends again what has no receipt, at doubling intervals', async () => {
    const t = start();
    await t.append(1);
    await t.up();
    const times: number[] = [];
    for (let passed = 0; passed < 100_000; passed += 250) {
      const before = t.sent.length;
      await t.world.run(250);
      if (t.sent.length > before) times.push(passed + 250);
    }
    const gaps = times.map((time, index) => time - (times[index - 1] ?? 0));
    expect(gaps.map((gap) => Math.round(gap / 1_000))).toEqual([5, 10, 20, 40]);
  });

  it('sends everything again under a new uplink', async () => {
    const t = start();
    await t.append(3);
    await t.up();
    t.forwarder.uplink(undefined);
    await t.append(1);
    t.taken();
    await t.up();
    expect(t.taken()).toEqual([1, 2, 3, 4]);
  });

  it('takes a receipt that comes late, for a row of the uplink before', async () => {
    const t = start();
    await t.append(1);
    await t.up();
    const [token] = t.sent as [Uint8Array];
    t.forwarder.uplink(undefined);
    await t.receipt([token]);
    expect(t.store.stats().rows).toBe(0);
  });

  it('prefers what is live to the backlog, and drains that in order', async () => {
    const t = start();
    const backlog = 3 * limits.forwardWindow;
    await t.append(backlog);
    await t.up();
    const order: number[] = [];
    for (let round = 0; round < 60 && t.store.stats().rows > 0; round += 1) {
      const now = t.sent.splice(0);
      order.push(...now.map((token) => openBatch(token).sequence));
      // New batches arrive before there is room again: they must go before the rest.
      await t.append(1);
      await t.receipt(now.slice(0, 16));
      t.sent.unshift(...now.slice(16));
      order.splice(order.length - now.slice(16).length, now.slice(16).length);
      if (round > 30) break;
    }
    const live = order.filter((sequence) => sequence > backlog);
    const old = order.filter((sequence) => sequence <= backlog);
    expect(live).toEqual([...live].sort((a, b) => a - b));
    expect(old).toEqual([...old].sort((a, b) => a - b));
    // The first live batch overtakes all of the backlog but what was in the window already.
    expect(order.indexOf(backlog + 1)).toBeLessThanOrEqual(limits.forwardWindow);
    expect(t.failures).toEqual([]);
  });
});

describe('what the ingester holds', () => {
  it('stays, is tried one batch at a time with back-off, and goes on when it is taken', async () => {
    const [a, b] = [memorySigner(), memorySigner()];
    const t = start([a, b]);
    await t.append(5, a);
    await t.append(1, b);
    await t.up();
    const sent = t.sent.splice(0);
    await t.receipt(sent.slice(0, 5), 'held');
    await t.receipt(sent.slice(5));
    expect(t.forwarder.held()).toEqual([a.did]);
    expect(t.store.stats().rows).toBe(5);
    expect(t.lines.filter((line) => line.includes('holds batches'))).toHaveLength(1);
    await t.append(3, a);
    expect(t.taken()).toEqual([]);

    await t.world.run(1_500);
    let [probe] = t.sent.splice(0);
    expect(probe && openBatch(probe).sequence).toBe(1);
    await t.receipt(probe ? [probe] : [], 'held');
    await t.world.run(1_000);
    expect(t.taken()).toEqual([]);
    await t.world.run(1_500);
    [probe] = t.sent.splice(0);
    await t.receipt(probe ? [probe] : []);
    expect(t.forwarder.held()).toEqual([]);
    // What was committed under this uplink is live, the rest follows.
    expect(t.taken()).toEqual([6, 7, 8, 2, 3, 4, 5]);
  });

  it('is tried at once when its enrolment arrives', async () => {
    const t = start();
    await t.append(2);
    await t.up();
    for (let seconds = 0; seconds < 60; seconds += 1) {
      await t.receipt(t.sent.splice(0), 'held');
      await t.world.run(1_000);
    }
    await t.receipt(t.sent.splice(0), 'held');
    const token = Buffer.from('a.b.c');
    t.enrolments.set(credentialDigest(token), token);
    t.forwarder.enrolmentsChanged();
    await t.world.run(10);
    expect(t.sent.splice(0)).toEqual([token]);
    await t.receipt([token]);
    expect(t.taken()).toEqual([1]);
  });

  it('and is dated ahead keeps nothing else waiting, and goes bit by bit as its time comes', async () => {
    const t = start();
    const hour = 3_600_000;
    const began = t.world.nowMs;
    let judged = 0;
    // What is closed later than the ingester's time is held, as the ingester does it.
    const answer = async () => {
      for (let tokens = t.sent.splice(0); tokens.length > 0; tokens = t.sent.splice(0)) {
        judged += tokens.length;
        const isAhead = (token: Uint8Array) => openBatch(token).closedMs > t.world.nowMs;
        const ahead = tokens.filter(isAhead);
        if (ahead.length > 0) await t.receipt(ahead, 'held', { code: 'IN_FUTURE' });
        await t.receipt(tokens.filter((token) => !isAhead(token)));
      }
    };
    await t.up();
    // A clock an hour ahead, for ten minutes; then it is set right.
    await t.append(600, undefined, 1, undefined, began + hour);
    await answer();
    expect(t.store.stats().rows).toBe(600);
    await t.append(5, undefined, 1, undefined, t.world.nowMs - 10_000);
    await answer();
    expect(t.store.stats().rows).toBe(600);
    judged = 0;
    while (t.world.nowMs < began + hour + 300_000) {
      await t.world.run(10_000);
      await answer();
    }
    // Each at its time, but for what the next look takes; and few are sent in vain.
    expect(t.store.stats().rows).toBeGreaterThan(290);
    expect(t.store.stats().rows).toBeLessThan(350);
    while (t.world.nowMs < began + hour + 700_000) {
      await t.world.run(10_000);
      await answer();
    }
    expect(t.store.stats().rows).toBe(0);
    expect(t.forwarder.held()).toEqual([]);
    expect(judged).toBeLessThan(900);
    expect(t.lines.filter((line) => line.includes('takes batches again'))).toHaveLength(1);
    expect(t.failures).toEqual([]);
  });

  it('loses no row, whatever is held, answered late, or cut', async () => {
    const devices = [memorySigner(), memorySigner(), memorySigner()];
    const t = start(devices);
    let chance = 12_345;
    const random = (below: number) => {
      chance = (chance * 1_103_515_245 + 12_345) % 2 ** 31;
      return Math.floor((chance / 2 ** 31) * below);
    };
    await t.up();
    for (let step = 0; step < 300; step += 1) {
      const closedMs = t.world.nowMs + random(100) * 1_000;
      await t.append(random(3), devices[random(3)], 1, undefined, closedMs);
      const some = t.sent.splice(0, random(8));
      const kind = random(10);
      const code = random(2) === 0 ? 'IN_FUTURE' : 'IN_NOT_ENROLLED';
      if (kind < 3) await t.receipt(some, 'held', { code });
      else if (kind < 7) await t.receipt(some);
      if (random(20) === 0) t.forwarder.uplink(undefined);
      if (random(10) === 0) await t.up();
      await t.world.run(random(700));
    }
    await t.up();
    for (let round = 0; round < 500 && t.store.stats().rows > 0; round += 1) {
      await t.receipt(t.sent.splice(0));
      await t.world.run(250);
    }
    expect(t.store.stats().rows).toBe(0);
    expect(t.failures).toEqual([]);
  });
});

describe('enrolments', () => {
  it('go before the batches, which wait for their receipts, but not for ever', async () => {
    const t = start();
    const token = Buffer.from('a.b.c');
    t.enrolments.set(credentialDigest(token), token);
    await t.append(1);
    await t.up();
    expect(t.sent.splice(0)).toEqual([token]);
    await t.world.run(limits.enrolmentWaitMs + limits.forwardTickMs);
    expect(t.taken()).toEqual([1]);
    t.forwarder.uplink(undefined);
    await t.up();
    expect(t.sent.splice(0)).toEqual([token]);
    await t.receipt([token]);
    expect(t.taken()).toEqual([1]);
  });

  it('that are refused are said once and not sent again; held ones are', async () => {
    const t = start();
    const token = Buffer.from('a.b.c');
    t.enrolments.set(credentialDigest(token), token);
    await t.up();
    await t.receipt(t.sent.splice(0), 'held');
    await t.world.run(2 * limits.receiptTimeoutMs + 1_000);
    expect(t.sent.splice(0)).toEqual([token]);
    await t.receipt([token], 'refused');
    await t.world.run(120_000);
    expect(t.sent).toEqual([]);
    expect(t.lines.filter((line) => line.includes('refused an enrolment'))).toHaveLength(1);
  });
});

describe('an outbox that fails', () => {
  it('is reported', async () => {
    const t = start();
    t.store.close();
    await t.up();
    expect(t.failures.length).toBeGreaterThan(0);
  });
});
