/** Every family of party credentials, and the way from a payload to the family that reads it. */
import type { Refusal } from '../refusal.ts';
import { type Bond, bond } from './bond.ts';
import { type Calibration, calibration } from './calibration.ts';
import { type Correction, correction } from './correction.ts';
import { type CustodyStep, custody } from './custody.ts';
import { type DeliveryTicket, deliveryTicket } from './delivery-ticket.ts';
import type { PartyFamily } from './family.ts';
import { type FoodInspection, foodInspection } from './food-inspection.ts';
import { type GoodsEvent, goodsEvent } from './goods-event.ts';
import { type MillTestReport, millTestReport } from './mill-test-report.ts';
import { type Movement, movement } from './movement.ts';
import { type Standing, standing } from './standing.ts';

/** What a party can say. */
export type PartyStatement =
  | CustodyStep
  | DeliveryTicket
  | MillTestReport
  | FoodInspection
  | GoodsEvent
  | Movement
  | Correction
  | Standing
  | Bond
  | Calibration;

export type PartyKind = PartyStatement['kind'];

type Families = {
  readonly [K in PartyKind]: PartyFamily<Extract<PartyStatement, { readonly kind: K }>>;
};

export const families: Families = {
  custody,
  ticket: deliveryTicket,
  'mill-test-report': millTestReport,
  inspection: foodInspection,
  event: goodsEvent,
  movement,
  correction,
  standing,
  bond,
  calibration,
};

/** One family for each type; a payload is of the family that its `type` names. */
const byType = new Map<unknown, PartyFamily<PartyStatement>>(
  Object.values(families).flatMap((family) =>
    family.types.map((type) => [type, family as PartyFamily<PartyStatement>] as const),
  ),
);

/** The family of a payload by its `type`, or `undefined`; nothing is checked yet. */
export function familyOf(
  payload: Readonly<Record<string, unknown>>,
): PartyFamily<PartyStatement> | undefined {
  const { type } = payload as { type?: unknown };
  if (!Array.isArray(type)) return undefined;
  for (const name of type) {
    const family = byType.get(name);
    if (family) return family;
  }
  return undefined;
}

/** The family of a statement. */
export function familyFor(statement: PartyStatement): PartyFamily<PartyStatement> {
  return families[statement.kind] as PartyFamily<PartyStatement>;
}

/** What a payload says, a refusal, or `undefined` when it is no party credential. */
export function readParty(
  payload: Readonly<Record<string, unknown>>,
): PartyStatement | Refusal | undefined {
  return familyOf(payload)?.read(payload);
}
