/** Reads a device for lint: every point a few times, then what stands beside the doubtful ones. */
import { limits } from '../../devices/limits.ts';
import type { ModbusPlace, PointDefinition } from '../../devices/profile.ts';
import { numberBytes, type Sample } from '../../devices/reading.ts';
import type { Clock } from '../../devices/runtime.ts';
import type { Driver, DriverContext, SampleSet } from '../driver.ts';
import { placeOnDevice, readingSettingsOf } from '../drivers/modbus/options.ts';
import { registerBytes, sizeOf } from '../drivers/modbus/plan.ts';
import { type Guess, placeGuess } from './guesses.ts';
import { isWrong } from './judge.ts';
import type { PointSeries } from './series.ts';

export interface Observed {
  readonly series: readonly PointSeries[];
  /** Guesses from what stands beside doubtful points, by point. */
  readonly guesses: ReadonlyMap<string, readonly Guess[]>;
  /** Points of which nothing can be said, each with its cause. */
  readonly unread: ReadonlyMap<string, string>;
  readonly reads: number;
}

type Points = Readonly<Record<string, PointDefinition>>;

export interface ObserveOptions {
  readonly driver: Driver;
  readonly connection: unknown;
  readonly points: Points;
  readonly context: DriverContext;
  /** Time between two reads, and for all of them. */
  readonly everyMs: number;
  readonly waitMs: number;
  readonly signal: AbortSignal;
}

interface Heard {
  readonly samples: Map<string, Sample[]>;
  readonly causes: Map<string, string>;
  readonly reads: number;
}

/** Exceptions that a wrong address gets (Modbus Application Protocol V1.1b3 §7). */
const REFUSED: Readonly<Record<string, string>> = {
  'modbus:exception:2': 'refused: illegal address',
  'modbus:exception:3': 'refused: illegal value',
};

/** Reads a device. Only reads: the drivers have no other way. */
export async function observe(options: ObserveOptions): Promise<Observed> {
  const { connection, points } = options;
  const heard = await readPoints(options, points, limits.lintReads);
  const settings = readingSettingsOf(connection);
  const series: PointSeries[] = [];
  const unread = new Map<string, string>();
  for (const [name, point] of Object.entries(points)) {
    const samples = heard.samples.get(name) ?? [];
    const good = samples.filter(({ quality, rawHex }) => quality !== 'bad' && rawHex !== '');
    const place = point.modbus && placeOnDevice(point.modbus, settings);
    const status = samples.at(-1)?.status ?? '';
    const cause = heard.causes.get(name);
    const failure = place && good.length === 0 ? failureOf(status, cause) : undefined;
    const encoding = samples.at(-1)?.encoding;
    if (good.length === 0 && failure === undefined) {
      unread.set(name, samples.length > 0 ? status || 'bad' : (cause ?? 'timeout'));
      continue;
    }
    series.push({
      name,
      point,
      ...(encoding && { encoding }),
      ...(place && { place }),
      raws: good.map(({ rawHex }) => rawHex),
      ...(failure !== undefined && { failure }),
    });
  }
  const guesses = await probe(options, series.filter(isWrong).slice(0, limits.lintProbesMax));
  for (const { failure, name } of series) {
    if (failure !== undefined && !guesses.has(name)) unread.set(name, failure);
  }
  return { series, guesses, unread, reads: heard.reads };
}

function failureOf(status: string, cause: string | undefined): string | undefined {
  if (status !== '') return REFUSED[status];
  return cause === 'nonsense' ? 'the answer has another length' : undefined;
}

/** Reads until every point came `times` times, or the time is over. */
async function readPoints(options: ObserveOptions, points: Points, times: number): Promise<Heard> {
  const { connection: settings, context, driver, everyMs, waitMs } = options;
  const { clock } = context;
  const over = new AbortController();
  const cancel = clock.after(waitMs, () => over.abort());
  const signal = AbortSignal.any([over.signal, options.signal]);
  const samples = new Map<string, Sample[]>();
  const causes = new Map<string, string>();
  const connection = await driver.open(settings, points, context);
  let reads = 0;
  try {
    let wanted = Object.keys(points);
    while (wanted.length > 0 && !signal.aborted) {
      take(await connection.read(wanted, signal), samples, causes);
      reads += 1;
      wanted = wanted.filter((name) => (samples.get(name)?.length ?? 0) < times);
      // What never comes in that many reads is asked no more often than what does.
      if (reads >= 2 * times) break;
      if (wanted.length > 0) await pause(clock, everyMs, signal);
    }
  } finally {
    cancel();
    await connection.close();
  }
  return { samples, causes, reads };
}

function take(set: SampleSet, samples: Map<string, Sample[]>, causes: Map<string, string>): void {
  for (const sample of set.samples) {
    const list = samples.get(sample.point) ?? [];
    samples.set(sample.point, list);
    list.push(sample);
  }
  const { missing } = set;
  for (const point of missing?.points ?? []) {
    // A read that was given up says nothing of the device.
    if (missing && missing.cause !== 'not-running') causes.set(point, missing.cause);
  }
}

async function pause(clock: Clock, everyMs: number, signal: AbortSignal): Promise<void> {
  const delayMs = Math.min(Math.max(everyMs, limits.lintPauseMsMin), limits.lintPauseMsMax);
  await clock.sleep(delayMs, signal);
}

/** Registers to read for one guess about one point. */
interface Probe {
  readonly name: string;
  readonly series: PointSeries;
  readonly kind: 'address' | 'width';
  readonly place: ModbusPlace;
}

/** One register beside, and the other width where the answer had another length. */
async function probe(
  options: ObserveOptions,
  doubtful: readonly PointSeries[],
): Promise<Map<string, Guess[]>> {
  const beside = doubtful.flatMap((series) => [
    ...probesOf(series, 'address', -1),
    ...probesOf(series, 'address', 1),
  ]);
  const wider = doubtful.flatMap((series) => (series.failure ? probesOf(series, 'width', 0) : []));
  const guesses = new Map<string, Guess[]>();
  for (const probes of [beside, wider]) {
    for (const [name, guess] of await readProbes(options, probes)) {
      guesses.set(name, [...(guesses.get(name) ?? []), guess]);
    }
  }
  return guesses;
}

function probesOf(series: PointSeries, kind: Probe['kind'], shift: number): Probe[] {
  const { name, place } = series;
  const bytes = place && (numberBytes[place.encoding.type] ?? 2 * (place.registers ?? 1));
  if (!place || !bytes || (kind === 'width' && bytes < 4)) return [];
  const isEnron = (place.width === 'enron') !== (kind === 'width');
  const moved = {
    ...place,
    address: place.address + shift,
    width: isEnron ? 'enron' : 'standard',
  } as const;
  if (moved.address < 0) return [];
  return [{ name: `${name} ${kind} ${shift}`, series, kind, place: moved }];
}

/** Reads each register of the probes by itself, so that a refused one costs only its probe. */
async function readProbes(
  options: ObserveOptions,
  probes: readonly Probe[],
): Promise<[string, Guess][]> {
  const { connection, driver } = options;
  const points: Record<string, PointDefinition> = {};
  const registers = probes.map((entry) => {
    const names = registersOf(entry.place).map((place) => {
      const name = `${place.table} ${place.width} ${place.address}`;
      points[name] = { summary: '', type: 'bl:Raw', unit: '', modbus: place };
      return name;
    });
    return { entry, names };
  });
  // Forbidden and impossible addresses are left alone.
  for (const [name, point] of Object.entries(points)) {
    if (driver.check(connection, { [name]: point }).length > 0) delete points[name];
  }
  if (Object.keys(points).length === 0) return [];
  const { samples } = await readPoints(options, points, 1);
  return registers.flatMap(({ entry, names }) => {
    const words = names.map(
      (name) => samples.get(name)?.find(({ rawHex }) => rawHex !== '')?.rawHex,
    );
    if (words.some((word) => word === undefined)) return [];
    const guess = placeGuess(entry.series, { ...entry, rawHex: words.join('') });
    return guess === undefined ? [] : [[entry.series.name, guess] as [string, Guess]];
  });
}

function registersOf(place: ModbusPlace): ModbusPlace[] {
  const size = sizeOf(place) ?? 1;
  const type = registerBytes(place.width) === 4 ? 'uint32' : 'uint16';
  return Array.from({ length: size }, (_, index) => ({
    table: place.table,
    address: place.address + index,
    width: place.width ?? 'standard',
    encoding: { type, order: 'ABCD' },
  }));
}
