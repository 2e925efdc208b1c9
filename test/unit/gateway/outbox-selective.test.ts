import { describe, expect, it } from 'vitest';
import { showOnly } from '../../../devices/credential/sd-jwt-issue.ts';
import { credentialDigest } from '../../../devices/envelope.ts';
import { digestMultibase } from '../../../devices/profile.ts';
import { admit } from '../../../ingest/admit.ts';
import { batchPayload } from '../../../ingest/apply-payload.ts';
import type { EntryKind } from '../../../ingest/store.ts';
import { emptyTrust, foldTrust } from '../../../ingest/trust.ts';
import { readingGroups } from '../../support/signed-batch.ts';
import { makeWorld, worldMs } from '../../support/trust-world.ts';
import { allBatches, draftOf, openStore } from './support/outbox-world.ts';

const own = 'did:web:northline.example/batch/own';
const other = 'did:web:northline.example/batch/other';

/** A meter that two shippers share, enrolled, with a batch in its outbox. */
async function sharedMeter(selective: { decoys: boolean }) {
  const world = makeWorld();
  const trust = emptyTrust();
  const learn = (kind: EntryKind, bytes: Uint8Array) => {
    const digest = kind === 'organisation' ? digestMultibase(bytes) : credentialDigest(bytes);
    const header = { version: 1, tenant: 't', kind, receivedMs: worldMs, digest } as const;
    foldTrust(trust, { position: trust.position, header, bytes });
  };
  learn('organisation', world.document());
  learn('enrolment', await world.enrolment());
  const { signer } = world.device;
  const { store } = openStore({ devices: [signer] });
  const groups = [own, other].flatMap((about) =>
    readingGroups({ fromMs: worldMs - 5_000, times: 2, points: 3, about }),
  );
  const { gateway } = world;
  const draft = { ...draftOf(signer.did, worldMs, 0, { groups, gateway }), selective };
  await store.append([draft, draft]);
  const judge = (bytes: Uint8Array) =>
    admit({ bytes, gateway: world.fingerprint, receivedMs: worldMs }, trust, 'cbp');
  return { store, judge, groups };
}

describe.each([false, true])('a batch of a shared meter, decoys %s', (decoys) => {
  it('is signed with disclosures, in a chain like any other, and admitted whole', async () => {
    const { groups, judge, store } = await sharedMeter({ decoys });
    const [first, second] = allBatches(store);
    expect(first?.groups).toEqual(groups);
    expect(second?.previous?.digest).toBe(first?.digest);
    for (const { token } of store.peek({ after: 0, count: 10 })) {
      const admission = judge(token);
      expect(admission).toMatchObject({ outcome: 'accepted', readings: 12 });
      if (!admission.header) throw new Error('it was accepted');
      const payload = batchPayload({ position: 0, header: admission.header, bytes: token });
      expect(payload.credentialSubject.epcList).toEqual([own, other]);
      expect(payload.credentialSubject.sensorElementList).toHaveLength(4);
    }
  });

  it('is not admitted in part: what is shown later must not stand for the whole', async () => {
    const { judge, store } = await sharedMeter({ decoys });
    const [row] = store.peek({ after: 0, count: 1 });
    const part = showOnly(row?.token ?? new Uint8Array(), (value) => value === own);
    expect(judge(part)).toMatchObject({ outcome: 'refused', code: 'VC_DISCLOSURE' });
  });

  it('heartbeats, which have nothing to hide, stay in order', async () => {
    const { device, store } = openStore();
    await store.append([{ ...draftOf(device.did, worldMs, 0), selective: { decoys } }]);
    expect(allBatches(store)).toMatchObject([{ groups: [], sequence: 1 }]);
  });
});
