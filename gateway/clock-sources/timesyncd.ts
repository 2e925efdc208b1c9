/**
 * What systemd-timesyncd says of the clock: `timedatectl timesync-status` (timedatectl(1)); where
 * that cannot be asked, the file that timesyncd writes when it has set the clock
 * (systemd-timesyncd.service(8), /run/systemd/timesync/synchronized).
 */
import { type ClockAnswer, type ClockSource, decimal } from './source.ts';

const DIRECTORY = '/run/systemd/timesync';

export const timesyncd: ClockSource = async (machine, _, signal) => {
  if (!(await machine.exists(DIRECTORY))) return undefined;
  const text = await machine.run('timedatectl', ['--no-pager', 'timesync-status'], signal);
  const said = text === undefined ? undefined : readTimesyncStatus(text);
  if (said) return said;
  const isSet = await machine.exists(`${DIRECTORY}/synchronized`);
  return { source: isSet ? 'ntp' : 'unsynchronised', toldBy: 'timesyncd' };
};

/**
 * Lines of `Name: value`. The offset shown is the last one measured, which timesyncd takes back
 * by and by: so it is part of the uncertainty, as are root distance and half the delay.
 */
export function readTimesyncStatus(text: string): ClockAnswer | undefined {
  const lines = new Map<string, string>();
  for (const line of text.split('\n')) {
    const [, name, value] = /^\s*([A-Z][A-Za-z ]*):\s*(.*)$/.exec(line) ?? [];
    if (name !== undefined && value !== undefined) lines.set(name, value.trim());
  }
  const leap = lines.get('Leap');
  const packets = decimal(lines.get('Packet count'));
  if (!lines.has('Server') && packets === undefined) return undefined;
  const toldBy = 'timesyncd';
  if (leap === undefined || leap === 'not synchronized' || !packets) {
    return { source: 'unsynchronised', toldBy };
  }
  const [rootText = ''] = (lines.get('Root distance') ?? '').split(' (');
  const rootMs = durationMs(rootText);
  const offsetMs = durationMs(lines.get('Offset') ?? '');
  const delayMs = durationMs(lines.get('Delay') ?? '');
  if (rootMs === undefined || offsetMs === undefined || delayMs === undefined) {
    return { source: 'ntp', toldBy };
  }
  const bound = Math.abs(rootMs) + Math.abs(offsetMs) + Math.abs(delayMs) / 2;
  return { source: 'ntp', toldBy, uncertaintyMs: Math.round(bound * 1_000) / 1_000 };
}

const UNIT_MS: Readonly<Record<string, number>> = {
  us: 0.001,
  μs: 0.001,
  ms: 1,
  s: 1_000,
  min: 60_000,
  h: 3_600_000,
};

/** `-2.127ms`, `1min 4.2s`: parts with a unit each (systemd.time(7)); a sign before the first. */
function durationMs(text: string): number | undefined {
  const [, sign, rest] = /^([+-]?)(.+)$/.exec(text.trim()) ?? [];
  if (rest === undefined) return undefined;
  let sum = 0;
  for (const part of rest.split(' ')) {
    const [, digits, unit = ''] = /^(\d{1,15}(?:\.\d{1,9})?)([a-zμ]+)$/.exec(part) ?? [];
    const scale = Object.hasOwn(UNIT_MS, unit) ? UNIT_MS[unit] : undefined;
    if (digits === undefined || scale === undefined) return part === '0' ? 0 : undefined;
    sum += Number(digits) * scale;
  }
  return sign === '-' ? -sum : sum;
}
