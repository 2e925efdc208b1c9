/**
 * The text form of a twin's state in twins.db. Cells name their batch by journal position, so that
 * what many values share is written once; members that depend on arrival are sorted, so that
 * equal states have equal texts.
 */

import type { Quality } from '../devices/reading.ts';
import type { CustodyMove, CustodyRecord, CustodyState, Holder } from './fold-custody.ts';
import type { DeviceHistory } from './fold-history.ts';
import type {
  Cell,
  Cells,
  CellValue,
  DoubtState,
  EnrolmentRecord,
  HoldRecord,
  Incident,
  Member,
  Minute,
  Paper,
  PaperCorrection,
  Stamp,
  TwinState,
} from './fold-state.ts';
import type { TwinKind } from './twin.ts';

/** Written into twins.db; twins of another version are folded anew from the journal. */
export const foldVersion = 8;

/** Position, element, report, observed time, unit, quality, value, status, good. */
type CellText = readonly [
  number,
  number,
  number,
  number,
  string,
  Quality,
  CellValue | null,
  string | null,
  CellText | null,
];
type CellsText = readonly (readonly [string, readonly CellText[]])[];

interface StateText {
  readonly id: string;
  readonly tenant: string;
  readonly kind: TwinKind;
  readonly uri: string;
  readonly position: number;
  readonly observedMs: number;
  readonly receivedMs: number;
  readonly stamps: readonly Stamp[];
  readonly newest: CellsText;
  readonly oldest: CellsText;
  readonly minutes: readonly (readonly [string, readonly Minute[]])[];
  readonly enrolments: readonly EnrolmentRecord[];
  readonly incidents: readonly (readonly [string, Incident])[];
  readonly members: readonly Member[];
  readonly papers: readonly Paper[];
  readonly corrections: readonly PaperCorrection[];
  readonly custody?: CustodyText;
  readonly ownership?: CustodyText;
  readonly holds: readonly HoldRecord[];
  readonly history?: DeviceHistory;
  readonly doubt?: DoubtState;
}

interface CustodyText {
  readonly head: string;
  readonly holder?: Holder;
  readonly moves: number;
  readonly past: readonly CustodyMove[];
  readonly waiting: readonly CustodyRecord[];
}

/** The state as JSON; equal states give equal texts. */
export function encodeState(state: TwinState): string {
  const stamps = new Map<number, Stamp>();
  const text: StateText = {
    id: state.id,
    tenant: state.tenant,
    kind: state.kind,
    uri: state.uri,
    position: state.position,
    observedMs: state.observedMs,
    receivedMs: state.receivedMs,
    newest: encodeCells(state.newest, stamps),
    oldest: encodeCells(state.oldest, stamps),
    stamps: [...stamps.values()].sort((a, b) => a.position - b.position),
    minutes: sorted(state.minutes),
    enrolments: [...state.enrolments.values()].sort((a, b) => a.position - b.position),
    incidents: sorted(state.incidents),
    members: [...state.members.values()].sort((a, b) => (a.device < b.device ? -1 : 1)),
    papers: byPosition(state.papers),
    corrections: byPosition(state.corrections),
    ...(state.custody === undefined ? {} : { custody: encodeCustody(state.custody) }),
    ...(state.ownership === undefined ? {} : { ownership: encodeCustody(state.ownership) }),
    holds: byPosition(state.holds),
    ...(state.history === undefined ? {} : { history: state.history }),
    ...(state.doubt === undefined ? {} : { doubt: state.doubt }),
  };
  return JSON.stringify(text);
}

/** The state of a text that `encodeState` made. */
export function decodeState(json: string): TwinState {
  const text = JSON.parse(json) as StateText;
  const stamps = new Map(text.stamps.map((stamp) => [stamp.position, stamp]));
  return {
    id: text.id,
    tenant: text.tenant,
    kind: text.kind,
    uri: text.uri,
    position: text.position,
    observedMs: text.observedMs,
    receivedMs: text.receivedMs,
    newest: decodeCells(text.newest, stamps),
    oldest: decodeCells(text.oldest, stamps),
    minutes: new Map(text.minutes.map(([path, minutes]) => [path, [...minutes]])),
    enrolments: new Map(text.enrolments.map((record) => [record.digest, record])),
    incidents: new Map(text.incidents),
    members: new Map(text.members.map((member) => [member.device, member])),
    papers: new Map(text.papers.map((paper) => [paper.digest, paper])),
    corrections: new Map(text.corrections.map((one) => [one.key, one])),
    ...(text.custody === undefined ? {} : { custody: decodeCustody(text.custody) }),
    ...(text.ownership === undefined ? {} : { ownership: decodeCustody(text.ownership) }),
    holds: new Map(text.holds.map((one) => [one.key, one])),
    ...(text.history === undefined ? {} : { history: text.history }),
    ...(text.doubt === undefined ? {} : { doubt: text.doubt }),
  };
}

function byPosition<T extends { readonly position: number }>(map: ReadonlyMap<string, T>): T[] {
  return [...map.values()].sort((a, b) => a.position - b.position);
}

function encodeCustody({ head, holder, moves, past, waiting }: CustodyState): CustodyText {
  return { head, ...(holder && { holder }), moves, past, waiting: byPosition(waiting) };
}

function decodeCustody({ waiting, past, ...rest }: CustodyText): CustodyState {
  return {
    ...rest,
    past: [...past],
    waiting: new Map(waiting.map((record) => [record.digest, record])),
  };
}

function sorted<T>(map: ReadonlyMap<string, T>): [string, T][] {
  return [...map].sort(([a], [b]) => (a < b ? -1 : 1));
}

function encodeCells(cells: Cells, stamps: Map<number, Stamp>): CellsText {
  return sorted(cells).map(([path, byDevice]) => [
    path,
    sorted(byDevice).map(([, cell]) => encodeCell(cell, stamps)),
  ]);
}

function encodeCell(cell: Cell, stamps: Map<number, Stamp>): CellText {
  stamps.set(cell.stamp.position, cell.stamp);
  return [
    cell.stamp.position,
    cell.element,
    cell.report,
    cell.observedMs,
    cell.unit,
    cell.quality,
    cell.value ?? null,
    cell.status ?? null,
    cell.good === undefined ? null : encodeCell(cell.good, stamps),
  ];
}

function decodeCells(text: CellsText, stamps: ReadonlyMap<number, Stamp>): Cells {
  return new Map(
    text.map(([path, cells]) => {
      const decoded = cells.map((cell) => decodeCell(cell, stamps));
      return [path, new Map(decoded.map((cell) => [cell.stamp.device, cell]))];
    }),
  );
}

function decodeCell(text: CellText, stamps: ReadonlyMap<number, Stamp>): Cell {
  const [position, element, report, observedMs, unit, quality, value, status, good] = text;
  const stamp = stamps.get(position);
  if (stamp === undefined) throw new Error(`a stored twin names batch ${position} without it`);
  return {
    stamp,
    element,
    report,
    observedMs,
    unit,
    quality,
    ...(value === null ? {} : { value }),
    ...(status === null ? {} : { status }),
    ...(good === null ? {} : { good: decodeCell(good, stamps) }),
  };
}
