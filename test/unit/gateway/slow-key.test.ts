import { describe, expect, it } from 'vitest';
import { limits } from '../../../devices/limits.ts';
import type { GatewayConfig } from '../../../gateway/config.ts';
import type { StatusLine } from '../../../gateway/health.ts';
import { MachineClock } from '../../sim/clock.ts';
import { memorySigner } from '../../support/identity.ts';
import { SlowToken } from '../../support/slow-signer.ts';
import { counted } from './support/fake-field.ts';
import { Site, START } from './support/gateway-world.ts';

const SIGN_MS = 50;
/** In each answer: the batch in the line, and a count that goes on eight times. */
const TOTALS = 8;
const READINGS = TOTALS + 1;

/** A gateway whose keys all live on one token that takes 50 ms a signature. */
class SlowSite extends Site {
  readonly token = new SlowToken(new MachineClock(this.world, 0), SIGN_MS);
  /** When each device was read, by its name. */
  readonly reads = new Map<string, number[]>();

  async run(everyMs: readonly number[], forMs: number): Promise<StatusLine> {
    const keys = everyMs.map(() => this.token.hold(memorySigner()));
    this.keys.splice(0, 2, ...keys);
    const [pattern] = this.config().devices;
    if (!pattern) throw new Error('the site has a device');
    const devices = everyMs.map((every, index) => ({
      ...pattern,
      name: `fc-${index + 1}`,
      everyMs: every,
    }));
    const config: GatewayConfig = { ...this.config(), devices };
    this.uplink.connect();
    const gateway = await this.start(undefined, config);
    for (const { name } of devices) this.count(name);
    await this.world.run(forMs);
    const stopped = gateway.stop(3_000);
    await this.world.run(60_000);
    return stopped;
  }

  /** Lets a device answer with a count, and notes when it was asked. */
  count(name: string): void {
    const reads: number[] = [];
    this.reads.set(name, reads);
    this.device(name).answer = async () => {
      const now = this.clock.nowMs();
      reads.push(now);
      const first = (reads.length - 1) * TOTALS + 1;
      const totals = Array.from({ length: TOTALS }, (_, at) => counted('total', first + at, now));
      return { samples: [counted('batch', 284, now), ...totals] };
    };
  }

  /** Every device was asked on its grid, and each answer was signed once, in order. */
  expectWhole(everyMs: readonly number[]): void {
    for (const [index, every] of everyMs.entries()) {
      const reads = this.reads.get(`fc-${index + 1}`) ?? [];
      const steps = reads.slice(1).map((atMs, at) => atMs - (reads[at] ?? 0));
      expect(new Set(steps)).toEqual(new Set([every]));
      const totals = Array.from({ length: reads.length * TOTALS }, (_, at) => at + 1);
      expect(this.totals(this.did(index))).toEqual(totals);
    }
    // At the very first read no device of this test answers yet.
    const losses = this.batches.flatMap((batch) => batch.losses);
    expect(losses.filter(({ toMs }) => toMs > START + 10)).toEqual([]);
  }

  readingsOf(index: number): number[] {
    return this.batches
      .filter(({ device }) => device === this.did(index))
      .map(({ groups }) => groups.reduce((sum, { readings }) => sum + readings.length, 0));
  }
}

describe('a gateway whose key takes 50 ms a signature', () => {
  it('stretches the flush interval to what the key can sign, and nothing else', async () => {
    const site = new SlowSite();
    // Eight devices that would each sign four times a second: the key signs twenty times.
    const everyMs = Array.from({ length: 8 }, () => 100);
    const last = await site.run(everyMs, 15_000);
    site.expectWhole(everyMs);
    expect(last).toMatchObject({ dropped: 0, waiting: 0, delivered: last.sampled });
    expect(site.token.waitingMax).toBe(1);
    // As fast as the key, and no faster: of the 480 that 250 ms would give.
    const { signatures } = site.token;
    expect(signatures).toBeLessThanOrEqual(15_000 / SIGN_MS + everyMs.length + 1);
    expect(signatures).toBeGreaterThan(0.9 * (15_000 / SIGN_MS));
    // A turn of eight signatures, in which four or five readings of each point came.
    const sizes = site.readingsOf(3).slice(2, -1);
    expect(Math.max(...sizes)).toBeLessThanOrEqual(READINGS * 6);
    expect(Math.min(...sizes)).toBeGreaterThanOrEqual(READINGS * 3);
  });

  it('lets batches grow to 256 readings before another is made', async () => {
    const site = new SlowSite();
    // Sixty devices take the key some seconds a turn; the first has more readings in each.
    const everyMs = [50, ...Array.from({ length: 59 }, () => 1_000)];
    const last = await site.run(everyMs, 10_000);
    site.expectWhole(everyMs);
    expect(last).toMatchObject({ dropped: 0, waiting: 0, delivered: last.sampled });
    const sizes = site.readingsOf(0);
    // An answer is not cut in two: one more would not have fitted.
    expect(Math.max(...sizes)).toBeLessThanOrEqual(limits.batchReadingsMax);
    expect(Math.max(...sizes)).toBeGreaterThan(limits.batchReadingsMax - READINGS);
  });

  it('asks every device on its grid though each has a batch before the key', async () => {
    const site = new SlowSite();
    const everyMs = Array.from({ length: 270 }, () => 1_000);
    const last = await site.run(everyMs, 20_000);
    site.expectWhole(everyMs);
    expect(last).toMatchObject({ dropped: 0, waiting: 0, delivered: last.sampled });
    expect(site.token.waitingMax).toBe(1);
  });
});
