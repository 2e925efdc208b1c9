/** Opens one connection to one address of a line, within a time. */
import type { Clock } from '../../../devices/runtime.ts';
import { ReadClient } from './client.ts';
import type { Asked, Framing, FramingEvents } from './frame.ts';
import { type FrameCounts, ModbusPort } from './port.ts';
import type { Address } from './wire.ts';

/** A connection that is up, with what speaks on it. */
export interface Line {
  readonly port: ModbusPort;
  readonly client: ReadClient;
  /** Which of the line's addresses this is, from 0. */
  readonly at: number;
  /** Frames that answered something. */
  heard: number;
}

export interface DialOptions {
  readonly address: Address;
  readonly at: number;
  readonly framing: (events: FramingEvents) => Framing;
  readonly counts: FrameCounts;
  readonly clock: Clock;
  readonly timeoutMs: number;
  readonly signal: AbortSignal;
  readonly onAnswer: (asked: Asked, body: Buffer) => void;
  readonly onSpoilt: (asked: Asked, why: 'doubtful' | 'damaged') => void;
  /** The connection that was up ended, or is no longer to be believed. */
  readonly onLost: (
    line: Line,
    how: { readonly cause: 'absent' | 'nonsense'; detail: string },
  ) => void;
}

export type Dialled = { readonly line: Line } | { readonly failure: string } | 'aborted';

/** Resolves when it is known what came of it; a connection that came too late is closed. */
export function dial(options: DialOptions): Promise<Dialled> {
  const { address, at, clock, counts, framing, onAnswer, onLost, onSpoilt, signal, timeoutMs } =
    options;
  return new Promise((resolve) => {
    let line: Line | undefined;
    let isSettled = false;
    const settle = (dialled: Dialled) => {
      if (isSettled) return;
      isSettled = true;
      cancel();
      signal.removeEventListener('abort', abort);
      if (line === undefined) port.destroy();
      resolve(dialled);
    };
    const abort = () => settle('aborted');
    const lose = (cause: 'absent' | 'nonsense', detail: string) => {
      if (line !== undefined) onLost(line, { cause, detail });
      settle({ failure: detail });
    };
    const port: ModbusPort = new ModbusPort({
      address,
      clock,
      framing,
      counts,
      events: {
        onOpen() {
          if (isSettled) return;
          line = { port, client: new ReadClient(port), at, heard: 0 };
          settle({ line });
        },
        onAnswer(asked, body) {
          if (line !== undefined) line.heard += 1;
          onAnswer(asked, body);
        },
        onSpoilt(asked, why) {
          if (line !== undefined && why === 'doubtful') line.heard += 1;
          onSpoilt(asked, why);
        },
        onBroken: (reason) => lose('nonsense', reason),
        onClose: (reason) => lose('absent', reason),
      },
    });
    const cancel = clock.after(timeoutMs, () =>
      settle({ failure: `no connection within ${timeoutMs} ms` }),
    );
    signal.addEventListener('abort', abort, { once: true });
    if (signal.aborted) abort();
  });
}
