/** The page of commands: what each of them prints for `--help`, word for word. */
import { spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { generatedNote } from './note.ts';

const project = fileURLToPath(new URL('../..', import.meta.url));

/** The commands with the source of their entry. */
const ENTRIES = {
  'bondline-gateway': 'gateway/cli.ts',
  'bondline-ingest': 'ingest/cli.ts',
  'bondline-wallet': 'devices/wallet/cli.ts',
  'bondline-sim': 'simulators/cli.ts',
} as const;

/** @throws Error when a command does not exit with 0 for `--help`, or names no subcommand. */
export async function commandPage(): Promise<string> {
  const sections: string[] = [];
  for (const [name, entry] of Object.entries(ENTRIES)) {
    const overview = await help(entry, []);
    const subcommands = subcommandsOf(overview);
    if (subcommands.length === 0) throw new Error(`${name} --help names no subcommand`);
    const details = await Promise.all(subcommands.map((subcommand) => help(entry, [subcommand])));
    sections.push(
      `## ${name}\n\n${block(overview)}`,
      ...subcommands.map((sub, index) => `### ${name} ${sub}\n\n${block(details[index] ?? '')}`),
    );
  }
  return ['# Commands\n', `${generatedNote}\n`, sections.join('\n')].join('\n');
}

/** Names in the first column of an indented list: `  check CONFIG   what it does`. */
export function subcommandsOf(overview: string): string[] {
  const names = [...overview.matchAll(/^ {2,4}([a-z][a-z-]+)(?: [^\n]*?)? {2,}\S/gm)];
  return [...new Set(names.map(([, name = '']) => name))];
}

function block(text: string): string {
  return `\`\`\`text\n${text.trimEnd()}\n\`\`\`\n`;
}

async function help(entry: string, subcommand: readonly string[]): Promise<string> {
  // Width and colour of a help text must not depend on who runs the generator.
  const env = { ...process.env, NO_COLOR: '1', COLUMNS: '100' };
  const args = [entry, ...subcommand, '--help'];
  const child = spawn(process.execPath, args, { cwd: project, env });
  let out = '';
  let err = '';
  child.stdout.on('data', (chunk: Buffer) => {
    out += chunk.toString();
  });
  child.stderr.on('data', (chunk: Buffer) => {
    err += chunk.toString();
  });
  const code = await new Promise((resolve) => child.once('close', resolve));
  if (code === 0) return out;
  throw new Error(`${args.join(' ')} exited with ${String(code)}: ${err}`);
}
