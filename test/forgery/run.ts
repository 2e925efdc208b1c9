/** The whole corpus, every kind at every place: `node test/forgery/run.ts [STRIDE]`. */
import {
  forgedDocumentMembers,
  forgedDocuments,
  forgedMembers,
  forgedMessages,
  forgedStandings,
  forgedTokens,
  sameJson,
  sameStatements,
} from './corpus.ts';
import { Office } from './doors.ts';
import { provenDocuments } from './places.ts';
import { differencesOf } from './same.ts';
import { Tally } from './tally.ts';

const stride = Number(process.argv[2] ?? 1);
const office = await Office.open();
const before = office.size;
const tally = new Tally(office);
const faults: string[] = [];
const print = (line: string): unknown => process.stdout.write(`${line}\n`);

const all = [forgedStandings, forgedTokens, forgedMembers, forgedDocuments, forgedDocumentMembers];
for (const forge of all) {
  faults.push(...(await tally.faultsOf(forge(stride))));
  print(`${forge.name}: ${tally}`);
}
for await (const one of forgedMessages(stride)) {
  tally.count(one);
  if (one.at.open?.(one.bytes) === undefined) faults.push(`${one.kind} @ ${one.place}: TAKEN`);
}
const effects = office.effects(before);

// What follows is no forgery, and is counted by itself: the same credentials, spelled otherwise.
for (const { document } of provenDocuments) {
  await office.bring(Buffer.from(JSON.stringify(document)));
}
const differences: string[] = [];
for (const spell of [sameStatements, sameJson]) {
  let count = 0;
  for await (const one of spell()) {
    count += 1;
    differences.push(...(await differencesOf(one, office)));
  }
  print(`${spell.name}: ${count} spellings of genuine documents`);
}
office.close();
for (const line of [...faults, ...differences]) print(line);
print(`forgeries: ${tally}, ${faults.length} faults, ${effects.length} effects`);
print(`the same, spelled otherwise: ${differences.length} differences`);
process.exitCode = faults.length + effects.length + differences.length === 0 ? 0 : 1;
