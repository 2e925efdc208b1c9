/**
 * Time, chance and the log: the only impurities, always passed in, so that a simulation can
 * replace all three. `Date`, timers and `Math.random` appear in this file and nowhere else.
 */
import { randomFillSync } from 'node:crypto';

/** A wall clock, a monotonic clock and timers that belong together. */
export interface Clock {
  /** Wall time in milliseconds since 1970-01-01T00:00:00Z. It may jump either way. */
  nowMs(): number;
  /** Milliseconds on a clock that never goes back, from an origin of its own. */
  monotonicMs(): number;
  /** Calls `action` once after `delayMs`; the returned function cancels it. */
  after(delayMs: number, action: () => void): () => void;
  /** Resolves after `delayMs`, or at once (without throwing) when the signal aborts. */
  sleep(delayMs: number, signal?: AbortSignal): Promise<void>;
}

/** Chance. */
export interface Random {
  /** `count` random bytes, fit for keys and nonces. */
  bytes(count: number): Uint8Array;
  /** A number in [0, 1), for jitter. */
  fraction(): number;
}

/** A field of a log line. */
export type LogField = string | number | boolean | null | undefined;

/** Where an operator reads what happened; one line an event, said at a bounded rate. */
export interface Log {
  debug(message: string, fields?: Record<string, LogField>): void;
  info(message: string, fields?: Record<string, LogField>): void;
  warn(message: string, fields?: Record<string, LogField>): void;
  error(message: string, fields?: Record<string, LogField>): void;
}

/** The machine's own clock. */
export const systemClock: Clock = {
  nowMs: () => Date.now(),
  monotonicMs: () => performance.now(),
  after(delayMs, action) {
    const timer = setTimeout(action, delayMs);
    return () => clearTimeout(timer);
  },
  sleep(delayMs, signal) {
    return new Promise((resolve) => {
      if (signal?.aborted) return resolve();
      const done = () => {
        clearTimeout(timer);
        signal?.removeEventListener('abort', done);
        resolve();
      };
      const timer = setTimeout(done, delayMs);
      signal?.addEventListener('abort', done, { once: true });
    });
  },
};

/** The machine's own randomness. */
export const systemRandom: Random = {
  bytes: (count) => randomFillSync(new Uint8Array(count)),
  fraction: () => Math.random(),
};

export type LogLevel = 'debug' | 'info' | 'warn' | 'error';

const LEVELS: readonly LogLevel[] = ['debug', 'info', 'warn', 'error'];

/**
 * A log that writes one line an event: time, level, component, message, then `key=value` fields
 * (values with spaces are quoted as JSON).
 */
export function createLog(options: {
  component: string;
  level: LogLevel;
  clock: Clock;
  write: (line: string) => void;
}): Log {
  const floor = LEVELS.indexOf(options.level);
  const at =
    (level: LogLevel) =>
    (message: string, fields: Record<string, LogField> = {}) => {
      if (LEVELS.indexOf(level) < floor) return;
      const time = formatTime(options.clock.nowMs());
      const tail = Object.entries(fields)
        .filter(([, value]) => value !== undefined)
        .map(([key, value]) => ` ${key}=${formatField(value)}`)
        .join('');
      options.write(`${time} ${level} ${options.component}: ${message}${tail}\n`);
    };
  return { debug: at('debug'), info: at('info'), warn: at('warn'), error: at('error') };
}

/** A log that keeps nothing, for tests and one-shot commands. */
export const silentLog: Log = { debug() {}, info() {}, warn() {}, error() {} };

/** RFC 3339 in UTC with milliseconds, e.g. `2026-11-21T23:07:23.000Z`. */
export function formatTime(timeMs: number): string {
  return new Date(timeMs).toISOString();
}

/** The platform's own form of a time, for libraries that take nothing else. */
export function dateOf(timeMs: number): Date {
  return new Date(timeMs);
}

/**
 * Milliseconds since 1970 of a date and time in UTC, or `undefined` when there is no such day or
 * time (30 February, hour 24).
 */
export function utcOf(parts: {
  readonly year: number;
  readonly month: number;
  readonly day: number;
  readonly hour: number;
  readonly minute: number;
  readonly second: number;
}): number | undefined {
  const { day, hour, minute, month, second, year } = parts;
  const timeMs = Date.UTC(year, month - 1, day, hour, minute, second);
  const date = new Date(timeMs);
  const isSame =
    date.getUTCMonth() === month - 1 &&
    date.getUTCDate() === day &&
    date.getUTCHours() === hour &&
    date.getUTCMinutes() === minute &&
    date.getUTCSeconds() === second;
  return isSame ? timeMs : undefined;
}

/**
 * Milliseconds since 1970 of an RFC 3339 date-time with a zone, or `undefined` when the text is
 * not one (a date without a zone is not a time, so it is refused).
 */
export function parseTime(text: string): number | undefined {
  if (!RFC3339.test(text)) return undefined;
  const timeMs = Date.parse(text);
  return Number.isNaN(timeMs) ? undefined : timeMs;
}

/**
 * The inverse of `formatTime`: milliseconds of `YYYY-MM-DDTHH:MM:SS.mmmZ`, or `undefined` for any
 * other text, and for a day or time that there is not. The minute is remembered, since readings
 * that arrive together were taken together.
 */
export function readTimeExactly(text: string): number | undefined {
  if (text.length !== EXACT.length || text[19] !== '.' || text[23] !== 'Z') return undefined;
  if (!text.startsWith(minute.text)) {
    const start = text.slice(0, EXACT.indexOf('SS'));
    const timeMs = Date.parse(`${start}00.000Z`);
    if (Number.isNaN(timeMs) || !formatTime(timeMs).startsWith(start)) return undefined;
    minute = { text: start, timeMs };
  }
  const seconds = digits(text, 17, 2);
  const millis = digits(text, 20, 3);
  if (!(seconds < 60) || Number.isNaN(millis)) return undefined;
  return minute.timeMs + seconds * 1000 + millis;
}

const EXACT = 'YYYY-MM-DDTHH:MM:SS.mmmZ';
let minute = { text: '1970-01-01T00:00:', timeMs: 0 };

/** The number that `count` decimal digits at `start` write, or NaN. */
function digits(text: string, start: number, count: number): number {
  let value = 0;
  for (let at = start; at < start + count; at += 1) {
    const digit = text.charCodeAt(at) - 0x30;
    if (digit < 0 || digit > 9) return Number.NaN;
    value = value * 10 + digit;
  }
  return value;
}

const RFC3339 = /^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}(\.\d{1,9})?(Z|[+-]\d{2}:\d{2})$/;

function formatField(value: LogField): string {
  if (typeof value !== 'string') return String(value);
  return /^[\w:./%+@#-]+$/.test(value) ? value : JSON.stringify(value);
}
