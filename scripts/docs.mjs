/**
 * `npm run docs [-- --check]`: writes the generated pages below docs/, or, with `--check`, names
 * those that differ from what the code says and exits 1.
 */
import { join } from 'node:path';
import { ensure, node, root, run } from './ensure.mjs';

ensure();
const entry = join(root, 'scripts', 'reference', 'cli.ts');
process.exit(await run(node, [entry, ...process.argv.slice(2)]));
