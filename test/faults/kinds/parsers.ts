/**
 * Inputs for every parser that sees bytes of strangers, changed in many ways: none of them crashes
 * it, keeps it busy for a tenth of a second or stays in its memory. What is attacked, and how,
 * stands in test/fuzz.
 */
import { type Attack, attack } from '../../fuzz/attack.ts';
import { type GroupName, groups } from '../../fuzz/registry.ts';
import type { Fault, Shard, Tally } from '../fault.ts';

/** Inputs of each parser in the three forms. */
const EACH = { short: 250, long: 200_000, shard: 20_000 } as const;

function parsersOf(group: GroupName, summary: string): Fault {
  const { length } = groups[group];
  return {
    name: `parsers-${group}`,
    summary,
    unit: `inputs of ${length} parsers`,
    counts: { short: EACH.short * length, long: EACH.long * length, shard: EACH.shard * length },
    run: (shard) => run(group, shard),
  };
}

/** The same number of inputs for each; which was the slowest at one input, and how slow. */
async function run(group: GroupName, { count, say, seed }: Shard): Promise<Tally> {
  const parsers = groups[group];
  const each = Math.ceil(count / parsers.length);
  const notes: string[] = [];
  const figures: Record<string, number> = {};
  let inputs = 0;
  for (const parser of parsers) {
    const done: Attack = await attack(parser, each, seed);
    inputs += done.inputs;
    notes.push(...done.failures.map((failure) => `${parser.name}: ${failure}`));
    figures[`${parser.name}Ms`] = Math.round(done.worstMs * 10) / 10;
    say(`${parser.name}: ${done.taken} taken, ${done.refused} refused`);
  }
  return { count: inputs, lost: 0, doubled: 0, wrong: notes.length, notes, figures };
}

export const parsersField = parsersOf('field', 'what devices say: Modbus, MQTT, Sparkplug');
export const parsersUplink = parsersOf('uplink', 'what comes over the uplink, either way');
export const parsersCredentials = parsersOf('credentials', 'what is given to a verifier');
export const parsersFiles = parsersOf('files', 'configurations and files that people bring');
export const parsersRequests = parsersOf('requests', 'bodies of the API and of commands');
export const parsersHttp = parsersOf('http', 'whole requests, as bytes, at the API');
