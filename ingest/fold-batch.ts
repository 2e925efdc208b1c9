/**
 * Folds one accepted batch: its place into the device's history, its readings into the twins that
 * they are about. Only the newest element of a batch makes a value; the others were overtaken in
 * the same breath and stay in the journal.
 */
import { strict as assert } from 'node:assert';
import type { BatchPayload, ReportPayload } from '../devices/credential/batch-schema.ts';
import { lossOf } from '../devices/credential/reading-wire.ts';
import type { DeviceClockFault } from '../devices/reading.ts';
import { batchPayload } from './apply-payload.ts';
import { putEnrolment, putIncident, putMinute, putNewest } from './fold-cells.ts';
import { advanceCustody, isBeforeFirst } from './fold-custody.ts';
import { cellOf, clockOf, ElementView, observedTime, timeOf } from './fold-element.ts';
import {
  emptyHistory,
  isKnown,
  putBatch,
  putDeviceClock,
  putLoss,
  putNewestBatch,
} from './fold-history.ts';
import { type EnrolmentRecord, type Stamp, type TwinState, touch } from './fold-state.ts';
import type { Kind } from './kind.ts';
import { clockPath, clockToleranceMs, deviceClockPath } from './kind-minutes.ts';
import type { JournalEntry } from './store.ts';
import type { TwinKind } from './twin.ts';

/** Path of the enrolment that a device's newest batch about a twin rests on. */
export const enrolmentPath = '@enrolment';

/** What the fold of an entry can reach. */
export interface FoldAccess {
  /** The state of a twin, made where there is none; it counts as changed. */
  open(tenant: string, kind: TwinKind, uri: string): TwinState;
  /** The state of a twin that exists, or `undefined`. */
  find(tenant: string, kind: TwinKind, uri: string): TwinState | undefined;
  /** The kind that a URI is of. */
  kindOf(uri: string): Kind | undefined;
  readonly deviceKind: Kind;
  /** Points of a registered profile by its digest; `undefined` for one that is not registered. */
  pointsOf(profileDigest: string): ReadonlySet<string> | undefined;
}

/** Observed times of a batch's elements, for measuring how long they took to be seen. */
export type ObservedTimes = readonly number[];

interface Target {
  readonly state: TwinState;
  readonly kind: Kind;
  /** Points whose newest value is found. */
  readonly settled: Set<string>;
  observedMs: number;
}

interface BatchContext {
  readonly entry: JournalEntry;
  readonly fold: FoldAccess;
  readonly stamp: Stamp;
  readonly offsetMs: number;
  readonly enrolment: EnrolmentRecord | undefined;
  readonly device: TwinState;
  readonly points: ReadonlySet<string> | undefined;
}

/**
 * Applies a batch; a second time it changes nothing. `act` is the position of the act that accepts
 * it, where it was doubtful: from there on it has an effect, at the place in time that it has.
 */
export function foldBatch(entry: JournalEntry, fold: FoldAccess, act?: number): ObservedTimes {
  const { header, position } = entry;
  const { batch: key, receivedMs, tenant } = header;
  assert(key !== undefined, `batch ${position} has a place in its device's history`);
  const payload = batchPayload(entry);
  const subject = payload.credentialSubject;
  const clock = clockOf(subject['bl:clock']);
  const stamp: Stamp = {
    position,
    device: key.device,
    counter: key.epochCounter,
    nonce: key.epochNonce,
    sequence: key.sequence,
    receivedMs,
    trusted: clock.source === 'ntp' || clock.source === 'ptp' || clock.source === 'gnss',
    ...(act !== undefined && { act }),
    ...(header.standing === 'stale' && { stale: true as const }),
    ...(header.calibration && { calibration: header.calibration }),
  };
  const device = fold.open(tenant, 'device', key.device);
  device.history ??= emptyHistory();
  const { history } = device;
  if (isKnown(history, stamp)) return [];
  const closedMs = timeOf(payload.validFrom);
  const { 'bl:follows': follows, 'bl:after': place } = subject['bl:epoch'];
  const after = place && {
    counter: place['bl:counter'],
    nonce: place['bl:nonce'],
    sequence: place['bl:sequence'],
  };
  const placed = { digest: header.digest, follows, closedMs, ...(after && { after }) };
  putBatch(history, stamp, placed);
  const offsetMs = clock.offsetMs ?? 0;
  const context: BatchContext = {
    entry,
    fold,
    stamp,
    offsetMs,
    enrolment: enrolmentOf(device, subject['bl:enrolment']?.digestMultibase),
    device,
    points: fold.pointsOf(subject['bl:profile'].digestMultibase),
  };
  const elements = foldElements(subject, context);
  const aheadMs = Math.max(elements.aheadMs, Math.round(closedMs - offsetMs - receivedMs));
  putNewestBatch(history, {
    stamp,
    closedMs,
    aheadMs,
    clock,
    gateway: subject['bl:gateway'],
    profile: subject['bl:profile']['bl:name'],
    configuration: subject['bl:configuration'],
  });
  // By receipt, since the claimed time is what is in doubt.
  const holds = aheadMs > clockToleranceMs;
  putMinute(device, clockPath, { observedMs: receivedMs, position }, { holds });
  if (elements.clock !== undefined) {
    putDeviceClock(history, { stamp, ...elements.clock });
    const isWrong = elements.clock.fault !== undefined;
    putMinute(device, deviceClockPath, { observedMs: receivedMs, position }, { holds: isWrong });
  }
  history.batches += 1;
  history.readings += elements.readings;
  foldLosses(subject, context);
  const observedMs = Math.max(0, ...elements.times);
  touch(device, { position: act ?? position, receivedMs, observedMs });
  return elements.times;
}

/** The enrolment that the batch names, else the newest that the device has. */
function enrolmentOf(device: TwinState, digest: string | undefined): EnrolmentRecord | undefined {
  const named = digest === undefined ? undefined : device.enrolments.get(digest);
  if (named !== undefined) return named;
  let newest: EnrolmentRecord | undefined;
  for (const record of device.enrolments.values()) {
    if (newest === undefined || record.position > newest.position) newest = record;
  }
  return newest;
}

function foldElements(subject: BatchPayload['credentialSubject'], context: BatchContext) {
  const { stamp, offsetMs } = context;
  const elements = subject.sensorElementList ?? [];
  const targets = new Map<string, Target | undefined>();
  const view = new ElementView(stamp);
  const times: number[] = [];
  let clock: { fault?: DeviceClockFault } | undefined;
  let readings = 0;
  let aheadMs = Number.NEGATIVE_INFINITY;
  // From the newest to the oldest: the first value of a point is the one that stands.
  for (let index = elements.length - 1; index >= 0; index -= 1) {
    const element = elements[index];
    if (element === undefined) continue;
    const time = observedTime(element, { offsetMs, receivedMs: stamp.receivedMs });
    times.push(time.observedMs);
    if (element.sensorMetadata['bl:gatewayTime'] !== undefined) {
      const fault = clock?.fault ?? element.sensorMetadata['bl:deviceClock'];
      clock = fault === undefined ? {} : { fault };
    }
    aheadMs = Math.max(aheadMs, time.aheadMs);
    readings += element.sensorReport.length;
    const about = element.sensorMetadata['bl:about'];
    const key = about ?? '';
    let target = targets.get(key);
    if (target === undefined && !targets.has(key)) {
      target = targetOf(about, context);
      targets.set(key, target);
    }
    const reports = element.sensorReport;
    // The device is an observer of everything that it says: a position is its own too.
    if (target?.state !== context.device) {
      view.show({ state: context.device, element: index, observedMs: time.observedMs, reports });
      context.fold.deviceKind.observe?.(view, view);
    }
    if (target === undefined) continue;
    target.observedMs = Math.max(target.observedMs, time.observedMs);
    putReports(target, context, { element: index, observedMs: time.observedMs, reports });
    if (target.kind.observe === undefined) continue;
    view.show({ state: target.state, element: index, observedMs: time.observedMs, reports });
    target.kind.observe(view, view);
  }
  for (const target of targets.values()) if (target) finish(target, context);
  return { times, readings, aheadMs, clock };
}

/** The twin that readings are about, where this device may speak of it. */
function targetOf(about: string | undefined, context: BatchContext): Target | undefined {
  const { fold, device, enrolment, entry } = context;
  const fresh = { settled: new Set<string>(), observedMs: 0 };
  if (about === undefined) return { ...fresh, state: device, kind: fold.deviceKind };
  const kind = fold.kindOf(about);
  const inScope = enrolment?.enrolment.scope.goods.some((prefix) => about.startsWith(prefix));
  if (kind === undefined || !inScope) {
    const { receivedMs } = entry.header;
    const reason = `${about} is not in the scope of the device's enrolment`;
    putIncident(device, 'OUT_OF_SCOPE', { position: entry.position, receivedMs, reason });
    return undefined;
  }
  return { ...fresh, state: fold.open(device.tenant, kind.name, about), kind };
}

function putReports(
  target: Target,
  { stamp, points }: BatchContext,
  at: {
    element: number;
    observedMs: number;
    reports: readonly ReportPayload[];
  },
): void {
  const { settled, state } = target;
  for (let index = at.reports.length - 1; index >= 0; index -= 1) {
    const report = at.reports[index];
    if (report === undefined) continue;
    const point = report['bl:point'];
    if (settled.has(point) || points?.has(point) === false) continue;
    const { element, observedMs } = at;
    const cell = cellOf(report, { stamp, element, report: index, observedMs });
    putNewest(state.newest, point, cell);
    // After a bad value the search goes on, for the last good one.
    if (cell.quality !== 'bad') settled.add(point);
  }
}

/** Notes on a twin which enrolment the batch rests on. */
function finish(target: Target, { stamp, enrolment, entry, device }: BatchContext): void {
  const { state, observedMs } = target;
  const position = stamp.act ?? entry.position;
  touch(state, { position, receivedMs: stamp.receivedMs, observedMs });
  if (enrolment === undefined || state === device) return;
  putEnrolment(state, enrolment, observedMs);
  // Who may take the first step of custody follows from the enrolments.
  if (isBeforeFirst(state)) advanceCustody(state);
  putNewest(state.newest, enrolmentPath, {
    stamp,
    element: -1,
    report: -1,
    observedMs,
    value: enrolment.digest,
    unit: '',
    quality: 'good',
  });
}

function foldLosses(subject: BatchPayload['credentialSubject'], context: BatchContext): void {
  const { device, stamp } = context;
  const { history } = device;
  if (history === undefined) return;
  const { counter, nonce, position, sequence } = stamp;
  for (const [index, loss] of (subject['bl:losses'] ?? []).entries()) {
    putLoss(history, { counter, nonce, sequence, index, position, ...lossOf(loss) });
  }
}
