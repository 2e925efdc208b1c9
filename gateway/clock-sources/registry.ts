/** The services that can be asked about the clock, in the order in which they are tried. */
import { chrony } from './chrony.ts';
import { ntpd } from './ntpd.ts';
import type { ClockSource } from './source.ts';
import { timesyncd } from './timesyncd.ts';

/** At most one of them sets a clock; the one that answers is the one that does. */
export const clockSources: Readonly<Record<string, ClockSource>> = { chrony, ntpd, timesyncd };
