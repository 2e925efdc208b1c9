/** Party credentials on their way into the journal: both forms, who may sign what, and when. */
import { randomUUID } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { signToken } from '../../../devices/credential/jws.ts';
import { familyFor, type PartyStatement } from '../../../devices/credential/party/families.ts';
import { addProof } from '../../../devices/credential/proof/add-proof.ts';
import {
  composeStatusList,
  encodeStatusList,
  statusBits,
} from '../../../devices/credential/status-list.ts';
import type { JsonObject } from '../../../devices/credential/vcdm-values.ts';
import { formatTime } from '../../../devices/runtime.ts';
import { createInlineAdmitter } from '../../../ingest/admitter.ts';
import { createLocalJournal } from '../../../ingest/journal.ts';
import { openJournalStore } from '../../../ingest/journal-store.ts';
import { noAuthorities, type Requirements } from '../../../ingest/party-book.ts';
import { answerSubmit, requestToSubmit } from '../../../ingest/party-submit.ts';
import { createRecorder } from '../../../ingest/record.ts';
import { createTrustDesk } from '../../../ingest/trust-change.ts';
import { memoryOrganisation, type Organisation } from '../../support/identity.ts';
import {
  aeo,
  bond,
  calibration,
  ctpat,
  custodyStep,
  customs,
  laboratory,
  lakeside,
  movement,
  newId,
  northline,
  partyMs,
  surety,
  ticket,
} from '../../support/party.ts';

const organisation = ({ id, name }: { id: string; name: string }) => memoryOrganisation(id, name);
const by = Object.fromEntries(
  [northline, lakeside, customs, surety, laboratory].map((one) => [one.id, organisation(one)]),
) as Record<string, Organisation>;
const stranger = organisation({ id: 'did:web:stranger.example', name: 'Stranger' });

const authorities = {
  customs: [customs.id],
  sureties: [surety.id],
  laboratories: [laboratory.id],
};

/** A journal in memory whose ingester trusts these organisations. */
async function office(
  options: {
    allowed?: typeof noAuthorities;
    trusted?: string[];
    require?: Partial<Requirements>;
  } = {},
) {
  const { allowed = authorities, trusted = Object.keys(by), require } = options;
  const store = openJournalStore(':memory:');
  const recorderOf = () =>
    createRecorder({
      tenant: 'cbp',
      journal: createLocalJournal(store),
      admitter: { trust() {} },
      appended() {},
      authorities: allowed,
      require: { possessor: [], bondLiable: [], ...require },
    });
  let recorder = recorderOf();
  const desk = createTrustDesk({ tenant: 'cbp', recorder, nowMs: () => partyMs });
  const documents = trusted.map((id) => ({
    name: id,
    bytes: Buffer.from(JSON.stringify(by[id]?.document)),
  }));
  await desk.add(documents, false);
  return {
    store,
    desk,
    /** Publishes a list of an organisation, by hand. */
    publish: async (of: string, list: string, set: number[], validFromMs: number) => {
      const { signer } = by[of] as Organisation;
      const payload = composeStatusList({
        ...{ id: list, issuer: of, purpose: 'revocation', validFromMs },
        encodedList: encodeStatusList(statusBits(set)),
      });
      const bytes = await signToken({ payload, signer, typ: 'vc+jwt' });
      await desk.add([{ name: 'list.jwt', bytes }], false);
    },
    restart: () => {
      recorder = recorderOf();
    },
    /** What came of the last of the messages of a gateway, which came in one chunk. */
    record: async (gateway: string, ...messages: Uint8Array[]) => {
      const buffer = new Uint8Array(Buffer.concat(messages)).buffer;
      let offset = 0;
      const items = messages.map(({ length }) => {
        offset += length;
        return { gateway, receivedMs: partyMs, offset: offset - length, length };
      });
      const admitter = createInlineAdmitter('cbp', store);
      admitter.trust({ entries: store.readKinds(['organisation']), position: store.size() });
      const outcomes = await recorder.record([await admitter.admit({ buffer, items })]);
      return outcomes.at(-1);
    },
    submit: async (bytes: Uint8Array, atMs = partyMs) => {
      const request = requestToSubmit([{ name: 'file', bytes }]);
      const { submitted } = await answerSubmit(recorder, request, () => atMs);
      return submitted[0];
    },
  };
}

function token(statement: PartyStatement, signer = by[statement.issuer.id]): Promise<Uint8Array> {
  if (signer === undefined) throw new Error(`${statement.issuer.id} has no key`);
  const payload = familyFor(statement).compose(statement);
  return signToken({ payload, signer: signer.signer, typ: 'vc+jwt' });
}

/** The statement with a proof of each, every one over the one before it. */
async function proven(
  statement: PartyStatement,
  signers: readonly (Organisation | undefined)[],
  chained = true,
): Promise<Uint8Array> {
  let document = JSON.parse(familyFor(statement).compose(statement)) as JsonObject;
  let previousProof: string | undefined;
  for (const signer of signers) {
    if (signer === undefined) throw new Error('a signer has no key');
    const id = `urn:uuid:${randomUUID()}`;
    document = await addProof(document, signer.signer, {
      id,
      purpose: 'assertionMethod',
      created: formatTime(partyMs),
      ...(chained && previousProof !== undefined && { previousProof }),
    });
    previousProof = id;
  }
  return Buffer.from(JSON.stringify(document));
}

describe('a party credential', () => {
  it('is taken as a token and as JSON with a proof, each once', async () => {
    const { submit, store } = await office();
    for (const bytes of [
      await token(ticket()),
      await proven(ticket({ id: newId() }), [by[northline.id]]),
    ]) {
      const first = await submit(bytes);
      expect(first).toMatchObject({ outcome: 'accepted', known: false });
      expect(await submit(Buffer.concat([bytes, Buffer.from('\n')]))).toEqual({
        ...first,
        known: true,
      });
      const [entry] = store.read(first?.position ?? -1, 1);
      expect(entry?.header).toMatchObject({ kind: 'party', digest: first?.digest });
      expect(entry?.header.documents).toHaveLength(1);
      expect(entry?.header).not.toHaveProperty('gateway');
    }
  });

  it('is held until its organisation is trusted', async () => {
    const { submit, desk } = await office({ trusted: [] });
    const bytes = await token(ticket());
    expect(await submit(bytes)).toMatchObject({ outcome: 'held', code: 'IN_ORGANISATION_UNKNOWN' });
    const { document } = by[northline.id] as Organisation;
    await desk.add([{ name: 'did.json', bytes: Buffer.from(JSON.stringify(document)) }], false);
    expect(await submit(bytes)).toMatchObject({ outcome: 'accepted' });
  });

  it('is refused for good with a code that says why', async () => {
    const { submit } = await office();
    const good = Buffer.from(await token(ticket()));
    const forged = Buffer.from(good);
    forged[forged.length - 5] = forged[forged.length - 5] === 65 ? 66 : 65;
    const cases: [string, Uint8Array][] = [
      ['VC_SIGNATURE', forged],
      ['VC_ISSUER', await token(ticket(), stranger).then((bytes) => bytes)],
      [
        'VC_SCHEMA',
        await signedAs({ ...JSON.parse(familyFor(ticket()).compose(ticket())), extra: 1 }),
      ],
      ['IN_FUTURE', await token(ticket({ closedMs: partyMs + 3_600_000 }))],
      ['VC_EXPIRED', await token(ticket({ validUntilMs: partyMs - 1 }))],
      ['VC_PROOF_CHAIN', await token(custodyStep())],
      ['VC_PROOF_CHAIN', await proven(custodyStep(), [by[northline.id]])],
      ['VC_UNSECURED', Buffer.from(familyFor(ticket()).compose(ticket()))],
      [
        'IN_TYPE_UNSUPPORTED',
        await signedAs({ type: ['VerifiableCredential'], issuer: northline.id }),
      ],
    ];
    for (const [code, bytes] of cases) {
      expect(await submit(bytes), code).toMatchObject({ outcome: 'refused', code });
    }
  });

  function signedAs(payload: object): Promise<Uint8Array> {
    const { signer } = by[northline.id] as Organisation;
    return signToken({ payload: JSON.stringify(payload), signer, typ: 'vc+jwt' });
  }

  it('follows its status list: revoked, suspended, unknown', async () => {
    const { submit, desk } = await office();
    const list = 'https://northline.example/status/papers.jwt';
    const statement = ticket({ status: [{ purpose: 'revocation', list, index: 7 }] });
    const bytes = await token(statement);
    expect(await submit(bytes)).toMatchObject({ outcome: 'held', code: 'IN_STATUS_UNKNOWN' });
    const publish = async (set: number[], validFromMs: number) => {
      const payload = composeStatusList({
        id: list,
        issuer: northline.id,
        purpose: 'revocation',
        encodedList: encodeStatusList(statusBits(set)),
        validFromMs,
      });
      const { signer } = by[northline.id] as Organisation;
      const signed = await signToken({ payload, signer, typ: 'vc+jwt' });
      await desk.add([{ name: 'list.jwt', bytes: signed }], false);
    };
    await publish([], partyMs - 2_000);
    expect(await submit(bytes)).toMatchObject({ outcome: 'accepted' });
    await publish([7], partyMs - 1_000);
    const again = await token(ticket({ status: statement.status }));
    expect(await submit(again)).toMatchObject({ outcome: 'refused', code: 'VC_REVOKED' });
  });
});

describe('a custody step in one document', () => {
  it('needs both signatures, in their order, the second over the first', async () => {
    const { submit } = await office();
    const [from, to] = [by[northline.id], by[lakeside.id]];
    expect(await submit(await proven(custodyStep(), [from, to]))).toMatchObject({
      outcome: 'accepted',
    });
    const wrong: [string, Uint8Array][] = [
      ['VC_ISSUER', await proven(custodyStep(), [to, from])],
      ['VC_ISSUER', await proven(custodyStep(), [from, by[customs.id]])],
      ['VC_ISSUER', await proven(custodyStep(), [from, to, from])],
      ['VC_PROOF_CHAIN', await proven(custodyStep(), [from, to], false)],
    ];
    for (const [code, bytes] of wrong) {
      expect(await submit(bytes)).toMatchObject({ outcome: 'refused', code });
    }
  });

  it('is refused when anything in it was changed after one of the signatures', async () => {
    const { submit } = await office();
    const bytes = await proven(custodyStep(), [by[northline.id], by[lakeside.id]]);
    const changed = Buffer.from(bytes.toString().replace('15000.25', '15000.26'));
    expect(await submit(changed)).toMatchObject({ outcome: 'refused', code: 'VC_SIGNATURE' });
    const document = JSON.parse(bytes.toString());
    document.proof[0].created = formatTime(partyMs - 1_000);
    const early = Buffer.from(JSON.stringify(document));
    expect(await submit(early)).toMatchObject({ outcome: 'refused', code: 'VC_SIGNATURE' });
    // The genuine one is not harmed by what others made of it.
    expect(await submit(bytes)).toMatchObject({ outcome: 'accepted' });
  });

  it('has one name, however its JSON is written', async () => {
    const { submit } = await office();
    const bytes = await proven(custodyStep(), [by[northline.id], by[lakeside.id]]);
    const spaced = Buffer.from(JSON.stringify(JSON.parse(bytes.toString()), null, 2));
    const first = await submit(bytes);
    expect(await submit(spaced)).toEqual({ ...first, known: true });
  });
});

describe('what counts only by others', () => {
  it('standing, bonds and calibrations are of those whom the configuration names', async () => {
    const closedOffice = await office({ allowed: noAuthorities });
    const openOffice = await office();
    for (const statement of [aeo({ status: [] }), bond(), calibration()]) {
      const bytes = await token(statement);
      expect(await closedOffice.submit(bytes)).toMatchObject({
        outcome: 'held',
        code: 'IN_AUTHORITY_UNKNOWN',
      });
      expect(await openOffice.submit(bytes)).toMatchObject({ outcome: 'accepted' });
    }
    const own = await token(bond({ issuer: northline, principal: lakeside }));
    expect(await openOffice.submit(own)).toMatchObject({ code: 'IN_AUTHORITY_UNKNOWN' });
  });

  it('a movement needs a bond of its liable party at the time, also after a restart', async () => {
    const { submit, restart, store } = await office();
    const asked = await token(movement());
    expect(await submit(asked)).toMatchObject({ outcome: 'held', code: 'IN_BOND_MISSING' });
    await submit(await token(bond({ bondType: 'importer' })));
    expect(await submit(asked)).toMatchObject({ code: 'IN_BOND_MISSING' });
    const bonded = await submit(await token(bond()));
    restart();
    const taken = await submit(asked);
    expect(taken).toMatchObject({ outcome: 'accepted' });
    // The journal says on which bond the act rests.
    const [entry] = store.read(taken?.position ?? -1, 1);
    expect(entry?.header.documents).toContain(bonded?.digest);
    const late = await token(movement({ act: 'export' }));
    expect(await submit(late, bond().validUntilMs + 1)).toMatchObject({ code: 'IN_BOND_MISSING' });
  });

  it('goods in bond go only to who has a bond; out of bond to anyone trusted', async () => {
    const { submit } = await office();
    await submit(await token(bond()));
    const step = () => proven(custodyStep(), [by[northline.id], by[lakeside.id]]);
    expect(await submit(await step())).toMatchObject({ outcome: 'accepted' });
    await submit(await token(movement()));
    const inBond = await step();
    expect(await submit(inBond)).toMatchObject({ outcome: 'held', code: 'IN_BOND_MISSING' });
    await submit(await token(bond({ principal: lakeside })));
    expect(await submit(inBond)).toMatchObject({ outcome: 'accepted' });
  });
});

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

describe('a standing that is asked for', () => {
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
