/** A gateway at one site with everything but the network, the field and time itself. */
import { expect } from 'vitest';
import type { Batch } from '../../../../devices/credential/batch.ts';
import { statementIn } from '../../../../devices/credential/checkpoint.ts';
import { readEnrolment } from '../../../../devices/credential/enrolment-wire.ts';
import { openToken, signToken } from '../../../../devices/credential/jws.ts';
import type { ReceiptOutcome } from '../../../../devices/credential/receipt.ts';
import { composeReceipt } from '../../../../devices/credential/receipt-wire.ts';
import { isRefusal } from '../../../../devices/credential/refusal.ts';
import { credentialDigest, fingerprintOfDid } from '../../../../devices/envelope.ts';
import { limits } from '../../../../devices/limits.ts';
import type { DeviceProfile } from '../../../../devices/profile.ts';
import { createLog, systemRandom } from '../../../../devices/runtime.ts';
import { compileReporter } from '../../../../devices/schema.ts';
import { type GatewayConfig, gatewayConfigSchema } from '../../../../gateway/config.ts';
import { type Gateway, startGateway } from '../../../../gateway/gateway.ts';
import type { StatusLine } from '../../../../gateway/health.ts';
import { createLocalOutbox } from '../../../../gateway/outbox-local.ts';
import type { Vouch } from '../../../../gateway/outbox-message.ts';
import { MachineClock, World } from '../../../sim/clock.ts';
import { memorySigner } from '../../../support/identity.ts';
import { counted, type FakeDevice, FakeUplink, fakeDriver } from './fake-field.ts';
import { openBatch, openStore, type StoreWorld } from './outbox-world.ts';

export const START = 1_767_225_600_000;
const LEAF = '00'.repeat(32);
const place = {
  table: 'holding',
  address: 0,
  encoding: { type: 'uint32', order: 'ABCD' },
} as const;
export const point = { summary: '', type: 'Count', unit: '', modbus: place };
export const meter: DeviceProfile = {
  name: 'test-meter',
  summary: '',
  source: '',
  protocol: 'modbus',
  reportsOn: 'pipeline-batch',
  points: { batch: { ...point, identifies: 'pipeline-batch' }, total: point },
};

/** A gateway at one site with everything but the network, the field and time itself. */
export class Site {
  readonly world = new World(START);
  readonly devices = new Map<string, FakeDevice>();
  readonly uplink = new FakeUplink();
  readonly ingester = memorySigner();
  readonly gatewayKey = memorySigner();
  readonly keys = [memorySigner(), memorySigner()];
  /** Keys that were made while it runs. */
  readonly made: ReturnType<typeof memorySigner>[] = [];
  readonly files = new Map<string, Uint8Array>();
  readonly lines: string[] = [];
  readonly batches: Batch[] = [];
  outcome: ReceiptOutcome | 'silence' = 'accepted';
  /** Signs with the gateway's key; without it the gateway is no witness. */
  vouch: Vouch | undefined;
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

  config(change: Partial<GatewayConfig['devices'][number]> = {}): GatewayConfig {
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
      devices: [device('fc-1'), { ...device('fc-2'), ...change }],
    };
    expect(compileReporter(gatewayConfigSchema)(config)).toEqual([]);
    return config as GatewayConfig;
  }

  /** Starts it as a new process would: with a clock, keys and a connection to its database. */
  async start(file?: string, config = this.config()): Promise<Gateway> {
    this.clock = new MachineClock(this.world, 0);
    this.store = openStore({ devices: this.keys, ...(file !== undefined && { file }) });
    const { clock } = this;
    const write = (line: string) => void this.lines.push(line);
    const started = startGateway({
      config,
      configText: 'the text of the configuration',
      known: {
        profiles: {},
        drivers: { modbus: fakeDriver(this.devices, { push: this.push }) },
        sinks: { mqtt: this.uplink.sink },
      },
      did: this.gatewayKey.did,
      devices: new Map(config.devices.map(({ name }, index) => [name, this.did(index)])),
      outbox: createLocalOutbox({ store: this.store.store, clock }),
      ...(this.vouch && { vouch: this.vouch }),
      clock,
      random: { ...systemRandom, fraction: () => 0 },
      log: createLog({ component: 't', level: 'info', clock, write }),
      openKey: async (_, did) => {
        const key = this.made.find((signer) => signer.did === did);
        if (key) this.store?.store.addSigner(key);
        return key !== undefined;
      },
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
    if (statementIn(token)) return;
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
