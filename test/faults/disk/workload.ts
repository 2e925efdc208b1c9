/**
 * A process of its own that works with one store and says what it was told is safe:
 * `workload.ts NAME FOLDER KEY`. Each line of standard output is one statement as JSON. It ends
 * with 1 at the first failure, as the commands do.
 */
import { createPrivateKey } from 'node:crypto';
import { readFileSync, writeSync } from 'node:fs';
import { explain } from '../../../devices/errors.ts';
import type { Told } from './told.ts';
import { type WorkloadName, workloads } from './workloads.ts';

const [name = '', folder = '', keyFile = ''] = process.argv.slice(2);
// Written at once, so that nothing that was said is lost with the process.
const say = (told: Told) => void writeSync(1, `${JSON.stringify(told)}\n`);
try {
  const key = createPrivateKey(readFileSync(keyFile));
  await workloads[name as WorkloadName]({ folder, key, say });
  say({ end: true });
} catch (error) {
  say({ failed: explain(error) });
  process.exit(1);
}
