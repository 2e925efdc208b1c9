/** The pages of docs/drivers/: written by hand, but for the table of options between two marks. */
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import type { Plugin } from './config-page.ts';
import { type Schema, settingsTable } from './schema-page.ts';

export const OPTIONS_BEGIN = '<!-- options: written by npm run docs -->';
export const OPTIONS_END = '<!-- end of options -->';

/** Path of a driver's page below the project's folder. */
export function driverPagePath({ name }: Plugin): string {
  return `docs/drivers/${name}.md`;
}

/** The page as it stands, with the table of options as the schema has it now. */
export function driverPage(plugin: Plugin): string {
  const path = driverPagePath(plugin);
  const text = readFileSync(fileURLToPath(new URL(`../../${path}`, import.meta.url)), 'utf8');
  const begin = text.indexOf(OPTIONS_BEGIN);
  const end = text.indexOf(OPTIONS_END);
  if (begin < 0 || end < begin) throw new Error(`${path} has no place for its options`);
  const table = settingsTable(plugin.settings as Schema);
  return `${text.slice(0, begin)}${OPTIONS_BEGIN}\n\n${table}\n\n${text.slice(end)}`;
}
