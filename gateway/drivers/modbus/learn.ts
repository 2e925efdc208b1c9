/**
 * What a device's refusals teach. A block that is refused because part of it is not there is asked
 * again in halves (plan.ts), which finds one bad register among n with 2 log2 n requests. Here the
 * pieces are put together again round what was refused, so that a device with one bad register
 * costs two requests more from then on, and not as many as it took to find it.
 */
import { type Block, joinBlocks, type RequestLimits } from './plan.ts';

/** Pairs of points, `left right`, between which the device refuses to be read. */
export type Cuts = Set<string>;

/** What came of a block that was asked for. */
export interface Asked {
  readonly block: Block;
  readonly isRefused: boolean;
}

/**
 * The blocks to ask for next time, in the order of their addresses; `cuts` grows. A refused block
 * of one point stays a block of its own and is asked again each time, so that it comes back when
 * the device has it. Two halves that are both answered though their whole was refused have a
 * register between them that nobody asked for and that may not be read: they stay apart for good.
 */
export function relearn(asked: readonly Asked[], cuts: Cuts, allowed: RequestLimits): Block[] {
  // Answers may come in any order where several requests are under way.
  const sorted = [...asked].sort(({ block: a }, { block: b }) => comparePlaces(a, b));
  for (const [index, { block, isRefused }] of sorted.entries()) {
    const next = sorted[index + 1];
    if (isRefused || next === undefined || next.isRefused) continue;
    const isWholeBetween = block.halfOf !== undefined && block.halfOf === next.block.halfOf;
    if (isWholeBetween) cuts.add(cutBetween(block, next.block));
  }
  const blocks: Block[] = [];
  let isOpen = false;
  for (const { block, isRefused } of sorted) {
    const last = blocks.at(-1);
    const { halfOf: _, ...whole } = block;
    const joined =
      isOpen && !isRefused && last !== undefined && !cuts.has(cutBetween(last, whole))
        ? joinBlocks(last, whole, allowed)
        : undefined;
    if (joined === undefined) blocks.push(whole);
    else blocks[blocks.length - 1] = joined;
    isOpen = !isRefused;
  }
  return blocks;
}

/** The order of `planBlocks`: by the first point's place, its size, its name. */
function comparePlaces(a: Block, b: Block): number {
  const [one] = a.items;
  const [other] = b.items;
  return (
    a.code - b.code ||
    a.width.localeCompare(b.width) ||
    a.address - b.address ||
    (one?.size ?? 0) - (other?.size ?? 0) ||
    (one?.point ?? '').localeCompare(other?.point ?? '')
  );
}

function cutBetween(left: Block, right: Block): string {
  return `${left.items.at(-1)?.point} ${right.items[0]?.point}`;
}
