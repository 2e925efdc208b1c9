/** Puts statements, minutes, incidents and enrolments into a state; every operation is a join. */
import { limits } from '../devices/limits.ts';
import {
  type Cell,
  type Cells,
  compareCells,
  type EnrolmentRecord,
  type MinuteState,
  rankCells,
  type TwinState,
} from './fold-state.ts';
import { evidenceMax } from './rule.ts';

/** Keeps a cell where it is the newest of its device; a bad one keeps the last good beside it. */
export function putNewest(cells: Cells, path: string, cell: Cell): void {
  const byDevice = devicesOf(cells, path);
  if (byDevice === undefined) return;
  const held = byDevice.get(cell.stamp.device);
  byDevice.set(cell.stamp.device, held === undefined ? cell : joinNewest(held, cell));
  if (byDevice.size > limits.attributeDevicesMax) dropLowest(byDevice);
}

/** Keeps a cell where it is the oldest of its device. */
export function putOldest(cells: Cells, path: string, cell: Cell): void {
  const byDevice = devicesOf(cells, path);
  if (byDevice === undefined) return;
  const held = byDevice.get(cell.stamp.device);
  if (held !== undefined && compareCells(held, cell) <= 0) return;
  byDevice.set(cell.stamp.device, cell);
  if (byDevice.size > limits.attributeDevicesMax) dropLowest(byDevice);
}

function devicesOf(cells: Cells, path: string): Map<string, Cell> | undefined {
  const found = cells.get(path);
  if (found !== undefined) return found;
  if (cells.size >= limits.twinAttributesMax) return undefined;
  const made = new Map<string, Cell>();
  cells.set(path, made);
  return made;
}

/** Newest by (epoch, sequence, index); a bad one carries the newest good one before it. */
export function joinNewest(a: Cell, b: Cell): Cell {
  const order = compareCells(a, b);
  if (order === 0) return a;
  const newer = order > 0 ? a : b;
  if (newer.quality !== 'bad') return newer;
  const good = newestGood(newestGood(goodOf(a), goodOf(b)), newer.good);
  return good === undefined || good === newer.good ? newer : { ...newer, good };
}

function goodOf(cell: Cell): Cell | undefined {
  return cell.quality === 'bad' ? cell.good : cell;
}

function newestGood(a: Cell | undefined, b: Cell | undefined): Cell | undefined {
  if (a === undefined || b === undefined) return a ?? b;
  return compareCells(a, b) >= 0 ? a : b;
}

/**
 * Beyond the bound the device that is believed least goes. A device's own statements rise in
 * rank with its sequence unless its clock goes back, so what went never has to come back.
 */
function dropLowest(byDevice: Map<string, Cell>): void {
  let lowest: Cell | undefined;
  for (const cell of byDevice.values()) {
    if (lowest === undefined || rankCells(cell, lowest) < 0) lowest = cell;
  }
  if (lowest !== undefined) byDevice.delete(lowest.stamp.device);
}

const MINUTE_MS = 60_000;

/** Notes whether a condition held in the minute of an observation; keeps the newest minutes. */
export function putMinute(
  state: TwinState,
  path: string,
  at: { observedMs: number; position: number },
  { holds }: MinuteState,
): void {
  let minutes = state.minutes.get(path);
  if (minutes === undefined) {
    minutes = [];
    state.minutes.set(path, minutes);
  }
  const minute = Math.floor(at.observedMs / MINUTE_MS);
  let index = minutes.length;
  while (index > 0 && (minutes[index - 1]?.minute ?? 0) >= minute) index -= 1;
  let slot = minutes[index];
  if (slot === undefined || slot.minute !== minute) {
    if (index === 0 && minutes.length >= limits.twinMinutesMax) return;
    slot = { minute, held: false, failed: false, position: -1 };
    minutes.splice(index, 0, slot);
    if (minutes.length > limits.twinMinutesMax) minutes.shift();
  }
  if (holds) {
    slot.held = true;
    slot.position = slot.position < 0 ? at.position : Math.min(slot.position, at.position);
  } else {
    slot.failed = true;
  }
}

/** Counts an entry that has no effect on values, and keeps the first ones as evidence. */
export function putIncident(
  state: TwinState,
  code: string,
  entry: { position: number; receivedMs: number; reason: string },
): void {
  const held = state.incidents.get(code);
  if (held === undefined) {
    state.incidents.set(code, {
      count: 1,
      firstMs: entry.receivedMs,
      positions: [entry.position],
      reason: entry.reason,
      reasonPosition: entry.position,
    });
    return;
  }
  held.count += 1;
  held.firstMs = Math.min(held.firstMs, entry.receivedMs);
  held.positions = [...held.positions, entry.position].sort((a, b) => a - b).slice(0, evidenceMax);
  if (entry.position > held.reasonPosition) {
    held.reason = entry.reason;
    held.reasonPosition = entry.position;
  }
}

/** Keeps an enrolment, and since when there are observations under it. */
export function putEnrolment(
  state: TwinState,
  record: EnrolmentRecord,
  observedMs: number | undefined,
): void {
  const held = state.enrolments.get(record.digest);
  if (held !== undefined) {
    if (observedMs !== undefined) {
      held.sinceMs = Math.min(held.sinceMs ?? observedMs, observedMs);
    }
    return;
  }
  state.enrolments.set(record.digest, {
    digest: record.digest,
    position: record.position,
    enrolment: record.enrolment,
    ...(observedMs === undefined ? {} : { sinceMs: observedMs }),
  });
  if (state.enrolments.size <= limits.twinEnrolmentsMax) return;
  // The newest in the journal stay: a set's top is the same whatever the order of arrival.
  const oldest = [...state.enrolments.values()].reduce((a, b) => (a.position < b.position ? a : b));
  state.enrolments.delete(oldest.digest);
}
