/** `bondline-ingest check`: every mistake of a configuration at once, without the network. */
import { formatMistake } from '../../devices/io/config-file.ts';
import { loadIngestConfig } from '../config.ts';
import { type CommandContext, EXIT, parseArguments } from './command.ts';

export async function runCheck(args: readonly string[], context: CommandContext): Promise<number> {
  const { positionals, values } = parseArguments(args, { json: { type: 'boolean' } }, ['CONFIG']);
  const [file = ''] = positionals;
  const loaded = loadIngestConfig(file, context.sources);
  const mistakes = loaded.ok ? [] : loaded.mistakes;
  if (values.json) context.out(`${JSON.stringify({ ok: loaded.ok, mistakes })}\n`);
  else if (loaded.ok) {
    const names = loaded.config.sources.map(({ source }) => source);
    context.out(`${file}: no mistakes; sources: ${names.join(', ')}\n`);
  } else for (const mistake of mistakes) context.out(`${formatMistake(mistake)}\n`);
  return loaded.ok ? EXIT.well : EXIT.failed;
}
