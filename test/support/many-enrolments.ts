/** A journal with very many enrolments of one organisation, as fast as the disk takes them. */
import { createHash, randomUUID } from 'node:crypto';
import { composeEnrolment } from '../../devices/credential/enrolment-wire.ts';
import { signTokenNow } from '../../devices/credential/jws.ts';
import { credentialDigest } from '../../devices/envelope.ts';
import { encodeBase58 } from '../../devices/identity/base58.ts';
import { digestMultibase } from '../../devices/profile.ts';
import { openJournalStore } from '../../ingest/journal-store.ts';
import type { EntryKind, NewEntry } from '../../ingest/store.ts';
import { memoryOrganisation, memorySigner } from './identity.ts';

const GROUP = 2_000;

/** The DID of device number `index`: of the right form, the same in each process, without a key. */
export function numberedDid(index: number): string {
  const x = createHash('sha256').update(String(index)).digest();
  return `did:key:z${encodeBase58(Buffer.concat([Buffer.from([0x80, 0x24, 0x02]), x]))}`;
}

/** Writes the organisation and `count` enrolments, each signed. */
export function writeEnrolments(file: string, count: number, nowMs: number): void {
  const organisation = memoryOrganisation('did:web:many.example', 'Many');
  const { did, document, name, signer } = organisation;
  const template = composeEnrolment({
    id: `urn:uuid:${randomUUID()}`,
    organisation: did,
    organisationName: name,
    device: numberedDid(0),
    gateway: memorySigner().did,
    label: 'meter',
    profile: { name: 'many', digest: digestMultibase(Buffer.from('many')) },
    facility: { id: `${did}/facility/one`, name: 'One', latitude: 48.99929, longitude: -97.53103 },
    cadenceMs: 1_000,
    heartbeatMs: 60_000,
    keyLocation: 'gateway-file',
    scope: { goods: [`${did}/`] },
    validFromMs: nowMs,
    status: [],
  });
  const entryOf = (kind: EntryKind, bytes: Uint8Array, digest: string): NewEntry => ({
    header: { version: 1, tenant: 'many', kind, receivedMs: nowMs, digest },
    bytes,
  });
  const store = openJournalStore(file);
  const pinned = Buffer.from(JSON.stringify(document));
  store.append([entryOf('organisation', pinned, digestMultibase(pinned))]);
  for (let from = 0; from < count; from += GROUP) {
    const group = Array.from({ length: Math.min(GROUP, count - from) }, (_, at) => {
      const payload = template.replace(numberedDid(0), numberedDid(from + at));
      const token = signTokenNow({ payload, signer, typ: 'vc+jwt' });
      return entryOf('enrolment', token, credentialDigest(token));
    });
    store.append(group);
  }
  store.close();
}
