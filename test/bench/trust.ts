/**
 * What it costs to judge and to sign one batch of 100 readings, beside bare node:crypto over the
 * same bytes and beside the libraries that others would use, all in one run and on one core.
 */
import { generateKeyPairSync, randomUUID, sign, verify } from 'node:crypto';
import type { BatchDraft } from '../../devices/credential/batch.ts';
import { composeBatch, readBatch } from '../../devices/credential/batch-wire.ts';
import { openToken, signTokenNow } from '../../devices/credential/jws.ts';
import { isRefusal } from '../../devices/credential/refusal.ts';
import { credentialDigest } from '../../devices/envelope.ts';
import { digestMultibase } from '../../devices/profile.ts';
import { type Admission, admit } from '../../ingest/admit.ts';
import { openJournalStore } from '../../ingest/journal-store.ts';
import type { EntryHeader, EntryKind, JournalEntry, NewEntry } from '../../ingest/store.ts';
import { emptyTrust, foldTrust, type TrustBook } from '../../ingest/trust.ts';
import { memorySigner } from '../support/identity.ts';
import { type Corpus, makeCorpus } from './corpus.ts';
import { type Figure, figure, median } from './figure.ts';
import { peersOf, type VerifyingPeer } from './trust-peers.ts';
import { runTrustScale } from './trust-scale.ts';

const BATCHES = 256;
const DEVICES = 4;
/** Batches that the journal looks up in one transaction, as it does under load. */
const GROUP = 64;
const ROUNDS = 31;
const ROUND_MS = 100;
const TENANT = 'bench';

/** What an ingester with a million enrolled devices may take at most. */
const START_MS_MAX = 5_000;
const RESIDENT_MIB_MAX = 1024;

/** What is asked for: our rate against each peer's. */
const TIMES_WANTED: Readonly<Record<string, number>> = {
  sphereon: 10,
  'digitalbazaar-vc': 50,
  jose: 1,
};

/** Work that is measured in turns with other work, so that a slow minute slows all of it. */
interface Contestant {
  readonly name: string;
  /** Does `count` pieces from number `from` on. */
  run(from: number, count: number): void | Promise<void>;
}

export async function benchTrust(say: (line: string) => void): Promise<Figure[]> {
  const nowMs = Date.now();
  const corpus = await makeCorpus({ count: BATCHES, devices: DEVICES, nowMs });
  const peers = await peersOf(corpus, say);
  const ours = [verifying(corpus, nowMs), bareVerify(corpus), signing(corpus), bareSign(corpus)];
  const { rateOf, boundOf } = await race([...ours, ...peers.map(contestantOf)]);
  const verified = rateOf('verify');
  const unit = 'batches/s per core';
  const scale = runTrustScale(say);
  return [
    figure('trust.verifyBatchPerSecond', verified, unit, boundOf('verify', 'bareVerify')),
    figure('trust.signBatchPerSecond', rateOf('sign'), unit, boundOf('sign', 'bareVerify')),
    // The harder bound for signing: JSON.stringify and a bare signature.
    figure('trust.signBatchPerSecondOfBareSign', rateOf('sign'), unit, boundOf('sign', 'bareSign')),
    ...peers.flatMap(({ name }) => [
      figure(`trust.peer.${name}.verifyPerSecond`, rateOf(name), unit, verified),
      figure(
        `trust.times.${name}`,
        verified / boundOf('verify', name),
        'times',
        TIMES_WANTED[name] ?? 1,
      ),
    ]),
    // At most so much: below 1 is better.
    figure('trust.millionDevices.startMs', scale.startMs, 'ms', START_MS_MAX),
    figure('trust.millionDevices.residentMiB', scale.rssMiB, 'MiB', RESIDENT_MIB_MAX),
    figure('trust.millionDevices.lookupOfThousand', scale.lookupRatio, 'times', 1),
  ];
}

/** Everything that a batch goes through: form, schema, proof, enrolment, status, replay. */
function verifying(corpus: Corpus, nowMs: number): Contestant {
  const trust = bookOf(corpus, nowMs);
  const journal = openJournalStore(':memory:');
  const entryOf = (bytes: Uint8Array): NewEntry => {
    const admission = admit({ gateway: corpus.gateway, bytes, receivedMs: nowMs }, trust, TENANT);
    return { header: headerOf(admission), bytes };
  };
  journal.append(corpus.tokens.map(entryOf));
  return {
    name: 'verify',
    run(from, count) {
      const entries: NewEntry[] = [];
      for (let at = from; at < from + count; at += 1) entries.push(entryOf(tokenAt(corpus, at)));
      const { length } = journal.append(entries).filter(({ result }) => result === 'known');
      if (length !== count) throw new Error('a replay was not recognised');
    },
  };
}

function headerOf({ header, reason }: Admission): EntryHeader {
  if (header?.kind !== 'batch') throw new Error(`a batch was not accepted: ${reason}`);
  return header;
}

function bookOf(corpus: Corpus, nowMs: number): TrustBook {
  const book = emptyTrust();
  const documents = [Buffer.from(JSON.stringify(corpus.organisation.document))];
  const fold = (kind: EntryKind, digest: string, bytes: Uint8Array) => {
    const header: EntryHeader = { version: 1, tenant: TENANT, kind, receivedMs: nowMs, digest };
    foldTrust(book, { position: book.position, header, bytes } satisfies JournalEntry);
  };
  for (const bytes of documents) fold('organisation', digestMultibase(bytes), bytes);
  for (const token of corpus.enrolments) fold('enrolment', credentialDigest(token), token);
  return book;
}

/** node:crypto's ES256 verify and JSON.parse of the same bytes; no project code. */
function bareVerify(corpus: Corpus): Contestant {
  const pair = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  const signer = { key: pair.privateKey, dsaEncoding: 'ieee-p1363' } as const;
  const verifier = { key: pair.publicKey, dsaEncoding: 'ieee-p1363' } as const;
  const parts = corpus.tokens.map((token) => {
    const text = Buffer.from(token).toString('latin1');
    const input = Buffer.from(text.slice(0, text.lastIndexOf('.')));
    const [, payload = ''] = text.split('.');
    return { input, payload, signature: sign('sha256', input, signer) };
  });
  return {
    name: 'bareVerify',
    run(from, count) {
      for (let at = from; at < from + count; at += 1) {
        const { input, payload, signature } = parts[at % parts.length] as (typeof parts)[number];
        if (!verify('sha256', input, verifier, signature)) throw new Error('verify failed');
        JSON.parse(Buffer.from(payload, 'base64url').toString());
      }
    },
  };
}

/** From a draft to signed bytes and the digest that the next batch names. */
function signing(corpus: Corpus): Contestant {
  const drafts = corpus.tokens.map((token) => draftOf(token));
  const signer = memorySigner();
  return {
    name: 'sign',
    run(from, count) {
      for (let at = from; at < from + count; at += 1) {
        const draft = { ...(drafts[at % drafts.length] as BatchDraft), device: signer.did };
        const epoch = { counter: 1, nonce: '0'.repeat(32) };
        const ids = { credential: `urn:uuid:${randomUUID()}`, event: `urn:uuid:${randomUUID()}` };
        const payload = composeBatch(draft, { epoch, sequence: at + 1 }, ids);
        credentialDigest(signTokenNow({ payload, signer, typ: 'vc+jwt' }));
      }
    },
  };
}

function draftOf(token: Uint8Array): BatchDraft {
  const opened = openToken(token, token.length);
  const batch = isRefusal(opened) ? opened : readBatch(opened.payload);
  if (isRefusal(batch)) throw new Error(batch.reason);
  const { id: _, epoch: _epoch, sequence: _sequence, previous: _previous, ...draft } = batch;
  return draft;
}

/** JSON.stringify, base64url and node:crypto's ES256 signature; no project code. */
function bareSign(corpus: Corpus): Contestant {
  const pair = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  const signer = { key: pair.privateKey, dsaEncoding: 'ieee-p1363' } as const;
  const payloads = corpus.tokens.map((token) => {
    const [, payload = ''] = Buffer.from(token).toString('latin1').split('.');
    return JSON.parse(Buffer.from(payload, 'base64url').toString()) as object;
  });
  return {
    name: 'bareSign',
    run(from, count) {
      for (let at = from; at < from + count; at += 1) {
        const text = JSON.stringify(payloads[at % payloads.length]);
        const input = `e30.${Buffer.from(text).toString('base64url')}`;
        sign('sha256', Buffer.from(input, 'latin1'), signer);
      }
    },
  };
}

function contestantOf({ name, verify: verifyOne }: VerifyingPeer): Contestant {
  return {
    name,
    async run(from, count) {
      for (let at = from; at < from + count; at += 1) await verifyOne(at);
    },
  };
}

/**
 * Pieces a second of each in rounds in which all take turns. What another does beside it is said
 * by the rounds in pairs: a machine that slows down for a while slows both of a pair.
 */
async function race(contestants: readonly Contestant[]) {
  const rates = new Map<string, number[]>(contestants.map(({ name }) => [name, []]));
  const next = new Map<string, number>();
  for (let round = -1; round < ROUNDS; round += 1) {
    for (const { name, run } of contestants) {
      let from = next.get(name) ?? 0;
      const start = performance.now();
      let done = 0;
      // Slow peers are asked for few at a time, so that a round stays a round.
      for (
        let count = 1;
        performance.now() - start < ROUND_MS;
        count = Math.min(GROUP, count * 2)
      ) {
        await run(from, count);
        from += count;
        done += count;
      }
      next.set(name, from);
      // The first round only warms up.
      if (round >= 0) rates.get(name)?.push((done * 1000) / (performance.now() - start));
    }
  }
  const all = (name: string): readonly number[] => rates.get(name) ?? [];
  return {
    rateOf: (name: string): number => median([...all(name)]),
    /** The rate of `name` over the median of what share of `other` it reaches. */
    boundOf: (name: string, other: string): number => {
      const shares = all(name).map((rate, round) => rate / (all(other)[round] ?? Number.NaN));
      return median([...all(name)]) / median(shares);
    },
  };
}

function tokenAt({ tokens }: Corpus, at: number): Uint8Array {
  return tokens[at % tokens.length] as Uint8Array;
}
