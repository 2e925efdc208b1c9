/** The promise that a journal which was written anew shows. */
import type { Guarantee } from './promises.ts';

export const tamper = {
  title: 'Tamper-evident',
  says:
    'Whoever has one old checkpoint and a copy of the journal can tell, without the ingester, ' +
    'that nothing under it was changed, removed, added or moved, also where whoever runs the ' +
    'ingester made all hashes, indexes and signatures right; the twins follow from it. A gateway ' +
    'is sent one within ten seconds (`checkpoints.everySeconds`) of its last receipt, keeps it ' +
    'as soon as it is proven to continue the one before, and says so when one contradicts that, when ' +
    'three in a row are not proven, and when none comes for a quarter of an hour of receipts. ' +
    'What is younger than the newest checkpoint that somebody else keeps is not shown by it.',
  mechanism:
    'The journal is the tree of RFC 9162 (`devices/merkle.ts`, `ingest/journal-tree.ts`) of ' +
    'which `ingest/checkpoints.ts` signs checkpoints with proofs of consistency; ' +
    '`gateway/witness.ts` holds them against the one that it keeps and signs that in turn; ' +
    '`bondline-ingest audit` (`ingest/audit.ts`) computes the tree anew from the entries; a start ' +
    'holds it against the ingester’s own last checkpoint.',
  tests: {
    'unit/devices/merkle.test.ts': [
      'has the roots of the reference trees of Certificate Transparency',
      'verifies for no tree in which a leaf before was changed, removed, added or moved',
    ],
    'contract/journal-log.test.ts': [
      'proves of any two of its sizes that one continues the other',
      'stops at %s',
      'makes its tree anew from its entries where there was %s',
    ],
    'unit/ingest/audit.test.ts': [
      'tells that an entry was %s, and between which checkpoints',
      'believes no tree that stands in the database',
      'says nothing of what came after the newest checkpoint that is at hand',
    ],
    'unit/ingest/checkpoints.test.ts': [
      'is signed every ten seconds while entries come, kept, and only then sent',
      'and names %s is told, once, and shown',
    ],
    'unit/gateway/witness-judge.test.ts': [
      'never continues, and is contradicted where its size or time says so',
      'is never contradicted and never shrinks, whatever is lost, late or repeated',
    ],
    'unit/gateway/witness.test.ts': [
      'is said and kept, the first time of all, and what was kept stays',
    ],
    'unit/gateway/witness-doubts.test.ts': [
      'is doubted after a row of checkpoints, with evidence, until it does',
      'is told of once, while its receipts come, until it does',
    ],
  },
  faults: ['rewritten', 'rewritten-running'],
} as const satisfies Guarantee;
