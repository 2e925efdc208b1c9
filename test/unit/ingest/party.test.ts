import { describe, expect, it } from 'vitest';
import { signToken } from '../../../devices/credential/jws.ts';
import { familyFor } from '../../../devices/credential/party/families.ts';
import {
  composeStatusList,
  encodeStatusList,
  statusBits,
} from '../../../devices/credential/status-list.ts';
import { formatTime } from '../../../devices/runtime.ts';
import { noAuthorities } from '../../../ingest/party-book.ts';
import type { Organisation } from '../../support/identity.ts';
import {
  aeo,
  bond,
  calibration,
  custodyStep,
  customs,
  lakeside,
  movement,
  newId,
  northline,
  partyMs,
  ticket,
} from '../../support/party.ts';
import { by, office, proven, stranger, token } from '../../support/party-office.ts';
import { token as handMade } from '../../support/presented.ts';

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

  it('names its key in full, and whoever signed where it says so', async () => {
    const { submit } = await office();
    const carrier = by[northline.id] as Organisation;
    const fragment = carrier.signer.keyId.replace(carrier.did, '');
    const made = (header: object) => {
      const payload = JSON.parse(familyFor(ticket()).compose(ticket({ id: newId() })));
      return submit(Buffer.from(handMade(payload, header, carrier)));
    };
    const refused = (code: string) => ({ outcome: 'refused', code });
    expect(await made({ kid: fragment })).toMatchObject(refused('VC_HEADER'));
    expect(await made({ kid: fragment.slice(1) })).toMatchObject(refused('VC_HEADER'));
    expect(await made({ kid: undefined })).toMatchObject(refused('VC_HEADER'));
    expect(await made({ iss: lakeside.id })).toMatchObject(refused('VC_ISSUER'));
    expect(await made({ kid: fragment, iss: lakeside.id })).toMatchObject(refused('VC_ISSUER'));
    expect(await made({ kid: fragment, iss: northline.id })).toMatchObject({ outcome: 'accepted' });
    expect(await made({})).toMatchObject({ outcome: 'accepted' });
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
