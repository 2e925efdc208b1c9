/** A configuration of discovered devices, as YAML that a person goes on writing. */
import type { PointDefinition } from '../../devices/profile.ts';
import type { SuggestedDevice } from '../drivers/opcua/discover-points.ts';
import type { OpcuaSettings } from '../drivers/opcua/settings.ts';

export interface ConfigOptions {
  readonly devices: readonly SuggestedDevice[];
  /** The connection that found them; defaults are left out. */
  readonly connection: Partial<OpcuaSettings> & { readonly url: string };
  readonly data: string;
  /** When, and with what, for the first line. */
  readonly madeAt: string;
  readonly truncated: string | undefined;
  readonly fill: Filled;
}

/** What no server can tell; absent: a placeholder that `check` names. */
export interface Filled {
  readonly organisation: string | undefined;
  readonly ingester: string | undefined;
  readonly facility: string | undefined;
  readonly uplink: string | undefined;
  readonly goods: string;
}

const YOURS = 'FILL-IN';

/** The whole file; every text is in quotes, so that nothing in a server's names can be YAML. */
export function writeConfig(options: ConfigOptions): string {
  const { data, devices, fill, madeAt, truncated } = options;
  const { facility, ingester, organisation, uplink } = fill;
  const note = (given: string | undefined) => (given === undefined ? '  # fill this in' : '');
  return [
    `# Written by bondline-gateway discover from ${comment(options.connection.url)} at ${madeAt}.`,
    '# Look at each point: what a server calls a thing is not always what it is.',
    ...(truncated === undefined ? [] : [`# Not complete: the search ended ${truncated}.`]),
    'gateway:',
    '  name: discovered',
    `  organisation: ${quote(organisation ?? YOURS)}${note(organisation)}`,
    `  data: ${quote(data)}`,
    'keys:',
    '  store: file',
    '  path: keys.json',
    '  passphraseFile: passphrase',
    `facility: ${quote(facility ?? YOURS)}${note(facility)}`,
    'uplink:',
    '  sink: mqtt',
    `  ingester: ${quote(ingester ?? YOURS)}${note(ingester)}`,
    '  connection:',
    `    url: ${quote(uplink ?? YOURS)}${note(uplink)}`,
    'devices:',
    ...devices.flatMap((device) => deviceLines(device, options)),
    '',
  ].join('\n');
}

function deviceLines(device: SuggestedDevice, { connection, fill }: ConfigOptions): string[] {
  const { name, points, rootPath, skipped } = device;
  return [
    `  - name: ${name}`,
    '    driver: opcua',
    '    connection:',
    ...lines({ ...connection, rootPath }, 6),
    '    profile:',
    `      name: ${name}`,
    `      summary: ${quote(`${rootPath} of ${connection.url}.`)}`,
    `      source: ${quote('Read from the server itself by bondline-gateway discover.')}`,
    '      protocol: opcua',
    `      reportsOn: ${fill.goods}`,
    '      points:',
    ...points.flatMap((point) => [
      ...point.notes.map((text) => `        # ${comment(text)}`),
      `        ${point.name}:`,
      ...pointLines(point.definition),
    ]),
    ...skipped.map((text) => `      # left out ${comment(text)}`),
  ];
}

function pointLines({ group, opcua, range, summary, type, unit }: PointDefinition): string[] {
  return lines(
    {
      summary,
      type,
      unit,
      ...(range && { range }),
      ...(group !== undefined && { group }),
      opcua,
    },
    10,
  );
}

/** Members one a line; JSON in flow form is YAML. */
function lines(members: Readonly<Record<string, unknown>>, indent: number): string[] {
  const margin = ' '.repeat(indent);
  return Object.entries(members)
    .filter(([, value]) => value !== undefined)
    .map(([key, value]) => `${margin}${key}: ${quote(value)}`);
}

function quote(value: unknown): string {
  return JSON.stringify(value).replace(/[\u007f-\u009f\u2028\u2029\ufeff\ufffe\uffff]/g, escaped);
}

/** Letters that YAML does not take as they are, but JSON does. */
function escaped(letter: string): string {
  return `\\u${letter.charCodeAt(0).toString(16).padStart(4, '0')}`;
}

/** On one line, whatever a server says: the rest of a text must not become YAML. */
function comment(text: string): string {
  return text.replace(/[\p{Control}\u2028\u2029\ufeff]+/gu, ' ').slice(0, 300);
}
