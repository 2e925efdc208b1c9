import { createHash } from 'node:crypto';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  createTree,
  emptyRoot,
  hashChildren,
  isConsistent,
  peaksOf,
  proveConsistency,
  rootAt,
} from '../../../devices/merkle.ts';

const sha = (...parts: Uint8Array[]) => {
  const hash = createHash('sha256');
  for (const part of parts) hash.update(part);
  return hash.digest();
};
const leafOf = (data: Uint8Array) => sha(Uint8Array.of(0), data);
const leavesOf = (count: number, mark = 'leaf') =>
  Array.from({ length: count }, (_, at) => leafOf(Buffer.from(`${mark} ${at}`)));

/** MTH as RFC 9162 §2.1.1 defines it. */
function mth(leaves: readonly Uint8Array[]): Uint8Array {
  if (leaves.length === 0) return sha();
  if (leaves.length === 1) return leaves[0] as Uint8Array;
  let k = 1;
  while (k * 2 < leaves.length) k *= 2;
  return sha(Uint8Array.of(1), mth(leaves.slice(0, k)), mth(leaves.slice(k)));
}

/** SUBPROOF as RFC 9162 §2.1.4.1 defines it. */
function subproof(m: number, leaves: readonly Uint8Array[], isWhole: boolean): Uint8Array[] {
  const n = leaves.length;
  if (m === n) return isWhole ? [] : [mth(leaves)];
  let k = 1;
  while (k * 2 < n) k *= 2;
  if (m <= k) return [...subproof(m, leaves.slice(0, k), isWhole), mth(leaves.slice(k))];
  return [...subproof(m - k, leaves.slice(k), false), mth(leaves.slice(0, k))];
}

const nodeAtOf = (leaves: readonly Uint8Array[]) => (level: number, index: number) => {
  const width = 2 ** level;
  expect(leaves.length).toBeGreaterThanOrEqual((index + 1) * width);
  return mth(leaves.slice(index * width, (index + 1) * width));
};

const grown = (leaves: readonly Uint8Array[]) => {
  const tree = createTree();
  for (const leaf of leaves) tree.add(leaf);
  return tree;
};

describe('the tree of RFC 9162', () => {
  it('has the roots of the reference trees of Certificate Transparency', () => {
    const inputs = ['', '00', '10', '2021', '3031', '40414243', '5051525354555657'].concat(
      '606162636465666768696a6b6c6d6e6f',
    );
    const roots = [
      '6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d',
      'fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125',
      'aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77',
      'd37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7',
      '4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4',
      '76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef',
      'ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c',
      '5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328',
    ];
    const tree = createTree();
    expect(tree.root().toString('hex')).toBe(
      'e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855',
    );
    for (const [at, input] of inputs.entries()) {
      tree.add(leafOf(Buffer.from(input, 'hex')));
      expect(tree.root().toString('hex')).toBe(roots[at]);
    }
  });

  it('has the root that the recursive definition gives, at every size', () => {
    const leaves = leavesOf(300);
    const tree = createTree();
    for (const [at, leaf] of leaves.entries()) {
      expect(tree.size()).toBe(at);
      tree.add(leaf);
      expect(tree.root().equals(mth(leaves.slice(0, at + 1)))).toBe(true);
    }
    const nodeAt = nodeAtOf(leaves);
    for (const size of [0, 1, 2, 3, 7, 8, 255, 256, 257, 300]) {
      const root = mth(leaves.slice(0, size));
      expect(Buffer.compare(rootAt(size, nodeAt), root)).toBe(0);
      const peaks = peaksOf(size, nodeAt);
      expect(
        createTree(() => {}, { size, peaks })
          .root()
          .equals(root),
      ).toBe(true);
    }
  });

  it('tells of each inner node once, when it is complete, with its root', () => {
    const leaves = leavesOf(100);
    const told = new Map<string, Buffer>();
    const tree = createTree((level, index, node) => {
      expect(told.has(`${level}/${index}`)).toBe(false);
      told.set(`${level}/${index}`, node);
    });
    for (const leaf of leaves) tree.add(leaf);
    expect(told.size).toBe(50 + 25 + 12 + 6 + 3 + 1);
    for (const [name, node] of told) {
      const [level = 0, index = 0] = name.split('/').map(Number);
      expect(node.equals(nodeAtOf(leaves)(level, index))).toBe(true);
    }
  });

  it('forks: what is added to one of the two is not in the other', () => {
    const tree = grown(leavesOf(5));
    const before = tree.root();
    const fork = tree.fork();
    fork.add(leafOf(Buffer.from('more')));
    expect(tree.root().equals(before)).toBe(true);
    expect(fork.root().equals(before)).toBe(false);
    expect([tree.size(), fork.size()]).toEqual([5, 6]);
  });
});

describe('a proof of consistency', () => {
  const leaves = leavesOf(70);
  const nodeAt = nodeAtOf(leaves);
  const headOf = (size: number, of = leaves) => ({ size, root: mth(of.slice(0, size)) });

  it('is the one of RFC 9162 and verifies, for every pair of sizes', () => {
    for (let second = 0; second <= leaves.length; second += 1) {
      for (let first = 0; first <= second; first += 1) {
        const proof = proveConsistency(first, second, nodeAt);
        const wanted =
          first === 0 || first === second ? [] : subproof(first, leaves.slice(0, second), true);
        expect(proof.map((one) => Buffer.from(one).toString('hex'))).toEqual(
          wanted.map((one) => Buffer.from(one).toString('hex')),
        );
        expect(isConsistent(headOf(first), headOf(second), proof)).toBe(true);
      }
    }
  });

  it('verifies for no tree in which a leaf before was changed, removed, added or moved', () => {
    const sizes = fc.tuple(fc.integer({ min: 1, max: 60 }), fc.integer({ min: 1, max: 10 }));
    const manner = fc.constantFrom('change', 'remove', 'add', 'swap');
    fc.assert(
      fc.property(sizes, manner, fc.nat(), ([first, more], how, pick) => {
        const other = [...leaves];
        const at = pick % first;
        if (how === 'change') other[at] = leafOf(Buffer.from('other'));
        else if (how === 'remove') other.splice(at, 1);
        else if (how === 'add') other.splice(at, 0, leafOf(Buffer.from('other')));
        else if (at + 1 < first) other.splice(at, 2, ...other.slice(at, at + 2).reverse());
        else return;
        const second = Math.min(first + more, other.length);
        const proof = proveConsistency(first, second, nodeAtOf(other));
        expect(isConsistent(headOf(first), headOf(second, other), proof)).toBe(false);
      }),
      { numRuns: 500 },
    );
  });

  it('does not verify when any of it is changed, left out or added', () => {
    const sizes = fc.tuple(fc.integer({ min: 1, max: 60 }), fc.integer({ min: 1, max: 10 }));
    fc.assert(
      fc.property(sizes, fc.nat(), fc.nat(255), ([first, more], pick, bit) => {
        const second = first + more;
        const proof = proveConsistency(first, second, nodeAt);
        const at = pick % proof.length;
        const changed = proof.map((one) => Buffer.from(one));
        const bytes = changed[at] as Buffer;
        bytes[bit >> 3] = (bytes[bit >> 3] as number) ^ (1 << (bit & 7));
        expect(isConsistent(headOf(first), headOf(second), changed)).toBe(false);
        expect(isConsistent(headOf(first), headOf(second), proof.toSpliced(at, 1))).toBe(false);
        expect(isConsistent(headOf(first), headOf(second), [...proof, emptyRoot])).toBe(false);
        const swapped = { size: first, root: mth(leaves.slice(0, second)) };
        expect(isConsistent(swapped, headOf(second), proof)).toBe(false);
      }),
      { numRuns: 500 },
    );
  });

  it('of trees beyond 2^32 leaves ends, and says no where the proof is none', () => {
    const [a, b] = [leafOf(Buffer.from('a')), leafOf(Buffer.from('b'))];
    const first = { size: 2 ** 40, root: a };
    expect(isConsistent(first, { size: 2 ** 41, root: hashChildren(a, b) }, [b])).toBe(true);
    expect(isConsistent(first, { size: 2 ** 41, root: hashChildren(b, a) }, [b])).toBe(false);
    expect(isConsistent(first, { size: 2 ** 41, root: hashChildren(a, b) }, [])).toBe(false);
  });

  it('begins with the older root only where that one is a complete tree, at any size', () => {
    const [old, a, b] = ['old', 'a', 'b'].map((name) => leafOf(Buffer.from(name))) as [
      Buffer,
      Buffer,
      Buffer,
    ];
    for (const size of [2 ** 30, 2 ** 49, 2 ** 52]) {
      // One leaf more than a complete tree, then another: its proof names three nodes.
      const first = { size: size + 1, root: hashChildren(old, a) };
      const second = { size: size + 2, root: hashChildren(old, hashChildren(a, b)) };
      expect(isConsistent(first, second, [a, b, old])).toBe(true);
      expect(isConsistent(first, second, [b, old])).toBe(false);
      expect(isConsistent({ size, root: old }, first, [a])).toBe(true);
    }
  });

  it('is never one of an empty tree with another root than its own', () => {
    const [a, empty] = [leafOf(Buffer.from('a')), { size: 0, root: emptyRoot }];
    expect(isConsistent(empty, empty, [])).toBe(true);
    expect(isConsistent(empty, { size: 1, root: a }, [])).toBe(true);
    expect(isConsistent(empty, { size: 1, root: a }, [a])).toBe(false);
    expect(isConsistent(empty, { size: 0, root: a }, [])).toBe(false);
    expect(isConsistent({ size: 0, root: a }, { size: 0, root: a }, [])).toBe(false);
  });

  it('is made of hashes of 32 bytes', () => {
    const proof = proveConsistency(5, 9, nodeAt);
    const [first, ...rest] = proof as [Uint8Array, ...Uint8Array[]];
    for (const odd of [first.subarray(1), Buffer.concat([first, first]), Buffer.alloc(0)]) {
      expect(isConsistent(headOf(5), headOf(9), [odd, ...rest])).toBe(false);
      expect(isConsistent({ size: 5, root: odd }, headOf(9), proof)).toBe(false);
      expect(isConsistent(headOf(5), { size: 9, root: odd }, proof)).toBe(false);
      expect(() => createTree().add(odd)).toThrow('a leaf is a hash');
    }
  });
});
