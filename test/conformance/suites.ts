/** The published suites, in the order in which the table shows them. */
import type { Suite } from './case.ts';
import { derivedProofsSuite } from './suites/derived-proofs.ts';
import { didKeySuite } from './suites/did-key.ts';
import { epcisSuite } from './suites/epcis.ts';
import { jcsSuite } from './suites/jcs.ts';
import { rdfCanonSuite } from './suites/rdf-canon.ts';
import { traceabilitySuite } from './suites/traceability.ts';
import { untpSuite } from './suites/untp.ts';
import { vcdmSuite } from './suites/vcdm.ts';
import { vcdmSchemaSuite } from './suites/vcdm-schema.ts';
import { wycheproofSuite } from './suites/wycheproof.ts';

export const suites: readonly Suite[] = [
  vcdmSuite,
  vcdmSchemaSuite,
  rdfCanonSuite,
  jcsSuite,
  wycheproofSuite,
  didKeySuite,
  epcisSuite,
  untpSuite,
  traceabilitySuite,
  derivedProofsSuite,
];
