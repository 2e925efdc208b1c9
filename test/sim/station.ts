/** A gateway machine: its disk outlives its power, its memory does not. */
import SqliteDatabase from 'better-sqlite3';
import { type Database, openDatabase } from '../../devices/io/sqlite.ts';
import { silentLog } from '../../devices/runtime.ts';
import { Type } from '../../devices/schema.ts';
import type { GatewayConfig } from '../../gateway/config.ts';
import { type Gateway, startGateway } from '../../gateway/gateway.ts';
import { createLocalOutbox } from '../../gateway/outbox-local.ts';
import { OutboxStore } from '../../gateway/outbox-store.ts';
import { outboxSchema } from '../../gateway/outbox-tables.ts';
import type { Sink } from '../../gateway/sink.ts';
import type { Chance } from './chance.ts';
import { MachineClock, type World } from './clock.ts';
import { type SeededKey, seededSigner } from './identity.ts';
import type { Network } from './network.ts';
import { type Sensor, sensorDriver, sensorProfile } from './sensor.ts';

export interface StationOptions {
  readonly name: string;
  readonly world: World;
  readonly chance: Chance;
  readonly network: Network;
  readonly ingester: string;
  readonly key: SeededKey;
  readonly devices: readonly { name: string; key: SeededKey; sensor: Sensor }[];
  readonly organisation: string;
  /** Enrolment files by path; they may come later. */
  readonly files: ReadonlyMap<string, Uint8Array>;
  readonly skewMs: number;
  readonly signMs: number;
  /** What leaves the station. */
  readonly uplink: (fingerprint: string, token: Uint8Array) => void;
}

export class Station {
  /** Digests of all batches that were ever committed, in the order of the commits. */
  readonly committed: string[] = [];
  readonly #options: StationOptions;
  #disk: Buffer | undefined;
  #db: Database | undefined;
  #clock: MachineClock | undefined;
  #gateway: Gateway | undefined;
  #receive: ((receipt: Uint8Array) => void) | undefined;
  #failure: unknown;

  constructor(options: StationOptions) {
    this.#options = options;
  }

  get fingerprint(): string {
    return this.#options.key.did.slice('did:key:'.length);
  }

  get isOn(): boolean {
    return this.#gateway !== undefined;
  }

  get failure(): unknown {
    return this.#failure;
  }

  async powerOn(): Promise<void> {
    const { world, chance, skewMs, key, devices, signMs, network } = this.#options;
    const clock = new MachineClock(world, skewMs);
    const db = this.#disk
      ? new SqliteDatabase(this.#disk)
      : openDatabase(':memory:', { schema: outboxSchema });
    const signers = new Map(
      devices.map((device) => [
        device.key.did,
        seededSigner(device.key, { clock, delayMs: signMs }),
      ]),
    );
    const store = new OutboxStore({
      db,
      signers,
      bytesMax: 64 * 1024 * 1024,
      random: chance,
      log: silentLog,
    });
    this.#db = db;
    this.#clock = clock;
    this.#noteCommits(store, db);
    const gateway = await startGateway({
      config: this.#config(),
      configText: this.#options.name,
      known: {
        profiles: { [sensorProfile.name]: sensorProfile },
        drivers: {
          modbus: sensorDriver(new Map(devices.map(({ name, sensor }) => [name, sensor]))),
        },
        sinks: { sim: this.#sink(network, clock) },
      },
      did: key.did,
      devices: new Map(devices.map((device) => [device.name, device.key.did])),
      outbox: createLocalOutbox({ store, clock }),
      clock,
      random: chance,
      log: silentLog,
      openKey: async () => false,
      resolvePath: (path) => path,
      readFile: (path) => this.#options.files.get(path),
    });
    this.#gateway = gateway;
    void gateway.failed.then((error) => {
      if (this.#clock === clock) this.#failure = error;
    });
  }

  /** Power is gone at once: what is not committed never was. */
  powerCut(): void {
    const db = this.#db;
    if (!db) return;
    this.#clock?.die();
    this.#receive = undefined;
    if (db.inTransaction) db.exec('ROLLBACK');
    this.#disk = db.serialize();
    db.close();
    this.#db = undefined;
    this.#gateway = undefined;
  }

  /** Steps the station's wall clock. */
  stepClock(byMs: number): void {
    this.#clock?.step(byMs);
  }

  /** A receipt arrives, if the machine is on. */
  receipt(bytes: Uint8Array): void {
    this.#receive?.(bytes);
  }

  /** Digests of the batches on the disk that have no receipt yet. */
  waiting(): string[] {
    const list = this.#db?.prepare<[], { digest: string }>('SELECT digest FROM batch');
    return (list?.all() ?? []).map(({ digest }) => digest);
  }

  #noteCommits(store: OutboxStore, db: Database): void {
    const append = store.append.bind(store);
    const known = new Set(this.committed);
    const list = db.prepare<[], { digest: string }>('SELECT digest FROM batch ORDER BY id');
    store.append = async (drafts) => {
      const appended = await append(drafts);
      for (const { digest } of list.all()) {
        if (known.has(digest)) continue;
        known.add(digest);
        this.committed.push(digest);
      }
      return appended;
    };
  }

  #sink(network: Network, clock: MachineClock): Sink {
    return {
      name: 'sim',
      summary: 'The simulated network.',
      settings: Type.Object({}),
      open: async (_settings, events) => {
        this.#receive = events.onReceipt;
        const unwatch = network.watch((up) => {
          if (this.#clock === clock) events.onState(up);
        });
        clock.after(1, () => events.onState(network.isUp));
        return {
          send: async (token) => {
            if (!network.isUp) throw new Error('the network is cut');
            this.#options.uplink(this.fingerprint, token);
          },
          async close() {
            unwatch();
          },
        };
      },
    };
  }

  #config(): GatewayConfig {
    const { name, organisation, ingester, devices } = this.#options;
    return {
      gateway: { name, organisation, data: 'data' },
      keys: { store: 'file', path: 'keys', passphraseFile: 'passphrase' },
      facility: `${organisation}/facility/${name}`,
      uplink: { sink: 'sim', ingester, connection: {} },
      devices: devices.map((device) => ({
        name: device.name,
        profile: sensorProfile.name,
        driver: 'modbus',
        connection: {},
        goods: `${organisation}/batch/${device.name}`,
        everyMs: 1_000,
        flushMs: 2_000,
        heartbeatMs: 30_000,
        enrolment: `${device.name}.jwt`,
      })),
    };
  }
}
