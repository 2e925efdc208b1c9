/** `bondline-gateway keygen`: makes the keys that are missing and shows all of them. */
import { GATEWAY_LABEL } from '../config-check.ts';
import { type CommandContext, EXIT, loadConfig, openKeys, parseArguments } from './command.ts';
import { formatTable } from './table.ts';

export async function runKeygen(args: readonly string[], context: CommandContext): Promise<number> {
  const { positionals, values } = parseArguments(args, { json: { type: 'boolean' } }, ['CONFIG']);
  const loaded = loadConfig(positionals[0] ?? '', context);
  const { config } = loaded;
  const store = await openKeys(loaded, context);
  const keys: { label: string; did: string; made: boolean }[] = [];
  try {
    for (const label of [GATEWAY_LABEL, ...config.devices.map(({ name }) => name)]) {
      const known = store.list().find((key) => key.label === label);
      const { did } = known ?? (await store.create(label, 'ES256'));
      keys.push({ label, did, made: known === undefined });
    }
  } finally {
    await store.close();
  }
  if (values.json) context.out(`${JSON.stringify({ keys })}\n`);
  else {
    const rows = keys.map(({ did, label, made }) => [label, did, made ? 'made' : 'was there']);
    context.out(formatTable(['KEY', 'DID', ''], rows));
    context.out(`next: bondline-gateway enrol-request ${positionals[0]} --out requests\n`);
  }
  return EXIT.well;
}
