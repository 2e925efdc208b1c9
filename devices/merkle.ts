/**
 * The hash tree of RFC 9162 §2.1 over the leaves of a journal: its root names everything that was
 * appended and in which order; a consistency proof shows that a longer tree begins with a shorter
 * one. Pure; hashes are SHA-256, 32 bytes each.
 */
import { strict as assert } from 'node:assert';
import { hash } from 'node:crypto';

/** Bytes of a hash. */
const HASH_BYTES = 32;
const NODE_PREFIX = 0x01;

/** The root of a tree without leaves: SHA-256 of nothing (RFC 9162 §2.1.1). */
export const emptyRoot: Buffer = hash('sha256', '', 'buffer');

/** SHA-256(0x01 ‖ left ‖ right), the hash of an inner node (RFC 9162 §2.1.1). */
export function hashChildren(left: Uint8Array, right: Uint8Array): Buffer {
  assert(isHash(left) && isHash(right), 'a node is made of two hashes');
  const bytes = Buffer.allocUnsafe(1 + 2 * HASH_BYTES);
  bytes[0] = NODE_PREFIX;
  bytes.set(left, 1);
  bytes.set(right, 1 + HASH_BYTES);
  return hash('sha256', bytes, 'buffer');
}

function isHash({ length }: Uint8Array): boolean {
  return length === HASH_BYTES;
}

/** Told of an inner node as soon as all of its 2^level leaves are there. */
export type OnNode = (level: number, index: number, node: Buffer) => void;

/**
 * A tree that leaves are appended to. It holds the roots of its complete subtrees and nothing else,
 * as many as its size has ones in binary.
 */
export interface GrowingTree {
  /** Number of leaves. */
  size(): number;
  /** Appends a leaf hash (SHA-256(0x00 ‖ entry)); it is kept, and must not be changed after. */
  add(leaf: Uint8Array): void;
  /** MTH of all leaves (RFC 9162 §2.1.1). */
  root(): Buffer;
  /** A copy that grows by itself, and tells the same `onNode` of what is complete in it. */
  fork(): GrowingTree;
}

/** A tree of `size` leaves with the roots of its complete subtrees, the largest first. */
export function createTree(
  onNode: OnNode = () => {},
  start: { readonly size: number; readonly peaks: readonly Uint8Array[] } = { size: 0, peaks: [] },
): GrowingTree {
  const peaks = [...start.peaks];
  let { size } = start;
  return {
    size: () => size,
    add(leaf) {
      assert(isHash(leaf), 'a leaf is a hash');
      let node = leaf as Buffer;
      let level = 0;
      // Sizes go beyond 32 bits, so that no bit operator is used.
      for (let rest = size; rest % 2 === 1; rest = (rest - 1) / 2) {
        node = hashChildren(peaks.pop() as Uint8Array, node);
        level += 1;
        onNode(level, Math.floor(size / 2 ** level), node);
      }
      peaks.push(node);
      size += 1;
    },
    root: () => Buffer.from(rootOfPeaks(peaks)),
    fork: () => createTree(onNode, { size, peaks }),
  };
}

/** The root over complete subtrees, the largest first (RFC 9162 §2.1.1: split at 2^k < n). */
function rootOfPeaks(peaks: readonly Uint8Array[]): Uint8Array {
  const last = peaks.at(-1);
  if (last === undefined) return emptyRoot;
  return peaks.slice(0, -1).reduceRight((root, peak) => hashChildren(peak, root), last);
}

/** The root of the complete subtree over leaves index·2^level up to (index + 1)·2^level. */
export type NodeAt = (level: number, index: number) => Uint8Array;

/** The roots of the complete subtrees that the first `size` leaves are made of. */
export function peaksOf(size: number, nodeAt: NodeAt): Uint8Array[] {
  const peaks: Uint8Array[] = [];
  let from = 0;
  for (let level = Math.floor(Math.log2(Math.max(1, size))); level >= 0; level -= 1) {
    const width = 2 ** level;
    if (size - from < width) continue;
    peaks.push(nodeAt(level, from / width));
    from += width;
  }
  return peaks;
}

/** The root of the first `size` leaves. */
export function rootAt(size: number, nodeAt: NodeAt): Uint8Array {
  return rootOfPeaks(peaksOf(size, nodeAt));
}

/** PROOF(first, D_second) of RFC 9162 §2.1.4.1; empty where a tree is, or both are one. */
export function proveConsistency(first: number, second: number, nodeAt: NodeAt): Uint8Array[] {
  if (first <= 0 || first >= second) return [];
  const proof: Uint8Array[] = [];
  const range = (from: number, to: number): Uint8Array => {
    const width = powerBelow(to - from);
    if (to - from === 1) return nodeAt(0, from);
    if (to - from === 2 * width) return nodeAt(Math.log2(2 * width), from / (2 * width));
    return hashChildren(range(from, from + width), range(from + width, to));
  };
  let [from, to] = [0, second];
  let isWhole = true;
  const others: Uint8Array[] = [];
  while (first < to) {
    const middle = from + powerBelow(to - from);
    if (first <= middle) {
      others.push(range(middle, to));
      to = middle;
    } else {
      others.push(range(from, middle));
      from = middle;
      isWhole = false;
    }
  }
  if (!isWhole) proof.push(range(from, to));
  return [...proof, ...others.reverse()];
}

/** The largest power of two below `count`; 1 for 1 and 2. */
function powerBelow(count: number): number {
  let power = 1;
  while (power * 2 < count) power *= 2;
  return power;
}

/** A tree as somebody states it. */
export interface TreeHead {
  /** Number of leaves. */
  readonly size: number;
  readonly root: Uint8Array;
}

/**
 * Whether `proof` shows that the tree of `second` begins with all leaves of `first`, unchanged and
 * in their order (RFC 9162 §2.1.4.2).
 */
export function isConsistent(
  first: TreeHead,
  second: TreeHead,
  proof: readonly Uint8Array[],
): boolean {
  if (first.size > second.size || ![first.root, second.root, ...proof].every(isHash)) return false;
  if (first.size === 0 && !equal(first.root, emptyRoot)) return false;
  if (first.size === second.size) return proof.length === 0 && equal(first.root, second.root);
  if (first.size === 0) return proof.length === 0;
  const path = isPowerOfTwo(first.size) ? [first.root, ...proof] : [...proof];
  const [start, ...rest] = path;
  if (start === undefined || rest.length === 0) return false;
  let [fn, sn] = [first.size - 1, second.size - 1];
  while (fn % 2 === 1) [fn, sn] = halved(fn, sn);
  let [fr, sr] = [start, start];
  for (const one of rest) {
    if (sn === 0) return false;
    if (fn % 2 === 1 || fn === sn) {
      fr = hashChildren(one, fr);
      sr = hashChildren(one, sr);
      while (fn % 2 === 0 && fn !== 0) [fn, sn] = halved(fn, sn);
    } else {
      sr = hashChildren(sr, one);
    }
    [fn, sn] = halved(fn, sn);
  }
  return sn === 0 && equal(fr, first.root) && equal(sr, second.root);
}

/** By halving: the logarithm of 2^49 + 1 is 49 as a double. */
function isPowerOfTwo(size: number): boolean {
  let rest = size;
  while (rest % 2 === 0 && rest > 0) rest /= 2;
  return rest === 1;
}

function halved(fn: number, sn: number): [number, number] {
  return [Math.floor(fn / 2), Math.floor(sn / 2)];
}

function equal(a: Uint8Array, b: Uint8Array): boolean {
  return Buffer.compare(a, b) === 0;
}
