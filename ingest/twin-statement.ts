/** Makes statements, control and places out of a state: what several kinds say the same way. */
import type { Enrolment, KeyLocation, Party } from '../devices/credential/enrolment.ts';
import { enrolmentPath } from './fold-batch.ts';
import { type Cell, chosen, type EnrolmentRecord, type TwinState } from './fold-state.ts';
import type { ControlRole, ControlStatement, Place, Statement, StatementSource } from './twin.ts';

/** Where a cell comes from. */
export function sourceOf({ stamp, element, report }: Cell): StatementSource {
  return {
    position: stamp.position,
    ...(element < 0 ? {} : { element }),
    ...(report < 0 ? {} : { report }),
    issuer: stamp.device,
    epoch: stamp.counter,
    sequence: stamp.sequence,
    ...(stamp.act !== undefined && { act: stamp.act }),
    ...(stamp.stale && { status: 'unknown' as const }),
  };
}

/** The statement of an observed value. */
export function statementOf(cell: Cell): Statement {
  const { good } = cell;
  const lastValue = good === undefined ? undefined : scalarOf(good);
  const value = scalarOf(cell);
  return {
    ...(value === undefined ? {} : { value }),
    unit: cell.unit,
    observedMs: cell.observedMs,
    receivedMs: cell.stamp.receivedMs,
    basis: 'observed',
    quality: cell.quality,
    ...(cell.status === undefined ? {} : { status: cell.status }),
    ...(good === undefined || lastValue === undefined
      ? {}
      : {
          lastGood: {
            value: lastValue,
            unit: good.unit,
            observedMs: good.observedMs,
            source: sourceOf(good),
          },
        }),
    source: sourceOf(cell),
  };
}

function scalarOf({ value }: Cell): string | number | boolean | undefined {
  return typeof value === 'object' ? undefined : value;
}

/** A statement that an enrolment makes. */
export function declared(
  record: EnrolmentRecord,
  receivedMs: number,
  value: string | number | boolean,
  unit = '',
): Statement {
  const { position, enrolment } = record;
  return {
    value,
    unit,
    observedMs: enrolment.validFromMs,
    receivedMs,
    basis: 'declared',
    quality: 'good',
    source: { position, issuer: enrolment.organisation },
  };
}

/** The enrolment that the believed device's newest batch rests on, and that batch's cell. */
export function currentEnrolment(
  state: TwinState,
): { readonly record: EnrolmentRecord; readonly cell: Cell } | undefined {
  const cell = chosen(state.newest.get(enrolmentPath));
  const record = typeof cell?.value === 'string' ? state.enrolments.get(cell.value) : undefined;
  return cell === undefined || record === undefined ? undefined : { record, cell };
}

/** The newest enrolment in the journal, for devices and facilities. */
export function newestEnrolment(state: TwinState): EnrolmentRecord | undefined {
  let newest: EnrolmentRecord | undefined;
  for (const record of state.enrolments.values()) {
    if (newest === undefined || record.position > newest.position) newest = record;
  }
  return newest;
}

/** The place of a facility, as of an observation there. */
export function facilityPlace(
  { facility }: Enrolment,
  at: { basis: Place['basis']; observedMs: number; source: StatementSource },
): Place {
  return {
    kind: 'facility',
    latitude: facility.latitude,
    longitude: facility.longitude,
    ...(facility.accuracyM === undefined ? {} : { accuracyM: facility.accuracyM }),
    name: facility.name,
    ...(facility.unlocode === undefined ? {} : { unlocode: facility.unlocode }),
    ...at,
  };
}

/** Place of goods that are where the meter is that speaks of them. */
export function placeAtMeter(state: TwinState): Place | undefined {
  const current = currentEnrolment(state);
  if (current === undefined) return undefined;
  const { record, cell } = current;
  return facilityPlace(record.enrolment, {
    basis: 'observed',
    observedMs: cell.observedMs,
    source: sourceOf(cell),
  });
}

/** Rule of the possessor where the enrolment names none: who runs the meter holds the goods. */
const POSSESSOR_RULE = 'possessor-by-enrolment';

/** Who is in control: what the enrolment declares of goods, else its organisation as possessor. */
export function controlOf(
  record: EnrolmentRecord,
  { sinceMs, isGoods, stale }: { sinceMs: number; isGoods: boolean; stale: boolean },
): Partial<Record<ControlRole, ControlStatement>> {
  const { enrolment, position } = record;
  const source = {
    position,
    issuer: enrolment.organisation,
    ...(stale && { status: 'unknown' as const }),
  };
  const { owner, possessor, bondLiable }: Partial<Enrolment['scope']> = isGoods
    ? enrolment.scope
    : {};
  const state = (party: Party): ControlStatement => ({
    party: party.id,
    name: party.name,
    sinceMs,
    basis: 'declared',
    source,
  });
  return {
    ...(owner === undefined ? {} : { owner: state(owner) }),
    possessor:
      possessor === undefined
        ? {
            party: enrolment.organisation,
            name: enrolment.organisationName,
            sinceMs,
            basis: 'derived',
            rule: POSSESSOR_RULE,
            source,
          }
        : state(possessor),
    ...(bondLiable === undefined ? {} : { bondLiable: state(bondLiable) }),
  };
}

const WEAKEST_FIRST: readonly KeyLocation[] = ['gateway-file', 'gateway-secure-element', 'sensor'];

/** Where the least protected of the keys lives that these enrolments name. */
export function weakestKey(records: Iterable<EnrolmentRecord>): KeyLocation | undefined {
  let weakest: KeyLocation | undefined;
  for (const { enrolment } of records) {
    const { keyLocation } = enrolment;
    if (
      weakest === undefined ||
      WEAKEST_FIRST.indexOf(keyLocation) < WEAKEST_FIRST.indexOf(weakest)
    ) {
      weakest = keyLocation;
    }
  }
  return weakest;
}

/** Place of what stands where an enrolment says: nobody observed it there. */
export function declaredPlace({ enrolment, position }: EnrolmentRecord): Place {
  return facilityPlace(enrolment, {
    basis: 'declared',
    observedMs: enrolment.validFromMs,
    source: { position, issuer: enrolment.organisation },
  });
}
