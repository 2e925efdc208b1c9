/** What every driver must do, whatever its protocol: the suite of gateway/driver.ts. */
import { afterEach, describe, expect, it } from 'vitest';
import type { PointDefinition } from '../../devices/profile.ts';
import { compileReporter } from '../../devices/schema.ts';
import type { Connection, Driver, SampleSet } from '../../gateway/driver.ts';
import { driverContext, until } from '../support/driver-context.ts';

/** A device (or what stands in its place) that a test started. */
export interface ContractDevice {
  /** The `connection` block that reaches it, with every default filled in. */
  readonly settings: unknown;
  /** Connections that are open now. */
  connections(): number;
  stop(): Promise<void>;
}

/** A device that publishes by itself when a test says so. */
export interface ContractPublisher extends ContractDevice {
  /** Resolves when a subscription stands. */
  subscribed(): Promise<void>;
  /** Publishes one message that holds `publishes` points. */
  publish(n: number): void;
  readonly publishes: number;
  /** Messages that were acknowledged. */
  acknowledged(): number;
}

export interface DriverUnderContract {
  readonly driver: Driver;
  /** Which of its ways this run is of, for drivers that have several. */
  readonly way?: string;
  readonly points: Readonly<Record<string, PointDefinition>>;
  /** By point, the raw words that the honest device holds. */
  readonly expected: Readonly<Record<string, string>>;
  /** Points that the driver cannot place, each with a word that its mistake must hold. */
  readonly misplaced: Readonly<Record<string, readonly [PointDefinition, string]>>;
  /** Fields of the connection block that are mistakes, each as a whole block. */
  readonly badSettings: Readonly<Record<string, unknown>>;
  /** Folder for keys and certificates, where the driver keeps some. */
  readonly dataDirectory?: string;
  honest(): Promise<ContractDevice>;
  /** Accepts the connection and never says a word. */
  silent(): Promise<ContractDevice>;
  /** Accepts the connection and answers rubbish. */
  nonsense(): Promise<ContractDevice>;
  /** Closes every connection at once. */
  closing(): Promise<ContractDevice>;
  /** Nobody listens. */
  absent(): Promise<ContractDevice>;
  /** Push protocols. */
  publisher?(): Promise<ContractPublisher>;
}

const never = new AbortController().signal;

/** Declares the suite for one driver. */
export function driverContract(name: string, under: DriverUnderContract): void {
  const names = Object.keys(under.points);
  const title = under.way === undefined ? name : `${name} (${under.way})`;
  const closers: (() => Promise<void>)[] = [];

  afterEach(async () => {
    for (const close of closers.splice(0).reverse()) await close();
  });

  async function start<D extends ContractDevice>(starting: Promise<D>): Promise<D> {
    const device = await starting;
    closers.push(() => device.stop());
    return device;
  }

  async function open(device: ContractDevice): Promise<Connection> {
    const { dataDirectory } = under;
    const context = driverContext('contract', dataDirectory === undefined ? {} : { dataDirectory });
    const connection = await under.driver.open(device.settings, under.points, context);
    closers.push(() => connection.close());
    return connection;
  }

  function expectAllMissing(set: SampleSet, causes: readonly string[]): void {
    expect(set.samples).toEqual([]);
    expect([...(set.missing?.points ?? [])].sort()).toEqual([...names].sort());
    expect(causes).toContain(set.missing?.cause);
  }

  describe(`driver ${title}: settings`, () => {
    it('are described, bounded, and required or with a default', () => {
      expect(under.driver.name).toBe(name);
      expect(under.driver.summary).toMatch(/\.$/);
      const schema = under.driver.settings as SchemaShape;
      expect(schema.additionalProperties).toBe(false);
      const fields = Object.entries(schema.properties);
      expect(fields.length).toBeGreaterThan(0);
      for (const [key, field] of fields) {
        expect(field.description, key).toBeTruthy();
        if (!schema.required?.includes(key)) expect(field.description, key).toMatch(/Default/);
        if (field.type === 'integer' || field.type === 'number') {
          expect(field.minimum, key).toBeTypeOf('number');
          expect(field.maximum, key).toBeTypeOf('number');
          if (/Ms$/.test(key)) expect(field.description, key).toMatch(/\(ms\)|millisecond/);
        } else if (field.type === 'string') {
          expect(field.maxLength, key).toBeTypeOf('number');
        }
      }
    });

    it('that reach a device are right, and wrong ones are each a mistake', async () => {
      const report = compileReporter(under.driver.settings);
      const device = await start(under.honest());
      expect(report(structuredClone(device.settings))).toEqual([]);
      expect(report({ ...(device.settings as object), unheardOf: 1 })).toHaveLength(1);
      for (const [why, bad] of Object.entries(under.badSettings)) {
        expect(report(structuredClone(bad)), why).not.toEqual([]);
      }
    });

    it('are checked against the points without a connection', async () => {
      const device = await start(under.honest());
      expect(under.driver.check(device.settings, under.points)).toEqual([]);
      for (const [point, [definition, word]] of Object.entries(under.misplaced)) {
        const points = { ...under.points, [point]: definition };
        const mistakes = under.driver.check(device.settings, points);
        expect(mistakes, point).toHaveLength(1);
        expect(mistakes[0]?.message).toContain(point);
        expect(mistakes[0]?.message).toContain(word);
      }
      expect(device.connections()).toBe(0);
    });
  });

  describe(`driver ${title}: reading`, () => {
    it('gives every point with its raw words and encoding, stamped with our time', async () => {
      const connection = await open(await start(under.honest()));
      const fromMs = Date.now();
      const { samples, missing } = await connection.read(names, never);
      const toMs = Date.now();
      expect(missing).toBeUndefined();
      const raw = Object.fromEntries(samples.map((sample) => [sample.point, sample.rawHex]));
      expect(raw).toEqual(under.expected);
      expect(samples).toHaveLength(names.length);
      for (const sample of samples) {
        expect(sample.quality).toBe('good');
        expect(sample.encoding.type).toBeTruthy();
        expect(sample.gatewayTimeMs).toBeGreaterThanOrEqual(Math.floor(fromMs));
        expect(sample.gatewayTimeMs).toBeLessThanOrEqual(toMs);
      }
    });

    it('gives the points that were asked for, and no others', async () => {
      const connection = await open(await start(under.honest()));
      const some = names.slice(1);
      const { samples } = await connection.read(some, never);
      expect(samples.map(({ point }) => point).sort()).toEqual([...some].sort());
    });

    it('opens at once though nobody is there, and says that the device is absent', async () => {
      const connection = await open(await start(under.absent()));
      expectAllMissing(await connection.read(names, never), ['absent']);
      expectAllMissing(await connection.read(names, never), ['absent']);
    });

    it('says that a device which hangs up is absent', async () => {
      const connection = await open(await start(under.closing()));
      expectAllMissing(await connection.read(names, never), ['absent']);
    });

    it('takes no value from nonsense', async () => {
      const connection = await open(await start(under.nonsense()));
      expectAllMissing(await connection.read(names, never), ['nonsense']);
    });

    it('waits no longer for a silent device once it is told to stop', async () => {
      const device = await start(under.silent());
      const connection = await open(device);
      const stop = new AbortController();
      const reading = connection.read(names, stop.signal);
      await until(() => device.connections() > 0);
      stop.abort();
      expectAllMissing(await reading, ['not-running']);
      expectAllMissing(await connection.read(names, AbortSignal.abort()), ['not-running']);
    });
  });

  describe(`driver ${title}: closing`, () => {
    it('ends a read that is under way, and every connection', async () => {
      const device = await start(under.silent());
      const connection = await open(device);
      const reading = connection.read(names, never);
      await until(() => device.connections() > 0);
      await connection.close();
      expectAllMissing(await reading, ['not-running']);
      await until(() => device.connections() === 0);
    });

    it('may happen twice, before anything, and leaves nothing to read', async () => {
      const device = await start(under.honest());
      const connection = await open(device);
      await connection.close();
      await connection.close();
      expectAllMissing(await connection.read(names, never), ['not-running', 'absent']);
      await until(() => device.connections() === 0);
    });

    it('leaves another connection to the same device alone', async () => {
      const device = await start(under.honest());
      const one = await open(device);
      const other = await open(device);
      await one.read(names, never);
      await one.close();
      const { samples, missing } = await other.read(names, never);
      expect(missing).toBeUndefined();
      expect(samples).toHaveLength(names.length);
    });
  });

  const { publisher } = under;
  if (publisher !== undefined) {
    describe(`driver ${title}: subscribing`, () => {
      it('delivers in order, acknowledges what is durable and nothing else, and stops at close', async () => {
        const device = await start(publisher());
        const connection = await open(device);
        const sets: SampleSet[] = [];
        const finish: (() => void)[] = [];
        await connection.subscribe?.(names, (set) => {
          // A driver that tidies up what it remembers delivers nothing.
          if (set.forget !== undefined) return Promise.resolve();
          sets.push(set);
          return new Promise((resolve) => finish.push(resolve));
        });
        await device.subscribed();
        for (let n = 0; n < 5; n += 1) device.publish(n);
        // The driver may wait for one before it delivers the next, or may not.
        for (let n = 0; n < 5; n += 1) {
          await until(() => sets.length > n);
          expect(device.acknowledged()).toBeLessThanOrEqual(n);
          finish[n]?.();
        }
        await until(() => device.acknowledged() === 5);
        expect(sets.map((set) => set.samples.length)).toEqual(Array(5).fill(device.publishes));
        await connection.close();
        device.publish(6);
        await until(() => device.connections() === 0);
        expect(sets).toHaveLength(5);
      });
    });
  }
}

interface SchemaShape {
  readonly additionalProperties?: boolean;
  readonly required?: readonly string[];
  readonly properties: Readonly<
    Record<
      string,
      {
        readonly type?: string;
        readonly description?: string;
        readonly default?: unknown;
        readonly minimum?: number;
        readonly maximum?: number;
        readonly maxLength?: number;
      }
    >
  >;
}
