import { describe, expect, it } from 'vitest';
import type { Batch } from '../../../devices/credential/batch.ts';
import { readEnrolment } from '../../../devices/credential/enrolment-wire.ts';
import { openToken, signToken } from '../../../devices/credential/jws.ts';
import type { ReceiptOutcome } from '../../../devices/credential/receipt.ts';
import { composeReceipt } from '../../../devices/credential/receipt-wire.ts';
import { isRefusal } from '../../../devices/credential/refusal.ts';
import { credentialDigest, fingerprintOfDid } from '../../../devices/envelope.ts';
import { limits } from '../../../devices/limits.ts';
import { type DeviceProfile, profileDigest } from '../../../devices/profile.ts';
import { createLog, systemRandom } from '../../../devices/runtime.ts';
import { compileReporter } from '../../../devices/schema.ts';
import { type GatewayConfig, gatewayConfigSchema } from '../../../gateway/config.ts';
import { type Gateway, startGateway } from '../../../gateway/gateway.ts';
import type { StatusLine } from '../../../gateway/health.ts';
import { createLocalOutbox } from '../../../gateway/outbox-local.ts';
import { MachineClock, World } from '../../sim/clock.ts';
import { enrol, memoryOrganisation, memorySigner } from '../../support/identity.ts';
import { counted, type FakeDevice, FakeUplink, fakeDriver } from './support/fake-field.ts';
import { openBatch, openStore, type StoreWorld } from './support/outbox-world.ts';

const START = 1_767_225_600_000;
const LEAF = '00'.repeat(32);
const place = {
  table: 'holding',
  address: 0,
  encoding: { type: 'uint32', order: 'ABCD' },
} as const;
const point = { summary: '', type: 'Count', unit: '', modbus: place };
const meter: DeviceProfile = {
  name: 'test-meter',
  summary: '',
  source: '',
  protocol: 'modbus',
  reportsOn: 'pipeline-batch',
  points: { batch: { ...point, identifies: 'pipeline-batch' }, total: point },
};

/** A gateway at one site with everything but the network, the field and time itself. */
class Site {
  readonly world = new World(START);
  readonly devices = new Map<string, FakeDevice>();
  readonly uplink = new FakeUplink();
  readonly ingester = memorySigner();
  readonly gatewayKey = memorySigner();
  readonly keys = [memorySigner(), memorySigner()];
  readonly files = new Map<string, Uint8Array>();
  readonly lines: string[] = [];
  readonly batches: Batch[] = [];
  outcome: ReceiptOutcome | 'silence' = 'accepted';
  clock = new MachineClock(this.world, 0);
  store: StoreWorld | undefined;
  readonly push: boolean;

  constructor(options: { push?: boolean } = {}) {
    this.push = options.push ?? false;
    this.uplink.onSend = (token) => void this.#answer(token);
  }

  device(name = 'fc-1'): FakeDevice {
    const device = this.devices.get(name);
    if (!device) throw new Error(`${name} is not open`);
    return device;
  }

  did(index = 0): string {
    return this.keys[index]?.did ?? '';
  }

  config(): GatewayConfig {
    const device = (name: string) => ({
      name,
      profile: meter,
      driver: 'modbus',
      connection: {},
      goods: 'did:web:you.example/batch/',
      everyMs: 1_000,
      flushMs: 250,
      heartbeatMs: 10_000,
      enrolment: `${name}.jwt`,
    });
    const config = {
      gateway: { name: 'neche', organisation: 'did:web:you.example', data: './data' },
      keys: { store: 'file', path: 'keys.json', passphraseFile: 'passphrase' },
      facility: 'did:web:you.example/facility/one',
      uplink: { sink: 'mqtt', ingester: this.ingester.did, connection: {} },
      devices: [device('fc-1'), device('fc-2')],
    };
    expect(compileReporter(gatewayConfigSchema)(config)).toEqual([]);
    return config as GatewayConfig;
  }

  /** Starts it as a new process would: with a clock, keys and a connection to its database. */
  async start(file?: string): Promise<Gateway> {
    this.clock = new MachineClock(this.world, 0);
    this.store = openStore({ devices: this.keys, ...(file !== undefined && { file }) });
    const { clock } = this;
    const write = (line: string) => void this.lines.push(line);
    const started = startGateway({
      config: this.config(),
      configText: 'the text of the configuration',
      known: {
        profiles: {},
        drivers: { modbus: fakeDriver(this.devices, { push: this.push }) },
        sinks: { mqtt: this.uplink.sink },
      },
      did: this.gatewayKey.did,
      devices: new Map([
        ['fc-1', this.did(0)],
        ['fc-2', this.did(1)],
      ]),
      outbox: createLocalOutbox({ store: this.store.store, clock }),
      clock,
      random: { ...systemRandom, fraction: () => 0 },
      log: createLog({ component: 't', level: 'info', clock, write }),
      resolvePath: (path) => path,
      readFile: (path) => this.files.get(path),
    });
    await this.world.run(1);
    return started;
  }

  async stop(gateway: Gateway, drainMs = 3_000): Promise<StatusLine> {
    const stopped = gateway.stop(drainMs);
    await this.world.run(drainMs + 3_000);
    return stopped;
  }

  async status(gateway: Gateway): Promise<StatusLine> {
    const status = gateway.status();
    await this.world.run(1);
    return status;
  }

  /** The count that each device serves goes up by one each time. */
  serve(name = 'fc-1', batch = 284): number[] {
    const served: number[] = [];
    this.device(name).answer = async () => {
      served.push(served.length + 1);
      const now = this.clock.nowMs();
      return { samples: [counted('batch', batch, now), counted('total', served.length, now)] };
    };
    return served;
  }

  totals(did = this.did()): unknown[] {
    const readings = this.batches
      .filter((batch) => batch.device === did)
      .flatMap((batch) => batch.groups.flatMap((group) => group.readings));
    return readings.filter((r) => r.point === 'total').map((r) => r.value);
  }

  async #answer(token: Uint8Array): Promise<void> {
    const opened = openToken(token, limits.credentialBytesMax);
    if (isRefusal(opened)) throw new Error(opened.reason);
    const isEnrolment = !isRefusal(readEnrolment(opened.payload));
    if (this.outcome === 'silence') return;
    if (!isEnrolment && this.outcome === 'accepted') this.batches.push(openBatch(token));
    const outcome = isEnrolment ? 'accepted' : this.outcome;
    const digest = credentialDigest(token);
    const code = outcome === 'accepted' ? {} : { code: 'VC_KEY_UNKNOWN' };
    const entry = outcome === 'held' ? {} : { position: 1, leaf: LEAF };
    const payload = composeReceipt({
      issuer: this.ingester.did,
      gateway: fingerprintOfDid(this.gatewayKey.did),
      issuedMs: this.world.nowMs,
      results: [{ digest, outcome, ...code, ...entry }],
    });
    const typ = 'bondline-receipt+jwt';
    this.uplink.receipt(await signToken({ payload, signer: this.ingester, typ }));
  }
}

describe('a gateway', () => {
  it('brings every value served to the ingester, in order and once', async () => {
    const site = new Site();
    site.uplink.connect();
    const gateway = await site.start();
    const served = site.serve();
    await site.world.run(10_500);
    expect(served.length).toBeGreaterThanOrEqual(10);
    const last = await site.stop(gateway);
    expect(site.totals()).toEqual(served);
    expect(last).toMatchObject({
      site: 'neche',
      sampled: 2 * served.length,
      signed: 2 * served.length,
      delivered: 2 * served.length,
      waiting: 0,
      refused: 0,
    });
    const [batch] = site.batches.filter(({ device }) => device === site.did());
    expect(batch?.groups[0]?.about).toBe('did:web:you.example/batch/284');
    expect(batch?.readPoint).toBe('did:web:you.example/facility/one');
    expect(site.device().closed).toBe(true);
  });

  it('signs what a silent device did not say, and lets the others go on', async () => {
    const site = new Site();
    site.uplink.connect();
    const gateway = await site.start();
    const served = site.serve('fc-1');
    await site.world.run(30_500);
    const last = await site.stop(gateway);
    expect(served.length).toBeGreaterThanOrEqual(30);
    const silent = site.batches.filter(({ device }) => device === site.did(1));
    expect(silent.map(({ groups }) => groups.length)).toEqual(silent.map(() => 0));
    const losses = silent.flatMap((batch) => batch.losses);
    const sum = (list: readonly { count: number }[]) => list.reduce((n, { count }) => n + count, 0);
    const lost = sum(losses);
    expect(sum(site.batches.flatMap((batch) => batch.losses))).toBe(last.lossesSigned);
    expect(lost).toBeGreaterThanOrEqual(2 * 30);
    expect(new Set(losses.map(({ cause }) => cause))).toEqual(new Set(['absent']));
    expect(Math.min(...losses.map(({ fromMs }) => fromMs))).toBeLessThanOrEqual(START + 2);
    expect(last.devices).toMatchObject([
      { name: 'fc-1', state: 'up' },
      { name: 'fc-2', state: 'down', reason: 'absent' },
    ]);
  });

  it('keeps all through an outage, and sends what is live first when it is over', async () => {
    const site = new Site();
    const gateway = await site.start();
    const served = site.serve();
    await site.world.run(600_000);
    const before = await site.status(gateway);
    expect(before).toMatchObject({ uplink: false, delivered: 0 });
    expect(before.waiting).toBe(before.signed);
    site.uplink.connect();
    await site.world.run(5_000);
    const last = await site.stop(gateway);
    expect(last).toMatchObject({ waiting: 0, delivered: 2 * served.length });
    expect([...site.totals()].sort((a, b) => Number(a) - Number(b))).toEqual(served);
  });

  it('goes on after a restart, and signs the time between', async () => {
    const site = new Site();
    const { mkdtempSync, rmSync } = await import('node:fs');
    const directory = mkdtempSync('/tmp/gateway-');
    site.uplink.connect();
    const first = await site.start(`${directory}/outbox.db`);
    site.serve();
    await site.world.run(5_500);
    await site.stop(first);
    const ended = site.world.nowMs;
    await site.world.run(60_000);
    site.batches.splice(0);
    const second = await site.start(`${directory}/outbox.db`);
    await site.world.run(2_000);
    await site.stop(second);
    rmSync(directory, { recursive: true });
    const [batch] = site.batches.filter(({ device }) => device === site.did());
    expect(batch).toMatchObject({ sequence: 1, epoch: { counter: 2 } });
    const gap = batch?.losses.find(({ cause }) => cause === 'not-running');
    expect(gap?.fromMs).toBeLessThanOrEqual(ended);
    expect(gap?.toMs).toBeGreaterThanOrEqual(ended + 60_000);
    expect(gap?.count).toBeGreaterThanOrEqual(2 * 60);
  });

  it('holds back what the ingester holds until its enrolment arrives', async () => {
    const site = new Site();
    site.outcome = 'held';
    site.uplink.connect();
    const gateway = await site.start();
    const served = site.serve();
    await site.world.run(20_000);
    const before = await site.status(gateway);
    expect(before.held).toBe(before.waiting);
    expect(before.waiting).toBeGreaterThanOrEqual(2 * 19);
    expect(before.delivered).toBe(0);
    // Held batches are tried singly: far fewer sends than batches.
    expect(site.uplink.sent.length).toBeLessThan(40);

    const organisation = memoryOrganisation('did:web:you.example', 'You');
    const { enrolment, token } = await enrol(organisation, {
      device: site.did(),
      gateway: site.gatewayKey.did,
      label: 'fc-1',
      profile: { name: meter.name, digest: profileDigest(meter) },
      nowMs: START,
    });
    site.outcome = 'accepted';
    site.files.set('fc-1.jwt', token);
    await site.world.run(3_000);
    const last = await site.stop(gateway);
    expect(last).toMatchObject({ waiting: 0, held: 0, delivered: 2 * served.length });
    const named = site.batches.filter((batch) => batch.enrolment?.id === enrolment.id);
    expect(named.length).toBeGreaterThan(0);
    expect(site.batches.filter((b) => b.device === site.did(1) && b.enrolment)).toEqual([]);
  });

  it('stops with what waits kept, when the drain is over', async () => {
    const site = new Site();
    site.outcome = 'silence';
    site.uplink.connect();
    const gateway = await site.start();
    const served = site.serve();
    await site.world.run(3_500);
    const begun = site.world.nowMs;
    let endedMs = 0;
    const stopped = gateway.stop(2_000).then((line) => {
      endedMs = site.world.nowMs;
      return line;
    });
    await site.world.run(10_000);
    const last = await stopped;
    expect(endedMs - begun).toBeGreaterThanOrEqual(2_000);
    expect(endedMs - begun).toBeLessThan(2_500);
    expect(last.waiting).toBe(2 * served.length);
  });

  it('finishes the poll in flight when it stops, and signs it', async () => {
    const site = new Site();
    site.uplink.connect();
    const gateway = await site.start();
    site.device().answer = async () => {
      await site.clock.sleep(500);
      const now = site.clock.nowMs();
      return { samples: [counted('batch', 1, now), counted('total', 77, now)] };
    };
    await site.world.run(1_100);
    await site.stop(gateway);
    expect(site.totals()).toEqual([77]);
  });

  it('says that it failed when the outbox can keep nothing', async () => {
    const site = new Site();
    const gateway = await site.start();
    site.serve();
    let failure: unknown;
    void gateway.failed.then((error) => {
      failure = error;
    });
    site.store?.db.close();
    await site.world.run(5_000);
    expect(String(failure)).toMatch(/not open/);
  });
});

describe('a device that speaks by itself', () => {
  it('is answered only when what it said is on disk', async () => {
    const site = new Site({ push: true });
    const gateway = await site.start();
    let acknowledged = false;
    const now = site.clock.nowMs();
    void site
      .device()
      .publish({ samples: [counted('total', 5, now)] })
      .then(() => {
        acknowledged = true;
      });
    await site.world.run(1);
    expect(acknowledged).toBe(false);
    expect(site.store?.store.stats().rows).toBe(0);
    // Its source waits for it, so the batch does not wait for the flush interval.
    await site.world.run(limits.hurriedFlushMs + limits.outboxCommitMs + 1);
    expect(acknowledged).toBe(true);
    expect(site.store?.store.stats()).toMatchObject({ rows: 1, readings: 1 });
    await site.stop(gateway, 100);
  });

  it('is not told that a message is durable when it is not', async () => {
    const site = new Site({ push: true });
    await site.start();
    site.store?.db.close();
    const published = site.device().publish({ samples: [counted('total', 5, 0)] });
    const outcome = expect(published).rejects.toThrow();
    await site.world.run(1_000);
    await outcome;
  });
});
