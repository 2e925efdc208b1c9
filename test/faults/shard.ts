/**
 * One shard of one fault in a process of its own: `shard.ts NAME SEED COUNT`. The last line of
 * standard output is its tally as JSON.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Tally } from './fault.ts';
import { loadFault } from './registry.ts';

const [name, seed = '1', count = '1'] = process.argv.slice(2);
const fault = await loadFault(name ?? '');
if (!fault) throw new Error(`there is no fault ${name}`);
const directory = mkdtempSync(join(tmpdir(), `bondline-${fault.name}-`));
let tally: Tally;
try {
  tally = await fault.run({
    seed: Number(seed),
    count: Number(count),
    directory,
    say: (line) => process.stderr.write(`${fault.name}: ${line}\n`),
  });
} catch (error) {
  const note = error instanceof Error ? (error.stack ?? error.message) : String(error);
  tally = { count: Number(count), lost: 0, doubled: 0, wrong: 1, notes: [note] };
} finally {
  rmSync(directory, { recursive: true, force: true });
}
process.stdout.write(`${JSON.stringify(tally)}\n`);
// What a fault left running must not keep the runner waiting.
process.exit(0);
