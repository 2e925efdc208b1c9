/** Requests within what a device allows, and what its refusals teach: against brute force. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type Asked, type Cuts, relearn } from '../../../../../gateway/drivers/modbus/learn.ts';
import {
  type Block,
  type PlacedPoint,
  planBlocks,
  type RequestLimits,
  splitBlock,
} from '../../../../../gateway/drivers/modbus/plan.ts';

const LIMITS: RequestLimits = { registersMax: 125, bitsMax: 2_000, holeMax: 8, forbidden: [] };

function points(ranges: readonly (readonly [number, number])[]): PlacedPoint[] {
  return ranges.map(([address, registers], index) => ({
    point: `p${index}`,
    place: {
      table: 'holding',
      address,
      registers,
      encoding: { type: 'string', order: 'ABCD' },
    },
  }));
}

/** Addresses that a block reads. */
function reads(block: Pick<Block, 'address' | 'quantity'>): number[] {
  return Array.from({ length: block.quantity }, (_, index) => block.address + index);
}

/** Whether one request may read exactly these ranges, by looking at every address. */
function isAllowed(ranges: readonly (readonly [number, number])[], limits: RequestLimits): boolean {
  const from = Math.min(...ranges.map(([address]) => address));
  const to = Math.max(...ranges.map(([address, size]) => address + size));
  if (to - from > limits.registersMax) return false;
  let hole = 0;
  for (let at = from; at < to; at += 1) {
    if (limits.forbidden.some((range) => at >= range.from && at <= range.to)) return false;
    hole = ranges.some(([address, size]) => at >= address && at < address + size) ? 0 : hole + 1;
    if (hole > limits.holeMax) return false;
  }
  return true;
}

/** The fewest requests, by trying every way to put the ranges into groups. */
function fewest(ranges: readonly (readonly [number, number])[], limits: RequestLimits): number {
  let best = ranges.length;
  const groups: (readonly [number, number])[][] = [];
  const place = (index: number) => {
    if (groups.length > best) return;
    const range = ranges[index];
    if (range === undefined) {
      if (groups.every((group) => isAllowed(group, limits))) best = Math.min(best, groups.length);
      return;
    }
    for (const group of groups) {
      group.push(range);
      place(index + 1);
      group.pop();
    }
    groups.push([range]);
    place(index + 1);
    groups.pop();
  };
  place(0);
  return best;
}

const small = fc.record({
  ranges: fc.array(fc.tuple(fc.nat(30), fc.integer({ min: 1, max: 4 })), {
    minLength: 1,
    maxLength: 7,
  }),
  registersMax: fc.integer({ min: 4, max: 20 }),
  holeMax: fc.nat(5),
  forbidden: fc.array(fc.tuple(fc.nat(34), fc.nat(3)), { maxLength: 3 }),
});

describe('requests within what a device allows', () => {
  it('cover every point, touch nothing forbidden, keep the limits, and are the fewest', () => {
    fc.assert(
      fc.property(small, ({ forbidden, holeMax, ranges, registersMax }) => {
        const limits: RequestLimits = {
          registersMax,
          bitsMax: 2_000,
          holeMax,
          forbidden: forbidden.map(([from, more]) => ({ table: 'holding', from, to: from + more })),
        };
        const allowed = ranges.filter((range) => isAllowed([range], limits));
        fc.pre(allowed.length > 0);
        const blocks = planBlocks(points(allowed), limits);
        const covered = blocks.flatMap((block) => block.items.map(({ point }) => point));
        expect(covered.sort()).toEqual(allowed.map((_, index) => `p${index}`).sort());
        for (const block of blocks) {
          const inside = block.items.map(
            ({ size, start }) => [block.address + start, size] as const,
          );
          expect(isAllowed(inside, limits)).toBe(true);
          expect(Math.max(...inside.map(([at, size]) => at + size))).toBe(
            block.address + block.quantity,
          );
        }
        expect(blocks).toHaveLength(fewest(allowed, limits));
      }),
      { numRuns: 300 },
    );
  });

  it('bar addresses of their own table only, and count wide registers as two', () => {
    const limits = { ...LIMITS, forbidden: [{ table: 'input', from: 0, to: 99 }] } as const;
    expect(
      planBlocks(
        points([
          [0, 1],
          [5, 1],
        ]),
        limits,
      ),
    ).toHaveLength(1);
    const wide = Array.from({ length: 5 }, (_, index) => ({
      point: `w${index}`,
      place: {
        table: 'holding',
        address: 7_001 + index,
        width: 'enron',
        encoding: { type: 'float32', order: 'ABCD' },
      } as const,
    }));
    const blocks = planBlocks(wide, { ...LIMITS, registersMax: 5 });
    expect(blocks.map(({ quantity }) => quantity)).toEqual([2, 2, 1]);
  });
});

/** Asks as the driver does and counts; a request that touches an illegal address is refused. */
function ask(
  blocks: readonly Block[],
  illegal: ReadonlySet<number>,
): { asked: Asked[]; requests: number } {
  const asked: Asked[] = [];
  let requests = 0;
  const left = [...blocks];
  for (let block = left.shift(); block !== undefined; block = left.shift()) {
    requests += 1;
    const isRefused = reads(block).some((at) => illegal.has(at));
    const halves = isRefused ? splitBlock(block) : undefined;
    if (halves) left.unshift(...halves);
    else asked.push({ block, isRefused });
  }
  return { asked, requests };
}

function rounds(
  start: readonly Block[],
  illegal: ReadonlySet<number>,
  times: number,
): {
  requests: number[];
  asked: Asked[];
} {
  const cuts: Cuts = new Set();
  let blocks = start;
  const requests: number[] = [];
  let asked: Asked[] = [];
  for (let time = 0; time < times; time += 1) {
    const round = ask(blocks, illegal);
    requests.push(round.requests);
    asked = round.asked;
    // The order of the answers is not that of the addresses.
    blocks = relearn([...round.asked].reverse(), cuts, LIMITS);
  }
  return { requests, asked };
}

describe('what refusals teach', () => {
  it('edge 21 (telegraf #14671): one illegal register of 125 is found in 14 requests, then costs two', () => {
    const blocks = planBlocks(points(Array.from({ length: 125 }, (_, i) => [i, 1] as const)));
    for (const bad of [0, 61, 62, 63, 124]) {
      const { asked, requests } = rounds(blocks, new Set([bad]), 3);
      expect(requests[0]).toBeLessThanOrEqual(1 + 2 * Math.ceil(Math.log2(125)));
      expect(requests[1]).toBe(bad === 0 || bad === 124 ? 2 : 3);
      expect(requests[2]).toBe(requests[1]);
      const refused = asked.filter(({ isRefused }) => isRefused);
      expect(refused.map(({ block }) => block.items.map(({ point }) => point))).toEqual([
        [`p${bad}`],
      ]);
    }
  });

  it('a register in a hole that may not be read keeps its neighbours apart, for good', () => {
    const blocks = planBlocks(
      points([
        [0, 1],
        [3, 1],
        [6, 1],
        [9, 1],
      ]),
    );
    const { asked, requests } = rounds(blocks, new Set([4]), 4);
    expect(requests.slice(1)).toEqual([2, 2, 2]);
    expect(asked.some(({ isRefused }) => isRefused)).toBe(false);
    expect(asked.map(({ block }) => block.items.length)).toEqual([2, 2]);
  });

  it('a register that becomes legal is read with the others again', () => {
    const cuts: Cuts = new Set();
    const blocks = planBlocks(
      points([
        [0, 1],
        [1, 1],
        [2, 1],
      ]),
    );
    const torn = relearn(ask(blocks, new Set([1])).asked, cuts, LIMITS);
    expect(torn).toHaveLength(3);
    const healed = relearn(ask(torn, new Set()).asked, cuts, LIMITS);
    expect(healed).toMatchObject([{ address: 0, quantity: 3 }]);
  });

  it('for any map: every point is asked for, only the bad are refused, and it settles', () => {
    fc.assert(
      fc.property(
        fc.array(fc.tuple(fc.nat(60), fc.integer({ min: 1, max: 3 })), {
          minLength: 1,
          maxLength: 20,
        }),
        fc.array(fc.nat(62), { maxLength: 8 }),
        (ranges, bad) => {
          const illegal = new Set(bad);
          const { asked, requests } = rounds(planBlocks(points(ranges)), illegal, 40);
          const names = asked.flatMap(({ block }) => block.items.map(({ point }) => point));
          expect(names.sort()).toEqual(ranges.map((_, index) => `p${index}`).sort());
          for (const { block, isRefused } of asked) {
            expect(isRefused).toBe(reads(block).some((at) => illegal.has(at)));
            if (isRefused) expect(block.items).toHaveLength(1);
          }
          expect(requests.at(-1)).toBe(asked.length);
        },
      ),
    );
  });
});
