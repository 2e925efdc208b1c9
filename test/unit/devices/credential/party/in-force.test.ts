/** Whether standing, a bond or a calibration holds at the time of its use. */
import { describe, expect, it } from 'vitest';
import type { StatusEntry } from '../../../../../devices/credential/enrolment.ts';
import {
  bondAt,
  calibrationAt,
  compareDecimals,
  type Known,
  standingAt,
  type Use,
} from '../../../../../devices/credential/party/in-force.ts';
import { aeo, bond, calibration, ctpat, partyMs } from '../../../../support/party.ts';

const known = <T>(statement: T): Known<T> => ({
  statement,
  digest: `digest-${JSON.stringify(statement).length}`,
});
type IsSet = (entry: StatusEntry, issuer: string) => boolean | undefined;
/** A list that was not found for too long. */
const oldList = 'https://old.example/1';
const useAt = (atMs: number, isSet: IsSet = () => false): Use => ({
  atMs,
  statusOf(entry, issuer) {
    const set = isSet(entry, issuer);
    return set === undefined ? undefined : { isSet: set, isStale: entry.list === oldList };
  },
});
const entry: StatusEntry = { purpose: 'revocation', list: 'https://a.example/1', index: 4 };
const suspension: StatusEntry = { ...entry, purpose: 'suspension' };

describe('a calibration', () => {
  const held = known(calibration());
  const { device, validFromMs, validUntilMs } = held.statement;

  it('holds from the first to the last millisecond of its time, for its device', () => {
    for (const [atMs, why] of [
      [validFromMs - 1, 'not-yet'],
      [validFromMs, undefined],
      [validUntilMs, undefined],
      [validUntilMs + 1, 'expired'],
    ] as const) {
      const found = calibrationAt(held, device, useAt(atMs));
      expect(found).toEqual(
        why === undefined ? { holds: true, stale: false, ...held } : { holds: false, why },
      );
    }
    expect(calibrationAt(held, 'did:key:zOther', useAt(partyMs))).toMatchObject({ why: 'unfit' });
    expect(calibrationAt(undefined, device, useAt(partyMs))).toMatchObject({ why: 'absent' });
  });
});

describe('a standing', () => {
  it('is of the programmes that are asked for', () => {
    const both = [known(ctpat()), known(aeo({ status: [] }))];
    const programmeAt = (...programmes: ('AEO' | 'CTPAT')[]) => {
      const found = standingAt(both, { programmes }, useAt(partyMs));
      return found.holds ? found.statement.programme : found.why;
    };
    expect([programmeAt('AEO'), programmeAt('CTPAT'), programmeAt('AEO', 'CTPAT')]).toEqual([
      'AEO',
      'CTPAT',
      'AEO',
    ]);
    expect(standingAt(both.slice(0, 1), { programmes: ['AEO'] }, useAt(partyMs))).toEqual({
      holds: false,
      why: 'unfit',
    });
    expect(standingAt(both, {}, useAt(partyMs))).toMatchObject({ holds: true });
    expect(standingAt([], {}, useAt(partyMs))).toEqual({ holds: false, why: 'absent' });
  });

  it('is revoked, suspended or unknown by the list of its issuer', () => {
    const listed = [known(ctpat({ status: [entry, suspension] }))];
    const with_ = (set: (one: StatusEntry, issuer: string) => boolean | undefined) =>
      standingAt(listed, {}, useAt(partyMs, set));
    expect(with_(() => false)).toMatchObject({ holds: true });
    expect(with_(({ purpose }) => purpose === 'revocation')).toMatchObject({ why: 'revoked' });
    expect(with_(({ purpose }) => purpose === 'suspension')).toMatchObject({ why: 'suspended' });
    expect(with_(() => undefined)).toMatchObject({ why: 'unknown' });
    const asked: string[] = [];
    with_(({ list }, issuer) => asked.push(`${list} ${issuer}`) < 0);
    expect(asked[0]).toBe(`${entry.list} ${listed[0]?.statement.issuer.id}`);
  });
});

describe('a bond', () => {
  it('covers as much as it says, in its own money, for its own purpose', () => {
    const bonds = [known(bond({ amount: '100.50' }))];
    const least = (amount: string, currency = 'USD') =>
      bondAt(bonds, { types: ['custodian'], least: { amount, currency } }, useAt(partyMs)).holds;
    expect([least('100.5'), least('100.500'), least('99')]).toEqual([true, true, true]);
    expect([least('100.51'), least('1000'), least('1', 'CAD')]).toEqual([false, false, false]);
    expect(bondAt(bonds, { types: ['importer'] }, useAt(partyMs))).toMatchObject({ why: 'unfit' });
  });

  it('gives way to another that holds, and the newest counts', () => {
    const ended = known(bond({ number: 'old', validUntilMs: partyMs - 1 }));
    const first = known(bond({ number: 'first' }));
    const second = known(bond({ number: 'second' }));
    const found = bondAt([first, second, ended], {}, useAt(partyMs));
    expect(found.holds && found.statement.number).toBe('second');
    expect(bondAt([ended], {}, useAt(partyMs))).toEqual({ holds: false, why: 'expired' });
  });

  it('is stale by a list that is too old, unless another one holds that is not', () => {
    const old = known(bond({ number: 'old', status: [{ ...entry, list: oldList }] }));
    const good = known(bond({ number: 'good', status: [entry] }));
    const first = known(bond({ number: 'first', status: [{ ...entry, list: oldList }] }));
    expect(bondAt([old], {}, useAt(partyMs))).toMatchObject({ holds: true, stale: true });
    expect(bondAt([first, old], {}, useAt(partyMs))).toMatchObject({ stale: true, ...old });
    for (const both of [
      [good, old],
      [old, good],
    ]) {
      expect(bondAt(both, {}, useAt(partyMs))).toMatchObject({ stale: false, ...good });
    }
    expect(
      bondAt(
        [old],
        {},
        useAt(partyMs, () => true),
      ),
    ).toMatchObject({ why: 'revoked' });
  });

  it('is compared in decimals that no float could tell apart', () => {
    expect(compareDecimals('9007199254740993', '9007199254740992.999')).toBe(1);
    expect(compareDecimals('-1', '1')).toBe(-1);
    expect(compareDecimals('1.10', '1.1')).toBe(0);
  });
});
