/** Every generated page: its path and how its text is made. To add one, add it to `pages`. */
import { batchSchema } from '../../devices/credential/batch-schema.ts';
import { checkpointSchema } from '../../devices/credential/checkpoint.ts';
import { enrolmentSchema } from '../../devices/credential/enrolment-wire.ts';
import { receiptSchema } from '../../devices/credential/receipt-wire.ts';
import { gatewayConfigSchema } from '../../gateway/config.ts';
import { drivers } from '../../gateway/drivers/registry.ts';
import { sinks } from '../../gateway/sinks/registry.ts';
import { ingestConfigSchema } from '../../ingest/config.ts';
import { sources } from '../../ingest/sources/registry.ts';
import { commandPage } from './command-page.ts';
import { type Configuration, configPage, editorSchema } from './config-page.ts';
import { driverPage, driverPagePath } from './driver-page.ts';
import { errorPage } from './error-page.ts';
import { guaranteePage } from './guarantee-page.ts';

export const gateway: Configuration = {
  title: 'Configuration of a gateway',
  intro:
    'One YAML file. `bondline-gateway check FILE` names every mistake with its line; it never opens ' +
    'the network. `bondline-gateway read FILE` then reads every point once, without signing or ' +
    'storing anything. Paths are relative to the file.',
  schema: gatewayConfigSchema,
  choices: [
    {
      path: ['devices', '[]'],
      key: 'driver',
      field: 'connection',
      plugins: Object.values(drivers),
    },
    { path: ['uplink'], key: 'sink', field: 'connection', plugins: Object.values(sinks) },
  ],
};

export const ingester: Configuration = {
  title: 'Configuration of an ingester',
  intro:
    'One YAML file. `bondline-ingest check FILE` names every mistake with its line; it never opens ' +
    'the network. A group may be left out where each of its settings has a default.',
  schema: ingestConfigSchema,
  choices: [
    {
      path: ['sources', '[]'],
      key: 'source',
      field: 'connection',
      plugins: [...sources.values()],
    },
  ],
};

/** Path below the project's folder, and what makes its text. */
export const pages: Readonly<Record<string, () => string | Promise<string>>> = {
  'docs/reference/configuration-gateway.md': () => configPage(gateway),
  'docs/schemas/gateway-configuration.schema.json': () => editorSchema(gateway),
  'docs/reference/configuration-ingester.md': () => configPage(ingester),
  'docs/schemas/ingester-configuration.schema.json': () => editorSchema(ingester),
  ...Object.fromEntries(
    Object.values(drivers).map((driver) => [driverPagePath(driver), () => driverPage(driver)]),
  ),
  'docs/guarantees.md': guaranteePage,
  'docs/reference/error-codes.md': errorPage,
  'docs/reference/commands.md': commandPage,
  'docs/schemas/batch-v1.schema.json': () => schemaFile('Payload of a batch', batchSchema),
  'docs/schemas/enrolment-v1.schema.json': () =>
    schemaFile('Payload of an enrolment', enrolmentSchema),
  'docs/schemas/receipt-v1.schema.json': () => schemaFile('Payload of a receipt', receiptSchema),
  'docs/schemas/checkpoint-v1.schema.json': () =>
    schemaFile('Payload of a checkpoint', checkpointSchema),
};

/** A schema as a file of its own, in the dialect that Ajv and editors read. */
function schemaFile(title: string, schema: object): string {
  const file = { $schema: 'http://json-schema.org/draft-07/schema#', title, ...schema };
  return `${JSON.stringify(file, null, 2)}\n`;
}
