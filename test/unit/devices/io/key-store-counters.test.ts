/** The step of a counter on a token, with others at each moment in between. */
import { describe, expect, it } from 'vitest';
import type { CountedPlace, CountedStep, KeyCounters } from '../../../../devices/io/key-store.ts';
import { tokenCounters } from '../../../../devices/io/key-store-counters.ts';
import type { Handle, Library, PKCS11 } from '../../../../devices/io/pkcs11-library.ts';

/** PKCS#11 2.40 §A; the library itself is an optional dependency. */
const named = { CKA_LABEL: 0x3, CKA_APPLICATION: 0x10, CKA_VALUE: 0x11, CKO_DATA: 0 };
const constants = named as unknown as Library['constants'];

interface DataObject {
  readonly label: string;
  readonly value: Buffer;
}

/** Data objects that several sessions share. */
type Token = Map<number, DataObject>;

/** What happens before the call at the library of this number, counted from 0. */
type Between = (call: number) => void;

function countersOn(token: Token, between: Between = () => undefined): KeyCounters {
  let calls = 0;
  let found: Handle[] = [];
  const step = () => between(calls++);
  const handleOf = (id: number): Handle => Buffer.from([id >> 8, id & 0xff]);
  const idOf = (handle: Handle) => handle.readUInt16BE();
  const api = {
    C_CreateObject(_: Handle, template: { type: number; value?: unknown }[]) {
      step();
      const of = (type: number) => template.find((one) => one.type === type)?.value;
      const id = Math.max(0, ...token.keys()) + 1;
      const [label, value] = [of(constants.CKA_LABEL), of(constants.CKA_VALUE)];
      token.set(id, { label: String(label), value: value as Buffer });
      return handleOf(id);
    },
    C_DestroyObject(_: Handle, handle: Handle) {
      step();
      token.delete(idOf(handle));
    },
    C_FindObjectsInit(_: Handle, template: { type: number; value?: unknown }[]) {
      step();
      const label = template.find(({ type }) => type === constants.CKA_LABEL)?.value;
      const mine = [...token].filter(([, object]) => object.label === label);
      found = mine.map(([id]) => handleOf(id));
    },
    C_FindObjects: (_: Handle, count: number) => found.splice(0, count),
    C_FindObjectsFinal: () => undefined,
    C_GetAttributeValue(_: Handle, handle: Handle) {
      return [{ type: constants.CKA_VALUE, value: token.get(idOf(handle))?.value }];
    },
  } as unknown as PKCS11;
  const session = Buffer.alloc(8);
  return tokenCounters({
    call: async (_, action) => action({ api, constants, session, generation: 0 }),
    close: async () => undefined,
  });
}

function valuesOf(token: Token): string[] {
  return [...token.values()].map(({ value }) => value.toString());
}

const from = { epoch: 3, sequence: 5 };
const to = { epoch: 3, sequence: 6 };

function orderOf({ epoch, sequence }: CountedPlace): number {
  return 100 * epoch + sequence;
}

function tokenAt(text: string): Token {
  return new Map([[1, { label: 'fc-1', value: Buffer.from(text) }]]);
}

describe('a counter on a token', () => {
  it.each([
    ['7', { epoch: 7, sequence: 0 }],
    ['7/12', { epoch: 7, sequence: 12 }],
    ['7/', { epoch: 0, sequence: 0 }],
    ['12345678901234567', { epoch: 0, sequence: 0 }],
    ['seven', { epoch: 0, sequence: 0 }],
  ])('reads %s', async (text, place) => {
    const counters = countersOn(tokenAt(text));
    expect(await counters.read('fc-1')).toEqual(place);
    expect(await counters.read('fc-2')).toEqual({ epoch: 0, sequence: 0 });
  });

  it('goes from an epoch that was kept alone to a place, and to an epoch alone again', async () => {
    const token = tokenAt('3');
    const counters = countersOn(token);
    const first = { from: { epoch: 3, sequence: 0 }, to: { epoch: 4, sequence: 0 } };
    expect(await counters.advance('fc-1', first)).toBe(true);
    const second = { from: first.to, to: { epoch: 4, sequence: 1 } };
    expect(await counters.advance('fc-1', second)).toBe(true);
    expect(valuesOf(token)).toEqual(['4/1']);
    expect(await counters.advance('fc-1', second)).toBe(false);
    await counters.raise('fc-1', 5);
    expect(valuesOf(token)).toEqual(['5']);
  });

  it('lets one of two go on, whenever the other does, and never loses the higher', async () => {
    const steps: CountedStep[] = [
      { from, to },
      { from, to: { epoch: 3, sequence: 7 } },
      { from, to: { epoch: 4, sequence: 0 } },
    ];
    let both = 0;
    let met = 0;
    for (const own of steps) {
      for (const foreign of steps) {
        for (let moment = 0; moment < 6; moment += 1) {
          const token = tokenAt('3/5');
          let others: Promise<boolean> | undefined;
          const other = countersOn(token);
          const between = (call: number) => {
            if (call === moment) others = other.advance('fc-1', foreign);
          };
          const isOurs = await countersOn(token, between).advance('fc-1', own);
          const isTheirs = (await others) ?? false;
          if (others) met += 1;
          if (isOurs && isTheirs) both += 1;
          // What was told to be counted is kept, or something higher.
          const now = await other.read('fc-1');
          const kept = [isOurs ? own.to : from, isTheirs ? foreign.to : from];
          const least = Math.max(...kept.map(orderOf));
          expect(orderOf(now ?? from)).toBeGreaterThanOrEqual(least);
        }
      }
    }
    expect(both).toBe(0);
    expect(met).toBeGreaterThanOrEqual(36);
  });

  it('lets at most one of three go on, each in the midst of another', async () => {
    for (let first = 0; first < 4; first += 1) {
      for (let second = 0; second < 4; second += 1) {
        const token = tokenAt('3/5');
        const step = { from, to };
        const told: Promise<boolean>[] = [];
        const innermost = countersOn(token);
        const inner = countersOn(token, (call) => {
          if (call === second) told.push(innermost.advance('fc-1', step));
        });
        const outer = countersOn(token, (call) => {
          if (call === first) told.push(inner.advance('fc-1', step));
        });
        told.push(outer.advance('fc-1', step));
        await Promise.resolve();
        const answers = await Promise.all(told);
        expect(answers.filter((is) => is).length).toBeLessThanOrEqual(1);
      }
    }
  });
});
