/** What chronyd says of the clock: `chronyc -c tracking` (chronyc(1), "tracking"; CSV form). */
import { type ClockAnswer, type ClockSource, decimal } from './source.ts';

export const chrony: ClockSource = async (machine, { chronySocket }, signal) => {
  const host = chronySocket === undefined ? [] : ['-h', chronySocket];
  const text = await machine.run('chronyc', [...host, '-n', '-c', 'tracking'], signal);
  return text === undefined ? undefined : readTracking(text);
};

/** Reference ids of clocks that are no other machine's (chrony.conf(5), "refclock"). */
const REFERENCE_CLOCKS = [
  [/^(GPS|GNSS|GLON|GAL|BDS|NMEA|PPS)/, 'gnss'],
  [/^(PHC|PTP)/, 'ptp'],
] as const;

/** Leap status of a clock that is set (chronyc(1), "Leap status"), and of one that is not. */
const LEAPS: readonly string[] = ['Normal', 'Insert second', 'Delete second'];
const NOT_SET = 'Not synchronised';

/** 127.127.1.1: the machine's own clock, served as if it were one (chrony.conf(5), "local"). */
const OWN_CLOCK = '7F7F0101';

/**
 * One line of fourteen fields: reference id in hex, its name, stratum, reference time, system time
 * offset (s, positive: the clock is slow), last offset, RMS offset, frequency, residual frequency,
 * skew, root delay (s), root dispersion (s), update interval, leap status. The bound of the error
 * is root dispersion + root delay / 2 (chronyc(1), "Root dispersion").
 */
export function readTracking(text: string): ClockAnswer | undefined {
  const fields = text.trim().split(',');
  const [reference = '', name = '', stratumText] = fields;
  const stratum = decimal(stratumText);
  const slowS = decimal(fields[4]);
  const delayS = decimal(fields[10]);
  const dispersionS = decimal(fields[11]);
  const leap = fields[13];
  const isKnown = leap === NOT_SET || LEAPS.includes(leap ?? '');
  if (!isKnown || fields.length !== 14 || !/^[0-9A-F]{8}$/.test(reference)) {
    return undefined;
  }
  if (stratum === undefined || slowS === undefined) return undefined;
  if (delayS === undefined || dispersionS === undefined) return undefined;
  const toldBy = 'chrony';
  const isOwn = reference === OWN_CLOCK || reference === '00000000';
  if (isOwn || leap === NOT_SET || stratum === 0) {
    return { source: 'unsynchronised', toldBy };
  }
  const label = nameOf(reference, name);
  const found = REFERENCE_CLOCKS.find(([pattern]) => pattern.test(label));
  return {
    source: stratum === 1 && found ? found[1] : 'ntp',
    toldBy,
    offsetMs: rounded(-slowS * 1_000),
    uncertaintyMs: rounded((Math.abs(delayS) / 2 + Math.abs(dispersionS)) * 1_000),
  };
}

/** With `-n` the name of a reference clock may be missing: its id is its name in ASCII. */
function nameOf(reference: string, name: string): string {
  return name === '' ? Buffer.from(reference, 'hex').toString('latin1') : name;
}

/** To the microsecond: digits below it are noise. */
function rounded(ms: number): number {
  return Math.round(ms * 1_000) / 1_000 + 0;
}
