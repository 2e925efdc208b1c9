import { mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { signToken } from '../../../devices/credential/jws.ts';
import { familyFor, type PartyStatement } from '../../../devices/credential/party/families.ts';
import { isRefusal } from '../../../devices/credential/refusal.ts';
import { credentialDigest } from '../../../devices/envelope.ts';
import { limits } from '../../../devices/limits.ts';
import { createLog, systemClock } from '../../../devices/runtime.ts';
import { type Paper, readPaper } from '../../../gateway/paper.ts';
import { createPaperTaker, paperFolder, placePaper } from '../../../gateway/paper-folder.ts';
import { admit } from '../../../ingest/admit.ts';
import { emptyTrust } from '../../../ingest/trust.ts';
import { memorySigner } from '../../support/identity.ts';
import { custodyStep, northline, oneOfEach, partyMs } from '../../support/party.ts';
import { BatchMaker } from '../../support/signed-batch.ts';
import { startForwarder } from './support/forward-world.ts';
import { openStore } from './support/outbox-world.ts';

const signer = memorySigner();

async function tokenOf(statement: PartyStatement = custodyStep()): Promise<Uint8Array> {
  const payload = familyFor(statement).compose(statement);
  return signToken({ payload, signer, typ: 'vc+jwt' });
}

function paperOf(bytes: Uint8Array): Paper {
  const paper = readPaper(bytes);
  if (isRefusal(paper)) throw new Error(paper.reason);
  return paper;
}

/** JSON with a proof inside, of which only the form counts here. */
function documentOf(statement = custodyStep()): Uint8Array {
  const payload = JSON.parse(familyFor(statement).compose(statement)) as object;
  const proof = { type: 'DataIntegrityProof', cryptosuite: 'ecdsa-jcs-2019', proofValue: 'zAb' };
  return Buffer.from(JSON.stringify({ ...payload, proof }));
}

describe('a paper', () => {
  it('of every family is read, and has the name that the ingester gives it', async () => {
    for (const statement of Object.values(oneOfEach())) {
      const { digest, family, party, token } = paperOf(await tokenOf(statement));
      expect(family).toBe(statement.kind);
      expect(party).toMatch(/^did:/);
      expect(digest).toBe(credentialDigest(token));
    }
    const message = { bytes: documentOf(), gateway: 'z', receivedMs: partyMs };
    const judged = admit(message, emptyTrust(), 'cbp');
    expect(judged).toMatchObject({ outcome: 'held', code: 'IN_ORGANISATION_UNKNOWN' });
    expect(paperOf(message.bytes)).toMatchObject({ digest: judged.digest, party: northline.id });
  });

  it('is taken without the white space around it, and otherwise byte for byte', async () => {
    const token = await tokenOf();
    expect(paperOf(Buffer.concat([token, Buffer.from('\r\n')])).token).toEqual(token);
    const document = documentOf();
    expect(paperOf(Buffer.concat([Buffer.from(' \n'), document])).token).toEqual(document);
  });

  it('is nothing else: no batch, no text, nothing unsigned, nothing large', async () => {
    const codeOf = (bytes: Uint8Array) => {
      const paper = readPaper(bytes);
      return isRefusal(paper) ? paper.code : paper.family;
    };
    const batch = await new BatchMaker(signer, memorySigner().did).next(partyMs);
    expect(codeOf(batch)).toBe('VC_TYPE');
    expect(codeOf(Buffer.from(''))).toBe('VC_MALFORMED');
    expect(codeOf(Buffer.from('hello'))).toBe('VC_MALFORMED');
    const { proof: _, ...unsigned } = JSON.parse(Buffer.from(documentOf()).toString());
    expect(codeOf(Buffer.from(JSON.stringify(unsigned)))).toBe('VC_UNSECURED');
    const odd = JSON.parse(Buffer.from(documentOf()).toString());
    expect(codeOf(Buffer.from(JSON.stringify({ ...odd, more: 1 })))).toBe('VC_SCHEMA');
    const large = Buffer.alloc(limits.credentialBytesMax + 1, 0x41);
    expect(codeOf(large)).toBe('VC_TOO_LARGE');
  });
});

describe('in the outbox, a paper', () => {
  it('waits once, is urgent, and goes by a receipt only', async () => {
    const t = startForwarder();
    await t.append(3);
    const paper = paperOf(await tokenOf());
    const carried = async () => {
      const answer = t.outbox.carry(paper);
      await t.world.run(10);
      return answer;
    };
    expect(await carried()).toBe('kept');
    expect(await carried()).toBe('known');
    t.forwarder.committed(true);
    await t.up(true);
    expect(t.failures).toEqual([]);
    expect(t.sent[0]).toEqual(paper.token);
    expect(t.store.stats().rows).toBe(4);
    // Also to an ingester that unpacks, papers go as they are.
    await t.receipt(t.sent.splice(1), 'accepted', { takesPacked: true });
    expect(t.store.stats().rows).toBe(1);
    await t.world.run(limits.receiptTimeoutMs + limits.forwardTickMs);
    expect(t.sent.map((token) => Buffer.from(token))).toEqual([
      ...[Buffer.from(paper.token), Buffer.from(paper.token)],
    ]);
    await t.receipt([paper.token]);
    expect(t.store.stats().rows).toBe(0);
    expect(t.failures).toEqual([]);
  });

  it('has no room in a full one, and is said to be lost to nobody when it is damaged', async () => {
    const full = openStore({ bytesMax: 100 });
    const paper = paperOf(await tokenOf());
    expect(full.store.carry(paper, partyMs)).toBe('full');
    const { db, store } = openStore();
    store.carry(paper, partyMs);
    db.exec(`UPDATE batch SET token = CAST(replace(CAST(token AS TEXT), 'A', 'B') AS BLOB)`);
    expect(store.peek({ after: 0, count: 9 })).toEqual([]);
    expect(store.stats()).toMatchObject({ rows: 0, damaged: 1 });
    expect(db.prepare('SELECT * FROM loss').all()).toEqual([]);
  });
});

describe('the folder of a running gateway', () => {
  let data = '';
  beforeEach(() => {
    data = mkdtempSync(join(tmpdir(), 'papers-'));
  });
  afterEach(() => rmSync(data, { recursive: true, force: true }));

  function taker(bytesMax?: number) {
    const { store } = openStore(bytesMax === undefined ? {} : { bytesMax });
    const lines: string[] = [];
    const log = createLog({
      ...{ component: 't', level: 'info', clock: systemClock },
      write: (line) => lines.push(line),
    });
    const outbox = { carry: async (paper: Paper) => store.carry(paper, partyMs) };
    return { ...createPaperTaker({ folder: paperFolder(data), outbox, log }), lines, store };
  }

  it('is emptied into the outbox; what is no paper is put aside', async () => {
    const t = taker();
    expect(await t.take()).toBe(false);
    const folder = paperFolder(data);
    const paper = paperOf(await tokenOf());
    placePaper(folder, paper);
    writeFileSync(join(folder, 'letter.txt'), 'dear customs');
    writeFileSync(join(folder, '.half'), 'not whole yet');
    mkdirSync(join(folder, 'more'));
    expect(await t.take()).toBe(true);
    expect(readdirSync(folder).sort()).toEqual(['.half', 'more', 'refused']);
    expect(readdirSync(join(folder, 'refused'))).toEqual(['letter.txt']);
    expect(t.store.peek({ after: 0, count: 9 }).map(({ token }) => token)).toEqual([
      Buffer.from(paper.token),
    ]);
    // After a power cut between the two, the paper is there twice and counts once.
    placePaper(folder, paper);
    expect(await t.take()).toBe(false);
    expect(t.store.stats().rows).toBe(1);
  });

  it('keeps a paper while the outbox is full, and says so once', async () => {
    const t = taker(100);
    placePaper(paperFolder(data), paperOf(await tokenOf()));
    await t.take();
    await t.take();
    expect(readdirSync(paperFolder(data))).toHaveLength(1);
    expect(t.lines.filter((line) => line.includes('the outbox is full'))).toHaveLength(1);
  });
});
