/** What party credentials rest on when they are used: bonds, standing, and the order of arrival. */

import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { familyFor } from '../../../devices/credential/party/families.ts';
import { openDatabase } from '../../../devices/io/sqlite.ts';
import { limits } from '../../../devices/limits.ts';
import { partySchema } from '../../../ingest/journal-party.ts';
import { startOf } from '../../../ingest/journal-protocol.ts';
import { journalSchema } from '../../../ingest/journal-schema.ts';
import { openJournalStore } from '../../../ingest/journal-store.ts';
import {
  aeo,
  bond,
  ctpat,
  custodyStep,
  customs,
  lakeside,
  movement,
  northline,
  oilGoods,
  partyMs,
  surety,
  ticket,
} from '../../support/party.ts';

import { by, office, proven, stranger, token } from '../../support/party-office.ts';

describe('a bond that was revoked', () => {
  const list = 'https://surety.example/status/revocation.jwt';
  const listed = bond({ status: [{ purpose: 'revocation', list, index: 3 }] });

  it('is no bond for what is used later, and stays one for what was taken before', async () => {
    const { submit, publish, restart, store } = await office();
    await publish(surety.id, list, [], partyMs - 2_000);
    expect(await submit(await token(listed))).toMatchObject({ outcome: 'accepted' });
    const before = await submit(await token(movement()));
    expect(before).toMatchObject({ outcome: 'accepted' });
    await publish(surety.id, list, [3], partyMs - 1_000);
    restart();
    const after = await submit(await token(movement({ act: 'export' })));
    expect(after).toMatchObject({ outcome: 'held', code: 'IN_BOND_MISSING' });
    expect(after?.reason).toMatch(/revoked/);
    expect(store.read(before?.position ?? -1, 1)[0]?.header.kind).toBe('party');
    // Another bond takes its place.
    await submit(await token(bond({ number: '26B009999' })));
    expect(await submit(await token(movement({ act: 'export' })))).toMatchObject({
      outcome: 'accepted',
    });
  });
});

describe('a bond whose list was not found for too long', () => {
  const list = 'https://surety.example/status/revocation.jwt';
  const status = [{ purpose: 'revocation', list, index: 3 }] as const;
  const step = () => proven(custodyStep(), [by[northline.id], by[lakeside.id]]);
  const bondedOffice = async (changes: { readonly validUntilMs?: number } = {}) => {
    const one = await office();
    await one.publish(surety.id, list, [], partyMs - 1_000, changes);
    await one.submit(await token(bond({ status, number: 'N' })));
    await one.submit(await token(bond({ status, number: 'L', principal: lakeside })));
    return one;
  };

  it('bears in the last of the 300 s, and makes a step wait and marks an act in the next', async () => {
    const { submit, found, store } = await bondedOffice();
    found(list, partyMs - limits.statusStaleMs);
    expect(await submit(await token(movement()))).not.toHaveProperty('standing');
    const other = movement({ goods: [`${oilGoods}-2`], number: '257700053' });
    const late = await submit(await token(other), partyMs + 1);
    expect(late).toMatchObject({ outcome: 'accepted' });
    expect(store.read(late?.position ?? -1, 1)[0]?.header.standing).toBe('stale');
    const pending = await submit(await step(), partyMs + 1);
    expect(pending).toMatchObject({ outcome: 'accepted', standing: 'pending' });
    expect(store.pendingSteps(surety.id, 0, 9)).toMatchObject([{ position: pending?.position }]);
  });

  it('goes on after its end where it is looked for, and does not where nobody looks', async () => {
    const { submit, found, store } = await bondedOffice({ validUntilMs: partyMs });
    expect(await submit(await token(movement()))).toMatchObject({ outcome: 'accepted' });
    const asked = await step();
    expect(await submit(asked, partyMs + 1)).toMatchObject({ code: 'IN_BOND_MISSING' });
    found(list, partyMs);
    const pending = await submit(asked, partyMs + 1);
    expect(pending).toMatchObject({ outcome: 'accepted', standing: 'pending' });
    expect(store.read(pending?.position ?? -1, 1)[0]?.header.standing).toBe('pending');
  });

  it('bears all the same where another holds that is known to', async () => {
    const { submit, found } = await bondedOffice();
    found(list, partyMs - limits.statusStaleMs - 1);
    await submit(await token(movement()));
    await submit(await token(bond({ number: 'L2', principal: lakeside })));
    await submit(await token(bond({ status, number: 'L3', principal: lakeside })));
    expect(await submit(await step())).not.toHaveProperty('standing');
  });
});

describe('a standing that is asked for', () => {
  it('makes a step wait where the list of customs was not found for too long', async () => {
    const { submit, publish, found, store } = await office({ require: { possessor: ['AEO'] } });
    const list = 'https://customs.example/status/revocation.jwt';
    const status = [{ purpose: 'revocation', list, index: 3 }] as const;
    await publish(customs.id, list, [], partyMs - 1_000);
    for (const principal of [northline, lakeside]) {
      await submit(await token(bond({ principal, number: principal.name })));
    }
    await submit(await token(aeo({ status })));
    await submit(await token(movement()));
    found(list, partyMs - limits.statusStaleMs - 1);
    const step = await proven(custodyStep(), [by[northline.id], by[lakeside.id]]);
    expect(await submit(step)).toMatchObject({ outcome: 'accepted', standing: 'pending' });
    expect(store.pendingSteps(customs.id, 0, 9)).toHaveLength(1);
  });

  it('is needed by who takes goods in bond over, at the time, of a programme that counts', async () => {
    const { submit, store } = await office({ require: { possessor: ['CTPAT', 'AEO'] } });
    for (const principal of [northline, lakeside]) {
      await submit(await token(bond({ principal, number: principal.name })));
    }
    const step = await proven(custodyStep(), [by[northline.id], by[lakeside.id]]);
    await submit(await token(movement()));
    const held = await submit(step);
    expect(held).toMatchObject({ outcome: 'held', code: 'IN_STANDING_MISSING' });
    expect(held?.reason).toBe(`${lakeside.id} has no standing of CTPAT or AEO now: absent`);
    const ended = aeo({ status: [], validUntilMs: partyMs + 1_000 });
    const standing = await submit(await token(ended));
    expect(await submit(step, partyMs + 1_001)).toMatchObject({ code: 'IN_STANDING_MISSING' });
    const taken = await submit(step, partyMs + 1_000);
    expect(taken).toMatchObject({ outcome: 'accepted' });
    expect(store.read(taken?.position ?? -1, 1)[0]?.header.documents).toContain(standing?.digest);
  });

  it('is needed by who answers for a movement, of one programme only where so configured', async () => {
    const { submit } = await office({ require: { bondLiable: ['CTPAT'] } });
    await submit(await token(bond()));
    await submit(await token(aeo({ party: northline, status: [] })));
    expect(await submit(await token(movement()))).toMatchObject({ code: 'IN_STANDING_MISSING' });
    await submit(await token(ctpat()));
    expect(await submit(await token(movement()))).toMatchObject({ outcome: 'accepted' });
  });

  it('is not needed for goods that are not in bond', async () => {
    const { submit } = await office({ require: { possessor: ['CTPAT'] } });
    const step = await proven(custodyStep(), [by[northline.id], by[lakeside.id]]);
    expect(await submit(step)).toMatchObject({ outcome: 'accepted' });
  });
});

describe('goods that no kind of twin knows', () => {
  it('are named in the answer, since nothing will show what was said of them', async () => {
    const { submit } = await office();
    const strange = `${northline.id}/barge/7`;
    expect(await submit(await token(ticket({ goods: strange })))).toMatchObject({
      outcome: 'accepted',
      unknown: [strange],
    });
    expect(await submit(await token(ticket()))).not.toHaveProperty('unknown');
    expect(await submit(await token(bond()))).not.toHaveProperty('unknown');
  });
});

describe('a party credential over an uplink', () => {
  it('is stored under the name of its gateway, once, by whichever way it comes first', async () => {
    const { store, record, submit } = await office();
    const bytes = await token(ticket());
    const came = await record('gateway-1', bytes);
    expect(came).toMatchObject({ result: { outcome: 'accepted' }, kind: 'party', known: false });
    expect(store.readKinds(['party'])[0]?.header).toMatchObject({ gateway: 'gateway-1' });
    expect(await submit(bytes)).toMatchObject({ outcome: 'accepted', known: true });
    expect(store.readKinds(['party'])).toHaveLength(1);
  });

  it('is held, refused and judged by what came before it as one that is submitted', async () => {
    const { record } = await office();
    const asked = await token(movement());
    expect(await record('gateway-1', asked)).toMatchObject({
      result: { outcome: 'held', code: 'IN_BOND_MISSING' },
    });
    expect(await record('gateway-1', await token(ticket(), stranger))).toMatchObject({
      result: { outcome: 'refused' },
    });
    expect(await record('gateway-1', await token(bond()), asked)).toMatchObject({
      result: { outcome: 'accepted' },
    });
  });
});

describe('an act of a movement', () => {
  it('that says what the goods are worth needs a bond for as much, in the same money', async () => {
    const { submit } = await office();
    await submit(await token(bond()));
    const asked = (amount: string, currency = 'USD') =>
      token(movement({ value: { amount, currency } }));
    expect(await submit(await asked('250000.001'))).toMatchObject({ code: 'IN_BOND_MISSING' });
    expect(await submit(await asked('250000', 'CAD'))).toMatchObject({ code: 'IN_BOND_MISSING' });
    expect(await submit(await asked('250000'))).toMatchObject({ outcome: 'accepted' });
  });

  it('that holds goods is of customs alone, and puts nothing in bond', async () => {
    const { submit } = await office();
    for (const act of ['hold', 'release'] as const) {
      expect(await submit(await token(movement({ act, issuer: customs })))).toMatchObject({
        outcome: 'accepted',
      });
      expect(await submit(await token(movement({ act, issuer: lakeside })))).toMatchObject({
        outcome: 'held',
        code: 'IN_AUTHORITY_UNKNOWN',
      });
      // Nobody can even write down that he holds what he answers for.
      expect(() => familyFor(movement()).compose(movement({ act }))).toThrow(/customs holds/);
    }
    const asked = movement({ issuer: customs });
    expect(() => familyFor(asked).compose(asked)).toThrow(/bond-liable party signs/);
    const step = await proven(custodyStep(), [by[northline.id], by[lakeside.id]]);
    expect(await submit(step)).toMatchObject({ outcome: 'accepted' });
  });

  it('hinders no sale of goods in bond: who buys them need not answer for them', async () => {
    const { submit } = await office();
    await submit(await token(bond()));
    await submit(await token(movement()));
    const sale = custodyStep({ right: 'ownership' });
    expect(await submit(await proven(sale, [by[northline.id], by[lakeside.id]]))).toMatchObject({
      outcome: 'accepted',
    });
  });
});

describe('a start', () => {
  it('reads no party credential, however many there are, and knows all that count', async () => {
    const { submit, store, restart } = await office();
    await submit(await token(bond({ principal: lakeside })));
    for (let number = 0; number < limits.partyFactsMax; number += 1) {
      await submit(await token(bond({ number: `B${number}`, bondType: 'importer' })));
    }
    await submit(await token(bond()));
    restart();
    expect(JSON.stringify(startOf(store))).not.toContain('"party"');
    // The newest are looked up; a party with very many bonds loses the oldest of them.
    expect(store.partyFacts('bond', northline.id)).toHaveLength(limits.partyFactsMax);
    expect(await submit(await token(movement()))).toMatchObject({ outcome: 'accepted' });
  });

  it('finds what an older version stored without an index of it', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'bondline-party-'));
    const file = join(folder, 'journal.db');
    try {
      const { store, submit } = await office();
      await submit(await token(bond()));
      await submit(await token(movement()));
      const old = openDatabase(file, {
        schema: journalSchema.slice(0, journalSchema.indexOf(partySchema)),
      });
      const insert = old.prepare('INSERT INTO entry VALUES (?, ?, ?, ?)');
      const rare = old.prepare('INSERT INTO rare VALUES (?, ?, NULL)');
      for (const { position, header, bytes } of store.read(0, 100)) {
        insert.run(
          position,
          JSON.stringify(header),
          Buffer.from(store.leaf(position) ?? '', 'hex'),
          bytes,
        );
        rare.run(header.kind, position);
      }
      old.close();
      const opened = openJournalStore(file);
      expect(opened.partyFacts('bond', northline.id)).toEqual(
        store.partyFacts('bond', northline.id),
      );
      expect(opened.isInBond(oilGoods)).toBe(true);
      opened.close();
    } finally {
      rmSync(folder, { recursive: true });
    }
  });
});
