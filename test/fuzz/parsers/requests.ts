/** Bodies of the ingester's API and of its commands: trust, papers, acts of officers. */
import { composeEnrolment } from '../../../devices/credential/enrolment-wire.ts';
import { familyFor } from '../../../devices/credential/party/families.ts';
import { limits } from '../../../devices/limits.ts';
import { admit } from '../../../ingest/admit.ts';
import type { DoubtReader } from '../../../ingest/journal-doubt-reader.ts';
import { answerOfficer } from '../../../ingest/officer.ts';
import { answerSubmit, requestToSubmit } from '../../../ingest/party-submit.ts';
import type { Recorder } from '../../../ingest/record.ts';
import { createTrustDesk } from '../../../ingest/trust-change.ts';
import { answerTrust, requestToAdd } from '../../../ingest/trust-request.ts';
import { oneOfEach } from '../../support/party.ts';
import {
  attemptLater,
  type Outcome,
  type Parser,
  type Prepared,
  refused,
  type Seed,
} from '../parser.ts';
import { signing, steadyId, steadyMs } from '../steady.ts';
import { enrolmentTerms, organisation } from './papers.ts';
import { bookOfTrust } from './uplink.ts';

const nowMs = () => steadyMs;
const TENANT = 'cbp';

/** Judges as the ingester's own does, and appends nowhere: no input changes what the next finds. */
function recorder(): Recorder {
  const trust = bookOfTrust();
  const append: Recorder['append'] = async (entries) =>
    entries.map(({ header }, position) => ({
      position,
      leaf: 'ab'.repeat(32),
      result: 'stored' as const,
      kind: header.kind,
      digest: header.digest,
    }));
  return {
    trust,
    append,
    record: async () => [],
    learnChecks: () => undefined,
    learnOwn: () => undefined,
    judge: (message) => admit(message, trust, TENANT),
    exclusively: (action) => action(append),
  };
}

/** As the server does it: too large a body, or what is no JSON, reaches nobody. */
function answering(seeds: readonly Seed[], answer: (body: unknown) => Promise<unknown>): Prepared {
  return {
    seeds,
    parse: (bytes): Outcome | Promise<Outcome> => {
      if (bytes.length > limits.apiBodyBytesMax) return refused('IN_REQUEST');
      let body: unknown;
      try {
        body = JSON.parse(Buffer.from(bytes).toString());
      } catch {
        return refused('IN_REQUEST');
      }
      return attemptLater(() => answer(body));
    },
  };
}

const json = (value: unknown) => Buffer.from(JSON.stringify(value));
const enrolment = () =>
  signing(organisation.signer, 'vc+jwt')(Buffer.from(composeEnrolment(enrolmentTerms)));

export const trustRequest: Parser = {
  name: 'trust-request',
  prepare: () => {
    const desk = createTrustDesk({ tenant: TENANT, recorder: recorder(), nowMs });
    const document = json(organisation.document);
    const wrap = (bytes: Uint8Array) =>
      json(requestToAdd([{ name: 'northline.json', bytes }], true));
    const given = [
      { name: 'a', bytes: document, called: 'Northline' },
      { name: 'b', bytes: enrolment() },
    ];
    const seeds = [
      { bytes: json(requestToAdd(given, false)) },
      { bytes: json({ remove: organisation.did }) },
      { bytes: document, wrap },
    ];
    return answering(seeds, (body) => answerTrust(desk, body));
  },
};

export const submitRequest: Parser = {
  name: 'submit-request',
  prepare: () => {
    const desk = recorder();
    const { event } = oneOfEach();
    const fixed = { ...event, id: steadyId(4), issuer: organisation.party } as NonNullable<
      typeof event
    >;
    const token = signing(
      organisation.signer,
      'vc+jwt',
    )(Buffer.from(familyFor(fixed).compose(fixed)));
    const wrap = (bytes: Uint8Array) => json(requestToSubmit([{ name: 'paper', bytes }]));
    const seeds = [{ bytes: wrap(token) }, { bytes: token, wrap }];
    return answering(seeds, (body) => answerSubmit(desk, body, nowMs));
  },
};

export const officerRequest: Parser = {
  name: 'officer-request',
  prepare: () => {
    const journal = {
      doubtfulAt: (position: number) => (position < 100 ? { act: null } : undefined),
      headerAt: (position: number) => ({
        version: 1,
        tenant: TENANT,
        kind: 'doubtful',
        receivedMs: 1,
        digest: String(position),
      }),
      contradiction: () => undefined,
      quarantines: () => [{ device: enrolmentTerms.device }],
    } as unknown as DoubtReader;
    const desk = { recorder: recorder(), journal, tenant: TENANT };
    const act = {
      accept: [1, 2],
      lift: [enrolmentTerms.device],
      officer: 'J. Doe',
      reason: 'Seen.',
    };
    return answering([{ bytes: json(act) }], (body) => answerOfficer(desk, body, nowMs));
  },
};
