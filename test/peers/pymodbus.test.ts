/** python3-pymodbus as the device: a Modbus server that we did not write. */
import { describe } from 'vitest';
import { hasPeer } from '../support/peers.ts';
import { hasShared } from '../support/shared.ts';
import { replayContract } from './meter-contract.ts';
import { recordingPath, startPymodbus } from './meter-replay.ts';

describe.skipIf(!hasShared || !hasPeer('pymodbus'))('a recording served by pymodbus', () => {
  replayContract(recordingPath('leak-1.csv'), startPymodbus);
});
