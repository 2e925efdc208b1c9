/**
 * The contract of a way in. A source hands bytes to `receive` and carries receipts back; it
 * judges nothing and keeps nothing.
 */
import { fingerprintOfTopic } from '../devices/envelope.ts';
import type { Clock, Log } from '../devices/runtime.ts';
import type { SchemaMistake, TSchema } from '../devices/schema.ts';
import type { Uplink } from './uplink.ts';

/** Bytes from a gateway. */
export interface Inbound {
  /** Fingerprint of the gateway that the transport names (topic or client certificate). */
  readonly gateway: string;
  readonly bytes: Uint8Array;
  /** Wall time at which the source had all bytes. */
  readonly receivedMs: number;
}

export interface OpenSource {
  /** Address that gateways use, for people and programs, e.g. `mqtt://127.0.0.1:1883`. */
  readonly address: string;
  /** Whether what it carries is encrypted, or plain text that never leaves this machine. */
  readonly security: 'tls' | 'loopback';
  /** Sends a receipt to a gateway; resolves when the transport took it. Never rejects. */
  reply(gateway: string, receipt: Uint8Array): Promise<void>;
  /**
   * Told that nothing more is taken: from now on it acknowledges nothing, not even what waits for
   * room, and only carries receipts out. Absent where that needs no reading.
   */
  rest?(): void;
  close(): Promise<void>;
}

export interface SourceContext {
  readonly clock: Clock;
  readonly log: Log;
  readonly resolvePath: (path: string) => string;
  /** Certificates; absent where no source is configured that needs them. */
  readonly uplink?: Uplink;
  /**
   * Takes one message. Returns `undefined` when there is room for more, else a promise that
   * resolves when there is: the source then stops reading from its peer until it does.
   */
  readonly receive: (message: Inbound) => Promise<void> | undefined;
  /**
   * Asked before more is read from a gateway (`undefined`: nobody knows yet whose connection it
   * is), and answered as `receive`: nothing is read, and nothing dropped, until the promise
   * resolves. Absent where there is always room.
   */
  readonly room?: (gateway: string | undefined) => Promise<void> | undefined;
  /** Told of a gateway that its certificate and an enrolment in force prove. */
  readonly known?: (gateway: string) => void;
  /** Told of each message that is too large to be taken at all; its connection was ended. */
  readonly tooLarge?: () => void;
}

/** Multibase base58btc of a public key: what a fingerprint can look like. */
const FINGERPRINT = /^z[1-9A-HJ-NP-Za-km-z]{40,64}$/;

/** The gateway of an uplink topic, or `undefined` when the topic is no gateway's uplink. */
export function uplinkGateway(topic: string): string | undefined {
  const gateway = fingerprintOfTopic(topic);
  return gateway !== undefined && FINGERPRINT.test(gateway) ? gateway : undefined;
}

/** A way in; one file below sources/ and one line in sources/registry.ts. */
export interface Source<Settings = unknown> {
  readonly name: string;
  readonly summary: string;
  readonly settings: TSchema;
  /** Whether these settings need the certificates of `SourceContext.uplink`. */
  needsUplink(settings: Settings): boolean;
  /** Mistakes that the schema cannot see. Never touches the network. */
  check?(settings: Settings): SchemaMistake[];
  open(settings: Settings, context: SourceContext): Promise<OpenSource>;
}
