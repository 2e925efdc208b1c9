/**
 * The ingester from the journal to the HTTP interface, with real keys, real SQLite and the real
 * worker threads; only the way in is short: signed tokens go straight into the journal.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { ClockQuality } from '../../devices/credential/batch.ts';
import { composeBatch } from '../../devices/credential/batch-wire.ts';
import type { Enrolment, Facility, KeyLocation } from '../../devices/credential/enrolment.ts';
import { composeEnrolment } from '../../devices/credential/enrolment-wire.ts';
import { signToken } from '../../devices/credential/jws.ts';
import { credentialDigest, fingerprintOfDid } from '../../devices/envelope.ts';
import type { Signer } from '../../devices/identity/signer.ts';
import { digestMultibase, profileDigest } from '../../devices/profile.ts';
import { profiles } from '../../devices/profiles/registry.ts';
import type { Loss, ReadingGroup } from '../../devices/reading.ts';
import { silentLog, systemClock } from '../../devices/runtime.ts';
import { type Api, startApi } from '../../ingest/api.ts';
import { type Apply, startApply } from '../../ingest/apply.ts';
import { createFeed, type Feed } from '../../ingest/feed.ts';
import { createHealth, type Health } from '../../ingest/health.ts';
import type { HeldDevice } from '../../ingest/held.ts';
import { type JournalStore, openJournalStore } from '../../ingest/journal-store.ts';
import type { EntryHeader, EntryKind } from '../../ingest/store.ts';
import { memoryOrganisation, memorySigner, type Organisation } from './identity.ts';

export const worldTenant = 'cbp';

/** A device that is enrolled and can sign. */
export interface WorldDevice {
  readonly signer: Signer;
  readonly label: string;
  readonly gateway: string;
  readonly enrolment: Enrolment;
  readonly enrolmentDigest: string;
  sequence: number;
  previous?: { readonly id: string; readonly digest: string };
}

export interface WorldEnrolment {
  readonly organisation: Organisation;
  readonly label: string;
  readonly profile: string;
  readonly facility: Facility;
  readonly goods: readonly string[];
  readonly cadenceMs?: number;
  readonly keyLocation?: KeyLocation;
  readonly scope?: Partial<Enrolment['scope']>;
  readonly gateway?: string;
  readonly status?: Enrolment['status'];
}

export class TwinWorld {
  readonly directory = mkdtempSync(join(tmpdir(), 'bondline-twins-'));
  readonly journalFile = join(this.directory, 'journal.db');
  readonly twinsFile = join(this.directory, 'twins.db');
  readonly journal: JournalStore = openJournalStore(this.journalFile);
  readonly health: Health = createHealth(100);
  readonly token = 'a-token-of-this-test';
  readonly trustChanges: unknown[] = [];
  held: HeldDevice[] = [];
  failure: unknown;
  private running: { apply: Apply; api: Api; feed: Feed } | undefined;

  /** Starts apply and API; again after `stop`, on what is stored. */
  async start(options: { consoleDirectory?: string; port?: number } = {}): Promise<void> {
    const feed = createFeed();
    const apply = await startApply({
      journalFile: this.journalFile,
      twinsFile: this.twinsFile,
      clock: systemClock,
      log: silentLog,
      onChange: feed.publish,
      failed: (error) => {
        this.failure = error;
      },
    });
    const api = await startApi({
      host: '127.0.0.1',
      port: options.port ?? 0,
      journalFile: this.journalFile,
      twinsFile: this.twinsFile,
      ...(options.consoleDirectory && { consoleDirectory: options.consoleDirectory }),
      ingester: 'did:key:zTest',
      name: 'border',
      clock: systemClock,
      log: silentLog,
      feed,
      apply,
      health: () => this.health.snapshot(),
      held: () => this.held,
      checkpoints: () => ({ witnesses: 0, contradicted: [] }),
      trust: {
        token: this.token,
        change: async (request) => {
          this.trustChanges.push(request);
          return { changes: [] };
        },
        import: async () => ({ imported: [], receipts: [] }),
        submit: async () => ({ submitted: [] }),
        decide: async () => ({ position: 0, accepted: [], lifted: [] }),
        list: () => ({ organisations: [] }),
      },
    });
    this.running = { apply, api, feed };
  }

  get apply(): Apply {
    if (this.running === undefined) throw new Error('the world is not started');
    return this.running.apply;
  }

  get api(): Api {
    if (this.running === undefined) throw new Error('the world is not started');
    return this.running.api;
  }

  get feed(): Feed {
    if (this.running === undefined) throw new Error('the world is not started');
    return this.running.feed;
  }

  async stop(): Promise<void> {
    await this.running?.api.close();
    await this.running?.apply.close();
    this.running = undefined;
  }

  /** Stops and removes everything. */
  async end(): Promise<void> {
    await this.stop();
    this.journal.close();
    rmSync(this.directory, { recursive: true, force: true });
  }

  /** Appends one entry and wakes the apply stage; returns its position. */
  put(kind: EntryKind, bytes: Uint8Array, header: Partial<EntryHeader> = {}): number {
    const appended = this.journal.append([
      {
        header: {
          version: 1,
          tenant: worldTenant,
          kind,
          receivedMs: systemClock.nowMs(),
          digest: credentialDigest(bytes),
          ...header,
        },
        bytes,
      },
    ]);
    this.health.gauge({ positions: this.journal.size() });
    this.running?.apply.wake(this.journal.size());
    return appended[0]?.position ?? -1;
  }

  /** Waits until everything in the journal is in the twins. */
  async settled(): Promise<void> {
    await this.apply.applied(this.journal.size());
  }

  organisation(did: string, name: string): Organisation {
    const organisation = memoryOrganisation(did, name);
    const bytes = Buffer.from(JSON.stringify(organisation.document));
    this.put('organisation', bytes, { digest: digestMultibase(bytes) });
    return organisation;
  }

  routes(geojson: unknown): void {
    const bytes = Buffer.from(JSON.stringify(geojson));
    this.put('rules', bytes, { digest: digestMultibase(bytes) });
  }

  tick(): void {
    const bytes = Buffer.from(JSON.stringify({ atMs: systemClock.nowMs() }));
    this.put('tick', bytes, { digest: digestMultibase(bytes) });
  }

  async enrol(options: WorldEnrolment): Promise<WorldDevice> {
    const signer = memorySigner();
    const gateway = options.gateway ?? memorySigner().did;
    const profile = profiles[options.profile];
    if (profile === undefined) throw new Error(`there is no profile ${options.profile}`);
    const { organisation } = options;
    const enrolment: Enrolment = {
      id: `urn:uuid:${crypto.randomUUID()}`,
      organisation: organisation.did,
      organisationName: organisation.name,
      device: signer.did,
      gateway,
      label: options.label,
      profile: { name: profile.name, digest: profileDigest(profile) },
      facility: options.facility,
      cadenceMs: options.cadenceMs ?? 1_000,
      heartbeatMs: 60_000,
      keyLocation: options.keyLocation ?? 'gateway-file',
      scope: { goods: options.goods, ...options.scope },
      validFromMs: systemClock.nowMs() - 86_400_000,
      status: options.status ?? [],
    };
    const payload = composeEnrolment(enrolment);
    const token = await signToken({ payload, signer: organisation.signer, typ: 'vc+jwt' });
    this.put('enrolment', token);
    const enrolmentDigest = credentialDigest(token);
    const { label } = options;
    return { signer, label, gateway, enrolment, enrolmentDigest, sequence: 0 };
  }

  /** Signs a batch as the device's next; `keep: false` leaves it out of the journal (a gap). */
  async batch(
    device: WorldDevice,
    groups: readonly ReadingGroup[],
    options: { losses?: readonly Loss[]; clock?: Partial<ClockQuality>; keep?: boolean } = {},
  ): Promise<{ position: number; token: Uint8Array; late: () => number }> {
    const closedMs = Math.round(systemClock.nowMs());
    device.sequence += 1;
    const id = `urn:uuid:${crypto.randomUUID()}`;
    const epoch = { counter: 1, nonce: digestHex(device.signer.did) };
    const { sequence, previous } = device;
    const payload = composeBatch(
      {
        device: device.signer.did,
        gateway: device.gateway,
        enrolment: { id: device.enrolment.id, digest: device.enrolmentDigest },
        profile: device.enrolment.profile,
        configuration: digestMultibase(Buffer.from('configuration')),
        readPoint: device.enrolment.facility.id,
        clock: {
          source: 'ntp',
          offsetMs: 0,
          uncertaintyMs: 5,
          monotonicMs: 1,
          steps: 0,
          ...options.clock,
        },
        closedMs,
        groups,
        losses: options.losses ?? [],
      },
      { epoch, sequence, ...(previous && { previous }) },
      { credential: id, event: `urn:uuid:${crypto.randomUUID()}` },
    );
    const token = await signToken({ payload, signer: device.signer, typ: 'vc+jwt' });
    device.previous = { id, digest: credentialDigest(token) };
    const header = {
      gateway: fingerprintOfDid(device.gateway),
      batch: {
        device: device.signer.did,
        epochCounter: epoch.counter,
        epochNonce: epoch.nonce,
        sequence,
        ...(previous && { previous: previous.digest }),
      },
    };
    const readings = groups.reduce((sum, group) => sum + group.readings.length, 0);
    const late = () => {
      this.health.count(header.gateway, { accepted: 1, verifiedReadings: readings });
      return this.put('batch', token, header);
    };
    return { token, late, position: options.keep === false ? -1 : late() };
  }
}

function digestHex(text: string): string {
  return Buffer.from(digestMultibase(Buffer.from(text)).slice(4), 'base64url')
    .toString('hex')
    .slice(0, 32);
}
