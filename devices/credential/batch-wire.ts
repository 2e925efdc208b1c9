/**
 * A batch to its payload and back: what the gateway's outbox signs and the ingester reads. The
 * form stands in docs/wire.md; the two ways are exact inverses.
 */
import { strict as assert } from 'node:assert';
import { limits } from '../limits.ts';
import { compileChecker } from '../schema.ts';
import { aggregatesOf, checkAggregates, payloadOfAggregates } from './aggregate-wire.ts';
import type { Batch, BatchDraft, BatchHead, BatchPlace, CredentialReference } from './batch.ts';
import { type BatchPayload, batchSchema } from './batch-schema.ts';
import {
  checkElement,
  checkLoss,
  Disagreement,
  elementOf,
  groupOf,
  lossOf,
  payloadOfLoss,
  readTime,
  writeTime,
} from './reading-wire.ts';
import { type Refusal, refuse } from './refusal.ts';
import {
  bondlineContext,
  credentialsContext,
  credentialTypes,
  epcisContext,
} from './vocabulary.ts';

const check = compileChecker(batchSchema);

/**
 * The payload of a batch, as JSON text ready to be signed. `ids` are `urn:uuid:` URIs.
 *
 * Readings must be in order: finite values, a value exactly where the quality is not `bad`, whole
 * milliseconds, no empty group. Anything else is a mistake of the caller and asserts, since it
 * would be refused for good at the other end. Text that is not well-formed Unicode is repaired
 * (U+FFFD); the raw words show what came. Negative zero becomes zero, as JSON.stringify writes it.
 */
export function composeBatch(
  draft: BatchDraft,
  place: BatchPlace,
  ids: { readonly credential: string; readonly event: string },
): string {
  const closed = writeTime(draft.closedMs);
  const payload: BatchPayload = {
    '@context': [credentialsContext, epcisContext, bondlineContext],
    id: ids.credential,
    type: ['VerifiableCredential', credentialTypes.batch],
    issuer: draft.device,
    validFrom: closed,
    ...(place.previous && { relatedResource: [payloadOfReference(place.previous)] }),
    credentialSubject: {
      type: 'ObjectEvent',
      eventID: ids.event,
      eventTime: closed,
      eventTimeZoneOffset: '+00:00',
      action: 'OBSERVE',
      bizStep: 'sensor_reporting',
      epcList: goodsOf([...draft.groups, ...(draft.aggregates ?? [])]),
      readPoint: { id: draft.readPoint },
      'bl:gateway': draft.gateway,
      'bl:epoch': {
        'bl:counter': place.epoch.counter,
        'bl:nonce': place.epoch.nonce,
        ...(place.epoch.follows !== undefined && { 'bl:follows': place.epoch.follows }),
        ...(place.epoch.after && { 'bl:after': payloadOfPlace(place.epoch.after) }),
      },
      'bl:sequence': place.sequence,
      ...(draft.enrolment && { 'bl:enrolment': payloadOfReference(draft.enrolment) }),
      'bl:profile': { 'bl:name': draft.profile.name, digestMultibase: draft.profile.digest },
      'bl:configuration': draft.configuration,
      'bl:clock': payloadOfClock(draft),
      ...(draft.losses.length > 0 && { 'bl:losses': draft.losses.map(payloadOfLoss) }),
      ...(draft.suppressed && { 'bl:suppressed': draft.suppressed }),
      ...(draft.aggregates && {
        'bl:aggregates': {
          sensorElementList: draft.aggregates.map((one) => payloadOfAggregates(one, draft.device)),
        },
      }),
      ...(draft.groups.length > 0 && {
        sensorElementList: draft.groups.map((group) => elementOf(group, draft.device)),
      }),
    },
  };
  return JSON.stringify(payload);
}

/** Distinct goods in the order in which they first appear. */
function goodsOf(groups: readonly { readonly about?: string }[]): string[] {
  const goods = new Set<string>();
  for (const { about } of groups) if (about !== undefined) goods.add(about);
  return [...goods];
}

/**
 * The batch of a payload, or a refusal: VC_SCHEMA when the form is wrong, VC_CONTRADICTION when
 * members disagree. Nothing is proven by it: verify the token first.
 */
export function readBatch(payload: unknown): Batch | Refusal {
  return reading(payload, batchOf);
}

/**
 * What a batch says of itself. All of the payload is checked, exactly as `readBatch` does, but
 * nothing is made of the readings: for those who judge and do not look.
 */
export function readBatchHead(payload: unknown): BatchHead | Refusal {
  return reading(payload, headOf);
}

function reading<T>(payload: unknown, read: (payload: BatchPayload) => T): T | Refusal {
  if (!check(payload)) return refuse('VC_SCHEMA', 'not the payload of a batch credential');
  try {
    return read(payload);
  } catch (error) {
    if (error instanceof Disagreement) return refuse(error.refusalCode, error.message);
    throw error;
  }
}

function batchOf(payload: BatchPayload): Batch {
  const { goods: _, readings: _count, ...head } = headOf(payload);
  const { sensorElementList = [], 'bl:losses': losses = [] } = payload.credentialSubject;
  const aggregates = payload.credentialSubject['bl:aggregates']?.sensorElementList;
  return {
    ...head,
    groups: sensorElementList.map(groupOf),
    losses: losses.map(lossOf),
    ...(aggregates && { aggregates: aggregates.map(aggregatesOf) }),
  };
}

function headOf(payload: BatchPayload): BatchHead {
  const { issuer: device, credentialSubject: event, relatedResource, validFrom } = payload;
  const { 'bl:suppressed': suppressed, epcList: goods, sensorElementList: elements = [] } = event;
  if (event.eventTime !== validFrom) throw new Disagreement('eventTime is not validFrom');
  const aggregates = event['bl:aggregates']?.sensorElementList ?? [];
  const readings = countChecked(elements, (element) => checkElement(element, device));
  countChecked(aggregates, (element) => checkAggregates(element, device));
  checkGoods(goods, [...elements, ...aggregates]);
  for (const loss of event['bl:losses'] ?? []) checkLoss(loss);
  const epoch = event['bl:epoch'];
  const [previous] = relatedResource ?? [];
  const profile = event['bl:profile'];
  return {
    id: payload.id,
    device,
    gateway: event['bl:gateway'],
    ...(event['bl:enrolment'] && { enrolment: reference(event['bl:enrolment']) }),
    profile: { name: profile['bl:name'], digest: profile.digestMultibase },
    configuration: event['bl:configuration'],
    readPoint: event.readPoint.id,
    clock: clockOf(event['bl:clock']),
    closedMs: readTime(validFrom),
    goods,
    readings,
    ...(suppressed !== undefined && { suppressed }),
    epoch: {
      counter: epoch['bl:counter'],
      nonce: epoch['bl:nonce'],
      ...(epoch['bl:follows'] !== undefined && { follows: epoch['bl:follows'] }),
      ...(epoch['bl:after'] && { after: placeOf(epoch['bl:after']) }),
    },
    sequence: event['bl:sequence'],
    ...(previous && { previous: reference(previous) }),
  };
}

/** Checks each element; the sum of what they hold, which is bounded. */
function countChecked<T>(elements: readonly T[], check: (element: T) => number): number {
  let count = 0;
  for (const element of elements) count += check(element);
  const most = limits.batchReadingsMax;
  if (count > most) throw new Disagreement(`${count} readings, at most ${most}`, 'VC_SCHEMA');
  return count;
}

/** `epcList` must name the goods of the elements, in the order in which they first appear. */
function checkGoods(
  epcList: readonly string[],
  elements: readonly { readonly sensorMetadata: { readonly 'bl:about'?: string } }[],
): void {
  let found = 0;
  const seen = new Set<string>();
  for (const { sensorMetadata } of elements) {
    const about = sensorMetadata['bl:about'];
    if (about === undefined || seen.has(about)) continue;
    seen.add(about);
    if (epcList[found++] !== about) found = Number.NaN;
  }
  if (found !== epcList.length)
    throw new Disagreement('epcList does not name the goods of the elements');
}

function payloadOfClock({ clock }: BatchDraft): BatchPayload['credentialSubject']['bl:clock'] {
  const { source, toldBy, offsetMs, uncertaintyMs, monotonicMs, steps } = clock;
  for (const number of [offsetMs, uncertaintyMs, monotonicMs]) {
    assert(number === undefined || Number.isFinite(number), 'clock quality is finite');
  }
  return {
    'bl:source': source,
    ...(toldBy !== undefined && { 'bl:toldBy': toldBy }),
    ...(offsetMs !== undefined && { 'bl:offsetMs': offsetMs }),
    ...(uncertaintyMs !== undefined && { 'bl:uncertaintyMs': uncertaintyMs }),
    'bl:monotonicMs': monotonicMs,
    'bl:steps': steps,
  };
}

function clockOf(clock: BatchPayload['credentialSubject']['bl:clock']): Batch['clock'] {
  const { 'bl:offsetMs': offsetMs, 'bl:uncertaintyMs': uncertaintyMs } = clock;
  const { 'bl:toldBy': toldBy } = clock;
  return {
    source: clock['bl:source'],
    ...(toldBy !== undefined && { toldBy }),
    ...(offsetMs !== undefined && { offsetMs }),
    ...(uncertaintyMs !== undefined && { uncertaintyMs }),
    monotonicMs: clock['bl:monotonicMs'],
    steps: clock['bl:steps'],
  };
}

type Place = NonNullable<BatchPlace['epoch']['after']>;
type PlacePayload = NonNullable<BatchPayload['credentialSubject']['bl:epoch']['bl:after']>;

function payloadOfPlace({ counter, nonce, sequence }: Place): PlacePayload {
  return { 'bl:counter': counter, 'bl:nonce': nonce, 'bl:sequence': sequence };
}

function placeOf(place: PlacePayload): Place {
  const { 'bl:counter': counter, 'bl:nonce': nonce, 'bl:sequence': sequence } = place;
  return { counter, nonce, sequence };
}

function payloadOfReference({ id, digest }: CredentialReference): {
  id: string;
  digestMultibase: string;
} {
  return { id, digestMultibase: digest };
}

function reference(resource: { id: string; digestMultibase: string }): CredentialReference {
  return { id: resource.id, digest: resource.digestMultibase };
}
