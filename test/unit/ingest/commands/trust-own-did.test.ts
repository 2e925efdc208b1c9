/** Parties without a web server: a wallet's did:key or did:jwk, from init to an accepted ticket. */
import { randomUUID } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { composeEnrolment } from '../../../../devices/credential/enrolment-wire.ts';
import { familyFor } from '../../../../devices/credential/party/families.ts';
import { documentOfOwnDid } from '../../../../devices/identity/own-document.ts';
import { systemClock, systemRandom } from '../../../../devices/runtime.ts';
import { createWallet, type Wallet } from '../../../../devices/wallet/wallet.ts';
import { runTrust } from '../../../../ingest/commands/trust.ts';
import { formatListing } from '../../../../ingest/commands/trust-words.ts';
import { createLocalJournal } from '../../../../ingest/journal.ts';
import { openJournalStore } from '../../../../ingest/journal-store.ts';
import { answerSubmit, requestToSubmit } from '../../../../ingest/party-submit.ts';
import { createRecorder } from '../../../../ingest/record.ts';
import { sources } from '../../../../ingest/sources/registry.ts';
import { type IngesterFolder, ingesterFolder } from '../../../support/ingester.ts';
import { ticket } from '../../../support/party.ts';
import { makeWorld } from '../../../support/trust-world.ts';

let folder: IngesterFolder;
let home: string;

beforeEach(() => {
  folder = ingesterFolder();
  home = mkdtempSync(join(tmpdir(), 'own-did-'));
  writeFileSync(join(home, 'passphrase'), 'secret\n');
});

afterEach(() => {
  folder.remove();
  rmSync(home, { recursive: true, force: true });
});

async function trust(...args: readonly string[]): Promise<{ code: number; text: string }> {
  let text = '';
  const code = await runTrust([folder.config, ...args], {
    clock: systemClock,
    random: systemRandom,
    out: (more) => {
      text += more;
    },
    err: () => undefined,
    terminal: false,
    pid: process.pid,
    sources,
    stop: new AbortController().signal,
    onInputEnd: () => undefined,
  });
  return { code, text };
}

function wallet(method: 'key' | 'jwk'): Promise<Wallet> {
  const identity = { method, name: 'Prairie Trucking', passphraseFile: join(home, 'passphrase') };
  return createWallet(join(home, method), identity, { clock: systemClock, random: systemRandom });
}

/** An enrolment of a new device that the wallet's key signs; its file. */
async function enrolment(by: Wallet): Promise<string> {
  const device = makeWorld();
  const validFromMs = Math.floor(systemClock.nowMs()) - 60_000;
  const own = {
    id: `urn:uuid:${randomUUID()}`,
    organisation: by.did,
    organisationName: by.name,
    validFromMs,
  };
  const file = join(home, `${randomUUID()}.jwt`);
  writeFileSync(file, await by.issue(composeEnrolment({ ...device.terms(), ...own })));
  return file;
}

/** What the stopped ingester makes of bytes, by what stands in its journal. */
async function submitted(bytes: Uint8Array) {
  const journal = createLocalJournal(openJournalStore(join(folder.data, 'journal.db')));
  const recorder = createRecorder({
    tenant: 'cbp',
    journal,
    admitter: { trust() {} },
    appended() {},
  });
  const request = requestToSubmit([{ name: 'file', bytes }]);
  const answer = await answerSubmit(recorder, request, () => systemClock.nowMs());
  await journal.close();
  return answer.submitted[0];
}

/** What the stopped ingester makes of a batch that a gateway brings; nothing where it is held. */
async function admitted(bytes: Uint8Array, gateway: string) {
  const journal = openJournalStore(join(folder.data, 'journal.db'));
  const recorder = createRecorder({
    ...{ tenant: 'cbp', journal: createLocalJournal(journal) },
    ...{ admitter: { trust() {} }, appended() {} },
  });
  const message = { bytes, gateway, receivedMs: Math.round(systemClock.nowMs()) };
  const { header } = recorder.judge(message);
  journal.close();
  return header;
}

describe.each(['key', 'jwk'] as const)('an organisation with a did:%s', (method) => {
  it('enrols a device and signs tickets, once a person added its DID', async () => {
    const party = await wallet(method);
    expect(party.did).toMatch(new RegExp(`^did:${method}:`));
    const document = await enrolment(party);
    const closedMs = Math.floor(systemClock.nowMs()) - 60_000;
    const own = { id: party.did, name: party.name };
    const statement = ticket({ issuer: own, carrier: own, openedMs: closedMs - 1, closedMs });
    const signed = await party.issue(
      familyFor(statement).compose({ ...statement, validFromMs: closedMs }),
    );

    const before = await trust('add', document);
    expect(before.code).toBe(1);
    expect(before.text).toContain('IN_ORGANISATION_UNKNOWN');
    expect(await submitted(signed)).toMatchObject({ code: 'IN_ORGANISATION_UNKNOWN' });

    const { code, text } = await trust('add', party.did, document, '--name', 'Prairie');
    expect(text).toContain(`Prairie (${party.did}): its device is accepted from now on\n`);
    expect(code).toBe(0);
    expect((await trust('list')).text).toContain(`organisation Prairie (${party.did})\n`);
    expect(await submitted(signed)).toMatchObject({ outcome: 'accepted' });
  });

  it('has no other document than the one that follows from its DID', async () => {
    const { did } = await wallet(method);
    const file = join(home, 'did.json');
    const own = JSON.stringify(documentOfOwnDid(did));
    const stranger = JSON.stringify(makeWorld().organisation.document);
    const foreign = JSON.stringify({ ...JSON.parse(stranger), id: did });
    for (const text of [foreign, `${own} `, own.replace('"authentication"', '"assertionMethod"')]) {
      writeFileSync(file, text);
      const answer = await trust('add', file);
      expect(answer.code).toBe(1);
      expect(answer.text).toContain('refused');
    }
    writeFileSync(file, own);
    expect((await trust('add', file)).text).toContain(`added organisation ${did}`);
    expect((await trust('add', did)).text).toContain(`known organisation ${did}`);
  });
});

describe.each(['key', 'jwk'] as const)('what a wallet with a did:%s published', (method) => {
  it('is trusted as it stands, and its devices count until it revokes them', async () => {
    const identity = { method, name: 'Prairie', passphraseFile: join(home, 'passphrase') };
    const context = { clock: systemClock, random: systemRandom };
    const statusUrl = 'https://files.example/prairie';
    const party = await createWallet(join(home, method), { ...identity, statusUrl }, context);
    const world = makeWorld();
    const { facility, scope, status: _, validFromMs: __, ...asked } = world.terms();
    const request = { ...asked, requestedMs: 0 };
    const [enrolled] = await party.enrol({ requests: [request], terms: { facility, scope } });
    const out = join(home, 'published');
    await party.publish(out, { form: 'both' });
    writeFileSync(join(out, 'fc-1.jwt'), enrolled?.token ?? '');

    const added = await trust('add', out);
    expect(added.code).toBe(0);
    expect(added.text).toContain(`added organisation ${party.did}`);
    expect(added.text).toContain(`Prairie (${party.did}): its device is accepted from now on\n`);
    const { text } = await trust('list');
    expect(text).toContain(`organisation ${party.did}\n`);
    expect(text).toContain(`status list  ${statusUrl}/suspension.jwt of ${party.did}\n`);
    expect(text).toContain(`enrolment    fc-1 (${world.device.signer.did}) by ${party.did}\n`);
    const batch = () => world.device.next(systemClock.nowMs());
    expect(await admitted(await batch(), world.fingerprint)).toMatchObject({ kind: 'batch' });

    for (const [change, kind] of [
      ['suspend', undefined],
      ['reinstate', 'batch'],
      ['revoke', 'doubtful'],
    ] as const) {
      await party.setStatus([enrolled?.member.index ?? -1], change);
      await party.publish(out);
      expect((await trust('add', out)).code).toBe(0);
      expect((await admitted(await batch(), world.fingerprint))?.kind).toBe(kind);
    }
  });
});

describe('trust add, in words', () => {
  it('counts devices by organisation, and says which of them wait for what', async () => {
    const party = await wallet('jwk');
    const list = 'https://prairie.example/status/revocation.jwt';
    const files = [await enrolment(party), await enrolment(party)];
    const world = makeWorld();
    const status = [{ purpose: 'revocation', list, index: 1 }] as const;
    const waits = join(home, 'waits.jwt');
    const { did: organisation, name: organisationName } = party;
    const terms = { ...world.terms(), status, organisation, organisationName };
    writeFileSync(waits, await party.issue(composeEnrolment(terms)));
    const { text } = await trust('add', ...files, waits, party.did);
    expect(text).toContain(
      `Prairie Trucking (${party.did}): its 2 devices are accepted from now on\n` +
        `Prairie Trucking (${party.did}): its device is not accepted yet: ` +
        `the revocation list ${list} is missing`,
    );
  });

  it('says so when an organisation comes without devices', async () => {
    const { did } = await wallet('key');
    expect((await trust('add', did)).text).toContain(`${did}: what it signs counts from now on`);
  });

  it.each([
    [['add', 'did:key:a', 'did:key:b', '--name', 'One']],
    [['add', 'some.json', '--name', 'One']],
    [['add', 'did:key:a', '--name', '']],
    [['add', 'did:key:a', '--name', 'ring\u0007']],
  ])('takes a name for one DID only: %j', async (args) => {
    await expect(trust(...args)).rejects.toMatchObject({ code: 'CFG_USAGE' });
  });

  it('keeps marks that a terminal obeys out of names', () => {
    const digest = 'z';
    const organisations = [{ did: 'did:key:a', digest, name: 'a\u001b[2J' }];
    const listing = { organisations, enrolments: [], statusLists: [], enrolmentCount: 0 };
    expect(formatListing(listing)).toBe('organisation a?[2J (did:key:a)\n');
  });
});
