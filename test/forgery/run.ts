/** The whole corpus, every kind at every place: `node test/forgery/run.ts [STRIDE]`. */
import {
  forgedDocumentMembers,
  forgedDocuments,
  forgedMembers,
  forgedMessages,
  forgedStandings,
  forgedTokens,
} from './corpus.ts';
import { Office } from './doors.ts';
import { Tally } from './tally.ts';

const stride = Number(process.argv[2] ?? 1);
const office = await Office.open();
const before = office.size;
const tally = new Tally(office);
const faults: string[] = [];

const all = [forgedStandings, forgedTokens, forgedMembers, forgedDocuments, forgedDocumentMembers];
for (const forge of all) {
  faults.push(...(await tally.faultsOf(forge(stride))));
  process.stdout.write(`${forge.name}: ${tally}\n`);
}
for await (const one of forgedMessages(stride)) {
  tally.count(one);
  if (one.at.open?.(one.bytes) === undefined) faults.push(`${one.kind} @ ${one.place}: TAKEN`);
}
const effects = office.effects(before);
office.close();
process.stdout.write([...faults, `${tally}, ${faults.length} faults`, ''].join('\n'));
process.exitCode = faults.length + effects.length === 0 ? 0 : 1;
