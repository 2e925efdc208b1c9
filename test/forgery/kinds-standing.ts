/**
 * Deceits around a credential that is itself as its signer made it: replayed under the papers of
 * others, after it was revoked, by keys that may not sign, with lists that are none.
 */
import { custodyStep, newId, ticket } from '../support/party.ts';
import { someDigest } from '../support/signed-batch.ts';
import type { Forgery } from './case.ts';
import { headerOf, payloadOf, signed } from './case.ts';
import { withDids } from './kinds-did.ts';
import { withEntries, withLists } from './kinds-status.ts';
import { batch, plain, proven, tokens } from './places.ts';
import {
  atMs,
  devices,
  enrolment,
  forger,
  gateways,
  keys,
  papers,
  parties,
  stranger,
} from './world.ts';

const { northline: own, rival, lakeside } = parties;
const bytes = (value: unknown): Uint8Array =>
  Buffer.from(typeof value === 'string' ? value : JSON.stringify(value));

const rivalName = { id: rival.did, name: rival.name };

const REPLAYS: readonly [string, readonly string[], () => Promise<string>, Partial<Forgery>?][] = [
  [
    "under the rival's enrolment",
    ['VC_ENROLMENT_MISMATCH', 'VC_ENROLMENT_MISSING'],
    () => batch(devices.meter, papers.rival),
  ],
  [
    "under another device's enrolment",
    ['VC_ENROLMENT_MISMATCH', 'VC_ENROLMENT_MISSING'],
    () => batch(devices.meter, papers.scale),
  ],
  [
    'under an enrolment of another name',
    ['VC_ENROLMENT_MISMATCH'],
    () => batch(devices.meter, { ...papers.meter, id: newId() }),
  ],
  [
    'under an enrolment that is not there',
    ['VC_ENROLMENT_MISSING'],
    () => batch(devices.meter, { id: newId(), digest: someDigest }),
  ],
  [
    'of a device that nobody enrolled',
    ['VC_ENROLMENT_MISSING'],
    () => batch(keys('ES256'), papers.meter),
  ],
  ["of the forger's device", ['VC_ENROLMENT_MISSING'], () => batch(forger.EdDSA, papers.scale)],
  [
    'by another gateway',
    ['VC_ENROLMENT_MISMATCH'],
    () => batch(devices.meter, papers.meter, { gateway: gateways.rival.did }),
  ],
  [
    "for the rival's gateway, by its uplink",
    ['VC_ENROLMENT_MISMATCH'],
    () => batch(devices.meter, papers.meter, { gateway: gateways.rival.did }),
    { gateway: gateways.rival.did },
  ],
  [
    'under another profile',
    ['VC_ENROLMENT_MISMATCH'],
    () =>
      batch(devices.meter, papers.meter, {
        profile: { name: 'other', digest: papers.meter.digest },
      }),
  ],
  [
    "of the rival's goods",
    ['VC_SCOPE'],
    () => batch(devices.meter, papers.meter, { groups: ofGoods('did:web:rival.example/batch/1') }),
  ],
  [
    'of goods beside its scope',
    ['VC_SCOPE'],
    () =>
      batch(devices.meter, papers.meter, { groups: ofGoods('did:web:northline.example/batch') }),
  ],
  [
    'of goods that climb out',
    ['VC_SCOPE', 'VC_SCHEMA'],
    () =>
      batch(devices.meter, papers.meter, {
        groups: ofGoods('did:web:northline.example/BATCH/../1'),
      }),
  ],
  ['of a revoked device', ['VC_REVOKED'], () => batch(devices.revoked, papers.revoked)],
  ['of a suspended device', ['VC_SUSPENDED'], () => batch(devices.suspended, papers.suspended)],
];

const ofGoods = (about: string) => [
  {
    timeMs: atMs - 9_000,
    gatewayTimeMs: atMs - 9_000,
    about,
    readings: [{ point: 'a', type: 'Temperature', unit: 'CEL', value: 1, quality: 'good' }],
  },
];

async function* replays(): AsyncGenerator<Forgery> {
  for (const [name, codes, make, more] of REPLAYS) {
    const made = bytes(await make());
    const one = { kind: `replay ${name}`, place: 'batch', bytes: made, codes, ...more };
    // A revoked device is doubtful at the ingester: kept, shown, and without any effect.
    yield name.includes('revoked') ? { ...one, only: 'verifier' } : one;
  }
  yield {
    kind: "replay by another gateway's uplink",
    place: 'batch',
    bytes: bytes(await batch(devices.meter, papers.meter)),
    only: 'ingester',
    gateway: gateways.rival.did,
    admitted: ['IN_UPLINK'],
  };
  const later = bytes(await batch(devices.meter, papers.meter, { closedMs: atMs + 3_600_000 }));
  yield {
    kind: 'time: closed in the future',
    place: 'batch',
    bytes: later,
    codes: ['VC_NOT_YET_VALID'],
    admitted: ['IN_FUTURE'],
  };
  const ended = { validFromMs: atMs - 7_200_000, validUntilMs: atMs - 3_600_000 };
  const late = await enrolment(devices.fresh, own, ended);
  yield {
    kind: 'time: ended',
    place: 'enrolment',
    bytes: late.token,
    codes: ['VC_EXPIRED'],
    admitted: ['VC_EXPIRED'],
  };
  const early = await enrolment(devices.fresh, own, { validFromMs: atMs + 7_200_000 });
  yield {
    kind: 'time: begins later',
    place: 'enrolment',
    bytes: early.token,
    codes: ['VC_NOT_YET_VALID'],
    only: 'verifier',
  };
  yield* rivals();
}

/** Organisations that take what is another's. */
async function* rivals(): AsyncGenerator<Forgery> {
  const stolen = await enrolment(devices.meter, rival);
  yield {
    kind: "another's device enrolled",
    place: 'enrolment',
    bytes: stolen.token,
    only: 'ingester',
    admitted: ['IN_KEY_REUSED'],
  };
  const pretended = await enrolment(devices.fresh, { ...own, signer: rival.signer });
  yield {
    kind: "another's name as issuer",
    place: 'enrolment',
    bytes: pretended.token,
    codes: ['VC_ISSUER'],
    admitted: ['VC_ISSUER', 'VC_KEY_UNKNOWN'],
  };
  const unknown = await enrolment(devices.fresh, stranger);
  yield {
    kind: 'by a stranger',
    place: 'enrolment',
    bytes: unknown.token,
    codes: ['VC_DOCUMENT_MISSING'],
  };
  const chain = ['VC_ISSUER', 'VC_PROOF_CHAIN'];
  const claims: readonly [string, object, readonly (typeof own)[]][] = [
    [
      'custody taken by one who does not hold it',
      plain(custodyStep({ issuer: rivalName, from: rivalName })),
      [own, lakeside],
    ],
    ['custody taken without the holder', plain(custodyStep()), [lakeside]],
    ['custody taken by the rival for the holder', plain(custodyStep()), [rival, lakeside]],
    ['custody given to one who did not accept', plain(custodyStep()), [own, rival]],
    ["another's ticket", plain(ticket()), [rival]],
    ["a stranger's ticket", plain(ticket()), [stranger]],
  ];
  for (const [name, statement, by] of claims) {
    const document = await proven(
      statement as never,
      by.map(({ signer }) => signer),
    );
    yield {
      kind: name,
      place: 'party document',
      bytes: bytes(document),
      codes: [...chain, 'VC_DOCUMENT_MISSING'],
      admitted: [...chain, 'VC_DOCUMENT_MISSING'],
    };
  }
}

/** Genuine credentials at doors that are for other kinds. */
async function* crossed(): AsyncGenerator<Forgery> {
  for (const one of tokens) {
    const header = headerOf(one);
    for (const typ of ['vp+jwt', 'bondline-receipt+jwt', 'bondline-enrol-request+jwt']) {
      const made = await signed(
        JSON.stringify({ ...header, typ }),
        JSON.stringify(payloadOf(one)),
        one.signer,
      );
      yield { kind: `shown as ${typ}`, place: one.name, bytes: bytes(`${made}${one.tail}`) };
    }
  }
}

export async function* forgedStandings(): AsyncGenerator<Forgery> {
  yield* withLists();
  yield* withEntries();
  yield* replays();
  yield* withDids();
  yield* crossed();
}
