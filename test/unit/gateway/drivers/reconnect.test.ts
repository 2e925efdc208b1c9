/** The short form of `npm run bench -- reconnect`: fewer reconnects, the same bound for each. */
import { describe, expect, it } from 'vitest';
import { BYTES_PER_RECONNECT, heapGrowth, reconnectCases } from '../../../bench/reconnect.ts';

describe('a driver that reconnects over and over', () => {
  it.each(Object.keys(reconnectCases))(
    '%s keeps its heap flat',
    async (name) => {
      const start = reconnectCases[name];
      if (start === undefined) throw new Error(`no case ${name}`);
      // The first thousand compile code and fill caches; a leak shows in each of the others.
      const growth = await heapGrowth(start, { from: 1_000, to: 3_000 });
      expect(growth).toBeLessThanOrEqual(2_000 * BYTES_PER_RECONNECT);
    },
    120_000,
  );
});
