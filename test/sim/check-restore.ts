/**
 * Promises about what is put back: twins are the fold of the journal and nothing else, and a
 * gateway's disk from earlier shows as two epochs behind one batch.
 */
import type { TwinRow } from '../../ingest/twins-store.ts';
import type { AppliedWorld } from './applied.ts';

/** The rows of the twins against those of a fold from the first entry. */
export function checkRebuilt(live: readonly TwinRow[], rebuilt: readonly TwinRow[]): string[] {
  const texts = new Map(rebuilt.map((row) => [row.id, JSON.stringify(row)]));
  const broken = live
    .filter((row) => texts.get(row.id) !== JSON.stringify(row))
    .map(({ id, kind }) => `the twin ${id} (${kind}) is not what the journal gives`);
  return live.length === rebuilt.length ? broken : [...broken, 'twins are missing, or too many'];
}

/** At the end: devices of which two epochs follow one batch are alerted. */
export function checkRollbacks(
  applied: AppliedWorld,
  alerts: (device: string) => readonly string[],
): string[] {
  const broken: string[] = [];
  for (const [device, { epochs }] of applied.devices) {
    const followed = [...epochs.values()].map(({ follows = '' }) => follows);
    const isForked = new Set(followed).size < followed.length;
    if (!isForked || alerts(device).includes('ROLLBACK')) continue;
    broken.push(`the disk of ${device.slice(-8)} was put back, and no alert says so`);
  }
  return broken;
}
