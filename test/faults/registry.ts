/** All faults, in the order in which they are run and printed. */
import type { Fault } from './fault.ts';
import { bitFlipsJournal, bitFlipsOutbox } from './kinds/bit-flips.ts';
import { clockJumps } from './kinds/clock-jumps.ts';
import { comeback } from './kinds/comeback.ts';
import { connections } from './kinds/connections.ts';
import {
  diskFull,
  fileSizeLimit,
  memoryLimit,
  noDescriptors,
  readOnly,
} from './kinds/exhaustion.ts';
import {
  failingCallsFiles,
  failingCallsJournal,
  failingCallsOutbox,
} from './kinds/failing-calls.ts';
import { failingSyncsGateway, failingSyncsIngester } from './kinds/failing-syncs.ts';
import { flood } from './kinds/flood.ts';
import { forwarding } from './kinds/forwarding.ts';
import { carriedEvidence } from './kinds/import.ts';
import { lyingBroker } from './kinds/lying-broker.ts';
import { offline } from './kinds/offline.ts';
import { outboxFull, outboxRows } from './kinds/outbox.ts';
import { overload } from './kinds/overload.ts';
import { packed } from './kinds/packed.ts';
import {
  parsersCredentials,
  parsersField,
  parsersFiles,
  parsersRequests,
  parsersUplink,
} from './kinds/parsers.ts';
import { poison } from './kinds/poison.ts';
import {
  powerCutGateway,
  powerCutIngester,
  unsyncedGateway,
  unsyncedIngester,
} from './kinds/power-cut.ts';
import { restartStorm } from './kinds/restart-storm.ts';
import { restores } from './kinds/restore.ts';
import { sigkillBoth, sigkillGateway, sigkillIngester } from './kinds/sigkill.ts';
import { simulation } from './kinds/simulation.ts';

export const faults: readonly Fault[] = [
  sigkillGateway,
  sigkillIngester,
  sigkillBoth,
  powerCutGateway,
  powerCutIngester,
  unsyncedGateway,
  unsyncedIngester,
  failingCallsOutbox,
  failingCallsJournal,
  failingCallsFiles,
  failingSyncsGateway,
  failingSyncsIngester,
  diskFull,
  fileSizeLimit,
  readOnly,
  noDescriptors,
  memoryLimit,
  bitFlipsOutbox,
  bitFlipsJournal,
  outboxFull,
  outboxRows,
  forwarding,
  lyingBroker,
  comeback,
  restartStorm,
  connections,
  overload,
  packed,
  parsersField,
  parsersUplink,
  parsersCredentials,
  parsersFiles,
  parsersRequests,
  restores,
  carriedEvidence,
  flood,
  poison,
  simulation,
  offline,
  clockJumps,
];
