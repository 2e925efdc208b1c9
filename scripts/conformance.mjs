/** `npm run conformance [SUITE…] [-- --json] [--vectors DIR]`: every published case that applies. */
import { join } from 'node:path';
import { ensure, node, root, run } from './ensure.mjs';

ensure();
const entry = join(root, 'test', 'conformance', 'run.ts');
process.exit(await run(node, [entry, ...process.argv.slice(2)]));
