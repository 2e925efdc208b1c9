/** docs/guarantees.md: every promise, its mechanism, tests and plants, and what was reached. */
import type { Fault, Plant } from '../../test/faults/fault.ts';
import { formatSeeds, type LedgerSum, readLedger, sumLedger } from '../../test/faults/ledger.ts';
import { plants } from '../../test/faults/plants.ts';
import { type Guarantee, promises } from '../../test/faults/promises.ts';
import { loadFaults } from '../../test/faults/registry.ts';
import { readRuns, type SimRun } from '../../test/sim/ledger.ts';
import { generatedNote } from './note.ts';

const faults = await loadFaults();
const ledger = readLedger();

export function guaranteePage(): string {
  const sums = new Map(sumLedger(ledger.shards).map((sum) => [sum.fault, sum]));
  return [
    '# What we promise\n',
    `${generatedNote}\n`,
    'Each promise is phrased so that a test can break it. Below each stand the mechanism that keeps it,',
    'tests of it, the faults that attack it with the counts that the long form',
    '(`npm run faults`) has reached, and the plants: mechanisms taken out of the code while it is loaded,',
    'which the suite must see. What has not been run says so.\n',
    ...Object.entries<Guarantee>(promises).map(([key, one]) => section(key, one, sums)),
    simulated(readRuns()),
    notPromised,
  ].join('\n');
}

/** One line for each kind of world that was run (`npm run sim`). */
function simulated(runs: readonly SimRun[]): string {
  const rows = runs.map(({ broken, counts, date, from, hours, to, version }) => {
    const steps = (counts['steps'] ?? 0).toLocaleString('en');
    return `| ${version} | ${hours} | ${from} to ${to} | ${steps} | ${broken.length} | ${date} |`;
  });
  return [
    '## Simulated worlds\n',
    'Both halves in one process over a simulated clock, network, disks and sensors, from one seed',
    '(`npm run sim -- --seeds 10000 --hours 24`); the promises are checked after each step.\n',
    ...(rows.length === 0 ? ['Not run yet.'] : simulatedHead),
    ...rows,
    '',
  ].join('\n');
}

const simulatedHead = [
  '| version of the world | hours each | seeds | steps checked | broken | run |',
  '|---|---|---|---|---|---|',
];

const notPromised = `## What we do not promise

- The truth of a sensor that lies, and readings that were never signed, beyond the alarm that
  nothing came.
- That whoever runs the ingester changes nothing under a checkpoint that nobody else kept, or behind
  the newest one that somebody did; and nothing where all who keep one act with him.
- A gateway’s disk that is lost before the receipts came.
- A copy of a running virtual machine: two of them with one key can stay unseen for as long as both
  go on from the same memory, since neither starts anew. Where the device’s key lives in a token
  (PKCS#11), the token holds the highest epoch, and a restored disk shows at its next start; with
  \`keys.countBatches\` it counts each batch, and a copy signs no place twice.
- A disk that says “written” and has not: SQLite asks for a flush, and a drive that ignores it can
  lose what it acknowledged.
`;

function section(
  key: string,
  { faults: names, mechanism, says, tests, title }: Guarantee,
  sums: ReadonlyMap<string, LedgerSum>,
): string {
  const files = Object.entries(tests).map(
    ([file, titles]) => `\`test/${file}\` ${titles.map((one) => `“${one}”`).join(', ')}`,
  );
  const attacks = names.map((name) => attack(name, sums.get(name)));
  const planted = plants.filter(({ promise }) => promise === key).map(plantLine);
  return [
    `## ${title}\n`,
    `${says}\n`,
    `**Mechanism.** ${mechanism}\n`,
    `**Tests.** ${files.join('; ')}.\n`,
    ...(attacks.length > 0
      ? [
          '| fault | reached | lost | doubled | wrong | seeds | run |',
          '|---|---|---|---|---|---|---|',
          ...attacks,
          '',
        ]
      : []),
    ...(planted.length > 0 ? ['**Planted.**\n', ...planted, ''] : []),
  ].join('\n');
}

function attack(name: string, sum: LedgerSum | undefined): string {
  const fault = faults.find((one) => one.name === name) as Fault;
  const control = fault.control ? ' (a control, which must lose)' : '';
  const what = `\`${name}\`: ${fault.summary}${control}`;
  if (sum === undefined) return `| ${what} | not run | | | | | |`;
  const { count, doubled, firstDate, lastDate, lost, seeds, wrong } = sum;
  const days = firstDate === lastDate ? firstDate : `${firstDate} to ${lastDate}`;
  return `| ${what} | ${count.toLocaleString('en')} ${fault.unit} of ${fault.counts.long.toLocaleString('en')} | ${lost} | ${doubled} | ${wrong} | ${formatSeeds(seeds)} | ${days} |`;
}

function plantLine({ by, name, summary }: Plant): string {
  const run = ledger.planted.find(({ plant }) => plant === name);
  const about = `- \`${name}\`: ${summary}.`;
  // A run of another shard says nothing of this one.
  if (run?.by !== by.fault || run.seed !== by.seed) return `${about} Not run.`;
  const seen = run.caught ? 'Caught' : 'NOT caught';
  return `${about} ${seen} by \`${by.fault}\` (seed ${by.seed}, ${run.date}).`;
}
