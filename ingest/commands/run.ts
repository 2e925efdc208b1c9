/** `bondline-ingest run`: the ingester itself, until it is told to stop. */
import { join } from 'node:path';
import { EdgeError, explain } from '../../devices/errors.ts';
import { isDiskFailure, leaveAlone } from '../../devices/io/sqlite.ts';
import { limits } from '../../devices/limits.ts';
import { createLog } from '../../devices/runtime.ts';
import { type Ingester, startIngester } from '../ingest.ts';
import { tuneMemory } from '../memory.ts';
import { type CommandContext, EXIT, loadConfig, parseArguments } from './command.ts';

const OPTIONS = {
  json: { type: 'boolean' },
  attached: { type: 'boolean' },
  ports: { type: 'string' },
} as const;

export async function runRun(args: readonly string[], context: CommandContext): Promise<number> {
  const { positionals, values } = parseArguments(args, OPTIONS, ['CONFIG']);
  const { ports = 'exact' } = values;
  if (ports !== 'exact' && ports !== 'any') {
    throw new EdgeError('CFG_USAGE', `--ports ${ports} is neither "exact" nor "any"`);
  }
  tuneMemory();
  const { clock, err, out } = context;
  const config = loadConfig(positionals[0] ?? '', context);
  const log = createLog({ component: config.ingester.name, level: 'info', clock, write: err });
  const ingester = await startIngester({ ...context, config, log, ports });

  const { http, mqtt, uplinks, did } = ingester;
  const { data } = config.ingester;
  if (values.json)
    out(`${JSON.stringify({ ready: true, http, mqtt, uplinks, ingester: did, data })}\n`);
  else out(`Console ${http}\n${uplinks.map(uplinkLine).join('')}${receiptsLine(did)}`);

  const failure = await ended(ingester, context, values.attached === true);
  if (isDiskFailure(failure?.error)) {
    const files = ['journal.db', 'twins.db'].map((name) => join(config.ingester.data, name));
    if (!leaveAlone(files)) throw failure?.error;
    err(`${explain(failure?.error)}\n`);
    return EXIT.failed;
  }
  if (failure !== undefined) err(`${explain(failure.error)}\n`);
  else log.info('stopping');
  const closed = ingester.close().then(() => true);
  const inTime = await Promise.race([closed, clock.sleep(limits.stopMs)]);
  if (!inTime) err('The ingester did not stop in time; what it acknowledged is stored.\n');
  return failure === undefined && inTime ? EXIT.well : EXIT.failed;
}

/** Whoever sets a gateway up by hand has to know where this key goes. */
function receiptsLine(did: string): string {
  return `Receipts are signed by ${did}\n(uplink.ingester of a gateway that has no invitation)\n`;
}

function uplinkLine(address: string): string {
  const isPlain = address.startsWith('mqtt:');
  return `Uplink  ${address}${isPlain ? ' (plain text, loopback only)' : ''}\n`;
}

/** Waits for the order to stop, or for the reason why the ingester cannot go on. */
function ended(
  ingester: Ingester,
  { stop, onInputEnd }: CommandContext,
  attached: boolean,
): Promise<{ readonly error: unknown } | undefined> {
  return new Promise((resolve) => {
    const ordered = () => resolve(undefined);
    stop.addEventListener('abort', ordered, { once: true });
    if (stop.aborted) ordered();
    if (attached) onInputEnd(ordered);
    void ingester.failed.then((error) => resolve({ error }));
  });
}
