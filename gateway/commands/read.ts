/** `bondline-gateway read`: every configured point as a table; nothing is signed or kept. */
import { EdgeError } from '../../devices/errors.ts';
import type { Sample } from '../../devices/reading.ts';
import type { DeviceConfig } from '../config.ts';
import type { Connection, SampleSet } from '../driver.ts';
import { measureSample, usableTime, withServerTime } from '../measure.ts';
import {
  type CommandContext,
  EXIT,
  type LoadedConfig,
  loadConfig,
  parseArguments,
  parseSeconds,
} from './command.ts';
import { HEADINGS, type Line, openDevice, toJson, toRow } from './device-line.ts';
import { formatTable } from './table.ts';
import { watchDevices } from './watch.ts';

const OPTIONS = {
  wait: { type: 'string' },
  watch: { type: 'boolean' },
  json: { type: 'boolean' },
} as const;
const WAIT_SECONDS = 5;
/** A point that did not come is asked for again after this long. */
const AGAIN_MS = 250;

export async function runRead(args: readonly string[], context: CommandContext): Promise<number> {
  const { positionals, values } = parseArguments(args, OPTIONS, ['CONFIG']);
  const waitMs = 1_000 * parseSeconds('wait', values.wait, WAIT_SECONDS);
  const loaded = loadConfig(positionals[0] ?? '', context);
  if (values.watch) {
    return watchDevices(loaded, { json: values.json === true, context });
  }
  const lines = (
    await Promise.all(
      loaded.config.devices.map((device) => readDevice(device, { loaded, waitMs, context })),
    )
  ).flat();
  if (values.json) context.out(`${JSON.stringify({ readings: lines.map(toJson) })}\n`);
  else context.out(formatTable(HEADINGS, lines.map(toRow)));
  const came = lines.filter(({ reading }) => reading !== undefined).length;
  if (came === lines.length) return EXIT.well;
  const told = `${lines.length - came} of ${lines.length} points did not come`;
  throw new EdgeError('GW_DEVICE_INCOMPLETE', told);
}

async function readDevice(
  device: DeviceConfig,
  options: { loaded: LoadedConfig; waitMs: number; context: CommandContext },
): Promise<Line[]> {
  const { context, loaded, waitMs } = options;
  const { connection, profile } = await openDevice(device, loaded, context);
  try {
    const points = Object.keys(profile.points);
    const { causes, samples } = await readAll(connection, points, { context, waitMs });
    return points.map((point) => {
      const sample = samples.get(point);
      const definition = profile.points[point];
      if (!sample || !definition) {
        return { device: device.name, point, missing: causes.get(point) ?? 'timeout' };
      }
      const sourceTimeMs = usableTime(sample.sourceTimeMs);
      const timeMs = sourceTimeMs ?? Math.trunc(sample.gatewayTimeMs);
      const reading = withServerTime(measureSample(sample, definition), sample, timeMs);
      return {
        device: device.name,
        point,
        reading,
        ...(sourceTimeMs !== undefined && { sourceTimeMs }),
      };
    });
  } finally {
    await connection.close();
  }
}

/** Asks until every point came or the time is over. */
async function readAll(
  connection: Connection,
  points: readonly string[],
  { context, waitMs }: { context: CommandContext; waitMs: number },
): Promise<{ samples: Map<string, Sample>; causes: Map<string, string> }> {
  const { clock, stop } = context;
  const over = new AbortController();
  const cancel = clock.after(waitMs, () => over.abort());
  const signal = AbortSignal.any([over.signal, stop]);
  const samples = new Map<string, Sample>();
  const causes = new Map<string, string>();
  try {
    let wanted = points;
    while (wanted.length > 0 && !signal.aborted) {
      const set: SampleSet = await connection.read(wanted, signal);
      for (const sample of set.samples) samples.set(sample.point, sample);
      for (const point of set.missing?.points ?? []) causes.set(point, set.missing?.cause ?? '');
      wanted = points.filter((point) => !samples.has(point));
      if (wanted.length > 0) await clock.sleep(AGAIN_MS, signal);
    }
  } finally {
    cancel();
  }
  return { samples, causes };
}
