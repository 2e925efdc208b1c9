/** Two public doors: the offline verifier, and the ingester with a real recorder and journal. */
import { isRefusal } from '../../devices/credential/refusal.ts';
import type { VerdictReport } from '../../devices/credential/verdict.ts';
import { verifyAny } from '../../devices/credential/verify-any.ts';
import type { VerifyContext } from '../../devices/credential/verify-context.ts';
import { fingerprintOfDid } from '../../devices/envelope.ts';
import { noDocuments, openDocuments } from '../../devices/io/documents.ts';
import { contextOf, openJsonLd } from '../../devices/io/json-ld.ts';
import { createInlineAdmitter } from '../../ingest/admitter.ts';
import { createLocalJournal } from '../../ingest/journal.ts';
import { openJournalStore } from '../../ingest/journal-store.ts';
import { answerSubmit, requestToSubmit } from '../../ingest/party-submit.ts';
import { createRecorder, type Outcome } from '../../ingest/record.ts';
import type { JournalEntry } from '../../ingest/store.ts';
import { createTrustDesk } from '../../ingest/trust-change.ts';
import { FoldWorld } from '../support/fold-world.ts';
import { hasShared, sharedPath } from '../support/shared.ts';
import { atMs, documents, gateways, papers, parties, publishedLists } from './world.ts';

const { contexts: atHand } = hasShared ? openDocuments(sharedPath('contexts')) : noDocuments;
/** Canonical RDF, with all known contexts at hand. */
export const canonize = openJsonLd(atHand);

const contexts = (url: string): unknown => {
  const found = contextOf(url, atHand);
  return isRefusal(found) ? undefined : found;
};

const genuine = documents();

/** What `bondline-ingest verify` says, with all genuine documents at hand. */
export function verify(
  bytes: Uint8Array,
  given: Partial<VerifyContext> = {},
): Promise<VerdictReport> {
  return verifyAny(bytes, { documents: genuine, contexts, atMs, ...given }, canonize);
}

/** What became of bytes at the ways into an ingester. */
export interface Brought {
  readonly uplink: Outcome;
  readonly submitted: { readonly outcome: string; readonly known: boolean; readonly code?: string };
  readonly desk: { readonly result: string; readonly code?: string };
}

/** Kinds of entry that have an effect. */
const EFFECT: readonly JournalEntry['header']['kind'][] = [
  'batch',
  'enrolment',
  'organisation',
  'status',
  'party',
  'doubtful',
  'act',
];

/** An ingester without its sources: everything from the first look at the bytes to the journal. */
export class Office {
  readonly #store = openJournalStore(':memory:');
  readonly #admitter = createInlineAdmitter('cbp', this.#store);
  readonly #recorder = createRecorder({
    tenant: 'cbp',
    journal: createLocalJournal(this.#store),
    admitter: this.#admitter,
    appended() {},
    authorities: {
      customs: [parties.customs.did],
      sureties: [parties.surety.did],
      laboratories: [parties.laboratory.did],
    },
  });
  readonly desk = createTrustDesk({ tenant: 'cbp', recorder: this.#recorder, nowMs: () => atMs });

  /** With all genuine organisations, lists and enrolments; or with these documents instead. */
  static async open(given?: readonly unknown[]): Promise<Office> {
    const office = new Office();
    const trusted = given ?? Object.values(parties).map(({ document }) => document);
    const files = [
      ...trusted.map((document) => Buffer.from(JSON.stringify(document))),
      ...publishedLists.values(),
      ...Object.values(papers).map(({ token }) => token),
    ];
    await office.desk.add(
      files.map((bytes, index) => ({ name: `${index}`, bytes })),
      false,
    );
    return office;
  }

  async uplink(bytes: Uint8Array, gateway = gateways.own.did): Promise<Outcome> {
    const buffer = new Uint8Array(bytes).buffer;
    const about = { gateway: fingerprintOfDid(gateway), receivedMs: atMs };
    const items = [{ ...about, offset: 0, length: bytes.length }];
    const judged = await this.#admitter.admit({ buffer, items });
    const [outcome] = await this.#recorder.record([judged]);
    if (outcome === undefined) throw new Error('every message has an outcome');
    return outcome;
  }

  async submit(bytes: Uint8Array): Promise<Brought['submitted']> {
    const request = requestToSubmit([{ name: 'file', bytes }]);
    const { submitted } = await answerSubmit(this.#recorder, request, () => atMs);
    const [one] = submitted;
    if (one === undefined) throw new Error('every file has an outcome');
    return one;
  }

  /** To all ways in, one after the other. */
  async bring(bytes: Uint8Array, gateway?: string): Promise<Brought> {
    const uplink = await this.uplink(bytes, gateway);
    const submitted = await this.submit(bytes);
    const [desk = { result: 'none' }] = await this.desk.add([{ name: 'file', bytes }], false);
    return { uplink, submitted, desk };
  }

  get size(): number {
    return this.#store.size();
  }

  /** Entries from a position on that would have an effect. */
  effects(from = 0): JournalEntry[] {
    const entries = this.#store.read(from, this.size);
    return entries.filter(({ header }) => EFFECT.includes(header.kind));
  }

  /** What the twins are made of, but for the alerts that a refusal raises. */
  twins(): Record<string, string> {
    return new FoldWorld().apply(this.#store.read(0, this.size)).stored();
  }

  close(): void {
    this.#store.close();
  }
}
