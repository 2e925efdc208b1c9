/** `npm run faults [-- --short] [--seed N] [--only NAME] [--json]`: faults for real, counted. */
import { join } from 'node:path';
import { build } from './build.mjs';
import { ensure, environment, node, progress, root, run } from './ensure.mjs';
import { installPeers } from './peers.mjs';

ensure();
installPeers();
// Standard output belongs to results.
progress('building what the faults are done to');
if ((await build()) !== 0) process.exit(1);
const entry = join(root, 'test', 'faults', 'run.ts');
// Thousands of processes are started; Node keeps what it compiled for the first.
const env = environment({ NODE_COMPILE_CACHE: join(root, 'var', 'compiled') });
process.exit(await run(node, [entry, ...process.argv.slice(2)], { env }));
