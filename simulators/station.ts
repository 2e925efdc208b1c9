/**
 * The contract of a station: one or more simulated devices that speak their real protocol behind
 * one port on loopback. stations/registry.ts lists those that there are.
 */
import type { Clock, Log } from '../devices/runtime.ts';
import type { Ledger } from './ledger.ts';

/** What a station is told; each takes what concerns it and checks that. */
export interface StationOptions {
  readonly host: string;
  /** 0 takes any free port. */
  readonly port: number;
  readonly seed: number;
  /** The device's name at its site, as the ledger has it. */
  readonly name: string;
  readonly ledger: Ledger;
  /** Folder for what the devices keep while they are off; absent: they keep nothing. */
  readonly directory?: string;
  /** How many seconds pass at the device in one second; 1 is real time. */
  readonly pace: number;
  /** Milliseconds between two changes of the values, or between two messages. */
  readonly everyMs: number;
  readonly clock: Clock;
  readonly log: Log;
  /** Barrels after which a pipeline batch ends. */
  readonly batchBarrels?: number;
  /** Modbus units, and registers of each. */
  readonly units?: number;
  readonly registers?: number;
  /** Container numbers, each with the kilometre of the route at which it starts. */
  readonly containers?: readonly { readonly container: string; readonly startKm: number }[];
  /** Text of a GeoJSON route. */
  readonly route?: string;
  /** First levels of the MQTT topics. */
  readonly topicPrefix?: string;
  /** Temperature that containers hold, degrees Celsius. */
  readonly setPoint?: number;
}

/** A station that is up. */
export interface RunningStation {
  /** What a gateway needs in order to reach it; printed as JSON when it is ready. */
  readonly ready: Readonly<Record<string, unknown>>;
  /** Values stop changing and messages stop; questions are still answered. */
  quiet(): void;
  /** Does what a line of standard input asks; false when it is not understood. */
  obey?(line: string): boolean;
  /** Stops, keeps what is to be kept, and resolves when the port is free. */
  close(): Promise<void>;
}

/** Resolves once the station can be reached. Rejects with an EdgeError when it cannot start. */
export type StartStation = (options: StationOptions) => Promise<RunningStation>;
