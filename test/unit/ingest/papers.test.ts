/** What a twin shows of papers: tickets, corrections, who answers for goods, calibrations. */
import { describe, expect, it } from 'vitest';
import type { PartyStatement } from '../../../devices/credential/party/families.ts';
import type { JournalEntry } from '../../../ingest/store.ts';
import { FoldWorld } from '../../support/fold-world.ts';
import {
  batchEntry,
  deviceDid,
  enrolmentEntry,
  partyEntry,
  reading,
  startMs,
} from '../../support/journal-entries.ts';
import {
  calibration,
  correction,
  lakeside,
  movement,
  newId,
  northline,
  oilGoods,
  ticket,
} from '../../support/party.ts';

const folded = (...entries: readonly JournalEntry[]) => new FoldWorld().apply(entries);
const oil = (world: FoldWorld) => world.twin('pipeline-batch', oilGoods);
const at = (position: number, statement: PartyStatement) =>
  partyEntry(position, statement, { receivedMs: startMs + position });

describe('a ticket', () => {
  const first = at(1, ticket({ openedMs: startMs - 9_000, closedMs: startMs - 2_000 }));
  const times = { openedMs: startMs - 9_000, closedMs: startMs - 1_000 };
  const second = at(2, ticket({ number: '991205183', ...times }));
  const fix = (position: number, of: JournalEntry, issuer = northline) =>
    at(position, correction({ issuer, corrects: { id: newId(), digest: of.header.digest } }));

  it('is shown beside what was measured, the one that closed last', () => {
    for (const world of [folded(first, second), folded(second, first)]) {
      expect(oil(world).attributes['deliveryTicket']).toEqual({
        value: 'Ticket 991205183, netStandardVolume 15000.25 BLL',
        unit: '',
        quality: 'good',
        basis: 'declared',
        observedMs: startMs - 1_000,
        receivedMs: startMs + 2,
        source: { position: 2, issuer: northline.id },
      });
    }
  });

  it('gives way to the one before it when its issuer says that it was wrong', () => {
    for (const order of [
      [first, second, fix(3, second)],
      [fix(3, second), second, first],
    ]) {
      expect(oil(folded(...order)).attributes['deliveryTicket']).toMatchObject({
        value: expect.stringContaining('991205182'),
        quality: 'good',
      });
    }
    const all = folded(first, second, fix(3, second), fix(4, first));
    const shown = oil(all).attributes['deliveryTicket'];
    expect(shown).toMatchObject({ quality: 'bad', status: 'corrected: incorrect_data' });
    expect(shown).not.toHaveProperty('value');
  });

  it('stays when a stranger says that it was wrong', () => {
    expect(oil(folded(first, fix(2, first, lakeside))).attributes['deliveryTicket']).toMatchObject({
      value: expect.stringContaining('991205182'),
    });
  });
});

describe('who answers for goods to customs', () => {
  const asked = at(1, movement({ atMs: startMs }));
  const later = at(2, movement({ issuer: lakeside, liable: lakeside, number: '257700099' }));

  it('is who asked for a movement in bond first', () => {
    expect(oil(folded(asked, later)).control.bondLiable).toEqual({
      party: northline.id,
      name: northline.name,
      sinceMs: startMs,
      basis: 'declared',
      rule: 'bond-liable-by-request',
      source: { position: 1, issuer: northline.id },
    });
    const arrival = movement({ act: 'arrival', portOfArrival: { name: 'Neche' } });
    expect(oil(folded(at(1, arrival))).control).not.toHaveProperty('bondLiable');
  });

  it('is the next who asked, when the first says that this was wrong', () => {
    const corrects = { id: newId(), digest: asked.header.digest };
    const world = folded(asked, later, at(3, correction({ corrects })));
    expect(oil(world).control.bondLiable?.party).toBe(lakeside.id);
  });

  it('is who an enrolment names, where one does', () => {
    const device = deviceDid('meter');
    const enrolled = enrolmentEntry({ position: 3, device, scope: { bondLiable: lakeside } });
    const groups = [{ timeMs: startMs, about: oilGoods, readings: [reading('flowRate', 1)] }];
    const batch = batchEntry({ position: 4, device, sequence: 1, groups });
    expect(oil(folded(asked, enrolled, batch)).control.bondLiable?.party).toBe(lakeside.id);
  });
});

describe('the alert CALIBRATION', () => {
  const device = deviceDid('meter');
  const certificate = calibration({ device, validFromMs: startMs, validUntilMs: startMs + 10_000 });
  const paper = at(1, certificate);
  const enrolled = (pinned?: string) =>
    enrolmentEntry({ position: 2, device, ...(pinned && { calibration: pinned }) });
  const spoke = (timeMs: number, position = 3) => {
    const groups = [{ timeMs, about: device, readings: [reading('temperature', 1)] }];
    return batchEntry({ position, device, sequence: position, groups, receivedMs: timeMs + 50 });
  };
  const alerts = (...entries: JournalEntry[]) =>
    folded(...entries)
      .alerts('device', device)
      .filter(({ code }) => code === 'CALIBRATION');

  it('opens in the millisecond after the certificate ends by which the device is enrolled', () => {
    const pinned = enrolled(paper.header.digest);
    expect(alerts(paper, pinned, spoke(startMs + 10_000))).toEqual([]);
    expect(alerts(paper, pinned, spoke(startMs + 10_001))).toMatchObject([
      { severity: 'warning', text: expect.stringContaining('was over'), evidence: [2] },
    ]);
    expect(alerts(paper, pinned, spoke(startMs - 1))).toMatchObject([
      { text: expect.stringContaining('began to hold later') },
    ]);
  });

  it('says that a certificate is not here, until it is', () => {
    const pinned = enrolled(paper.header.digest);
    expect(alerts(pinned, spoke(startMs + 1))).toMatchObject([
      { severity: 'notice', text: expect.stringContaining('is not here') },
    ]);
    expect(alerts(pinned, spoke(startMs + 1), { ...paper, position: 4 })).toEqual([]);
  });

  it('stays away where no certificate is pinned, and before the device has spoken', () => {
    expect(alerts(enrolled(), spoke(startMs + 99_999))).toEqual([]);
    expect(alerts(enrolled(paper.header.digest))).toEqual([]);
  });
});
