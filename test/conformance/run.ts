/**
 * `npm run conformance [SUITE…] [-- --json] [--vectors DIR]`: runs every case of the published
 * suites that applies, and says what became of each. Exits with 1 when one failed.
 */
import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { sharedPath } from '../support/shared.ts';
import { countsOf, formatReport, runSuite, type SuiteOutcome } from './report.ts';
import { suites } from './suites.ts';
import { openVectors } from './vectors.ts';

const say = (line: string) => {
  process.stderr.write(`${line}\n`);
};

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: { json: { type: 'boolean', default: false }, vectors: { type: 'string' } },
});

const folder = values.vectors ?? sharedPath('vectors');
if (!existsSync(folder)) {
  say(`${folder} is not there: give the folder of the published vectors with --vectors DIR`);
  process.exit(2);
}
const unknown = positionals.filter((name) => !suites.some((suite) => suite.folder === name));
if (unknown.length > 0) {
  say(`unknown suite ${unknown.join(', ')}; known are the folders:`);
  for (const suite of suites) say(`  ${suite.folder}`);
  process.exit(2);
}

for (const entry of readdirSync(folder, { withFileTypes: true })) {
  if (!entry.isDirectory() || suites.some((suite) => suite.folder === entry.name)) continue;
  if (entry.name !== 'contexts') say(`${entry.name} is no suite that is known here: left out`);
}

const vectors = openVectors(folder);
const outcomes: SuiteOutcome[] = [];
for (const suite of suites) {
  if (positionals.length > 0 && !positionals.includes(suite.folder)) continue;
  if (!existsSync(join(folder, suite.folder))) {
    say(`${suite.folder} is not in ${folder}: left out`);
    continue;
  }
  say(`running ${suite.name}`);
  const outcome = await runSuite(suite, vectors);
  if (outcome.outcomes.length === 0) say(`${suite.folder} holds no case`);
  outcomes.push(outcome);
}
process.stdout.write(`${formatReport(outcomes)}\n`);
const counts = outcomes.map(countsOf);
if (values.json) process.stdout.write(`${JSON.stringify({ suites: counts })}\n`);
process.exitCode = counts.some(({ failed }) => failed > 0) ? 1 : 0;
