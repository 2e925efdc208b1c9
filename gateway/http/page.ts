/**
 * The gateway's status page as HTML: one overview, one page a device. Made on the server, so that
 * it reads without a script; the script only fetches it again.
 */
import { limits } from '../../devices/limits.ts';
import { formatTime } from '../../devices/runtime.ts';
import { units } from '../../devices/units.ts';
import type { DeviceSnapshot, GatewaySnapshot, PointSnapshot } from '../snapshot.ts';
import type { WitnessState } from '../witness.ts';
import { isStale, judgeHealth } from './health.ts';
import { escapeHtml, formatAge, formatBytes, formatCount } from './text.ts';

/** Fetches the page again and puts its new content in place of the old. */
export const SCRIPT = `const every = 1000;
async function refresh() {
  const state = document.querySelector('#live');
  try {
    const answer = await fetch(location.href, { cache: 'no-store' });
    const page = new DOMParser().parseFromString(await answer.text(), 'text/html');
    const fresh = page.querySelector('main');
    if (!answer.ok || !fresh) throw new Error(answer.statusText);
    document.querySelector('main').replaceWith(fresh);
    document.title = page.title;
    state.textContent = 'live';
    state.className = 'mark good';
  } catch {
    state.textContent = 'the gateway does not answer';
    state.className = 'mark bad';
  }
  setTimeout(refresh, every);
}
setTimeout(refresh, every);
`;

const DAY_MS = 86_400_000;

type Mark = 'good' | 'warn' | 'bad' | 'note';

/** The gateway as a whole: uplink, outbox, clock, devices, certificates. */
export function overviewPage(snapshot: GatewaySnapshot): string {
  const health = judgeHealth(snapshot);
  const title = health.status === 'ok' ? snapshot.site : `${snapshot.site}: stale data`;
  return page(title, snapshot, [
    summary(snapshot),
    tiles(snapshot),
    deviceTable(snapshot),
    certificateTable(snapshot),
    '<p class="quiet">For programs: <a href="/metrics">/metrics</a>, ',
    '<a href="/healthz">/healthz</a>, <a href="/readyz">/readyz</a>, ',
    '<a href="/status.json">/status.json</a></p>',
  ]);
}

/** One device: its state, its newest values, what its driver counted. */
export function devicePage(snapshot: GatewaySnapshot, device: DeviceSnapshot): string {
  return page(`${device.name} – ${snapshot.site}`, snapshot, [
    `<p><a href="/">All devices</a></p><h1>${escapeHtml(device.name)} ${stateOf(device)}</h1>`,
    `<p class="quiet">${escapeHtml(device.profile)} over ${escapeHtml(device.driver)}, every `,
    `${formatAge(device.everyMs)}; <code>${escapeHtml(device.did)}</code></p>`,
    device.reason === undefined ? '' : `<p>${escapeHtml(device.reason)}</p>`,
    pointTable(device, snapshot.timeMs),
    counterTable(device),
    certificateTable({ ...snapshot, devices: [device] }),
  ]);
}

function page(title: string, { site }: GatewaySnapshot, parts: readonly string[]): string {
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>${escapeHtml(title)}</title>
<link rel="icon" href="/icon.svg">
<link rel="stylesheet" href="/status.css">
<script src="/status.js" defer></script>
<noscript><meta http-equiv="refresh" content="5"></noscript>
</head>
<body>
<header>
<strong>Bondline gateway</strong> <span>${escapeHtml(site)}</span> <span id="live"></span>
</header>
<main>
${parts.join('\n')}
</main>
</body>
</html>
`;
}

function summary(snapshot: GatewaySnapshot): string {
  const { devices, stale } = judgeHealth(snapshot);
  const upMs = snapshot.timeMs - snapshot.startedMs;
  const said =
    stale.length === 0
      ? mark('good', `${formatCount(devices, 'device')}, data fresh`)
      : mark('bad', `stale: ${stale.map(({ name }) => name).join(', ')}`);
  return (
    `<h1>${escapeHtml(snapshot.site)} ${said}</h1>` +
    `<p class="quiet">running for ${formatAge(upMs)}; ${formatTime(snapshot.timeMs)}; ` +
    `<code>${escapeHtml(snapshot.did)}</code></p>`
  );
}

function tiles({ clock, counters, outbox, uplink, witness }: GatewaySnapshot): string {
  const full = outbox.bytesMax === 0 ? 0 : outbox.bytes / outbox.bytesMax;
  const percent = Math.ceil(full * 100);
  const known = clock.offsetMs !== undefined || clock.uncertaintyMs !== undefined;
  const { offsetMs = 0, uncertaintyMs = 0 } = clock;
  const offset = `${offsetMs.toFixed(1)} ± ${uncertaintyMs.toFixed(1)} ms`;
  const unsynchronised = clock.source === 'unsynchronised' || clock.source === 'unknown';
  return `<dl class="tiles">${[
    tile('Uplink', uplink.up ? mark('good', 'up') : mark('bad', 'down'), 'to the ingester'),
    tile(
      'Waiting for a receipt',
      `${number(outbox.readings)} readings`,
      `${formatBytes(outbox.bytes)} of ${formatBytes(outbox.bytesMax)} (${percent} %)`,
      full > 0.8 ? 'bad' : undefined,
    ),
    tile('Delivered', number(counters.delivered), `${number(counters.refused)} refused`),
    tile('Signed', number(counters.signed), `${number(counters.batches)} batches`),
    tile(
      'Losses signed',
      `${number(counters.lossesSigned)} values`,
      `${number(counters.dropped + outbox.gaveWay)} not kept, ${number(outbox.damaged)} batches damaged`,
      counters.dropped + outbox.gaveWay + outbox.damaged > 0 ? 'bad' : undefined,
    ),
    tile(
      'Clock',
      unsynchronised ? mark('warn', clock.source) : mark('good', clock.source),
      `${known ? offset : 'offset not known'}; ${formatCount(clock.steps, 'step')}`,
    ),
    recordTile(witness),
  ].join('')}</dl>`;
}

/** What the ingester signed of its own record, and whether it keeps to it. */
function recordTile({ checkpoint, contradiction, silent, unproven }: WitnessState): string {
  const name = 'Record kept by the ingester';
  const time = checkpoint && formatTime(checkpoint.issuedMs);
  const entries = checkpoint === undefined ? 'none yet' : `${number(checkpoint.size)} entries`;
  if (contradiction) {
    const than = time === undefined ? '' : `: ${entries} as of ${time}`;
    return tile(name, 'CONTRADICTS', `what it signed before${than}`, 'bad');
  }
  if (unproven) return tile(name, entries, `as of ${time}, NOT proven to continue`, 'bad');
  const more = time === undefined ? 'no checkpoint has come' : `as of ${time}, kept here`;
  if (silent) return tile(name, entries, `${more}; nothing further is shown`, 'warn');
  return tile(name, entries, more);
}

function tile(name: string, value: string, more: string, kind?: Mark): string {
  const text = kind === undefined ? value : mark(kind, value);
  const second = `<span class="second">${escapeHtml(more)}</span>`;
  return `<div><dt>${name}</dt><dd>${text}${second}</dd></div>`;
}

function deviceTable({ devices }: GatewaySnapshot): string {
  const rows = devices.map((device) => {
    const troubles = Object.entries(device.counters)
      .filter(([name, count]) => count > 0 && !QUIET_COUNTERS.has(name))
      .map(([name, count]) => `${name} ${number(count)}`);
    return row([
      `<a href="/devices/${encodeURIComponent(device.name)}">${escapeHtml(device.name)}</a>`,
      `${stateOf(device)}<span class="second">${escapeHtml(device.reason ?? '')}</span>`,
      ageOf(device),
      `${escapeHtml(device.profile)}<span class="second">${escapeHtml(device.driver)}</span>`,
      `<span class="second">${escapeHtml(troubles.join(', '))}</span>`,
    ]);
  });
  return table(['Device', 'State', 'Newest data', 'Profile', 'Counted'], rows);
}

/** What a healthy driver counts too. */
const QUIET_COUNTERS = new Set(['requests', 'connects', 'messages', 'ups', 'notifications']);

function stateOf(device: DeviceSnapshot): string {
  const held = device.held ? ` ${mark('warn', 'held by the ingester')}` : '';
  if (device.state === 'starting') return mark('note', 'starting') + held;
  return mark(device.state === 'up' ? 'good' : 'bad', device.state) + held;
}

function ageOf(device: DeviceSnapshot): string {
  if (device.ageMs === undefined) return '<span class="quiet">none yet</span>';
  const text = device.ageMs < 1_000 ? 'now' : `${formatAge(device.ageMs)} ago`;
  return isStale(device) ? mark('bad', text) : text;
}

function pointTable(device: DeviceSnapshot, nowMs: number): string {
  const rows = device.points.map((point) =>
    row([
      `${escapeHtml(point.point)}<span class="second">${escapeHtml(point.summary)}</span>`,
      `<span class="number">${shownValue(point)}</span>`,
      qualityOf(point, isStale(device)),
      timeCell(point.sourceTimeMs, nowMs) + serverTimeOf(point),
      timeCell(point.gatewayTimeMs, nowMs),
    ]),
  );
  return table(['Point', 'Value', 'Quality', 'Device’s time', 'Gateway’s time'], rows);
}

function shownValue({ unit, value }: PointSnapshot): string {
  if (value === undefined) return '<span class="quiet">none</span>';
  return `${escapeHtml(String(value))} ${escapeHtml(units.get(unit)?.symbol ?? unit)}`;
}

/** A good value of a device that is silent is no longer good news. */
function qualityOf({ quality, status }: PointSnapshot, stale: boolean): string {
  if (quality === undefined) return '';
  if (stale) return `${mark('bad', 'stale')}<span class="second">was ${quality}</span>`;
  const kind = quality === 'good' ? 'good' : quality === 'bad' ? 'bad' : 'warn';
  return `${mark(kind, quality)}<span class="second">${escapeHtml(status ?? '')}</span>`;
}

function timeCell(timeMs: number | undefined, nowMs: number): string {
  if (timeMs === undefined) return '';
  const ago = nowMs - timeMs;
  const words = Math.abs(ago) < 1_000 ? 'now' : ago > 0 ? `${formatAge(ago)} ago` : 'ahead of us';
  return `<span class="number">${formatTime(timeMs)}</span><span class="second">${words}</span>`;
}

/** Below the device's time, where a server between states another. */
function serverTimeOf({ serverTimeMs }: PointSnapshot): string {
  if (serverTimeMs === undefined) return '';
  return `<span class="second">server: ${formatTime(serverTimeMs)}</span>`;
}

function counterTable({ counters }: DeviceSnapshot): string {
  const rows = Object.entries(counters).map(([name, count]) =>
    row([escapeHtml(name), number(count)]),
  );
  return rows.length === 0 ? '' : table(['Counted since it was opened', ''], rows);
}

function certificateTable({ devices, timeMs }: GatewaySnapshot): string {
  const rows = devices.flatMap((device) =>
    device.certificates.map(({ fingerprint, notAfterMs, subject, use }) => {
      const days = Math.floor((notAfterMs - timeMs) / DAY_MS);
      const left = days < 0 ? 'expired' : `${formatCount(days, 'day')} left`;
      const kind = days < 0 ? 'bad' : days < limits.certificateWarnDays ? 'warn' : 'good';
      return row([
        escapeHtml(device.name),
        `${escapeHtml(use)}<span class="second">${escapeHtml(subject)}</span>`,
        `<code>${escapeHtml(fingerprint)}</code>`,
        `${mark(kind, left)}<span class="second">${formatTime(notAfterMs)}</span>`,
      ]);
    }),
  );
  if (rows.length === 0) return '';
  return `<h2>Certificates</h2>${table(['Device', 'Use', 'SHA-256', 'Expires'], rows)}`;
}

function table(headings: readonly string[], rows: readonly string[]): string {
  const head = headings.map((heading) => `<th scope="col">${heading}</th>`).join('');
  const body = rows.join('');
  const rowsAndHead = `<thead><tr>${head}</tr></thead><tbody>${body}</tbody>`;
  return `<div class="wide"><table>${rowsAndHead}</table></div>`;
}

function row(cells: readonly string[]): string {
  return `<tr>${cells.map((cell) => `<td>${cell}</td>`).join('')}</tr>`;
}

function mark(kind: Mark, text: string): string {
  return `<span class="mark ${kind}">${escapeHtml(text)}</span>`;
}

function number(value: number): string {
  return value.toLocaleString('en-US');
}
