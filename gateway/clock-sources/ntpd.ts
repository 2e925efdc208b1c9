/** What ntpd says of the clock: its system variables, `ntpq -c rv` (ntpq(1); RFC 9327 §4). */
import { type ClockAnswer, type ClockSource, decimal } from './source.ts';

export const ntpd: ClockSource = async (machine, _, signal) => {
  const text = await machine.run('ntpq', ['-n', '-c', 'rv'], signal);
  return text === undefined ? undefined : readVariables(text);
};

/** Leap indicator 3: the clock is not set (RFC 5905 §7.3). */
const UNSET_LEAP = 3;
const STRATUM_UNSET = 16;

/**
 * `name=value` with commas between. Milliseconds throughout; `offset` is what is to be added to
 * the clock, so that the clock's own offset from UTC has the other sign.
 */
export function readVariables(text: string): ClockAnswer | undefined {
  const variables = new Map<string, string>();
  for (const [, name = '', value = ''] of text.matchAll(/\b([a-z_]+)=("[^"]*"|[^,\s]*)/g)) {
    if (!variables.has(name)) variables.set(name, value);
  }
  const leapText = variables.get('leap');
  const stratum = decimal(variables.get('stratum'));
  if (leapText === undefined || !/^[01]{2}$/.test(leapText) || stratum === undefined) {
    return undefined;
  }
  const toldBy = 'ntpd';
  if (Number.parseInt(leapText, 2) === UNSET_LEAP || stratum >= STRATUM_UNSET || stratum < 1) {
    return { source: 'unsynchronised', toldBy };
  }
  const reference = variables.get('refid') ?? '';
  const isGnss = stratum === 1 && /^(GPS|GNSS|PPS|NMEA|GLON|GAL)/.test(reference);
  const source = isGnss ? 'gnss' : 'ntp';
  const offset = decimal(variables.get('offset'));
  const delay = decimal(variables.get('rootdelay'));
  const dispersion = decimal(variables.get('rootdisp'));
  if (offset === undefined || delay === undefined || dispersion === undefined) {
    return { source, toldBy };
  }
  const uncertaintyMs = Math.abs(dispersion) + Math.abs(delay) / 2;
  return { source, toldBy, offsetMs: 0 - offset, uncertaintyMs };
}
