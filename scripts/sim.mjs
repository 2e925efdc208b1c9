/** `npm run sim [-- --seed N]`: gateway, network and ingester in one process, from a seed. */
import { join } from 'node:path';
import { ensure, node, root, run } from './ensure.mjs';

ensure();
const entry = join(root, 'test', 'sim', 'run.ts');
process.exit(await run(node, [entry, ...process.argv.slice(2)]));
