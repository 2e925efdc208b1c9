/**
 * The forgery corpus: nothing in it is accepted anywhere, and what it was made of is. Here every
 * sixteenth pair of kind and place; `node test/forgery/run.ts` brings all of them.
 */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import {
  forgedDocumentMembers,
  forgedDocuments,
  forgedMembers,
  forgedMessages,
  forgedStandings,
  forgedTokens,
  sameJson,
  sameStatements,
  tokenPlaces,
} from './corpus.ts';
import { Office, verify } from './doors.ts';
import { didDocuments } from './kinds-did.ts';
import { malleable } from './kinds-signature.ts';
import { messages, provenDocuments, tokens } from './places.ts';
import { differencesOf } from './same.ts';
import { isTaken, Tally } from './tally.ts';
import { parties } from './world.ts';

const STRIDE = 16;

let office: Office;
let tally: Tally;
let before = 0;
let twins: Record<string, string>;

beforeAll(async () => {
  office = await Office.open();
  tally = new Tally(office);
  before = office.size;
  twins = office.twins();
});

afterAll(() => office.close());

const bytesOf = (document: object): Uint8Array => Buffer.from(JSON.stringify(document));

describe('genuine artefacts', () => {
  it.each(tokenPlaces)('$name is valid', async ({ token, tail, carry }) => {
    const whole = `${token}${tail}`;
    const bytes = carry ? await carry(whole) : Buffer.from(whole);
    expect(await verify(bytes)).toMatchObject({ verdict: 'valid' });
  });

  it.each(provenDocuments)('$name is valid', async ({ document }) => {
    expect(await verify(bytesOf(document))).toMatchObject({ verdict: 'valid' });
  });

  it.each(messages)('$name is taken', ({ open, token }) => {
    expect(open).toBeDefined();
    expect(open?.(Buffer.from(token))).toBeUndefined();
  });
});

describe('a forgery is refused everywhere:', () => {
  it('replays, revocations, keys and lists', async () => {
    expect(await tally.faultsOf(forgedStandings())).toEqual([]);
  });

  it('tokens, in every place', async () => {
    expect(await tally.faultsOf(forgedTokens(STRIDE))).toEqual([]);
  });

  it('members of tokens', async () => {
    expect(await tally.faultsOf(forgedMembers(STRIDE))).toEqual([]);
  });

  it('documents with proofs', async () => {
    expect(await tally.faultsOf(forgedDocuments(STRIDE / 2))).toEqual([]);
  });

  it('members of documents and of their proofs', async () => {
    expect(await tally.faultsOf(forgedDocumentMembers(STRIDE))).toEqual([]);
  });

  it('messages between the parts of the system', async () => {
    const taken: string[] = [];
    for await (const one of forgedMessages(STRIDE)) {
      tally.count(one);
      if (one.at.open?.(one.bytes) === undefined) taken.push(`${one.kind} @ ${one.place}`);
    }
    expect(taken).toEqual([]);
  });

  it('documents of organisations, which nobody pins', async () => {
    const own = parties.northline.document;
    for (const [name, document] of [...didDocuments.bad, ...didDocuments.unfit]) {
      const offered = (didDocuments.unfit.find(([one]) => one === name)?.[2] ?? document) as object;
      tally.count({ kind: `DID document: ${name}`, place: 'trust desk', bytes: new Uint8Array() });
      // The genuine one is pinned: another is at best put before a person.
      const [change] = await office.desk.add([{ name, bytes: bytesOf(offered) }], false);
      expect(['refused', 'confirm'], name).toContain(change?.result);
    }
    const known = office.desk.list().organisations.length;
    expect(known).toBe(Object.keys(parties).length);
    const [again] = await office.desk.add([{ name: 'own', bytes: bytesOf(own) }], false);
    expect(again).toMatchObject({ result: 'known' });
  });
});

describe('afterwards', () => {
  it('nothing had an effect: no entry, no twin', () => {
    expect(office.effects(before)).toEqual([]);
    expect(office.twins()).toEqual(twins);
  });

  it('the genuine artefacts are taken, and the second signature of each changes nothing', async () => {
    for (const place of tokens.filter(({ isPart }) => !isPart)) {
      const { name, token, tail } = place;
      expect(isTaken(await office.bring(Buffer.from(`${token}${tail}`))), name).toBe(true);
      const second = malleable(place);
      if (second === undefined) continue;
      expect(await verify(Buffer.from(second)), name).toMatchObject({ verdict: 'valid' });
      const { size } = office;
      const { uplink, submitted, desk } = await office.bring(Buffer.from(second));
      expect(uplink.known || submitted.known || desk.result === 'known', name).toBe(true);
      expect(office.effects(size), name).toEqual([]);
    }
    for (const { name, document, isTaken: isWanted } of provenDocuments) {
      expect(isTaken(await office.bring(bytesOf(document))), name).toBe(isWanted);
    }
  });

  it('a document spelled otherwise is the same one', async () => {
    const faults: string[] = [];
    let count = 0;
    for (const one of sameJson()) {
      if (count++ % STRIDE === 0) faults.push(...(await differencesOf(one, office)));
    }
    expect(count).toBeGreaterThan(STRIDE);
    expect(faults).toEqual([]);
  });

  it('so is one that makes the same statements: all of them, each shown to be the same', async () => {
    const faults: string[] = [];
    const said: string[] = [];
    for await (const one of sameStatements()) {
      said.push(`${one.kind} @ ${one.place}`);
      faults.push(...(await differencesOf(one, office)));
    }
    expect(faults).toEqual([]);
    for (const { name } of provenDocuments.filter(({ over }) => over === 'rdf')) {
      expect(said).toContain(`member removed @ ${name}, member @context.1`);
      expect(said).toContain(`member in an object @ ${name}, member issuer`);
    }
  });

  it('there were enough of them, and none took long', () => {
    console.log(`${tally}, 0 accepted, 0 connections`);
    expect(tally.pairs.size).toBeGreaterThanOrEqual(2_000);
    expect(tally.slowest.ms).toBeLessThan(1_000);
  });
});
