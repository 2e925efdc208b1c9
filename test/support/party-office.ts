/** An ingester's office that takes party credentials: a journal in memory and whom it trusts. */
import { randomUUID } from 'node:crypto';
import { signToken } from '../../devices/credential/jws.ts';
import { familyFor, type PartyStatement } from '../../devices/credential/party/families.ts';
import { addProof } from '../../devices/credential/proof/add-proof.ts';
import {
  composeStatusList,
  encodeStatusList,
  statusBits,
} from '../../devices/credential/status-list.ts';
import type { JsonObject } from '../../devices/credential/vcdm-values.ts';
import { formatTime } from '../../devices/runtime.ts';
import { createInlineAdmitter } from '../../ingest/admitter.ts';
import { createLocalJournal } from '../../ingest/journal.ts';
import { openJournalStore } from '../../ingest/journal-store.ts';
import type { noAuthorities, Requirements } from '../../ingest/party-book.ts';
import { answerSubmit, requestToSubmit } from '../../ingest/party-submit.ts';
import { createRecorder } from '../../ingest/record.ts';
import { createTrustDesk } from '../../ingest/trust-change.ts';
import { memoryOrganisation, type Organisation } from './identity.ts';
import { customs, laboratory, lakeside, northline, partyMs, surety } from './party.ts';

const organisation = ({ id, name }: { id: string; name: string }) => memoryOrganisation(id, name);
export const by = Object.fromEntries(
  [northline, lakeside, customs, surety, laboratory].map((one) => [one.id, organisation(one)]),
) as Record<string, Organisation>;
export const stranger = organisation({ id: 'did:web:stranger.example', name: 'Stranger' });

const authorities = {
  customs: [customs.id],
  sureties: [surety.id],
  laboratories: [laboratory.id],
};

/** A journal in memory whose ingester trusts these organisations. */
export async function office(
  options: {
    allowed?: typeof noAuthorities;
    trusted?: string[];
    require?: Partial<Requirements>;
    /** Where the journal is a file. */
    journalFile?: string;
  } = {},
) {
  const { allowed = authorities, trusted = Object.keys(by), require } = options;
  const store = openJournalStore(options.journalFile ?? ':memory:');
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
    publish: async (
      of: string,
      list: string,
      set: number[],
      validFromMs: number,
      changes: { readonly validUntilMs?: number } = {},
    ) => {
      const { signer } = by[of] as Organisation;
      const payload = composeStatusList({
        ...{ id: list, issuer: of, purpose: 'revocation', validFromMs, ...changes },
        encodedList: encodeStatusList(statusBits(set)),
      });
      const bytes = await signToken({ payload, signer, typ: 'vc+jwt' });
      await desk.add([{ name: 'list.jwt', bytes }], false);
    },
    /** Says that a list was found at its address. */
    found: (list: string, atMs: number) => recorder.learnChecks([{ list, atMs }]),
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

export function token(
  statement: PartyStatement,
  signer = by[statement.issuer.id],
): Promise<Uint8Array> {
  if (signer === undefined) throw new Error(`${statement.issuer.id} has no key`);
  const payload = familyFor(statement).compose(statement);
  return signToken({ payload, signer: signer.signer, typ: 'vc+jwt' });
}

/** The statement with a proof of each, every one over the one before it. */
export async function proven(
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
