/**
 * Random edge nodes behind random networks: whatever is lost, late, doubled or restarted, no value
 * ever goes under the name of another metric, and once the network is whole again everything comes.
 */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { edge } from './support/edge.ts';

const NAMES = ['A', 'B', 'C'] as const;
/** A value names its metric: A's are 1,000,000 and a count, B's 2,000,000 and a count. */
const SHARE = 1_000_000;

const step = fc.oneof(
  { weight: 8, arbitrary: fc.record({ kind: fc.constant('data'), of: fc.nat(2) }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('rebirth'), of: fc.nat(5) }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('restart'), of: fc.nat(5) }) },
);
/** What the network does with a message: keeps it back until so many others have come. */
const fate = fc.oneof(
  { weight: 6, arbitrary: fc.constant(0) },
  { weight: 2, arbitrary: fc.integer({ min: 1, max: 4 }) },
  { weight: 1, arbitrary: fc.constant('lost' as const) },
);

describe('an edge node behind a network that loses and reorders', () => {
  it('is never believed under a wrong name', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.tuple(step, fate), { maxLength: 60 }),
        fc.nat(255),
        async (plan, firstSeq) => {
          const host = edge({ reorderMs: 20 });
          let count = 0;
          let session = 0;
          let seq = firstSeq;
          let order = 0;
          const late: { readonly due: number; readonly go: () => void }[] = [];
          const metric = (alias: number, index: number) => {
            count += 1;
            return { alias, datatype: 10, double: (index + 1) * SHARE + count };
          };
          /** By metric, the alias that this birth gives it: one of six orders of three numbers. */
          const aliasesOf = (n: number) => {
            const [a = 0, b = 0, c = 0] = [
              [1, 2, 3],
              [1, 3, 2],
              [2, 1, 3],
              [2, 3, 1],
              [3, 1, 2],
              [3, 2, 1],
            ][n] ?? [1, 2, 3];
            return [a, b, c];
          };
          let aliases = aliasesOf(0);
          const birth = () => {
            seq = 0;
            const metrics = NAMES.map((name, i) => ({ name, ...metric(aliases[i] ?? 0, i) }));
            host.birth({ seq, bdSeq: session, metrics });
          };
          birth();
          for (const [{ kind, of }, what] of plan) {
            host.clock.advance(1);
            order += 1;
            for (const { go } of late.filter(({ due }) => due === order)) go();
            if (kind === 'data') {
              seq = (seq + 1) % 256;
              const said = { seq, metrics: [metric(aliases[of] ?? 0, of)] };
              const timestamp = host.clock.nowMs();
              const go = () => host.data({ ...said, timestamp });
              if (what === 0) go();
              else if (what !== 'lost') late.push({ due: order + what, go });
              continue;
            }
            if (kind === 'restart') host.death(session);
            if (kind === 'restart') session += 1;
            aliases = aliasesOf(of);
            // A lost birth is noticed by the death before it. Without a death, and with just the
            // right number behind it, no host can notice: docs/drivers/sparkplug.md, limits.
            if (what === 'lost' && kind === 'restart') seq = 0;
            else birth();
          }
          host.clock.advance(5);
          for (const { go } of late.filter(({ due }) => due > order)) go();
          host.clock.advance(1_000);
          birth();
          seq = 1;
          host.data({ seq, metrics: NAMES.map((_, i) => metric(aliases[i] ?? 0, i)) });
          await host.settled();

          for (const words of host.heard) {
            for (const [, name = '', value] of words.matchAll(/([ABC])=(\d+)/g)) {
              const index = Math.floor(Number(value) / SHARE) - 1;
              expect(NAMES[index], words).toBe(name);
            }
          }
          expect(host.heard.at(-1)).toMatch(/^A=1\d{6} B=2\d{6} C=3\d{6}$/);
        },
      ),
      { numRuns: 400 },
    );
  });
});
