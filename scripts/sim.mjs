/** `npm run sim [-- --seeds N --hours H | --seed N]`: gateway, network and ingester, from a seed. */
import { join } from 'node:path';
import { ensure, environment, node, root, run } from './ensure.mjs';

ensure();
const entry = join(root, 'test', 'sim', 'run.ts');
const env = environment({ NODE_COMPILE_CACHE: join(root, 'var', 'compiled') });
process.exit(await run(node, [entry, ...process.argv.slice(2)], { env }));
