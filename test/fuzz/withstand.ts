/** What each group of parsers goes through in `npm test`. */
import { expect, it } from 'vitest';
import { attack } from './attack.ts';
import { type GroupName, groups } from './registry.ts';

const INPUTS = 5_000;
/** The same inputs in each run; the long form of the faults looks for new ones. */
const SEED = 1;
/** A loaded machine takes its time; what is judged is the time of the thread. */
const TIMEOUT_MS = 240_000;

/** One test for each parser of a group. */
export function itWithstands(group: GroupName): void {
  it.each(groups[group].map((parser) => [parser.name, parser] as const))(
    '%s neither crashes nor hangs nor grows',
    { timeout: TIMEOUT_MS },
    async (name, parser) => {
      const { failures, inputs, refused } = await attack(parser, INPUTS, SEED);
      expect(failures, name).toEqual([]);
      expect(inputs).toBe(INPUTS);
      expect(refused).toBeGreaterThan(0);
    },
  );
}
