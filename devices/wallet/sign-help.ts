/** What `bondline-wallet sign --help` prints: the kinds, each with a file that is right. */
import type { SignForm } from './sign-form.ts';

const USAGE = `\
Usage: bondline-wallet sign KIND FILE... --wallet DIR [options]

Signs credentials of a party with the wallet's key. FILE is YAML or JSON with plain words; every
mistake in it is named with its line. bondline-wallet sign KIND --help shows a FILE that is right.

`;

const OPTIONS = `
  --wallet DIR             the wallet that signs
  --out FILE               where to write (default: beside FILE, as .jwt, .signed.json, .accepted.…)
  --form FORM              jwt (a token), or proof (JSON with a proof inside); custody is proof
                           unless told otherwise: one document that both parties sign
  --documents DIR          custody accept: folder with the did.json of the one who releases
  --passphrase-file FILE   instead of the one that init named
  --json                   print {"organisation", "signed": [{"kind", "id", "file", "digest"}]}

Exit codes: 0 done, 1 failed (nothing half done), 2 mistake on the command line.
`;

/** Help of one kind, or of all. */
export function signHelp(
  kind: string | undefined,
  forms: Readonly<Record<string, SignForm>>,
): string {
  const found = kind === undefined ? undefined : forms[kind];
  if (kind !== undefined && found !== undefined) {
    return `Usage: bondline-wallet sign ${kind} FILE... --wallet DIR [options]\n\nSigns: ${found.summary}. FILE, for example:\n\n${found.example}${OPTIONS}`;
  }
  const kinds = Object.entries(forms).map(
    ([name, { summary }]) => `  ${name.padEnd(20)} ${summary}`,
  );
  const accept = `  ${'custody accept'.padEnd(20)} accept goods that another releases: FILE is what he signed`;
  return `${USAGE}${[kinds[0], accept, ...kinds.slice(1)].join('\n')}\n${OPTIONS}`;
}
