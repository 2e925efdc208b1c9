/**
 * Loaded before everything else (`--import`) in each process of a planted shard, its children and
 * workers: changes modules on their way from the disk to Node, so that the shipped code needs no
 * switch. The module may be the source (.ts) or the build (.js).
 */
import { strict as assert } from 'node:assert';
import { registerHooks } from 'node:module';
import { fileURLToPath } from 'node:url';
import { PLANT_FAILED, PLANT_VARIABLE } from './plant-names.ts';
import { partsAround } from './plant-text.ts';
import { plants } from './plants.ts';

const name = process.env[PLANT_VARIABLE];
const plant = plants.find((one) => one.name === name);
assert(plant, `plant: there is none of the name ${name}`);

registerHooks({
  load(url, context, nextLoad) {
    const loaded = nextLoad(url, context);
    if (!url.startsWith('file:') || url.includes('/node_modules/')) return loaded;
    const path = fileURLToPath(url).replace(/\.[jt]s$/, '');
    const changes = plant.changes.filter(({ module }) => path.endsWith(`/${module}`));
    if (changes.length === 0) return loaded;
    const { source } = loaded;
    let text = typeof source === 'string' ? source : Buffer.from(source as Uint8Array).toString();
    for (const { find, module, replace } of changes) {
      const parts = partsAround(text, find);
      if (parts.length !== 2) fail(`its text stands ${parts.length - 1} times in ${module}`);
      text = parts.join(replace);
    }
    return { ...loaded, source: text };
  },
});

function fail(why: string): never {
  process.stderr.write(`plant: ${name}: ${why}\n`);
  process.exit(PLANT_FAILED);
}
