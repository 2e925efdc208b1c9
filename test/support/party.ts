/** One party credential of each family, as statements, for tests; parties are those of the docs. */
import { randomUUID } from 'node:crypto';
import type { Bond } from '../../devices/credential/party/bond.ts';
import type { Calibration } from '../../devices/credential/party/calibration.ts';
import type { Correction } from '../../devices/credential/party/correction.ts';
import type { CustodyStep } from '../../devices/credential/party/custody.ts';
import type { DeliveryTicket } from '../../devices/credential/party/delivery-ticket.ts';
import type { PartyStatement } from '../../devices/credential/party/families.ts';
import type { FoodInspection } from '../../devices/credential/party/food-inspection.ts';
import type { GoodsEvent } from '../../devices/credential/party/goods-event.ts';
import type { MillTestReport } from '../../devices/credential/party/mill-test-report.ts';
import type { Movement } from '../../devices/credential/party/movement.ts';
import type { AeoStanding, CtpatStanding } from '../../devices/credential/party/standing.ts';

export const partyMs = Date.parse('2026-11-21T12:00:00Z');

export const northline = { id: 'did:web:northline.example', name: 'Northline Pipelines' };
export const lakeside = { id: 'did:web:lakeside.example', name: 'Lakeside Terminals' };
export const prairie = { id: 'did:web:prairie-crude.example', name: 'Prairie Crude' };
export const customs = { id: 'did:web:customs.example', name: 'Border Customs' };
export const surety = { id: 'did:web:surety.example', name: 'Harbour Surety' };
export const laboratory = { id: 'did:web:laboratory.example', name: 'Flow Laboratory' };
export const mill = { id: 'did:web:mill.example', name: 'Ridge Mill' };

export const oilGoods = 'did:web:northline.example/batch/CDB-0284';

/** A fresh `urn:uuid:`. */
export const newId = (): string => `urn:uuid:${randomUUID()}`;

const head = (issuer: { id: string; name: string }) => ({
  id: newId(),
  issuer,
  validFromMs: partyMs,
  status: [],
});

export function custodyStep(changes: Partial<CustodyStep> = {}): CustodyStep {
  return {
    kind: 'custody',
    ...head(northline),
    act: 'transfer',
    event: newId(),
    goods: oilGoods,
    from: northline,
    to: lakeside,
    atMs: partyMs - 60_000,
    place: 'did:web:northline.example/facility/neche',
    quantity: { value: '15000.25', unit: 'BLL' },
    seals: [{ number: 'NL-4711', source: 'CAR', type: 'BLT' }],
    ...changes,
  };
}

export function ticket(changes: Partial<DeliveryTicket> = {}): DeliveryTicket {
  return {
    kind: 'ticket',
    ...head(northline),
    number: '991205182',
    goods: oilGoods,
    product: 'Heavy sour crude',
    hts: '2709.00.10',
    batchNumber: 'CDB-0284',
    carrier: northline,
    consignor: prairie,
    consignee: lakeside,
    openedMs: partyMs - 7_200_000,
    closedMs: partyMs - 3_600_000,
    destination: { name: 'Lakeside terminal', unlocode: 'USCHI', portCode: '3901' },
    quantities: [
      { name: 'grossStandardVolume', value: '15022.50', unit: 'BLL' },
      { name: 'netStandardVolume', value: '15000.25', unit: 'BLL' },
    ],
    ...changes,
  };
}

export function millTestReport(changes: Partial<MillTestReport> = {}): MillTestReport {
  return {
    kind: 'mill-test-report',
    ...head(mill),
    certificateNumber: 'MTR-26041-1',
    certification: 'EN 10204 3.1',
    purchaseOrder: 'PO-7781',
    customer: {
      ...lakeside,
      address: { street: '1 Quay Road', locality: 'Chicago', region: 'IL', country: 'US' },
    },
    standard: 'EN 10025-2',
    grade: 'S355J2',
    description: 'Hot rolled coil',
    inspections: [
      {
        product: 'C-26041-03',
        heat: '26041',
        countryOfManufacture: 'CA',
        countryOfMeltAndPour: 'CA',
        meltPractice: 'EAF',
        pieces: 1,
        totalWeight: { value: '21340', unit: 'KGM' },
        dimensions: { thickness: { value: '6', unit: 'MMT' } },
        chemistry: { c: 0.17, mn: 1.35, p: 0.012, s: 0.004, si: 0.2, al: 0.035 },
        mechanical: {
          tensile: { value: '545', unit: 'MPA' },
          yield: { value: '401', unit: 'MPA' },
        },
      },
    ],
    ...changes,
  };
}

export function foodInspection(changes: Partial<FoodInspection> = {}): FoodInspection {
  return {
    kind: 'inspection',
    ...head(laboratory),
    applicant: lakeside,
    facility: { name: 'Cold store 2', unlocode: 'USCHI' },
    startedMs: partyMs - 3_600_000,
    endedMs: partyMs - 1_800_000,
    refrigerated: true,
    doorsOpen: false,
    lots: [
      {
        goods: 'urn:epc:id:bic:MSKU9070323',
        product: 'Avocados',
        lot: 'AV-2026-311',
        grade: 'US No. 1',
        passed: true,
        lowest: { value: '4.8', unit: 'CEL' },
        highest: { value: '6.1', unit: 'CEL' },
      },
    ],
    ...changes,
  };
}

export function goodsEvent(changes: Partial<GoodsEvent> = {}): GoodsEvent {
  return {
    kind: 'event',
    ...head(northline),
    what: 'TransportStart',
    event: newId(),
    goods: [oilGoods],
    atMs: partyMs - 60_000,
    place: { name: 'Neche', portCode: '3404' },
    tracking: 'NL-2026-0284',
    ...changes,
  };
}

export function movement(changes: Partial<Movement> = {}): Movement {
  return {
    kind: 'movement',
    ...head(northline),
    act: 'request',
    atMs: partyMs - 60_000,
    goods: [oilGoods],
    number: '257700052',
    entryType: '62',
    carrier: northline,
    liable: northline,
    portOfEntry: { name: 'Neche', portCode: '3404' },
    portOfDestination: { name: 'Marysville', portCode: '3802', firms: 'P738' },
    ...changes,
  };
}

export function correction(changes: Partial<Correction> = {}): Correction {
  return {
    kind: 'correction',
    ...head(northline),
    event: newId(),
    goods: [oilGoods],
    atMs: partyMs - 7_200_000,
    corrects: { id: newId(), digest: 'uEiBxsxZXsoaeRyPmVyL6TbmIIkKmjTfKzHqtb3pKdiUU8A' },
    reason: 'incorrect_data',
    declaredMs: partyMs,
    replacements: [newId()],
    ...changes,
  };
}

const yearMs = 365 * 24 * 3_600_000;

export function ctpat(changes: Partial<CtpatStanding> = {}): CtpatStanding {
  return {
    kind: 'standing',
    ...head(customs),
    programme: 'CTPAT',
    party: northline,
    number: '70012345',
    validUntilMs: partyMs + yearMs,
    tier: 'Validated',
    sector: 'Rail Carriers',
    country: 'US',
    ...changes,
  };
}

export function aeo(changes: Partial<AeoStanding> = {}): AeoStanding {
  return {
    kind: 'standing',
    ...head(customs),
    programme: 'AEO',
    party: lakeside,
    number: 'XXAEOF0000117',
    validUntilMs: partyMs + yearMs,
    covers: 'customs-and-security',
    status: [
      { purpose: 'revocation', list: 'https://customs.example/status/revocation.jwt', index: 7 },
    ],
    ...changes,
  };
}

export function bond(changes: Partial<Bond> = {}): Bond {
  return {
    kind: 'bond',
    ...head(surety),
    number: '26B004711',
    bondType: 'custodian',
    term: 'continuous',
    principal: northline,
    amount: '250000.00',
    currency: 'USD',
    validUntilMs: partyMs + yearMs,
    ...changes,
  };
}

export function calibration(changes: Partial<Calibration> = {}): Calibration {
  return {
    kind: 'calibration',
    ...head(laboratory),
    number: 'CAL-2026-118',
    device: 'did:key:zDnaerx9CtbPJ1q36T5Ln5wYt3MQYeGRG5ehnPAmxcf5mDZpv',
    serialNumber: 'FC-30017',
    standard: 'ISO/IEC 17025',
    calibratedMs: partyMs - 86_400_000,
    validUntilMs: partyMs + yearMs,
    points: [{ point: 'temperature', uncertainty: { value: '0.10', unit: 'CEL' } }],
    ...changes,
  };
}

/** One of each, by the name that its example has in docs/wire.md. */
export function oneOfEach(): Readonly<Record<string, PartyStatement>> {
  return {
    custody: custodyStep(),
    ticket: ticket(),
    'mill-test-report': millTestReport(),
    inspection: foodInspection(),
    event: goodsEvent(),
    movement: movement(),
    correction: correction(),
    ctpat: ctpat(),
    aeo: aeo(),
    bond: bond(),
    calibration: calibration(),
  };
}
