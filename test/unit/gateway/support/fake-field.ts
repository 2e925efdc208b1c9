/** A field protocol and an uplink that live in the test, and do what it tells them to. */
import type { Sample } from '../../../../devices/reading.ts';
import { Type } from '../../../../devices/schema.ts';
import type { Connection, Driver, SampleSet } from '../../../../gateway/driver.ts';
import type { Sink, SinkContext, SinkEvents } from '../../../../gateway/sink.ts';

/** What a test sees of one device and does to it. */
export interface FakeDevice {
  /** Answers of a polled device; `undefined` is silence. */
  answer: (points: readonly string[]) => Promise<SampleSet> | SampleSet;
  /** Publishes, as a device that speaks by itself; resolves when it is acknowledged. */
  publish: (set: SampleSet) => Promise<void>;
  closed: boolean;
  /** How often it was opened. */
  opened: number;
}

/** A driver whose devices are made when they are opened, by name. */
export function fakeDriver(
  devices: Map<string, FakeDevice>,
  options: { readonly push: boolean },
): Driver {
  return {
    name: 'modbus',
    summary: 'a test',
    settings: Type.Object({}),
    check: () => [],
    async open(_, __, { device: name }): Promise<Connection> {
      const device: FakeDevice = devices.get(name) ?? {
        answer: (points) => ({ samples: [], missing: { points, cause: 'absent' } }),
        publish: async () => undefined,
        closed: false,
        opened: 0,
      };
      device.opened += 1;
      devices.set(name, device);
      return {
        read: async (points) => device.answer(points),
        ...(options.push && {
          silence: { whileAway: true, whileRunning: false },
          async subscribe(_points: readonly string[], deliver: (s: SampleSet) => Promise<void>) {
            device.publish = deliver;
          },
        }),
        async close() {
          device.closed = true;
        },
      };
    },
  };
}

/** A sample of a 32-bit counter. */
export function counted(point: string, value: number, gatewayTimeMs: number): Sample {
  const rawHex = value.toString(16).padStart(8, '0');
  const encoding = { type: 'uint32', order: 'ABCD' } as const;
  return { point, rawHex, encoding, quality: 'good', gatewayTimeMs };
}

/** An uplink in memory: `connect` and `disconnect` are the cable. */
export class FakeUplink {
  readonly sent: Uint8Array[] = [];
  /** Called with each credential that is sent. */
  onSend: (token: Uint8Array) => void = () => undefined;
  #events: SinkEvents | undefined;
  #isUp = false;

  readonly sink: Sink = {
    name: 'mqtt',
    summary: 'a test',
    settings: Type.Object({}),
    open: async (_: unknown, events: SinkEvents, __: SinkContext) => {
      this.#events = events;
      if (this.#isUp) events.onState(true);
      return {
        send: async (token: Uint8Array) => {
          if (!this.#isUp) throw new Error('no uplink');
          this.sent.push(token);
          this.onSend(token);
        },
        close: async () => undefined,
      };
    },
  };

  connect(): void {
    this.#isUp = true;
    this.#events?.onState(true);
  }

  disconnect(): void {
    this.#isUp = false;
    this.#events?.onState(false);
  }

  receipt(bytes: Uint8Array): void {
    this.#events?.onReceipt(bytes);
  }
}
