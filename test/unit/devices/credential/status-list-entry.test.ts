import { gzipSync } from 'node:zlib';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  encodeStatusList,
  type StatusList,
  statusAt,
  statusEntriesMin,
} from '../../../../devices/credential/status-list.ts';
import {
  judgeEntry,
  needsList,
  readStatusEntry,
  type StatusEntry,
} from '../../../../devices/credential/status-list-entry.ts';

const url = 'https://mill.example/status/1';
const entry = {
  type: 'BitstringStatusListEntry',
  statusPurpose: 'revocation',
  statusListIndex: '94567',
  statusListCredential: url,
};
const messages = (size: number) =>
  Array.from({ length: 2 ** size }, (_, status) => ({
    status: `0x${status.toString(16)}`,
    message: `is ${status}`,
  }));

function read(changes: object = {}): StatusEntry {
  const made = readStatusEntry({ ...entry, ...changes });
  if ('code' in made) throw new Error(made.reason);
  return made;
}

describe('a status entry', () => {
  it.each([
    ['a URL', 'https://mill.example/dictionary'],
    ['several URLs', ['https://mill.example/a', 'urn:mill:b']],
  ])('may refer to %s', (_, statusReference) => {
    expect(read({ statusReference }).index).toBe(94_567);
  });

  it('names a place in a list', () => {
    expect(read()).toEqual({
      purpose: 'revocation',
      listUrl: url,
      index: 94_567,
      size: 1,
      messages: new Map(),
    });
    expect(read({ id: `${url}#94567` }).index).toBe(94_567);
    expect(read({ statusSize: 2, statusMessage: messages(2) }).messages.get(3)).toBe('is 3');
    expect(read({ statusMessage: messages(1) }).messages.size).toBe(2);
  });

  it.each([
    ['an index that is a number', { statusListIndex: 94567 }],
    ['a negative index', { statusListIndex: '-1' }],
    ['an index that is not whole', { statusListIndex: '1.5' }],
    ['no index', { statusListIndex: undefined }],
    ['no purpose', { statusPurpose: undefined }],
    ['a list that is no URL', { statusListCredential: 'list 1' }],
    ['the id of its list', { id: url }],
    ['an id that is no URL', { id: 'one' }],
    ['entries of no bits', { statusSize: 0 }],
    ['messages of a size that is left open', { statusPurpose: 'message' }],
    ['a reference that is no URL', { statusReference: 'nope' }],
    ['references of which one is no URL', { statusReference: ['urn:a:b', 'nope'] }],
    ['a reference to nothing', { statusReference: [] }],
    ['a reference that is null', { statusReference: null }],
    ['entries of too many bits', { statusSize: 17, statusMessage: [] }],
    ['a size that is text', { statusSize: '2' }],
    ['several bits without messages', { statusSize: 2 }],
    ['a message too few', { statusSize: 2, statusMessage: messages(2).slice(1) }],
    ['a message twice', { statusMessage: [...messages(1), ...messages(1)] }],
    [
      'a message of another status',
      {
        statusMessage: [
          { status: '0x0', message: '' },
          { status: '0x2', message: '' },
        ],
      },
    ],
    [
      'a status without 0x',
      {
        statusMessage: [
          { status: '0', message: '' },
          { status: '1', message: '' },
        ],
      },
    ],
  ])('is refused with %s', (_, changes) => {
    expect(readStatusEntry({ ...entry, ...changes })).toMatchObject({ code: 'VC_SCHEMA' });
  });

  it('decides or informs by its purpose', () => {
    expect(needsList(read())).toBe(true);
    expect(needsList(read({ statusPurpose: 'suspension' }))).toBe(true);
    expect(needsList(read({ statusPurpose: 'refresh' }))).toBe(false);
    // A message decides nothing, yet its list must be one (§3.2).
    expect(needsList(read({ statusPurpose: 'message', statusSize: 1 }))).toBe(true);
    expect(needsList(read({ statusPurpose: 'toString' }))).toMatchObject({
      code: 'VC_STATUS_UNSUPPORTED',
    });
  });
});

describe('what a list says', () => {
  /** Statuses of `size` bits written one after the other, the slow way. */
  function listOf(size: number, statuses: ReadonlyMap<number, number>): StatusList {
    const digits = new Array<string>(statusEntriesMin).fill('0'.repeat(size));
    for (const [index, status] of statuses) digits[index] = status.toString(2).padStart(size, '0');
    const bytes =
      digits
        .join('')
        .match(/.{8}/g)
        ?.map((eight) => Number.parseInt(eight, 2)) ?? [];
    const encodedList = encodeStatusList(Uint8Array.from(bytes));
    return {
      id: url,
      issuer: 'did:web:mill.example',
      purpose: ['revocation', 'suspension'],
      encodedList,
    };
  }

  it('is what a plain array of the same entries says, whatever their size', () => {
    const cases = fc.integer({ min: 1, max: 6 }).chain((size) =>
      fc.tuple(
        fc.constant(size),
        fc.array(fc.tuple(fc.nat(statusEntriesMin - 1), fc.nat(2 ** size - 1)), {
          maxLength: 20,
        }),
        fc.array(fc.nat(statusEntriesMin - 1), { maxLength: 20 }),
      ),
    );
    fc.assert(
      fc.property(cases, ([size, set, others]) => {
        const plain = new Map(set);
        const { encodedList } = listOf(size, plain);
        for (const index of [...plain.keys(), ...others]) {
          expect(statusAt(encodedList, index, size)).toBe(plain.get(index) ?? 0);
        }
      }),
      { numRuns: 8 },
    );
  });

  it('revokes, suspends, or says nothing', () => {
    const list = listOf(1, new Map([[94_567, 1]]));
    expect(judgeEntry(read(), list)).toMatchObject({ code: 'VC_REVOKED' });
    const suspended = read({ statusPurpose: 'suspension' });
    expect(judgeEntry(suspended, list)).toMatchObject({ code: 'VC_SUSPENDED' });
    expect(judgeEntry(read({ statusListIndex: '94566' }), list)).toBeUndefined();
  });

  it('has too few entries for their size, though the index lies within', () => {
    const short = judgeEntry(
      read({ statusListIndex: '5', statusSize: 2, statusMessage: messages(2) }),
      listOf(1, new Map()),
    );
    expect(short?.code).toBe('VC_STATUS_INVALID');
    expect(short?.reason).toContain('STATUS_LIST_LENGTH_ERROR: 65536 entries of 2 bits');
  });

  it('decides nothing where it is a message, and is judged all the same', () => {
    const list = { ...listOf(1, new Map([[94_567, 1]])), purpose: 'message' };
    const asked = read({ statusPurpose: 'message', statusSize: 1, statusMessage: messages(1) });
    expect(judgeEntry(asked, list)).toBeUndefined();
    expect(judgeEntry(asked, { ...list, purpose: 'revocation' })?.code).toBe('VC_STATUS_INVALID');
    const wide = read({ statusPurpose: 'message', statusSize: 2, statusMessage: messages(2) });
    expect(judgeEntry(wide, list)?.code).toBe('VC_STATUS_INVALID');
  });

  it('says why, where entries have messages', () => {
    const list = listOf(2, new Map([[94_567, 2]]));
    const asked = read({ statusSize: 2, statusMessage: messages(2) });
    expect(judgeEntry(asked, list)?.reason).toContain('is 2');
  });

  it('says nothing for another purpose, beyond its end, or when it is too short for its entries', () => {
    const list = listOf(1, new Map());
    const codeOf = (changes: object, other: Partial<StatusList> = {}) =>
      judgeEntry(read(changes), { ...list, ...other })?.code;
    expect(codeOf({}, { purpose: 'suspension' })).toBe('VC_STATUS_INVALID');
    expect(codeOf({ statusListIndex: '131071' })).toBeUndefined();
    expect(codeOf({ statusListIndex: '131072' })).toBe('VC_STATUS_INVALID');
    expect(codeOf({ statusSize: 2, statusMessage: messages(2) })).toBe('VC_STATUS_INVALID');
  });

  it('is not believed when something follows it', () => {
    const gzip = gzipSync(new Uint8Array(16_384));
    const tailed = `u${Buffer.concat([gzip, Buffer.from('tail')]).toString('base64url')}`;
    expect(statusAt(tailed, 0)).toMatchObject({ code: 'VC_STATUS_INVALID' });
  });
});
