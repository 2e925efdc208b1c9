/** `npm run sim -- [--seed N] [--seeds N] [--minutes N] [--json]`: simulated borders by seed. */
import { parseArgs } from 'node:util';
import { runWorld } from './run-world.ts';

const { values } = parseArgs({
  options: {
    seed: { type: 'string', default: '1' },
    seeds: { type: 'string', default: '1' },
    minutes: { type: 'string', default: '30' },
    json: { type: 'boolean', default: false },
  },
});

const seed = Number(values.seed);
let failed = 0;
for (let at = seed; at < seed + Number(values.seeds); at += 1) {
  const result = await runWorld(at, Number(values.minutes));
  if (result.broken.length > 0) failed += 1;
  if (values.json) {
    process.stdout.write(`${JSON.stringify(result)}\n`);
    continue;
  }
  const counts = Object.entries(result.counts)
    .map(([name, count]) => `${name} ${count}`)
    .join(', ');
  process.stdout.write(
    `seed ${at}: ${result.broken.length === 0 ? 'all hold' : 'BROKEN'} (${counts})\n`,
  );
  for (const line of result.broken.slice(0, 20)) process.stdout.write(`  ${line}\n`);
}
process.exit(failed > 0 ? 1 : 0);
