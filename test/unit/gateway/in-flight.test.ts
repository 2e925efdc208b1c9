import { describe, expect, it } from 'vitest';
import { limits } from '../../../devices/limits.ts';
import { createInFlight } from '../../../gateway/in-flight.ts';
import { manualClock } from '../../support/manual-clock.ts';

describe('what is on its way', () => {
  it('takes no room on the line once it has arrived, and is sent again all the same', () => {
    const clock = manualClock(0);
    const inFlight = createInFlight(clock);
    const token = Buffer.from('token');
    inFlight.put({ digest: 'one', token, lane: 'live', bytes: 5 });
    inFlight.put({ digest: 'two', token, lane: 'live', bytes: 5 });
    inFlight.arrived('one');
    inFlight.arrived('nobody knows it');
    expect(inFlight.load('live')).toEqual({ rows: 2, bytes: 5 });
    clock.advance(limits.receiptTimeoutMs);
    expect(inFlight.due().map(({ digest }) => digest)).toEqual(['one', 'two']);
    inFlight.remove('one');
    inFlight.remove('two');
    expect(inFlight.load()).toEqual({ rows: 0, bytes: 0 });
  });
});
