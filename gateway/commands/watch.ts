/**
 * `bondline-gateway read --watch`: live values of every configured point, in place on a terminal,
 * a line a change elsewhere. Samples go the way that they go in a running gateway: the driver's,
 * then measure. Nothing is signed or kept.
 */
import type { Reading, ReadingGroup } from '../../devices/reading.ts';
import { formatTime } from '../../devices/runtime.ts';
import type { DeviceConfig } from '../config.ts';
import type { Connection, SampleSet } from '../driver.ts';
import { type GoodsMemory, measure, planMeasurement } from '../measure.ts';
import type { CommandContext, LoadedConfig } from './command.ts';
import { EXIT } from './command.ts';
import { HEADINGS, type Line, openDevice, toJson, toRow } from './device-line.ts';
import { formatTable } from './table.ts';

/** The screen is drawn at most this often. */
const DRAW_MS = 200;
/** Erase from here to the end; go to the first column of so many lines above (ECMA-48 8.3). */
const ERASE_BELOW = '\x1b[J';
const up = (lines: number) => (lines === 0 ? '' : `\x1b[${lines}F`);

interface Watched {
  readonly device: string;
  /** By point, in the order of the profile. */
  readonly lines: Map<string, Line>;
}

/** Shows values until it is stopped. */
export async function watchDevices(
  loaded: LoadedConfig,
  options: { readonly json: boolean; readonly context: CommandContext },
): Promise<number> {
  const { context, json } = options;
  const show = json
    ? printJson(context)
    : context.screen
      ? drawTable(context)
      : printLines(context);
  const all: Watched[] = loaded.config.devices.map(({ name }) => ({
    device: name,
    lines: new Map(),
  }));
  const works = loaded.config.devices.map(async (device, index) => {
    const watched = all[index];
    if (!watched) return;
    await watchDevice(device, { loaded, context, watched, onChange: (line) => show(line, all) });
  });
  await Promise.all(works);
  show(undefined, all);
  return EXIT.well;
}

async function watchDevice(
  device: DeviceConfig,
  options: {
    readonly loaded: LoadedConfig;
    readonly context: CommandContext;
    readonly watched: Watched;
    readonly onChange: (line: Line) => void;
  },
): Promise<void> {
  const { context, loaded, onChange, watched } = options;
  const { connection, profile } = await openDevice(device, loaded, context);
  const points = Object.keys(profile.points);
  const plan = planMeasurement(profile, device.goods);
  const memory: GoodsMemory = new Map();
  for (const point of points) {
    watched.lines.set(point, { device: device.name, point, missing: 'nothing yet' });
  }
  const take = (set: SampleSet) => {
    const put = (line: Line) => {
      const before = watched.lines.get(line.point);
      watched.lines.set(line.point, line);
      if (!before || isNews(before, line)) onChange(line);
    };
    for (const group of measure(set, plan, memory)) {
      for (const reading of group.readings) put(lineOf(device.name, reading, group));
    }
    const { cause = '', points: missing = [] } = set.missing ?? {};
    for (const point of missing) put({ device: device.name, point, missing: cause });
  };
  try {
    await readUntilStopped(device, { connection, context, points, take });
  } finally {
    await connection.close();
  }
}

/** As the gateway does: what speaks by itself is heard, the rest is asked at its interval. */
async function readUntilStopped(
  device: DeviceConfig,
  options: {
    readonly connection: Connection;
    readonly context: CommandContext;
    readonly points: readonly string[];
    readonly take: (set: SampleSet) => void;
  },
): Promise<void> {
  const { connection, context, points, take } = options;
  const { clock, stop } = context;
  if (connection.subscribe) {
    await connection.subscribe(points, async (set) => take(set));
    await new Promise<void>((resolve) => {
      if (stop.aborted) resolve();
      else stop.addEventListener('abort', () => resolve(), { once: true });
    });
    return;
  }
  const everyMs = device.everyMs ?? 1_000;
  let due = clock.monotonicMs();
  while (!stop.aborted) {
    take(await connection.read(points, stop));
    due = Math.max(due + everyMs, clock.monotonicMs());
    await clock.sleep(due - clock.monotonicMs(), stop);
  }
}

function lineOf(device: string, reading: Reading, { gatewayTimeMs, timeMs }: ReadingGroup): Line {
  const sourceTimeMs = gatewayTimeMs === undefined ? undefined : timeMs;
  return {
    device,
    point: reading.point,
    reading,
    ...(sourceTimeMs !== undefined && { sourceTimeMs }),
  };
}

/** Whether a person or a program would want to see it: another value, not only another time. */
function isNews(before: Line, now: Line): boolean {
  const [a, b] = [before.reading, now.reading];
  if (!a || !b) return a !== b || before.missing !== now.missing;
  return (
    a.value !== b.value || a.rawHex !== b.rawHex || a.quality !== b.quality || a.status !== b.status
  );
}

type Show = (line: Line | undefined, all: readonly Watched[]) => void;

function printJson({ out }: CommandContext): Show {
  return (line) => {
    if (line) out(`${JSON.stringify(toJson(line))}\n`);
  };
}

function printLines({ clock, out }: CommandContext): Show {
  return (line) => {
    if (!line) return;
    const cells = toRow(line).filter((cell) => cell !== '');
    out(`${formatTime(clock.nowMs())}  ${cells.join('  ')}\n`);
  };
}

/** The whole table again over the one before, as much of it as the screen has room for. */
function drawTable({ clock, out, screen }: CommandContext): Show {
  let drawn = 0;
  let pending: (() => void) | undefined;
  const draw = (all: readonly Watched[]) => {
    pending?.();
    pending = undefined;
    const rows = all.flatMap(({ lines }) => [...lines.values()].map(toRow));
    const { columns = 80, rows: height = 24 } = screen?.() ?? {};
    const room = Math.max(1, height - 2);
    const table = formatTable(HEADINGS, rows).split('\n').slice(0, -1);
    const hidden = table.length - room;
    const more = hidden > 0 ? [`… ${hidden + 1} more lines: make the terminal higher`] : [];
    const shown = hidden > 0 ? [...table.slice(0, room - 1), ...more] : table;
    const text = shown.map((row) => `${row.slice(0, columns - 1)}\n`).join('');
    out(`${up(drawn)}${ERASE_BELOW}${text}`);
    drawn = shown.length;
  };
  return (line, all) => {
    if (!line) draw(all);
    else pending ??= clock.after(DRAW_MS, () => draw(all));
  };
}
