/** `bondline-gateway lint`: reads real values and says what looks wrong in the configuration. */
import { strict as assert } from 'node:assert';
import { EdgeError } from '../../devices/errors.ts';
import { createLog } from '../../devices/runtime.ts';
import type { DeviceConfig } from '../config.ts';
import { profileOf } from '../config-check.ts';
import { registries } from '../gateway.ts';
import { type Finding, judge } from '../lint/judge.ts';
import { type Observed, observe } from '../lint/observe.ts';
import {
  type CommandContext,
  EXIT,
  type LoadedConfig,
  loadConfig,
  parseArguments,
  parseSeconds,
} from './command.ts';

const OPTIONS = { wait: { type: 'string' }, json: { type: 'boolean' } } as const;
const WAIT_SECONDS = 10;

interface DeviceReport extends Observed {
  readonly device: string;
  /** Name of the registered profile, where the points are not written out. */
  readonly profile?: string;
  readonly findings: readonly Finding[];
  /** Points that come with an event, when something happens: there is nothing to read. */
  readonly events: readonly string[];
}

export async function runLint(args: readonly string[], context: CommandContext): Promise<number> {
  const { positionals, values } = parseArguments(args, OPTIONS, ['CONFIG']);
  const waitMs = 1_000 * parseSeconds('wait', values.wait, WAIT_SECONDS);
  const loaded = loadConfig(positionals[0] ?? '', context);
  const reports = await Promise.all(
    loaded.config.devices.map((device) => lintDevice(device, { loaded, waitMs, context })),
  );
  if (values.json) context.out(`${JSON.stringify({ devices: reports.map(toJson) })}\n`);
  else context.out(reports.map(toText).join('\n'));
  const unread = reports.reduce((sum, report) => sum + report.unread.size, 0);
  if (unread > 0) {
    throw new EdgeError('GW_DEVICE_INCOMPLETE', `${unread} points could not be judged`);
  }
  return reports.some(({ findings }) => findings.length > 0) ? EXIT.failed : EXIT.well;
}

async function lintDevice(
  device: DeviceConfig,
  options: { loaded: LoadedConfig; waitMs: number; context: CommandContext },
): Promise<DeviceReport> {
  const { context, loaded, waitMs } = options;
  const { clock, random } = context;
  const profile = profileOf(device, registries.profiles);
  const driver = registries.drivers[device.driver];
  assert(profile && driver, 'configuration was not checked');
  const all = Object.entries(profile.points);
  const events = all.flatMap(([name, { opcua }]) => (opcua?.event === undefined ? [] : [name]));
  const observed = await observe({
    driver,
    connection: device.connection,
    points: Object.fromEntries(all.filter(([name]) => !events.includes(name))),
    context: {
      clock,
      random,
      log: createLog({ component: 'lint', level: 'error', clock, write: context.err }),
      // As in `read`: a name of this run's own keeps it apart from a running gateway.
      gateway: `lint-${Buffer.from(random.bytes(8)).toString('hex')}`,
      device: device.name,
      dataDirectory: loaded.resolvePath(loaded.config.gateway.data),
      resolvePath: loaded.resolvePath,
    },
    everyMs: device.everyMs ?? 0,
    waitMs,
    signal: context.stop,
  });
  const findings = judge(observed.series, observed.guesses);
  // What was not read but found elsewhere is told as a finding.
  const unread = new Map(observed.unread);
  for (const { point } of findings) unread.delete(point);
  const registered = typeof device.profile === 'string' && { profile: device.profile };
  return { ...observed, unread, device: device.name, ...registered, findings, events };
}

function toText(report: DeviceReport): string {
  const { device, events, findings, profile, reads, series, unread } = report;
  const judged = series.length - series.filter(({ name }) => unread.has(name)).length;
  const gone = [...unread.keys()].filter((name) => !series.some((s) => s.name === name)).length;
  const well = judged === 0 ? 'so nothing can be said' : 'nothing looks wrong';
  const told = findings.length === 0 ? well : `${findings.length} look wrong`;
  const lines = [
    `${device}: ${judged} of ${series.length + gone} points judged in ${reads} reads, ${told}`,
  ];
  for (const finding of findings) lines.push('', ...findingLines(finding));
  lines.push(...sharedOrder(findings));
  if (profile !== undefined && findings.length > 0) {
    lines.push(
      '',
      `  The points are those of the profile ${profile}: check that it is this device's;`,
    );
    lines.push('  to change a point, write a profile of your own into the configuration.');
  }
  if (unread.size > 0) {
    lines.push('', `  ${unread.size} could not be judged:`);
    const causes = new Set(unread.values());
    // A device that does not answer is one trouble, not one a point.
    if (judged === 0 && causes.size === 1 && unread.size > 1)
      lines.push(`    every point  ${[...causes][0]}`);
    else for (const [point, cause] of unread) lines.push(`    ${point}  ${cause}`);
  }
  if (events.length > 0) {
    lines.push(
      '',
      `  ${events.length} come with events, when something happens, and were not read`,
    );
  }
  return lines.map((line) => `${line}\n`).join('');
}

/** Several points with one order are most likely a device with it. */
function sharedOrder(findings: readonly Finding[]): string[] {
  const counts = new Map<string, number>();
  for (const { kind, order } of findings) {
    if (kind === 'order' && order) counts.set(order, (counts.get(order) ?? 0) + 1);
  }
  return [...counts]
    .filter(([, count]) => count > 1)
    .flatMap(([order, count]) => [
      '',
      `  ${count} points look like order ${order}: if all are, write it once, "order: ${order}" in the`,
      '  connection, and leave "order" out of the points.',
    ]);
}

function findingLines(finding: Finding): string[] {
  const { confidence, configured, looksLike, others, point, rawHex, reads, value, write } = finding;
  const words = (rawHex.match(/.{1,4}/g) ?? []).join(' ');
  return [
    `  ${point}  (${configured})`,
    `    reads       ${words === '' ? '' : `${words} -> `}${reads}`,
    `    looks like  ${looksLike}${value === undefined ? '' : `: ${value}`}`,
    `    write       ${write}`,
    ...others.map((other) => `    or          ${other}`),
    `    confidence  ${confidence}`,
  ];
}

function toJson({ device, events, findings, reads, unread }: DeviceReport): object {
  const missing = [...unread].map(([point, cause]) => ({ point, cause }));
  return { device, reads, findings, unread: missing, events };
}
