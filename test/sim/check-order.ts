/** Promise: within a device (epoch, sequence, index) orders everything; no clock does. */
import type { TwinState } from '../../ingest/fold-state.ts';
import type { AppliedWorld } from './applied.ts';

/** After each transaction of the twins: the current value is that of the last place. */
export function checkNewest(applied: AppliedWorld, changed: readonly TwinState[]): string[] {
  const broken: string[] = [];
  for (const { kind, newest, uri } of changed) {
    if (kind === 'device') continue;
    for (const [path, cells] of newest) {
      for (const [device, { stamp, value }] of cells) {
        const expected = applied.devices.get(device)?.newest.get(path);
        if (expected === undefined) continue;
        const { batch } = expected;
        const isSame =
          stamp.counter === batch.counter &&
          stamp.nonce === batch.nonce &&
          stamp.sequence === batch.sequence &&
          value === expected.value;
        if (isSame) continue;
        const is = `${String(value)} of epoch ${stamp.counter} sequence ${stamp.sequence}`;
        const must = `${expected.value} of epoch ${batch.counter} sequence ${batch.sequence}`;
        broken.push(`${path} of ${uri} is ${is}, not ${must}`);
      }
    }
  }
  return broken;
}
