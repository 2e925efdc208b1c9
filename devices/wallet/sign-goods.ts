/** What parties sign of goods: custody, tickets, certificates, events, movements, corrections. */

import { errorReasons } from '../credential/party/correction.ts';
import { goodsEventTypes } from '../credential/party/goods-event.ts';
import { dimensions, elements, properties } from '../credential/party/mill-test-report.ts';
import { entryTypes, movementActs } from '../credential/party/movement.ts';
import { Type } from '../schema.ts';
import {
  amount,
  closed,
  decimal,
  form,
  headOf,
  millisecondsOf,
  party,
  place,
  text,
  time,
  uri,
} from './sign-form.ts';

/** `custody release`: the step that the holder signs first. */
export const release = form({
  summary: 'release goods that you hold to someone who will accept them',
  schema: Type.Object(
    {
      goods: uri,
      to: party,
      at: Type.Optional(time),
      place: Type.Optional(uri),
      quantity: Type.Optional(amount),
      seals: Type.Optional(
        Type.Array(
          Type.Object(
            {
              number: text,
              source: Type.Optional(Type.Enum(['CAR', 'SHI', 'PHY', 'VET', 'CUS'])),
              type: Type.Optional(Type.Enum(['KLP', 'BLT', 'WIR'])),
            },
            closed,
          ),
          { maxItems: 16 },
        ),
      ),
      previous: Type.Optional(text),
      right: Type.Optional(Type.Enum(['possession', 'ownership'])),
    },
    closed,
  ),
  example: `goods: did:web:northline.example/batch/CDB-0284
to: { id: "did:web:lakeside.example", name: Lakeside Terminals }
at: 2026-11-21T11:59:00Z                # default: now
place: did:web:northline.example/facility/neche
quantity: { value: "15000.25", unit: BLL }
seals: [{ number: NL-4711, source: CAR, type: BLT }]
# previous: step-1.json                 # file of the custody step before, if there was one
# right: ownership                      # default: possession; each has a chain of its own
`,
  statement(input, context) {
    const { goods, to, at, quantity, seals = [], previous } = input;
    return {
      kind: 'custody',
      ...headOf(context),
      act: 'transfer',
      ...(input.right === 'ownership' && { right: input.right }),
      event: context.newId(),
      goods,
      from: context.issuer,
      to,
      atMs: at === undefined ? context.nowMs : millisecondsOf(at),
      ...(previous !== undefined && { previous: context.refer(previous) }),
      ...(input.place !== undefined && { place: input.place }),
      ...(quantity && { quantity }),
      seals,
    };
  },
});

export const ticket = form({
  summary: 'the ticket of a meter (OilAndGasDeliveryTicket)',
  schema: Type.Object(
    {
      number: text,
      goods: uri,
      product: text,
      hts: Type.Optional(Type.String({ pattern: '^[\\d.]{4,16}$', examples: ['2709.00.10'] })),
      batchNumber: Type.Optional(text),
      consignor: party,
      consignee: party,
      opened: time,
      closed: time,
      destination: Type.Optional(place),
      quantities: Type.Array(Type.Object({ name: text, ...amount.properties }, closed), {
        minItems: 1,
        maxItems: 64,
      }),
    },
    closed,
  ),
  example: `number: "991205182"
goods: did:web:northline.example/batch/CDB-0284
product: Heavy sour crude
hts: 2709.00.10
consignor: { id: "did:web:prairie-crude.example", name: Prairie Crude }
consignee: { id: "did:web:lakeside.example", name: Lakeside Terminals }
opened: 2026-11-21T10:00:00Z
closed: 2026-11-21T11:00:00Z
destination: { name: Lakeside terminal, unlocode: USCHI, portCode: "3901" }
quantities:
  - { name: netStandardVolume, value: "15000.25", unit: BLL }
`,
  statement({ opened, closed: closedAt, ...input }, context) {
    return {
      kind: 'ticket',
      ...headOf(context),
      ...input,
      carrier: context.issuer,
      openedMs: millisecondsOf(opened),
      closedMs: millisecondsOf(closedAt),
    };
  },
});

const named = (names: readonly string[], schema: typeof amount) =>
  Type.Object(
    Object.fromEntries(names.map((name) => [name, Type.Optional(schema)])) as Record<
      string,
      ReturnType<typeof Type.Optional<typeof amount>>
    >,
    closed,
  );
const percent = Type.Number({ minimum: 0, maximum: 100 });
const needed = ['c', 'mn', 'p', 's', 'si'];

export const millTestReport = form({
  summary: 'a mill test report, EN 10204 (MillTestReport)',
  schema: Type.Object(
    {
      certificateNumber: text,
      certification: text,
      purchaseOrder: text,
      customer: Type.Object(
        {
          ...party.properties,
          address: Type.Object(
            {
              street: text,
              locality: text,
              region: Type.Optional(text),
              postalCode: Type.Optional(text),
              country: text,
            },
            closed,
          ),
        },
        closed,
      ),
      standard: text,
      grade: text,
      description: text,
      remarks: Type.Optional(Type.String({ minLength: 1, maxLength: 2_000 })),
      inspections: Type.Array(
        Type.Object(
          {
            product: text,
            heat: text,
            countryOfManufacture: text,
            countryOfMeltAndPour: text,
            meltPractice: Type.Optional(text),
            pieces: Type.Optional(Type.Integer({ minimum: 1 })),
            totalWeight: Type.Optional(amount),
            dimensions: Type.Optional(named(dimensions, amount)),
            chemistry: Type.Object(
              {
                ...Object.fromEntries(elements.map((name) => [name, Type.Optional(percent)])),
                ...Object.fromEntries(needed.map((name) => [name, percent])),
              },
              closed,
            ),
            mechanical: Type.Optional(named(properties, amount)),
          },
          closed,
        ),
        { minItems: 1, maxItems: 64 },
      ),
    },
    closed,
  ),
  example: `certificateNumber: MTR-26041-1
certification: EN 10204 3.1
purchaseOrder: PO-7781
customer:
  id: did:web:lakeside.example
  name: Lakeside Terminals
  address: { street: 1 Quay Road, locality: Chicago, region: IL, country: US }
standard: EN 10025-2
grade: S355J2
description: Hot rolled coil
inspections:
  - product: C-26041-03
    heat: "26041"
    countryOfManufacture: CA
    countryOfMeltAndPour: CA
    totalWeight: { value: "21340", unit: KGM }
    chemistry: { c: 0.17, mn: 1.35, p: 0.012, s: 0.004, si: 0.2 }    # mass percent
    mechanical: { tensile: { value: "545", unit: MPA } }
`,
  statement({ inspections, ...input }, context) {
    return {
      kind: 'mill-test-report',
      ...headOf(context),
      ...input,
      inspections: inspections.map((one) => ({
        ...one,
        dimensions: (one.dimensions ?? {}) as Record<string, { value: string; unit: string }>,
        mechanical: (one.mechanical ?? {}) as Record<string, { value: string; unit: string }>,
        chemistry: one.chemistry as Record<string, number>,
      })),
    };
  },
});

export const inspection = form({
  summary: 'an inspection of food lots (FoodGradeInspection)',
  schema: Type.Object(
    {
      applicant: party,
      facility: place,
      started: time,
      ended: time,
      refrigerated: Type.Optional(Type.Boolean()),
      doorsOpen: Type.Optional(Type.Boolean()),
      lots: Type.Array(
        Type.Object(
          {
            goods: uri,
            product: text,
            lot: text,
            grade: text,
            passed: Type.Boolean(),
            lowest: Type.Optional(amount),
            highest: Type.Optional(amount),
            remarks: Type.Optional(Type.String({ minLength: 1, maxLength: 2_000 })),
          },
          closed,
        ),
        { minItems: 1, maxItems: 64 },
      ),
      remarks: Type.Optional(Type.String({ minLength: 1, maxLength: 2_000 })),
    },
    closed,
  ),
  example: `applicant: { id: "did:web:lakeside.example", name: Lakeside Terminals }
facility: { name: Cold store 2, unlocode: USCHI }
started: 2026-11-21T11:00:00Z
ended: 2026-11-21T11:30:00Z
refrigerated: true
lots:
  - goods: urn:epc:id:bic:MSKU9070323
    product: Avocados
    lot: AV-2026-311
    grade: US No. 1
    passed: true
    lowest: { value: "4.8", unit: CEL }
    highest: { value: "6.1", unit: CEL }
`,
  statement({ started, ended, ...input }, context) {
    return {
      kind: 'inspection',
      ...headOf(context),
      ...input,
      startedMs: millisecondsOf(started),
      endedMs: millisecondsOf(ended),
    };
  },
});

export const goodsEvent = form({
  summary: 'the start or end of a transport, or a sale (TransportEvent, TransferEvent)',
  schema: Type.Object(
    {
      what: Type.Enum(goodsEventTypes),
      goods: Type.Array(uri, { minItems: 1, maxItems: 64, uniqueItems: true }),
      at: Type.Optional(time),
      place: Type.Optional(place),
      receiver: Type.Optional(party.properties.id),
      tracking: Type.Optional(text),
    },
    closed,
  ),
  example: `what: TransportStart          # or TransportEnd; TransferOwnership with receiver
goods: [did:web:northline.example/batch/CDB-0284]
at: 2026-11-21T11:59:00Z                # default: now
place: { name: Neche, portCode: "3404" }
tracking: NL-2026-0284
`,
  statement({ at, ...input }, context) {
    const atMs = at === undefined ? context.nowMs : millisecondsOf(at);
    return { kind: 'event', ...headOf(context), ...input, event: context.newId(), atMs };
  },
});

const money = Type.Object(
  { amount: decimal, currency: Type.String({ pattern: '^[A-Z]{3}$', examples: ['USD'] }) },
  closed,
);

export const movement = form({
  summary: 'an act of an in-bond movement that you are liable for (Inbond)',
  schema: Type.Object(
    {
      act: Type.Enum(movementActs),
      at: Type.Optional(time),
      goods: Type.Array(uri, { minItems: 1, maxItems: 64, uniqueItems: true }),
      number: Type.String({ pattern: '^\\d{9}$', examples: ['257700052'] }),
      entryType: Type.Enum(entryTypes),
      carrier: Type.Optional(party),
      liable: Type.Optional(party),
      value: Type.Optional(money),
      portOfEntry: Type.Optional(place),
      portOfDestination: Type.Optional(place),
      portOfArrival: Type.Optional(place),
    },
    closed,
  ),
  example: `act: request                    # arrival (with portOfArrival), export, hold, release
goods: [did:web:northline.example/batch/CDB-0284]
number: "257700052"
entryType: "62"                         # 61 IT, 62 T&E, 63 IE
portOfEntry: { name: Neche, portCode: "3404" }
portOfDestination: { name: Marysville, portCode: "3802", firms: P738 }
`,
  statement({ at, carrier, liable: named, ...input }, context) {
    const { issuer, nowMs } = context;
    const liable = named ?? issuer;
    const atMs = at === undefined ? nowMs : millisecondsOf(at);
    const head = headOf(context);
    return { kind: 'movement', ...head, ...input, atMs, carrier: carrier ?? liable, liable };
  },
});

export const correction = form({
  summary: 'say that something you signed is wrong; it stays, and is shown as corrected',
  schema: Type.Object(
    {
      corrects: text,
      goods: Type.Array(uri, { minItems: 1, maxItems: 64, uniqueItems: true }),
      happened: time,
      reason: Type.Enum(errorReasons),
      replacements: Type.Optional(Type.Array(text, { maxItems: 16 })),
    },
    closed,
  ),
  example: `corrects: ticket.jwt                    # file of what is wrong
goods: [did:web:northline.example/batch/CDB-0284]
happened: 2026-11-21T11:00:00Z          # when it was said to have happened
reason: incorrect_data                  # or did_not_occur
replacements: [ticket-2.jwt]            # files of what says it rightly
`,
  statement({ corrects: path, goods, happened, reason, replacements = [] }, context) {
    const corrects = context.refer(path);
    return {
      kind: 'correction',
      ...headOf(context),
      event: corrects.id,
      goods,
      atMs: millisecondsOf(happened),
      corrects,
      reason,
      declaredMs: context.nowMs,
      replacements: replacements.map((file) => context.refer(file).id),
    };
  },
});
