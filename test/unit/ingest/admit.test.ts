import { beforeEach, describe, expect, it } from 'vitest';
import { signToken } from '../../../devices/credential/jws.ts';
import { credentialDigest } from '../../../devices/envelope.ts';
import { limits } from '../../../devices/limits.ts';
import { digestMultibase } from '../../../devices/profile.ts';
import { admit } from '../../../ingest/admit.ts';
import type { EntryKind } from '../../../ingest/store.ts';
import { emptyTrust, foldTrust, removalOf, type TrustBook } from '../../../ingest/trust.ts';
import { memoryOrganisation, memorySigner } from '../../support/identity.ts';
import { BatchMaker, readingGroups, someDigest } from '../../support/signed-batch.ts';
import { listUrl, makeWorld, type World, worldMs } from '../../support/trust-world.ts';

let world: World;
let trust: TrustBook;

/** Folds bytes as the journal would have them. */
function learn(kind: EntryKind, bytes: Uint8Array): string {
  const digest = kind === 'organisation' ? digestMultibase(bytes) : credentialDigest(bytes);
  const header = { version: 1, tenant: 't', kind, receivedMs: worldMs, digest } as const;
  foldTrust(trust, { position: trust.position, header, bytes });
  return digest;
}

function judge(bytes: Uint8Array, gateway = world.fingerprint, receivedMs = worldMs) {
  return admit({ bytes, gateway, receivedMs }, trust, 'cbp');
}

const about = 'did:web:northline.example/batch/CDB-0284';
const groups = (of?: string) =>
  readingGroups({ fromMs: worldMs, times: 2, points: 3, ...(of !== undefined && { about: of }) });

beforeEach(() => {
  world = makeWorld();
  trust = emptyTrust();
});

describe('admit, an enrolled device', () => {
  let enrolment: string;
  beforeEach(async () => {
    learn('organisation', world.document());
    enrolment = learn('enrolment', await world.enrolment());
  });

  it('accepts its batch and says where it stands and on what the verdict rests', async () => {
    const bytes = await world.device.next(worldMs, { groups: groups(about) });
    expect(judge(bytes)).toEqual({
      outcome: 'accepted',
      digest: credentialDigest(bytes),
      bytesKept: bytes.length,
      device: world.device.signer.did,
      readings: 6,
      header: {
        version: 1,
        tenant: 'cbp',
        kind: 'batch',
        receivedMs: worldMs,
        digest: credentialDigest(bytes),
        gateway: world.fingerprint,
        batch: {
          device: world.device.signer.did,
          epochCounter: 1,
          epochNonce: world.device.epoch.nonce,
          sequence: 1,
        },
        documents: [enrolment, digestMultibase(world.document())],
      },
    });
  });

  it('names the batch before', async () => {
    const first = await world.device.next(worldMs);
    const second = await world.device.next(worldMs);
    expect(judge(second).header?.batch).toMatchObject({
      sequence: 2,
      previous: credentialDigest(first),
    });
  });

  it('accepts readings about the device itself, and a heartbeat', async () => {
    expect(judge(await world.device.next(worldMs, { groups: groups() })).outcome).toBe('accepted');
    expect(judge(await world.device.next(worldMs))).toMatchObject({
      outcome: 'accepted',
      readings: 0,
    });
  });

  it('holds the first millisecond beyond the clock skew, and refuses what is a day beyond', async () => {
    const within = await world.device.next(worldMs + limits.clockSkewMs);
    const beyond = await world.device.next(worldMs + limits.clockSkewMs + 1);
    expect(judge(within).outcome).toBe('accepted');
    expect(judge(beyond)).toMatchObject({ outcome: 'held', code: 'IN_FUTURE', bytesKept: 0 });
    expect(judge(beyond, world.fingerprint, worldMs + 1).outcome).toBe('accepted');
    const last = await world.device.next(worldMs + limits.batchAheadMsMax);
    const never = await world.device.next(worldMs + limits.batchAheadMsMax + 1);
    expect(judge(last)).toMatchObject({ outcome: 'held', code: 'IN_FUTURE' });
    expect(judge(never)).toMatchObject({ outcome: 'refused', code: 'IN_FUTURE' });
  });

  it('refuses the first batch above the size of one for good, not the last within', async () => {
    const sized = (each: number, more: number) => {
      const all = readingGroups({ fromMs: worldMs, times: 100, points: 1, about });
      const named = all.map((group, at) => {
        return { ...group, about: about + 'x'.repeat(at === 0 ? each + more : each) };
      });
      return world.device.next(worldMs, { groups: named });
    };
    const isWithin = (bytes: Uint8Array) => bytes.length <= limits.batchBytesMax;
    let each = 0;
    while (isWithin(await sized(each + 1, 1))) each += 1;
    let [within, beyond] = [await sized(each, 1), await sized(each, 2)];
    for (let more = 3; isWithin(beyond); more += 1) {
      [within, beyond] = [beyond, await sized(each, more)];
    }
    expect(beyond.length - within.length).toBeLessThan(8);
    expect(judge(within).outcome).toBe('accepted');
    expect(judge(beyond)).toMatchObject({
      outcome: 'refused',
      code: 'VC_TOO_LARGE',
      header: { kind: 'refusal', code: 'VC_TOO_LARGE' },
      bytesKept: beyond.length,
    });
  });

  it('holds what comes by a foreign uplink, since a carrier proves nothing', async () => {
    const bytes = await world.device.next(worldMs);
    const stranger = memorySigner().did.slice('did:key:'.length);
    expect(judge(bytes, stranger)).toMatchObject({ outcome: 'held', code: 'IN_UPLINK' });
    expect(judge(bytes).outcome).toBe('accepted');
  });

  const refusals: [string, string, () => Promise<Uint8Array> | Uint8Array][] = [
    ['VC_MALFORMED', 'bytes that are no token', () => Buffer.from('hello')],
    ['VC_MALFORMED', 'no bytes at all', () => new Uint8Array(0)],
    [
      'VC_TOO_LARGE',
      'more bytes than any credential has',
      () => new Uint8Array(limits.credentialBytesMax + 1),
    ],
    [
      'VC_SIGNATURE',
      'one changed bit',
      async () => {
        const bytes = Buffer.from(await world.device.next(worldMs));
        const dot = bytes.lastIndexOf(0x2e);
        const signature = Buffer.from(bytes.subarray(dot + 1).toString(), 'base64url');
        signature[10] = (signature[10] ?? 0) ^ 1;
        return Buffer.concat([
          bytes.subarray(0, dot + 1),
          Buffer.from(signature.toString('base64url')),
        ]);
      },
    ],
    [
      'VC_ISSUER',
      'a batch of one device signed by another',
      async () => {
        const bytes = await world.device.next(worldMs);
        const text = Buffer.from(Buffer.from(bytes).toString().split('.')[1] ?? '', 'base64url');
        return signToken({ payload: text.toString(), signer: memorySigner(), typ: 'vc+jwt' });
      },
    ],
    [
      'VC_ISSUER_UNSUPPORTED',
      'a batch issued by an organisation',
      async () => {
        const bytes = await world.device.next(worldMs);
        const text = Buffer.from(Buffer.from(bytes).toString().split('.')[1] ?? '', 'base64url');
        const { signer } = world.organisation;
        const payload = text.toString().replaceAll(world.device.signer.did, signer.did);
        return signToken({ payload, signer, typ: 'vc+jwt' });
      },
    ],
    [
      'VC_SCHEMA',
      'an unknown member',
      async () => {
        const bytes = await world.device.next(worldMs);
        const text = Buffer.from(Buffer.from(bytes).toString().split('.')[1] ?? '', 'base64url');
        const payload = JSON.stringify({ ...JSON.parse(text.toString()), extra: 1 });
        return signToken({ payload, signer: world.device.signer, typ: 'vc+jwt' });
      },
    ],
    [
      'IN_TYPE_UNSUPPORTED',
      'a credential of another type',
      () => {
        const payload = JSON.stringify({ type: ['VerifiableCredential', 'OtherCredential'] });
        return signToken({ payload, signer: world.device.signer, typ: 'vc+jwt' });
      },
    ],
    [
      'VC_SCOPE',
      'goods of somebody else',
      () => world.device.next(worldMs, { groups: groups('did:web:other.example/batch/1') }),
    ],
    [
      'VC_ENROLMENT_MISMATCH',
      'another profile than the enrolled one',
      () =>
        world.device.next(worldMs, {
          profile: { name: 'test-meter', digest: digestMultibase(Buffer.from('other')) },
          enrolment: { id: enrolmentId(), digest: enrolment },
        }),
    ],
    [
      'VC_ENROLMENT_MISMATCH',
      "another gateway than the enrolment's",
      () =>
        world.device.next(worldMs, {
          gateway: memorySigner().did,
          enrolment: { id: enrolmentId(), digest: enrolment },
        }),
    ],
    [
      'VC_ENROLMENT_MISMATCH',
      "an enrolment's digest under another id",
      () =>
        world.device.next(worldMs, {
          enrolment: {
            id: 'urn:uuid:00000000-0000-4000-8000-000000000000',
            digest: enrolment,
          },
        }),
    ],
  ];
  const enrolmentId = () =>
    trust.enrolments.get(world.device.signer.did)?.[0]?.enrolment.id ?? 'none';

  it.each(refusals)('refuses with %s: %s', async (code, _what, make) => {
    const bytes = await make();
    const admission = judge(bytes);
    expect(admission).toMatchObject({ outcome: 'refused', code });
    expect(admission.header).toMatchObject({ kind: 'refusal', code, tenant: 'cbp' });
    expect(admission.header?.reason).not.toBe('');
    const kept = bytes.length > limits.credentialBytesMax ? limits.refusalBytesMax : bytes.length;
    expect(admission.bytesKept).toBe(kept);
  });

  it('holds a batch that names an enrolment which has not come yet', async () => {
    const bytes = await world.device.next(worldMs, {
      enrolment: { id: enrolmentId(), digest: someDigest },
    });
    expect(judge(bytes)).toMatchObject({ outcome: 'held', code: 'IN_NOT_ENROLLED' });
  });

  it('lets no other organisation narrow what a device may say', async () => {
    const other = memoryOrganisation('did:web:rival.example', 'Rival');
    learn('organisation', world.document(other));
    const scope = { goods: ['did:web:rival.example/'] };
    learn('enrolment', await world.enrolment({ scope }, other));
    const bytes = await world.device.next(worldMs, { groups: groups(about) });
    expect(judge(bytes).outcome).toBe('accepted');
  });

  it('refuses what was closed after the enrolment ended', async () => {
    trust = emptyTrust();
    learn('organisation', world.document());
    learn('enrolment', await world.enrolment({ validUntilMs: worldMs }));
    expect(judge(await world.device.next(worldMs)).outcome).toBe('accepted');
    expect(judge(await world.device.next(worldMs + 1))).toMatchObject({
      outcome: 'refused',
      code: 'VC_EXPIRED',
    });
  });

  it('holds until an enrolment begins, then takes what was signed before', async () => {
    trust = emptyTrust();
    learn('organisation', world.document());
    learn('enrolment', await world.enrolment({ validFromMs: worldMs + 10_000 }));
    const bytes = await world.device.next(worldMs);
    expect(judge(bytes)).toMatchObject({ outcome: 'held', code: 'IN_NOT_IN_FORCE' });
    expect(judge(bytes, world.fingerprint, worldMs + 10_000).outcome).toBe('accepted');
  });
});

describe('admit, a device that is not enrolled', () => {
  it('holds its batch, and takes it once the organisation and then the device are known', async () => {
    const bytes = await world.device.next(worldMs);
    const enrolment = await world.enrolment();
    const device = world.device.signer.did;
    expect(judge(bytes)).toMatchObject({ outcome: 'held', code: 'IN_NOT_ENROLLED', device });
    expect(judge(enrolment)).toMatchObject({ outcome: 'held', code: 'IN_ORGANISATION_UNKNOWN' });
    learn('organisation', world.document());
    expect(judge(bytes)).toMatchObject({ outcome: 'held', code: 'IN_NOT_ENROLLED' });
    expect(judge(enrolment)).toMatchObject({ outcome: 'accepted', device });
    learn('enrolment', enrolment);
    expect(judge(bytes).outcome).toBe('accepted');
  });

  it('refuses a forged proof even so: nobody can put another on the list', async () => {
    const stranger = new BatchMaker(
      { ...world.device.signer, sign: memorySigner().sign },
      world.gateway,
    );
    expect(judge(await stranger.next(worldMs))).toMatchObject({ code: 'VC_SIGNATURE' });
  });

  it('refuses to enrol a device or a gateway whose secret anyone can guess', async () => {
    learn('organisation', world.document());
    // The key of 32 zeros.
    const zeros = 'did:key:z6MkiTBz1ymuepAQ4HEHYSF1H8quG5GLVVQR3djdX3mDooWp';
    const refusal = { outcome: 'refused', code: 'VC_KEY_SUSPECT' };
    expect(judge(await world.enrolment({ device: zeros }))).toMatchObject(refusal);
    expect(judge(await world.enrolment({ gateway: zeros }))).toMatchObject(refusal);
    expect(judge(await world.enrolment()).outcome).toBe('accepted');
  });

  it('refuses to enrol a device or a gateway whose DID looks like a key and is none', async () => {
    learn('organisation', world.document());
    const none = 'did:key:z'.padEnd(57, 'N');
    const refusal = { outcome: 'refused', code: 'VC_KEY_INVALID' };
    expect(judge(await world.enrolment({ device: none }))).toMatchObject(refusal);
    expect(judge(await world.enrolment({ gateway: none }))).toMatchObject(refusal);
  });

  it('refuses an enrolment that another key signed', async () => {
    learn('organisation', world.document());
    const impostor = { ...world.organisation.signer, sign: memorySigner().sign };
    const bytes = await world.enrolment({}, { ...world.organisation, signer: impostor });
    expect(judge(bytes)).toMatchObject({ outcome: 'refused', code: 'VC_SIGNATURE' });
  });
});

describe('admit, status', () => {
  const status = [{ purpose: 'revocation', list: listUrl, index: 7 }] as const;

  beforeEach(async () => {
    learn('organisation', world.document());
    learn('enrolment', await world.enrolment({ status }));
  });

  it('holds while the list is missing or no longer valid', async () => {
    const bytes = await world.device.next(worldMs);
    expect(judge(bytes)).toMatchObject({ outcome: 'held', code: 'IN_STATUS_UNKNOWN' });
    learn('status', await world.statusList([], { validUntilMs: worldMs + 1000 }));
    expect(judge(bytes).outcome).toBe('accepted');
    expect(judge(bytes, world.fingerprint, worldMs + 2000)).toMatchObject({
      outcome: 'held',
      code: 'IN_STATUS_UNKNOWN',
    });
  });

  it('doubts what is revoked, and only that', async () => {
    const bytes = await world.device.next(worldMs);
    learn('status', await world.statusList([6, 8]));
    expect(judge(bytes).outcome).toBe('accepted');
    learn('status', await world.statusList([7]));
    const since = trust.position - 1;
    expect(judge(bytes)).toMatchObject({
      outcome: 'doubtful',
      code: 'VC_REVOKED',
      header: { kind: 'doubtful', code: 'VC_REVOKED', since, batch: { sequence: 1 } },
      bytesKept: bytes.length,
    });
  });

  it('holds, rather than doubts, what came by a foreign uplink or is too early', async () => {
    learn('status', await world.statusList([7]));
    const bytes = await world.device.next(worldMs);
    expect(judge(bytes, 'elsewhere')).toMatchObject({ outcome: 'held', code: 'IN_UPLINK' });
  });

  it('holds what is suspended until it no longer is', async () => {
    trust = emptyTrust();
    learn('organisation', world.document());
    const suspension = [{ purpose: 'suspension', list: listUrl, index: 7 }] as const;
    learn('enrolment', await world.enrolment({ status: suspension }));
    const bytes = await world.device.next(worldMs);
    learn('status', await world.statusList([7], { purpose: 'suspension' }));
    expect(judge(bytes)).toMatchObject({ outcome: 'held', code: 'VC_SUSPENDED' });
    learn('status', await world.statusList([], { purpose: 'suspension' }));
    expect(judge(bytes).outcome).toBe('accepted');
  });

  it('does not believe the list of another organisation', async () => {
    const other = memoryOrganisation('did:web:rival.example', 'Rival');
    learn('organisation', world.document(other));
    const list = await world.statusList([], { issuer: other.did });
    learn('status', list);
    expect(judge(await world.device.next(worldMs))).toMatchObject({ code: 'IN_STATUS_UNKNOWN' });
  });

  it('holds when the organisation is removed, and again takes it when it is back', async () => {
    learn('status', await world.statusList([]));
    const bytes = await world.device.next(worldMs);
    expect(judge(bytes).outcome).toBe('accepted');
    learn('organisation', Buffer.from(removalOf(world.organisation.did, worldMs)));
    expect(judge(bytes)).toMatchObject({ outcome: 'held', code: 'IN_ORGANISATION_UNKNOWN' });
    learn('organisation', world.document());
    expect(judge(bytes).outcome).toBe('accepted');
  });

  it('holds when the pinned document has another key under the same name', async () => {
    learn('status', await world.statusList([]));
    const bytes = await world.device.next(worldMs);
    const changed = memoryOrganisation(world.organisation.did, 'Northline');
    learn('organisation', world.document(changed));
    expect(judge(bytes)).toMatchObject({ outcome: 'held', code: 'VC_KEY_UNKNOWN' });
  });
});
