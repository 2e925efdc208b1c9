/** A device: who enrolled it, where its key lives, and how complete its history is. */
import { formatTime } from '../../devices/runtime.ts';
import type { DeviceHistory, NewestBatch } from '../fold-history.ts';
import { missingCount, toldCount } from '../fold-holes.ts';
import type { EnrolmentRecord, TwinState } from '../fold-state.ts';
import type { Kind } from '../kind.ts';
import type { Statement, StatementSource } from '../twin.ts';
import { keepPosition, observedPosition } from '../twin-position.ts';
import { declared, declaredPlace, newestEnrolment } from '../twin-statement.ts';

const DID_KEY = /^did:key:(z[1-9A-HJ-NP-Za-km-z]+)$/;

export const device: Kind = {
  name: 'device',
  summary: 'A device that signs readings, and the completeness of its history.',
  isGoods: false,
  identify(uri) {
    const value = DID_KEY.exec(uri)?.[1];
    return value === undefined ? undefined : { scheme: 'did', scope: '', value: uri };
  },
  label: ({ value }) => `Device …${value.slice(-6)}`,
  attributes: {
    profile: { title: 'Profile', headline: true },
    lastHeard: { title: 'Last heard' },
    missingBatches: { title: 'Batches missing', headline: true },
    lostBatches: { title: 'Batches that will not come, as signed' },
    lostValues: { title: 'Values signed as lost', headline: true },
    thinnedValues: { title: 'Values that aggregates stand for' },
    organisation: { title: 'Enrolled by' },
    facilityName: { title: 'Facility' },
    keyLocation: { title: 'Key lives in' },
    gateway: { title: 'Gateway' },
    cadence: { title: 'Cadence' },
    heartbeat: { title: 'Heartbeat' },
    epoch: { title: 'Epoch' },
    sequence: { title: 'Sequence' },
    batches: { title: 'Batches here' },
    readings: { title: 'Readings here' },
    lastLoss: { title: 'Last loss' },
    clockSource: { title: 'Clock source' },
    clockOffset: { title: 'Clock offset' },
    clockUncertainty: { title: 'Clock uncertainty' },
    clockSteps: { title: 'Clock steps since the batch before' },
    configuration: { title: 'Configuration digest' },
  },
  observe: keepPosition,
  derive(state, { twinOf }) {
    const record = newestEnrolment(state);
    const { enrolment } = record ?? {};
    // A unit that travels tells its own place; until it does, the enrolment's word stands.
    const place =
      observedPosition(state) ?? (record === undefined ? undefined : declaredPlace(record));
    return {
      ...(enrolment === undefined
        ? {}
        : {
            label: `${enrolment.label} · ${enrolment.facility.name}`,
            relations: { facility: twinOf('facility', enrolment.facility.id) },
          }),
      ...(place === undefined ? {} : { place }),
      attributes: {
        ...(record === undefined ? {} : enrolmentAttributes(record, state)),
        ...historyAttributes(state.history),
      },
    };
  },
};

function enrolmentAttributes(
  record: EnrolmentRecord,
  { receivedMs }: TwinState,
): Record<string, Statement> {
  const { enrolment } = record;
  const say = (value: string | number, unit = '') => declared(record, receivedMs, value, unit);
  return {
    profile: say(enrolment.profile.name),
    organisation: say(enrolment.organisationName),
    facilityName: say(enrolment.facility.name),
    keyLocation: say(enrolment.keyLocation),
    cadence: say(enrolment.cadenceMs, 'C26'),
    heartbeat: say(enrolment.heartbeatMs, 'C26'),
  };
}

function historyAttributes(history: DeviceHistory | undefined): Record<string, Statement> {
  if (history?.newest === undefined) return {};
  const { newest } = history;
  const { clock } = newest;
  const say = (value: string | number, unit = '') => signed(newest, value, unit);
  const count = (value: number) => derived(newest, value, 'history');
  const last = history.losses.at(-1);
  return {
    lastHeard: derived(newest, formatTime(history.heardMs), 'history'),
    missingBatches: count(missingCount(history)),
    lostBatches: count(toldCount(history)),
    batches: count(history.batches),
    readings: count(history.readings),
    lostValues: count(history.lost),
    thinnedValues: count(history.thinned),
    gateway: say(newest.gateway),
    epoch: say(newest.stamp.counter),
    sequence: say(newest.stamp.sequence),
    clockSource: say(clock.source),
    ...(clock.offsetMs === undefined ? {} : { clockOffset: say(clock.offsetMs, 'C26') }),
    ...(clock.uncertaintyMs === undefined
      ? {}
      : { clockUncertainty: say(clock.uncertaintyMs, 'C26') }),
    clockSteps: say(clock.steps),
    configuration: say(newest.configuration),
    ...(last === undefined
      ? {}
      : {
          lastLoss: {
            ...signed(newest, `${last.count} values, ${last.cause}`, ''),
            observedMs: last.toMs,
            source: { ...sourceOf(newest), position: last.position, sequence: last.sequence },
          },
        }),
  };
}

function sourceOf({ stamp }: NewestBatch): StatementSource {
  return {
    position: stamp.position,
    issuer: stamp.device,
    epoch: stamp.counter,
    sequence: stamp.sequence,
  };
}

/** What the batch itself says, besides its readings. */
function signed(newest: NewestBatch, value: string | number, unit: string): Statement {
  return {
    value,
    unit,
    observedMs: Math.min(newest.closedMs, newest.stamp.receivedMs),
    receivedMs: newest.stamp.receivedMs,
    basis: 'declared',
    quality: 'good',
    source: sourceOf(newest),
  };
}

/** What follows from the batches that are here. */
function derived(newest: NewestBatch, value: string | number, rule: string): Statement {
  return { ...signed(newest, value, ''), basis: 'derived', rule };
}
