/** The page of error codes, from the catalogue in devices/errors.ts. */
import { type ErrorEntry, errorCatalogue } from '../../devices/errors.ts';
import { generatedNote } from './note.ts';

/** One section a code, in the order of the alphabet, so that a reader finds it by its name. */
export function errorPage(): string {
  const entries = Object.entries(errorCatalogue as Readonly<Record<string, ErrorEntry>>);
  const sections = entries
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(
      ([code, { meaning, hint, retryable }]) =>
        `## \`${code}\`\n\n${meaning} **What to do:** ${hint} ` +
        `${retryable ? 'Trying again can help.' : 'Trying again does not help.'}\n`,
    );
  return [
    '# Error codes\n',
    `${generatedNote}\n`,
    'Codes are stable: scripts may rely on them. Commands print one on standard error with what they',
    'were doing; refusals carry one in receipts, in the journal and on the console.\n',
    ...sections,
  ].join('\n');
}
