/** Writes the generated pages, or with `--check` names those that differ; exits 1 if any did. */
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { pages } from './pages.ts';

const project = fileURLToPath(new URL('../..', import.meta.url));
const check = process.argv.includes('--check');

for (const [path, make] of Object.entries(pages)) {
  try {
    refresh(path, await make());
  } catch (error) {
    // One page that cannot be made does not keep the others old.
    tell(`${path} cannot be made: ${error instanceof Error ? error.message : String(error)}`);
    process.exitCode = 1;
  }
}
if (check && process.exitCode === 1) tell('npm run docs writes them');

function refresh(path: string, text: string): void {
  if (text === present(path)) return;
  if (check) {
    tell(`${path} differs from the code`);
    process.exitCode = 1;
    return;
  }
  mkdirSync(dirname(join(project, path)), { recursive: true });
  writeFileSync(join(project, path), text);
  tell(`${path} written`);
}

function present(path: string): string | undefined {
  try {
    return readFileSync(join(project, path), 'utf8');
  } catch {
    return undefined;
  }
}

function tell(line: string): void {
  process.stderr.write(`${line}\n`);
}
