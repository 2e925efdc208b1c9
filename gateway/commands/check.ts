/** `bondline-gateway check`: every mistake of a configuration at once, without the network. */
import { formatMistake } from '../../devices/io/config-file.ts';
import { readGatewayConfig } from '../gateway.ts';
import { type CommandContext, EXIT, parseArguments } from './command.ts';

export async function runCheck(args: readonly string[], context: CommandContext): Promise<number> {
  const { positionals, values } = parseArguments(args, { json: { type: 'boolean' } }, ['CONFIG']);
  const [file = ''] = positionals;
  const result = readGatewayConfig(file);
  const mistakes = result.ok ? [] : result.mistakes;
  if (values.json) context.out(`${JSON.stringify({ ok: result.ok, mistakes })}\n`);
  else if (result.ok) {
    const { devices } = result.value;
    context.out(`${file}: no mistakes; devices: ${devices.map(({ name }) => name).join(', ')}\n`);
  } else for (const mistake of mistakes) context.out(`${formatMistake(mistake)}\n`);
  return result.ok ? EXIT.well : EXIT.failed;
}
