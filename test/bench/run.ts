/**
 * `npm run bench [-- GROUP] [-- --json]`: measures, and sets every figure beside what the machine
 * could do at most in the same run. Progress goes to standard error.
 */
import { cryptoRates } from './bound.ts';
import { makeCorpus } from './corpus.ts';
import { benchDrain } from './drain.ts';
import { type Figure, figure, formatFigures } from './figure.ts';
import { benchGateway } from './gateway.ts';
import { benchIngest } from './ingest.ts';
import { benchModbus } from './modbus.ts';
import { benchReconnect } from './reconnect.ts';
import { benchTrust } from './trust.ts';

const say = (line: string) => {
  process.stderr.write(`${line}\n`);
};

async function benchCrypto(): Promise<Figure[]> {
  const { tokens } = await makeCorpus({ count: 1, devices: 1, nowMs: Date.now() });
  const rates = cryptoRates(tokens[0] ?? new Uint8Array());
  return [
    // These are bounds themselves.
    figure('crypto.verifyPerSecond', rates.verify, '1/s per core', rates.verify),
    figure('crypto.signPerSecond', rates.sign, '1/s per core', rates.sign),
  ];
}

const groups: Readonly<Record<string, () => Promise<Figure[]>>> = {
  crypto: benchCrypto,
  ingest: () => benchIngest(say),
  trust: () => benchTrust(say),
  gateway: () => benchGateway(say),
  drain: () => benchDrain(say),
  reconnect: () => benchReconnect(say),
  modbus: () => benchModbus(say),
};

const args = process.argv.slice(2);
const json = args.includes('--json');
const wanted = args.filter((arg) => !arg.startsWith('--'));
const unknown = wanted.filter((name) => !(name in groups));
if (unknown.length > 0) {
  say(`unknown group ${unknown.join(', ')}; known are: ${Object.keys(groups).join(', ')}`);
  process.exit(2);
}

const figures: Figure[] = [];
for (const [name, measure] of Object.entries(groups)) {
  if (wanted.length > 0 && !wanted.includes(name)) continue;
  say(`measuring ${name}`);
  figures.push(...(await measure()));
}
process.stdout.write(json ? `${JSON.stringify({ figures })}\n` : `${formatFigures(figures)}\n`);
