import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  parseBrowsePath,
  writeBrowseName,
} from '../../../../../gateway/drivers/opcua/browse-path.ts';
import { namespacesOf } from '../../../../../gateway/drivers/opcua/namespaces.ts';

const UA = 'http://opcfoundation.org/UA/';

describe('a browse path', () => {
  it('names a namespace by nothing, by index or by URI', () => {
    expect(parseBrowsePath('Plant/0:Server/2:Speed')).toEqual([
      { name: 'Plant' },
      { namespace: 0, name: 'Server' },
      { namespace: 2, name: 'Speed' },
    ]);
    expect(parseBrowsePath('nsu=http://a.example/UA/;Caster/nsu=urn:b%3Bc%2525;Speed')).toEqual([
      { namespace: 'http://a.example/UA/', name: 'Caster' },
      { namespace: 'urn:b;c%25', name: 'Speed' },
    ]);
  });

  it('takes slashes and colons in a name, behind an ampersand', () => {
    expect(parseBrowsePath('In&/Out/2&:A/Oil & Gas/3:Ratio 1:2')).toEqual([
      { name: 'In/Out' },
      { name: '2:A' },
      { name: 'Oil & Gas' },
      { namespace: 3, name: 'Ratio 1:2' },
    ]);
  });

  it.each([
    '',
    '/',
    'A/',
    '/A',
    'A//B',
    '2:',
    'A/2:',
    'nsu=urn:a',
    'nsu=urn:a;',
    'nsu=;A',
    'A/nsu=urn:a/B',
  ])('"%s" is none', (text) => {
    expect(parseBrowsePath(text)).toBeUndefined();
  });

  it('that was written is read as what it was, whatever the server calls things', () => {
    const uri = fc.oneof(
      fc.constantFrom('urn:a', 'http://v.example/UA/', 'a;b', '50%', '%3B'),
      fc.webUrl(),
    );
    const odd = fc.constantFrom(
      'A',
      '2:A',
      'nsu=urn:a;B',
      'nsu=',
      'A/B',
      'A&/B',
      '&',
      '&&',
      '0:',
      ':',
      ';',
    );
    const name = fc.oneof(odd, fc.string({ minLength: 1, unit: 'grapheme' }));
    fc.assert(
      fc.property(
        fc.uniqueArray(uri, { minLength: 3, maxLength: 5 }),
        fc.array(fc.record({ name, namespaceIndex: fc.nat(5) }), { minLength: 1, maxLength: 5 }),
        fc.nat(5),
        (own, names, root) => {
          const uris = [UA, ...own];
          const text = names.map((one) => writeBrowseName(one, root, uris)).join('/');
          const known = names.every(({ namespaceIndex }) => namespaceIndex < uris.length);
          const resolved = namespacesOf(uris, new Map()).resolve(text, root);
          if (known || resolved) expect(resolved).toEqual(names);
        },
      ),
      { numRuns: 1_000 },
    );
  });
});

describe('namespaces of a session', () => {
  it('keep what an index meant at first, and say that it moved', () => {
    const known = new Map<number, string>();
    const before = namespacesOf([UA, 'urn:s', 'urn:a', 'urn:b'], known);
    expect(before.resolve('2:X/3:Y/Z', 3)).toEqual([
      { namespaceIndex: 2, name: 'X' },
      { namespaceIndex: 3, name: 'Y' },
      { namespaceIndex: 3, name: 'Z' },
    ]);
    expect([...before.notes]).toEqual([]);
    const after = namespacesOf([UA, 'urn:s', 'urn:b', 'urn:a'], known);
    expect(after.resolve('2:X/3:Y/Z', 2)?.map(({ namespaceIndex }) => namespaceIndex)).toEqual([
      3, 2, 2,
    ]);
    expect([...after.notes]).toEqual([
      'namespace 2 was urn:a, which is 3 now and is taken there; write nsu=urn:a; instead of 2:',
      'namespace 3 was urn:b, which is 2 now and is taken there; write nsu=urn:b; instead of 3:',
    ]);
    const gone = namespacesOf([UA, 'urn:s', 'urn:b'], known);
    expect(gone.resolve('2:X', 2)).toBeUndefined();
    expect([...gone.notes]).toEqual(['the server has no namespace urn:a, which was 2']);
  });

  it('that are not there are said; the two fixed ones need no list', () => {
    const none = namespacesOf([], new Map());
    expect(none.resolve('0:A/1:B', 1)).toHaveLength(2);
    expect(none.resolve('7:A', 1)).toBeUndefined();
    expect(none.resolve('nsu=urn:x;A', 1)).toBeUndefined();
    expect([...none.notes]).toEqual([
      'the server has no namespace 7; it has 0',
      'the server has no namespace urn:x',
    ]);
  });
});
