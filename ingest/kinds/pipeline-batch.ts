/**
 * A batch of liquid in a pipeline: volumes and quality as its meters say, and its head where the
 * line must have been filled to.
 */
import type { Facility } from '../../devices/credential/enrolment.ts';
import { pointAlong } from '../../devices/geo.ts';
import type { TwinState } from '../fold-state.ts';
import type { ElementKeeper, Kind, KindContext, ObservedElement } from '../kind.ts';
import type { Place } from '../twin.ts';
import { currentEnrolment, placeAtMeter, sourceOf } from '../twin-statement.ts';
import { organisationAlias } from '../twin-uri.ts';

/** Path of the meter's total, cubic metres. */
const TOTAL = '@total';

/** Totals of a meter that never start over with a batch, best first; barrels of 42 US gal. */
const TOTAL_POINTS = ['indicatedVolumeTotal', 'flowingVolumeTotal'] as const;

/** Cubic metres in a barrel of 42 US gallons of 231 cubic inches: exact. */
const BARREL_M3 = 0.158987294928;

/** Relative uncertainty of a liquid meter's volume (domain.md section 7, METER_IMBALANCE). */
const VOLUME_UNCERTAINTY = 0.0025;

export const pipelineBatch: Kind = {
  name: 'pipeline-batch',
  summary: 'A batch of liquid in a pipeline, as its meters see it.',
  isGoods: true,
  identify: (uri) => organisationAlias(uri, 'batch'),
  label: ({ value }) => `Batch ${value}`,
  attributes: {
    batchNetStandardVolume: { title: 'Net standard volume (NSV)', headline: true },
    batchGrossStandardVolume: { title: 'Gross standard volume (GSV)' },
    batchIndicatedVolume: { title: 'Indicated volume (IV)' },
    flowRate: { title: 'Flow rate', headline: true },
    apiGravity: { title: 'API gravity at 60 °F', headline: true },
    sedimentAndWater: { title: 'Sediment and water', headline: true },
    temperature: { title: 'Temperature' },
    pressure: { title: 'Pressure, gauge' },
    observedDensity: { title: 'Density, flowing' },
    baseDensity: { title: 'Density at 60 °F' },
    lineDensity: { title: 'Density in the line' },
    referredDensity: { title: 'Density at the second reference' },
    ctl: { title: 'CTL as applied' },
    cpl: { title: 'CPL as applied' },
    meterFactor: { title: 'Meter factor (MF)' },
    kFactor: { title: 'K factor' },
    batchNumber: { title: 'Batch number' },
    indicatedVolumeTotal: { title: 'Indicated volume, meter total' },
    grossStandardVolumeTotal: { title: 'Gross standard volume, meter total' },
    netStandardVolumeTotal: { title: 'Net standard volume, meter total' },
    flowingVolumeTotal: { title: 'Flowing volume, meter total' },
    baseVolumeTotal: { title: 'Base volume, meter total' },
    massTotal: { title: 'Mass, meter total' },
    pulsesTotal: { title: 'Pulses, meter total' },
    batchStartPulses: { title: 'Pulses at batch start' },
    runStatus: { title: 'Run status' },
    inputStatus: { title: 'Input status' },
    runTime: { title: 'Run time' },
    flowTimeDay: { title: 'Flow time today' },
    flowTimeHour: { title: 'Flow time this hour' },
  },
  observe: keepTotal,
  derive: (state, context) => {
    const place = headOnLine(state, context) ?? placeAtMeter(state);
    return place === undefined ? {} : { place };
  },
};

/** The first total of a point is compared with its last: the totals of two points never mix. */
function keepTotal(element: ObservedElement, keep: ElementKeeper): void {
  for (const point of TOTAL_POINTS) {
    const barrels = element.number(point);
    if (barrels === undefined) continue;
    const path = `${TOTAL}/${point}`;
    keep.oldest(path, barrels * BARREL_M3);
    keep.newest(path, barrels * BARREL_M3);
  }
}

/**
 * The head of the batch: from the meter on, the line is filled with what passed since the batch's
 * first reading; distance = volume / (π/4 d²) (domain.md section 6, batch head). Unknown without
 * a route, when the total went back (a rollover), or when no total was read.
 */
function headOnLine(state: TwinState, { routes }: KindContext): Place | undefined {
  const current = currentEnrolment(state);
  if (current === undefined) return undefined;
  const { facility } = current.record.enrolment;
  const route = routes.get(facility.line?.route ?? '');
  if (facility.line === undefined || route === undefined) return undefined;
  for (const point of TOTAL_POINTS) {
    const last = state.newest.get(`${TOTAL}/${point}`)?.get(current.cell.stamp.device);
    const first = state.oldest.get(`${TOTAL}/${point}`)?.get(current.cell.stamp.device);
    if (typeof last?.value !== 'number' || typeof first?.value !== 'number') continue;
    const filledM = filledLength(last.value - first.value, facility.line);
    if (filledM === undefined) continue;
    // Beyond the end of the known line nothing is known; the head has at least come so far.
    const distanceM = Math.min(facility.line.distanceM + filledM, route.lengthM);
    const at = pointAlong(route.line, distanceM * (1 - Number.EPSILON));
    if (at === undefined) continue;
    return {
      kind: 'line',
      ...at,
      accuracyM: (facility.accuracyM ?? 0) + VOLUME_UNCERTAINTY * filledM,
      name: route.name,
      distanceM,
      basis: 'estimated',
      rule: 'line-fill',
      observedMs: last.observedMs,
      source: sourceOf(last),
    };
  }
  return undefined;
}

function filledLength(
  volumeM3: number,
  { innerDiameterM }: NonNullable<Facility['line']>,
): number | undefined {
  if (volumeM3 < 0 || innerDiameterM <= 0) return undefined;
  return volumeM3 / ((Math.PI / 4) * innerDiameterM ** 2);
}
