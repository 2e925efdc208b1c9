/** `bondline-ingest twin`: the twins as they are stored, without the console. */
import { EdgeError } from '../../devices/errors.ts';
import { formatTime } from '../../devices/runtime.ts';
import { Queries } from '../api-queries.ts';
import { foldPlugins } from '../apply-plugins.ts';
import { openJournalReader } from '../journal-reader.ts';
import type { Place, Twin } from '../twin.ts';
import { openTwinsStore } from '../twins-store.ts';
import {
  type CommandContext,
  EXIT,
  loadConfig,
  parseArguments,
  storedFilesOf,
  unlockEncryption,
} from './command.ts';

const OPTIONS = { json: { type: 'boolean' } } as const;

export async function runTwin(args: readonly string[], context: CommandContext): Promise<number> {
  const { positionals, values } = parseArguments(args, OPTIONS, ['CONFIG', '[ID]']);
  const [file = '', wanted] = positionals;
  const config = loadConfig(file, context);
  const { journalFile, twinsFile } = storedFilesOf(config);
  await unlockEncryption(config, context);
  const journal = openJournalReader(journalFile);
  try {
    const store = openTwinsStore(twinsFile, { readonly: true });
    try {
      const queries = new Queries({ journal, store, plugins: foldPlugins });
      const { out } = context;
      for (const twin of twinsOf(queries)) {
        if (wanted === undefined) out(values.json ? `${JSON.stringify(twin)}\n` : lineOf(twin));
        else if ([twin.id, twin.uri, twin.label].includes(wanted)) {
          out(values.json ? `${JSON.stringify(twin)}\n` : pageOf(twin));
          return EXIT.well;
        }
      }
    } finally {
      store.close();
    }
  } finally {
    journal.close();
  }
  if (wanted === undefined) return EXIT.well;
  throw new EdgeError('IN_TWIN_UNKNOWN', `looking for the twin ${wanted}`);
}

/** All twins, a page at a time. */
function* twinsOf(queries: Queries): Generator<Twin> {
  for (let after: string | undefined; ; ) {
    const query = { ask: 'twins', ...(after !== undefined && { after }) } as const;
    const page = JSON.parse(queries.answer(query)) as { twins: Twin[]; next?: string };
    yield* page.twins;
    if (page.next === undefined) return;
    after = page.next;
  }
}

function lineOf(twin: Twin): string {
  const who = twin.control.possessor?.name ?? 'unknown';
  const observed = formatTime(twin.observedMs);
  return `${twin.id}  ${twin.kind}  ${twin.label}  ${who}  ${whereOf(twin.place)}  ${observed}\n`;
}

function whereOf(place: Place | undefined): string {
  if (place === undefined) return 'place unknown';
  const at = `${place.latitude.toFixed(5)} ${place.longitude.toFixed(5)}`;
  return place.name === undefined ? at : `${place.name} (${at})`;
}

function pageOf(twin: Twin): string {
  const lines = [
    `${twin.label} (${twin.kind})`,
    `  id        ${twin.id}`,
    `  uri       ${twin.uri}`,
    `  place     ${whereOf(twin.place)}`,
    ...Object.entries(twin.control).map(([role, one]) => `  ${role.padEnd(9)} ${one.name}`),
    ...twin.alerts.map(({ code, text }) => `  alert     ${code}: ${text}`),
    '',
    ...Object.entries(twin.attributes).map(
      ([name, { value, unit, observedMs, quality, source }]) => {
        const said = `${value}${unit === '' ? '' : ` ${unit}`}`;
        const from = `position ${source.position}`;
        return `  ${name.padEnd(28)} ${said}  ${quality}  ${formatTime(observedMs)}  ${from}`;
      },
    ),
  ];
  return `${lines.join('\n')}\n`;
}
