import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { limits } from '../../../../../devices/limits.ts';
import {
  answerBytes,
  type Block,
  type PlacedPoint,
  planBlocks,
  quantityMax,
  samplesOf,
  sizeOf,
  splitBlock,
} from '../../../../../gateway/drivers/modbus/plan.ts';

type Place = PlacedPoint['place'];

function at(address: number, more: Partial<Place> = {}): Place {
  return { table: 'holding', address, encoding: { type: 'uint16', order: 'ABCD' }, ...more };
}

function plan(...places: Place[]): Block[] {
  return planBlocks(places.map((place, index) => ({ point: `p${index}`, place })));
}

const float = { encoding: { type: 'float32', order: 'ABCD' } } as const;

describe('planning of Modbus requests', () => {
  it('reads neighbours with one request and reads over a short hole', () => {
    expect(plan(at(10), at(11), at(12 + limits.modbusHoleMax))).toMatchObject([
      { code: 3, address: 10, quantity: 3 + limits.modbusHoleMax },
    ]);
  });

  it('opens a new request where the hole is one register longer than the limit', () => {
    expect(plan(at(10), at(12 + limits.modbusHoleMax))).toMatchObject([
      { address: 10, quantity: 1 },
      { address: 12 + limits.modbusHoleMax, quantity: 1 },
    ]);
  });

  it('asks for 125 registers at once and never for 126', () => {
    const full = Array.from({ length: 125 }, (_, index) => at(index));
    expect(plan(...full)).toMatchObject([{ address: 0, quantity: 125 }]);
    expect(plan(...full, at(125))).toMatchObject([
      { address: 0, quantity: 125 },
      { address: 125, quantity: 1 },
    ]);
  });

  it('never lets a 4-byte register make an answer longer than a PDU', () => {
    const wide = Array.from({ length: 63 }, (_, index) =>
      at(7001 + index, { width: 'enron', ...float }),
    );
    const blocks = plan(...wide);
    expect(blocks).toMatchObject([
      { address: 7001, quantity: 62, width: 'enron' },
      { address: 7063, quantity: 1, width: 'enron' },
    ]);
    expect(blocks.map(answerBytes)).toEqual([248, 4]);
  });

  it('keeps tables and widths apart, each with its function code', () => {
    const bool = { type: 'bool', order: 'ABCD' } as const;
    const blocks = plan(
      at(1, { table: 'coil', encoding: bool }),
      at(1, { table: 'discrete', encoding: bool }),
      at(1),
      at(1, { table: 'input' }),
      at(1, { width: 'enron', ...float }),
    );
    expect(blocks.map(({ code, width }) => `${code} ${width}`)).toEqual([
      '1 standard',
      '2 standard',
      '3 standard',
      '4 standard',
      '3 enron',
    ]);
  });

  it('takes the words of a point exactly as they stand in the answer', () => {
    const [block] = plan(at(100), at(101, float), at(104));
    const data = Buffer.from('0001c2f6e97900000002', 'hex');
    expect(block && samplesOf(block, data, 5)).toEqual([
      expect.objectContaining({ point: 'p0', rawHex: '0001', quality: 'good', gatewayTimeMs: 5 }),
      expect.objectContaining({ point: 'p1', rawHex: 'c2f6e979', encoding: float.encoding }),
      expect.objectContaining({ point: 'p2', rawHex: '0002' }),
    ]);
  });

  it('takes bits by their place, lowest bit first (Application Protocol V1.1b3 §6.1)', () => {
    // The example of the specification: coils 20 to 38 are CD 6B 05.
    const bool = { type: 'bool', order: 'ABCD' } as const;
    const places = Array.from({ length: 19 }, (_, i) =>
      at(19 + i, { table: 'coil', encoding: bool }),
    );
    const [block] = plan(...places);
    const bits = block && samplesOf(block, Buffer.from('cd6b05', 'hex'), 0).map((s) => s.rawHex);
    expect(bits?.join('')).toBe([...'1011001111010110101'].map((bit) => `0${bit}`).join(''));
  });

  it('halves a block that is refused, down to single points', () => {
    const [block] = plan(at(0), at(1), at(4));
    const halves = block && splitBlock(block);
    expect(halves).toMatchObject([
      { address: 0, quantity: 2, items: [{ start: 0 }, { start: 1 }] },
      { address: 4, quantity: 1, items: [{ point: 'p2', start: 0 }] },
    ]);
    expect(halves && splitBlock(halves[1])).toBeUndefined();
  });
});

const table = fc.constantFrom('coil', 'discrete', 'input', 'holding');
const type = fc.constantFrom('uint16', 'int32', 'float64');
const anyPlace: fc.Arbitrary<Place> = fc
  .record({ table, address: fc.nat(600), type, width: fc.constantFrom('standard', 'enron') })
  .map(({ table: where, address, type: raw, width }) =>
    where === 'coil' || where === 'discrete'
      ? { table: where, address, encoding: { type: 'bool', order: 'ABCD' } }
      : { table: where, address, width, encoding: { type: raw, order: 'ABCD' } },
  );

describe('planning of Modbus requests, for any points', () => {
  it('reads every point once, at its own address, within every limit', () => {
    fc.assert(
      fc.property(fc.array(anyPlace, { maxLength: 80 }), (places) => {
        const blocks = plan(...places);
        const seen = blocks.flatMap((block) =>
          block.items.map((item) => ({ ...item, block, absolute: block.address + item.start })),
        );
        expect(seen.map((item) => item.point).sort()).toEqual(places.map((_, i) => `p${i}`).sort());
        for (const { point, absolute, size, start, block } of seen) {
          const place = places[Number(point.slice(1))];
          expect(absolute).toBe(place?.address);
          expect(size).toBe(place && sizeOf(place));
          expect(start + size).toBeLessThanOrEqual(block.quantity);
          expect(block.quantity).toBeLessThanOrEqual(place ? quantityMax(place) : 0);
        }
        for (const block of blocks) {
          expect(answerBytes(block)).toBeLessThanOrEqual(250);
          expect(longestHole(block)).toBeLessThanOrEqual(limits.modbusHoleMax);
        }
      }),
    );
  });

  it('needs as few requests as the best division of the addresses', () => {
    const gaps = fc.array(fc.tuple(fc.nat(20), type), { minLength: 1, maxLength: 40 });
    fc.assert(
      fc.property(gaps, (steps) => {
        let next = 0;
        const places = steps.map(([gap, raw]) => {
          const place = at(next + gap * gap, { encoding: { type: raw, order: 'ABCD' } });
          next = place.address + (sizeOf(place) ?? 0);
          return place;
        });
        expect(plan(...places)).toHaveLength(fewest(places));
      }),
    );
  });
});

/** The longest run of registers in a block that no point asked for. */
function longestHole(block: Block): number {
  const wanted = new Set<number>();
  for (const { start, size } of block.items) {
    for (let i = start; i < start + size; i += 1) wanted.add(i);
  }
  let longest = 0;
  let run = 0;
  for (let i = 0; i < block.quantity; i += 1) {
    run = wanted.has(i) ? 0 : run + 1;
    longest = Math.max(longest, run);
  }
  return longest;
}

/** Fewest blocks for places in ascending order, by trying every last block (dynamic programme). */
function fewest(places: readonly Place[]): number {
  const best = [0];
  for (let end = 1; end <= places.length; end += 1) {
    let least = Number.POSITIVE_INFINITY;
    for (let from = end - 1; from >= 0; from -= 1) {
      if (!fits(places.slice(from, end))) break;
      least = Math.min(least, (best[from] ?? 0) + 1);
    }
    best.push(least);
  }
  return best.at(-1) ?? 0;
}

function fits(places: readonly Place[]): boolean {
  const [first] = places;
  const last = places.at(-1);
  if (first === undefined || last === undefined) return false;
  const span = last.address + (sizeOf(last) ?? 0) - first.address;
  const holes = places.slice(1).map((place, index) => {
    const before = places[index];
    return before === undefined ? 0 : place.address - before.address - (sizeOf(before) ?? 0);
  });
  return span <= limits.modbusRegistersMax && holes.every((hole) => hole <= limits.modbusHoleMax);
}
