/**
 * Builds `dist/`: TypeScript to JavaScript, and the console with Vite. Skips everything when the
 * sources are those of the last build. A build takes the place of the old one only when it is
 * complete, so that what runs from `dist/` never sees half of one.
 */
import { createHash } from 'node:crypto';
import {
  chmodSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { ensure, environment, node, progress, root, run } from './ensure.mjs';

const sources = ['devices', 'gateway', 'ingest', 'simulators'];
const dist = join(root, 'dist');
const stamp = join(dist, '.built-from');
const consoleConfig = join('ingest', 'console', 'vite.config.ts');

/** Builds if anything changed since the last build; returns an exit code. */
export async function build() {
  linkCommands();
  const digest = digestOfSources();
  if (existsSync(stamp) && readFileSync(stamp, 'utf8') === digest) return 0;
  progress('building');
  const next = join(root, `dist.${process.pid}`);
  try {
    const code = (await compile(next)) || (await bundleSchema(next)) || (await bundleConsole(next));
    if (code !== 0) return code;
    markCommands(next);
    writeFileSync(join(next, '.built-from'), digest);
    replace(next);
    return 0;
  } finally {
    rmSync(next, { recursive: true, force: true });
  }
}

/** SHA-256 over names and contents of all that goes into a build. */
function digestOfSources() {
  const hash = createHash('sha256');
  const scripts = ['build.mjs', 'schema.vite.config.mjs'].map((name) => `scripts/${name}`);
  const top = ['package.json', 'package-lock.json', 'tsconfig.json', ...scripts];
  for (const file of [...top, ...sources.flatMap(filesBelow)]) {
    hash
      .update(`${file}\0`)
      .update(readFileSync(join(root, file)))
      .update('\0');
  }
  return hash.digest('hex');
}

function filesBelow(folder) {
  if (!existsSync(join(root, folder))) return [];
  return readdirSync(join(root, folder), { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath ?? entry.path, entry.name).slice(root.length + 1))
    .sort();
}

/** Compiles with the project's own settings, without tests and without the browser's code. */
async function compile(out) {
  mkdirSync(out, { recursive: true });
  const settings = join(out, 'tsconfig.json');
  const options = {
    extends: '../tsconfig.json',
    compilerOptions: { outDir: '.', rootDir: '..', noEmitOnError: true },
    include: sources.map((folder) => `../${folder}`),
    exclude: ['../ingest/console'],
  };
  writeFileSync(settings, JSON.stringify(options));
  const tsc = join(root, 'node_modules', 'typescript', 'bin', 'tsc');
  const code = await run(node, [tsc, '-p', settings], { stdio: ['ignore', 2, 2] });
  rmSync(settings);
  return code;
}

/** Makes one file of `devices/schema.js` and the packages behind it: commands start at once. */
async function bundleSchema(out) {
  const vite = join(root, 'node_modules', 'vite', 'bin', 'vite.js');
  const flags = ['--config', 'scripts/schema.vite.config.mjs', '--logLevel', 'warn'];
  return run(node, [vite, 'build', ...flags], {
    stdio: ['ignore', 2, 2],
    env: environment({ BONDLINE_SCHEMA_FOLDER: join(out, 'devices') }),
  });
}

async function bundleConsole(out) {
  if (!existsSync(join(root, consoleConfig))) return 0;
  const vite = join(root, 'node_modules', 'vite', 'bin', 'vite.js');
  const folder = join(out, 'ingest', 'console');
  const flags = ['--config', consoleConfig, '--outDir', folder, '--emptyOutDir'];
  return run(node, [vite, 'build', '--logLevel', 'warn', ...flags], { stdio: ['ignore', 2, 2] });
}

/** Commands are started by name, so their files must be executable. */
function markCommands(out) {
  const { bin } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'));
  for (const file of Object.values(bin)) {
    const built = join(out, file.slice('dist/'.length));
    if (existsSync(built)) chmodSync(built, 0o755);
  }
}

/** In a clone, `npx bondline-gateway` finds the built commands and runs them on our Node. */
function linkCommands() {
  const { bin } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'));
  for (const [name, file] of Object.entries(bin)) {
    const link = join(root, 'node_modules', '.bin', name);
    rmSync(link, { force: true });
    symlinkSync(join('..', '..', file), link);
  }
}

function replace(next) {
  const old = `${next}.old`;
  if (existsSync(dist)) renameSync(dist, old);
  renameSync(next, dist);
  rmSync(old, { recursive: true, force: true });
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  ensure();
  process.exit(await build());
}
