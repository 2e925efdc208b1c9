/** Every generated page: its path and how its text is made. To add one, add it to `pages`. */
import { batchSchema } from '../../devices/credential/batch-schema.ts';
import { enrolmentSchema } from '../../devices/credential/enrolment-wire.ts';
import { receiptSchema } from '../../devices/credential/receipt-wire.ts';
import { commandPage } from './command-page.ts';
import { errorPage } from './error-page.ts';

/** Path below the project's folder, and what makes its text. */
export const pages: Readonly<Record<string, () => string | Promise<string>>> = {
  'docs/reference/error-codes.md': errorPage,
  'docs/reference/commands.md': commandPage,
  'docs/schemas/batch-v1.schema.json': () => schemaFile('Payload of a batch', batchSchema),
  'docs/schemas/enrolment-v1.schema.json': () =>
    schemaFile('Payload of an enrolment', enrolmentSchema),
  'docs/schemas/receipt-v1.schema.json': () => schemaFile('Payload of a receipt', receiptSchema),
};

/** A schema as a file of its own, in the dialect that Ajv and editors read. */
function schemaFile(title: string, schema: object): string {
  const file = { $schema: 'http://json-schema.org/draft-07/schema#', title, ...schema };
  return `${JSON.stringify(file, null, 2)}\n`;
}
