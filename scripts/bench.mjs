/** `npm run bench [GROUP] [-- --json]`: the measurements, on the built code and the pinned Node. */
import { join } from 'node:path';
import { build } from './build.mjs';
import { ensure, node, root, run } from './ensure.mjs';

ensure();
const code = await build();
if (code !== 0) process.exit(code);
const entry = join(root, 'test', 'bench', 'run.ts');
process.exit(await run(node, [entry, ...process.argv.slice(2)]));
