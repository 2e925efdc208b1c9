/** A gateway machine: its disk outlives its power, its memory does not. */
import { join } from 'node:path';
import type { Database } from '../../devices/io/sqlite.ts';
import { type Log, silentLog } from '../../devices/runtime.ts';
import { Type } from '../../devices/schema.ts';
import type { GatewayConfig } from '../../gateway/config.ts';
import { type Gateway, startGateway } from '../../gateway/gateway.ts';
import type { WhenFull } from '../../gateway/outbox.ts';
import { createLocalOutbox } from '../../gateway/outbox-local.ts';
import { openOutbox } from '../../gateway/outbox-open.ts';
import { OutboxStore } from '../../gateway/outbox-store.ts';
import { patientSigner } from '../../gateway/patient-signer.ts';
import type { Sink } from '../../gateway/sink.ts';
import type { Chance } from './chance.ts';
import { MachineClock, type World } from './clock.ts';
import { Disk, PowerCut } from './disk.ts';
import { type KeyHealth, type SeededKey, seededSigner } from './identity.ts';
import type { Link } from './network.ts';
import { HEARTBEAT_MS } from './organisation.ts';
import { type OutboxChange, takeChanges, watchOutbox } from './outbox-changes.ts';
import { type Sensor, sensorDriver, simProfiles } from './sensor.ts';

export interface StationOptions {
  readonly name: string;
  readonly world: World;
  readonly chance: Chance;
  readonly link: Link;
  readonly ingester: string;
  readonly key: SeededKey;
  readonly devices: readonly SimDevice[];
  readonly organisation: string;
  /** Enrolment files by path; they may come later. */
  readonly files: ReadonlyMap<string, Uint8Array>;
  readonly directory: string;
  readonly skewMs: number;
  readonly drift: number;
  readonly bytesMax: number;
  readonly whenFull: WhenFull;
  readonly heartbeatMs?: number;
  /** What each commit put on the disk and took from it; after a start, `all` that is there. */
  readonly onCommit: (station: Station, change: OutboxChange) => void;
}

export interface SimDevice {
  readonly name: string;
  readonly key: SeededKey;
  readonly sensor: Sensor;
  /** Time between reads, or between what it says by itself. */
  readonly everyMs: number;
}

/** No disk of a world changes what it keeps: whoever says so takes a power cut for damage. */
const damageIsBroken: Log = {
  ...silentLog,
  error: (what) => {
    throw new Error(what);
  },
};

export class Station {
  readonly disk: Disk;
  readonly link: Link;
  /** Its disk was put back to an older state since it was last on. */
  isPutBack = false;
  readonly health: KeyHealth = { delayMs: 0, isGone: false };
  readonly #options: StationOptions;
  #db: Database | undefined;
  #clock: MachineClock | undefined;
  #gateway: Gateway | undefined;
  #skewMs: number;
  #failure: unknown;

  constructor(options: StationOptions) {
    this.#options = options;
    this.#skewMs = options.skewMs;
    this.link = options.link;
    this.disk = new Disk({
      directory: join(options.directory, options.name),
      chance: options.chance,
      onCut: () => this.#die(),
      onCommit: (db) => options.onCommit(this, takeChanges(db)),
    });
  }

  get name(): string {
    return this.#options.name;
  }

  get fingerprint(): string {
    return this.#options.key.did.slice('did:key:'.length);
  }

  get devices(): readonly SimDevice[] {
    return this.#options.devices;
  }

  get bytesMax(): number {
    return this.#options.bytesMax;
  }

  get isOn(): boolean {
    return this.#clock !== undefined;
  }

  get clock(): MachineClock | undefined {
    return this.#clock;
  }

  /** Why its gateway stopped by itself since it was switched on. */
  get failure(): unknown {
    return this.#failure;
  }

  async powerOn(): Promise<void> {
    const { world, devices, drift, key } = this.#options;
    const clock = new MachineClock(world, this.#skewMs, drift);
    this.#clock = clock;
    this.#failure = undefined;
    try {
      const db = this.disk.start((file) => openOutbox(file, { clock, log: damageIsBroken }));
      this.#db = db;
      this.#options.onCommit(this, watchOutbox(db));
      this.isPutBack = false;
      const gateway = await startGateway({
        config: this.#config(),
        configText: this.#options.name,
        known: {
          profiles: simProfiles,
          drivers: {
            modbus: sensorDriver(new Map(devices.map(({ name, sensor }) => [name, sensor]))),
          },
          sinks: { sim: this.#sink(clock) },
        },
        did: key.did,
        devices: new Map(devices.map((device) => [device.name, device.key.did])),
        outbox: createLocalOutbox({ store: this.#store(db, clock), clock }),
        clock,
        random: this.#options.chance,
        log: silentLog,
        openKey: async () => false,
        resolvePath: (path) => path,
        readFile: (path) => this.#options.files.get(path),
      });
      if (this.#clock !== clock) return;
      this.#gateway = gateway;
      void gateway.failed.then((error) => {
        if (this.#clock === clock) this.#failure = error;
      });
    } catch (error) {
      // The power may go again before the start is done.
      if (this.#clock !== clock && (clock.isDead || error instanceof PowerCut)) return;
      this.#failure = error;
    }
  }

  /** Power is gone at once: what is not committed never was. */
  powerCut(): void {
    if (!this.isOn) return;
    this.disk.cut();
    this.#die();
  }

  /** Somebody puts an older image of the disk in the place of this one. */
  putBack(image: Parameters<Disk['restore']>[0]): void {
    this.powerCut();
    this.disk.restore(image);
    this.isPutBack = true;
  }

  /** Steps the station's wall clock, for good. */
  stepClock(byMs: number): void {
    this.#clock?.step(byMs);
    this.#skewMs += byMs;
  }

  /** What waits on its disk, in tokens and their bytes; those that are dated up to then. */
  waiting(upToMs = Number.MAX_SAFE_INTEGER): { rows: number; bytes: number } {
    const sums = this.disk.look((db) =>
      db
        .prepare<[number], { rows: number; bytes: number }>(
          `SELECT count(*) AS rows, coalesce(sum(bytes), 0) AS bytes FROM batch
           WHERE closed_ms <= ?`,
        )
        .get(upToMs),
    );
    return sums ?? { rows: 0, bytes: 0 };
  }

  snapshot(): ReturnType<Gateway['snapshot']> | undefined {
    return this.#gateway?.snapshot();
  }

  #die(): void {
    this.#clock?.die();
    this.#skewMs = this.#clock?.skewMs ?? this.#skewMs;
    this.#clock = undefined;
    this.#gateway = undefined;
    const db = this.#db;
    this.#db = undefined;
    // A program that reads row by row holds its connection; nobody looks at that file any more.
    if (db?.open) closeIdle(db);
  }

  #store(db: Database, clock: MachineClock): OutboxStore {
    const { bytesMax, chance, devices, whenFull } = this.#options;
    const signers = devices.map(({ key }) => {
      const signer = seededSigner(key, { clock, health: this.health });
      const stop = new AbortController().signal;
      return [key.did, patientSigner(signer, { clock, log: silentLog, stop })] as const;
    });
    return new OutboxStore({
      ...{ db, bytesMax, whenFull, random: chance, log: silentLog },
      signers: new Map(signers),
    });
  }

  #sink(clock: MachineClock): Sink {
    const { link } = this.#options;
    return {
      name: 'sim',
      summary: 'The simulated network.',
      settings: Type.Object({}),
      open: async (_settings, events) => {
        const isMine = () => this.#clock === clock;
        link.end('down', (receipt) => {
          if (isMine()) events.onReceipt(receipt);
        });
        const unwatch = link.watch((up) => {
          if (isMine()) events.onState(up);
        });
        clock.after(1, () => events.onState(link.isUp));
        return {
          send: async (token) => {
            if (!link.isUp || !isMine()) throw new Error('the network is cut');
            link.send('up', token);
          },
          async close() {
            unwatch();
          },
        };
      },
    };
  }

  #config(): GatewayConfig {
    const { name, organisation, ingester, devices, heartbeatMs = HEARTBEAT_MS } = this.#options;
    return {
      gateway: { name, organisation, data: 'data' },
      keys: { store: 'file', path: 'keys', passphraseFile: 'passphrase' },
      facility: `${organisation}/facility/${name}`,
      uplink: { sink: 'sim', ingester, connection: {} },
      devices: devices.map((device) => ({
        name: device.name,
        profile: device.sensor.profile.name,
        driver: 'modbus',
        connection: {},
        goods: `${organisation}/batch/${device.name}`,
        everyMs: device.everyMs,
        flushMs: 2_000,
        heartbeatMs,
        enrolment: `${device.name}.jwt`,
      })),
    };
  }
}

function closeIdle(db: Database): void {
  try {
    db.close();
  } catch (error) {
    if (!(error instanceof TypeError)) throw error;
  }
}
