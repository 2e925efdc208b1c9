/** One sensor element of a batch as the fold and the kinds read it. */
import { strict as assert } from 'node:assert';
import type {
  BatchPayload,
  ElementPayload,
  ReportPayload,
} from '../devices/credential/batch-schema.ts';
import { parseTime } from '../devices/runtime.ts';
import { putMinute, putNewest, putOldest } from './fold-cells.ts';
import type { Cell, MinuteState, Stamp, TwinState } from './fold-state.ts';
import type { ElementKeeper, ObservedElement } from './kind.ts';

/** A time of a payload, which was checked when the batch was admitted. */
export function timeOf(text: string): number {
  const timeMs = parseTime(text);
  assert(timeMs !== undefined, `${text} was accepted as a time`);
  return timeMs;
}

/**
 * When an element was observed: the gateway's time corrected by its signed offset (gateway minus
 * UTC). A source's own time is not corrected by another clock's offset, but it cannot be later
 * than the gateway had it; where the gateway signed that the source's clock cannot be believed,
 * the gateway's own time stands for it. Never later than receipt. `aheadMs` tells by how much it claimed to be.
 */
export function observedTime(
  element: ElementPayload,
  at: { offsetMs: number; receivedMs: number },
): { observedMs: number; aheadMs: number } {
  const { time, 'bl:gatewayTime': gatewayTime, 'bl:deviceClock': fault } = element.sensorMetadata;
  const heardMs = timeOf(gatewayTime ?? time) - at.offsetMs;
  const isBelieved = gatewayTime !== undefined && fault === undefined;
  const claimedMs = isBelieved ? timeOf(time) : heardMs;
  const observedMs = Math.round(Math.min(claimedMs, heardMs, at.receivedMs));
  return { observedMs, aheadMs: Math.round(Math.max(claimedMs, heardMs) - at.receivedMs) };
}

/** The cell of one report. */
export function cellOf(
  report: ReportPayload,
  at: { stamp: Stamp; element: number; report: number; observedMs: number },
): Cell {
  const value = report.value ?? report.stringValue ?? report.booleanValue;
  const status = report['bl:status'];
  return {
    stamp: at.stamp,
    element: at.element,
    report: at.report,
    observedMs: at.observedMs,
    unit: report.uom ?? '',
    quality: report['bl:quality'] ?? 'good',
    ...(value === undefined ? {} : { value }),
    ...(status === undefined ? {} : { status }),
  };
}

/** A kind's view of one element after another, and the place where it keeps what it makes. */
export class ElementView implements ObservedElement, ElementKeeper {
  observedMs = 0;
  private readonly stamp: Stamp;
  private state: TwinState | undefined;
  private element = 0;
  private reports: readonly ReportPayload[] = [];

  constructor(stamp: Stamp) {
    this.stamp = stamp;
  }

  /** Turns the view to another element. */
  show(at: {
    state: TwinState;
    element: number;
    observedMs: number;
    reports: readonly ReportPayload[];
  }): void {
    this.state = at.state;
    this.element = at.element;
    this.observedMs = at.observedMs;
    this.reports = at.reports;
  }

  number(point: string): number | undefined {
    return this.find(point)?.value;
  }

  flag(point: string): boolean | undefined {
    return this.find(point)?.booleanValue;
  }

  newest(path: string, value: number | readonly number[]): void {
    if (this.state) putNewest(this.state.newest, path, this.cell(value));
  }

  oldest(path: string, value: number | readonly number[]): void {
    if (this.state) putOldest(this.state.oldest, path, this.cell(value));
  }

  minute(path: string, minute: MinuteState): void {
    const at = { observedMs: this.observedMs, position: this.stamp.position };
    if (this.state) putMinute(this.state, path, at, minute);
  }

  private find(point: string): ReportPayload | undefined {
    return this.reports.find((report) => report['bl:point'] === point);
  }

  private cell(value: number | readonly number[]): Cell {
    const { stamp, element, observedMs } = this;
    return { stamp, element, report: -1, observedMs, value, unit: '', quality: 'good' };
  }
}

/** The clock quality of a payload, in our own names. */
export function clockOf(clock: BatchPayload['credentialSubject']['bl:clock']) {
  const { 'bl:offsetMs': offsetMs, 'bl:uncertaintyMs': uncertaintyMs } = clock;
  const { 'bl:toldBy': toldBy } = clock;
  return {
    source: clock['bl:source'],
    ...(toldBy === undefined ? {} : { toldBy }),
    ...(offsetMs === undefined ? {} : { offsetMs }),
    ...(uncertaintyMs === undefined ? {} : { uncertaintyMs }),
    monotonicMs: clock['bl:monotonicMs'],
    steps: clock['bl:steps'],
  };
}
