/** The few questions that a scenario asks the ingester's HTTP interface. */
import { EdgeError } from '../../devices/errors.ts';
import type { ExportedLine } from './lost.ts';
import type { AlertSummary, TwinSummary } from './summary.ts';

/** What the ingester says of itself and of one gateway. */
export interface IngesterCounts {
  readonly verifiedReadings: number;
  readonly held: number;
  readonly refused: number;
}

export interface IngesterStatus {
  readonly positions: number;
  readonly latencyMs: { readonly p50: number | null; readonly p99: number | null };
  /** By gateway fingerprint. */
  readonly sites: Readonly<Record<string, IngesterCounts>>;
}

/** A twin as the list gives it; only what a scenario looks at. */
export interface ListedTwin {
  readonly id: string;
  readonly kind: string;
  readonly label: string;
  readonly position: number;
  readonly observedMs: number;
  readonly control: Readonly<Record<string, { readonly name: string; readonly party: string }>>;
  readonly place?: {
    readonly kind: string;
    readonly latitude: number;
    readonly longitude: number;
    readonly accuracyM?: number;
    readonly name?: string;
    readonly unlocode?: string;
    readonly distanceM?: number;
    readonly basis: string;
  };
  readonly alerts: readonly { readonly code: string; readonly sinceMs: number }[];
}

const DEADLINE_MS = 10_000;

export async function readStatus(base: string): Promise<IngesterStatus> {
  return (await getJson(`${base}/api/status`)) as IngesterStatus;
}

interface TwinPage {
  readonly twins: readonly ListedTwin[];
  /** Id of the last twin, where there are more. */
  readonly next?: string;
}

export async function readTwins(base: string): Promise<readonly ListedTwin[]> {
  const twins: ListedTwin[] = [];
  for (let after: string | undefined = ''; after !== undefined; ) {
    const query = after === '' ? '' : `?after=${encodeURIComponent(after)}`;
    const page = (await getJson(`${base}/api/twins${query}`)) as TwinPage;
    twins.push(...page.twins);
    after = page.next;
  }
  return twins;
}

/** Every reading and signed loss that the journal holds from `position` on. */
export async function readExport(base: string, position: number): Promise<ExportedLine[]> {
  const response = await ask(`${base}/api/readings?from=${position}`, 6 * DEADLINE_MS);
  const text = await response.text();
  return text
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line) as ExportedLine);
}

export function summariseTwin(twin: ListedTwin): TwinSummary {
  const who = Object.fromEntries(
    Object.entries(twin.control).map(([role, statement]) => [role, statement.name]),
  );
  return { id: twin.id, kind: twin.kind, what: twin.label, who, where: describePlace(twin.place) };
}

export function summariseAlerts(
  twins: readonly ListedTwin[],
  formatTime: (timeMs: number) => string,
): AlertSummary[] {
  return twins.flatMap((twin) =>
    twin.alerts.map((alert) => ({
      code: alert.code,
      twin: twin.id,
      since: formatTime(alert.sinceMs),
    })),
  );
}

/** `Neche meter station (USNCX), 1.2 km along Line, ±50 m, estimated`; `unknown` when it is. */
export function describePlace(place: ListedTwin['place']): string {
  if (!place) return 'unknown';
  const at = `${place.latitude.toFixed(5)} ${place.longitude.toFixed(5)}`;
  const parts = [
    place.name ? `${place.name}${place.unlocode ? ` (${place.unlocode})` : ''}` : '',
    place.distanceM === undefined ? '' : `${(place.distanceM / 1000).toFixed(3)} km along`,
    at,
    place.accuracyM === undefined ? '' : `±${Math.round(place.accuracyM)} m`,
    place.basis,
  ];
  return parts.filter((part) => part !== '').join(', ');
}

async function getJson(url: string): Promise<unknown> {
  return (await ask(url, DEADLINE_MS)).json();
}

/** @throws EdgeError SIM_INGESTER_SILENT when there is no answer in time, or not a good one. */
async function ask(url: string, deadlineMs: number): Promise<Response> {
  try {
    const response = await fetch(url, { signal: AbortSignal.timeout(deadlineMs) });
    if (response.ok) return response;
    throw new Error(`the answer was ${response.status}`);
  } catch (cause) {
    throw new EdgeError('SIM_INGESTER_SILENT', `asking the ingester at ${url}`, { cause });
  }
}
