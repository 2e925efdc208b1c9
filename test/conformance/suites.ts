/** The published suites, in the order in which the table shows them. */
import type { Suite } from './case.ts';
import { bitstringStatusListSuite } from './suites/bitstring-status-list.ts';
import { vcDiEcdsaSuite, vcDiEddsaSuite } from './suites/data-integrity.ts';
import { derivedProofsSuite } from './suites/derived-proofs.ts';
import { didKeySuite } from './suites/did-key.ts';
import { epcisSuite } from './suites/epcis.ts';
import { jcsSuite } from './suites/jcs.ts';
import { rdfCanonSuite } from './suites/rdf-canon.ts';
import { traceabilitySuite } from './suites/traceability.ts';
import { tradeProfileSuite } from './suites/trade-profile.ts';
import { untpSuite } from './suites/untp.ts';
import { vcJoseCoseSuite } from './suites/vc-jose-cose.ts';
import { vcdmSuite } from './suites/vcdm.ts';
import { vcdmSchemaSuite } from './suites/vcdm-schema.ts';
import { wycheproofSuite } from './suites/wycheproof.ts';

export const suites: readonly Suite[] = [
  vcDiEddsaSuite,
  vcDiEcdsaSuite,
  vcJoseCoseSuite,
  vcdmSuite,
  vcdmSchemaSuite,
  bitstringStatusListSuite,
  rdfCanonSuite,
  jcsSuite,
  wycheproofSuite,
  didKeySuite,
  epcisSuite,
  untpSuite,
  traceabilitySuite,
  derivedProofsSuite,
  tradeProfileSuite,
];
