/**
 * `npm test`: types, lint, build, then every suite. A step that fails does not hide the others.
 * The last line is `N passed, N failed` (and `, N skipped`); types, lint and build count as one
 * each. Exit 0 only if nothing failed.
 */
import { existsSync, mkdirSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { build } from './build.mjs';
import { ensure, environment, node, progress, root, run } from './ensure.mjs';
import { installPeers } from './peers.mjs';

/** Two cores take less than 15 minutes; a slower machine has three times as long. */
const SUITES_MS_MAX = 45 * 60_000;

ensure();
const total = { passed: 0, failed: 0, skipped: 0 };

const tool = (...path) => join(root, 'node_modules', ...path);
const tsc = tool('typescript', 'bin', 'tsc');
const biome = tool('@biomejs', 'biome', 'bin', 'biome');
await step('types', () => run(node, [tsc, '--noEmit', '-p', 'tsconfig.json']));
await step('lint', () => run(node, [biome, 'check', '--error-on-warnings', '.']));
await step('build', build);
installPeers();
await suites();

const tail = total.skipped > 0 ? `, ${total.skipped} skipped` : '';
process.stdout.write(`${total.passed} passed, ${total.failed} failed${tail}\n`);
process.exit(total.failed > 0 || total.passed === 0 ? 1 : 0);

async function step(name, action) {
  const startedMs = Date.now();
  const code = await action();
  total[code === 0 ? 'passed' : 'failed'] += 1;
  const seconds = ((Date.now() - startedMs) / 1000).toFixed(1);
  progress(`${code === 0 ? '✓' : '✗'} ${name} (${seconds} s)`);
}

async function suites() {
  const counts = join(root, 'var', `test-counts-${process.pid}.json`);
  mkdirSync(join(root, 'var'), { recursive: true });
  const reporters = ['default', './test/support/count-reporter.ts'].map((r) => `--reporter=${r}`);
  const vitest = [tool('vitest', 'vitest.mjs'), 'run', ...reporters, ...process.argv.slice(2)];
  // The suites start hundreds of processes; Node keeps what it compiled for the first.
  const compiled = join(root, 'var', 'compiled');
  const code = await run(node, vitest, {
    env: environment({ BONDLINE_TEST_COUNTS: counts, NODE_COMPILE_CACHE: compiled }),
    timeoutMs: SUITES_MS_MAX,
  });
  const told = existsSync(counts) ? JSON.parse(readFileSync(counts, 'utf8')) : undefined;
  rmSync(counts, { force: true });
  for (const key of Object.keys(total)) total[key] += told?.[key] ?? 0;
  // Vitest can fail without a failed test: a run that broke off, or an error outside of tests.
  if (code !== 0 && !(told?.failed > 0)) {
    progress(`vitest ended with code ${code} and named no failed test`);
    total.failed += 1;
  }
}
