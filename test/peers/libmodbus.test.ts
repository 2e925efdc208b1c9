/** libmodbus as the device: a Modbus server that we did not write, compiled here. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe } from 'vitest';
import { hasPeer } from '../support/peers.ts';
import { hasShared } from '../support/shared.ts';
import { replayContract } from './meter-contract.ts';
import { compileReplay, recordingPath, startReplay } from './meter-replay.ts';

describe.skipIf(!hasShared || !hasPeer('libmodbus'))('a recording served by libmodbus', () => {
  const folder = mkdtempSync(join(tmpdir(), 'bondline-libmodbus-'));
  afterAll(() => rmSync(folder, { recursive: true }));
  replayContract(recordingPath('anomaly-free.csv'), (path) =>
    startReplay(compileReplay(folder), ['0', path]),
  );
});
