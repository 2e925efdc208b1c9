/**
 * Writes the configuration of a scenario's processes: the very files of examples/, comments
 * included, with only the addresses and keys of this run put in.
 */
import { readFileSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { isScalar, parseDocument } from 'yaml';

/** A value to put at a path of a YAML file, e.g. `[['http', 'port'], 8081]`. */
export type Setting = readonly [readonly (string | number)[], unknown];

/** Copies a YAML file with some values replaced; everything else, comments too, stays. */
export function writeSettings(options: {
  readonly template: string;
  readonly target: string;
  readonly settings: readonly Setting[];
}): void {
  const document = parseDocument(readFileSync(options.template, 'utf8'));
  for (const [path, value] of options.settings) {
    const there = document.getIn(path, true);
    // A value that is replaced in its place keeps the comment behind it.
    if (isScalar(there)) there.value = value;
    else document.setIn(path, document.createNode(value));
  }
  writeFileSync(options.target, document.toString({ lineWidth: 0 }));
}

/**
 * The port to use on loopback: the preferred one when it is free, else one that the system
 * gives, and `say` tells which was taken.
 */
export async function choosePort(
  preferred: number,
  what: string,
  say: (line: string) => void,
): Promise<number> {
  const free = await tryPort(preferred);
  if (free !== undefined) return free;
  const other = (await tryPort(0)) ?? 0;
  say(`port ${preferred} is taken; ${what} uses ${other}`);
  return other;
}

function tryPort(port: number): Promise<number | undefined> {
  return new Promise((resolve) => {
    const server = createServer();
    server.once('error', () => resolve(undefined));
    server.listen({ port, host: '127.0.0.1' }, () => {
      const address = server.address();
      const given = typeof address === 'object' && address ? address.port : undefined;
      server.close(() => resolve(given));
    });
  });
}
