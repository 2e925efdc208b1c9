/**
 * `npm start`: installs and builds what is missing, then runs the demonstration *border*.
 * Arguments go to the scenario (`--fresh`, `--for SECONDS`, `--json`); so do signals, and its exit
 * code is ours.
 */
import { join } from 'node:path';
import { build } from './build.mjs';
import { ensure, node, root, run } from './ensure.mjs';

ensure();
const code = await build();
if (code !== 0) process.exit(code);
const simulators = join(root, 'dist', 'simulators', 'cli.js');
process.exit(await run(node, [simulators, 'run', 'border', ...process.argv.slice(2)]));
