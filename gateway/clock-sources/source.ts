/** The contract of a service that sets this machine's clock and can say how well. */
import type { ClockQuality, ClockTeller } from '../../devices/credential/batch.ts';

/** What a service said when it was asked. */
export interface ClockAnswer {
  readonly source: ClockQuality['source'];
  readonly toldBy: ClockTeller;
  /** This machine's clock minus UTC, milliseconds; absent where the service cannot say. */
  readonly offsetMs?: number;
  /** Bound of the error of that offset, or of the clock where there is none, milliseconds. */
  readonly uncertaintyMs?: number;
}

/** The machine as these services are asked on it. Nothing here changes anything. */
export interface Machine {
  /** Standard output of a program, or `undefined` where it is missing, fails or takes too long. */
  run(program: string, args: readonly string[], signal: AbortSignal): Promise<string | undefined>;
  /** Whether there is a file. */
  exists(path: string): Promise<boolean>;
}

export interface ClockSourceSettings {
  /** chronyd's command socket, where it is not in its usual place. */
  readonly chronySocket?: string;
}

/** One service; one file here and one line in registry.ts. Never rejects. */
export type ClockSource = (
  machine: Machine,
  settings: ClockSourceSettings,
  signal: AbortSignal,
) => Promise<ClockAnswer | undefined>;

/** A decimal number as these programs print it, or `undefined` for anything else. */
export function decimal(text: string | undefined): number | undefined {
  if (text === undefined || !/^[+-]?\d{1,20}(\.\d{1,20})?([eE][+-]?\d{1,3})?$/.test(text.trim())) {
    return undefined;
  }
  const value = Number(text);
  return Number.isFinite(value) ? value : undefined;
}
