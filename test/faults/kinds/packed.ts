/**
 * Bytes in the packed form as nobody wrote them: bombs, changed and cut forms, and tokens that look
 * like others. What unpacks is a token of a batch's size, what was packed comes back the same.
 */
import { deflateRawSync } from 'node:zlib';
import { packToken, unpackToken } from '../../../devices/credential/wire-pack.ts';
import { limits } from '../../../devices/limits.ts';
import { Chance } from '../../sim/chance.ts';
import { memorySigner } from '../../support/identity.ts';
import { BatchMaker, readingGroups } from '../../support/signed-batch.ts';
import type { Fault, Shard, Tally } from '../fault.ts';

const START = 1_767_225_600_000;
/** What the process may grow by, whatever it is given, MiB; a bomb has 128. */
const GROWTH_MIB = 192;
const BOMB_BYTES = 128 * 1024 * 1024;
/** One input in so many is a bomb. */
const BOMB_EVERY = 50;

export const packed: Fault = {
  name: 'packed',
  summary: 'packed batches that are bombs, cut, changed, or nearly tokens',
  unit: 'inputs',
  counts: { short: 2_000, long: 200_000, shard: 20_000 },
  run,
};

async function run({ count, seed, say }: Shard): Promise<Tally> {
  const chance = new Chance(seed);
  const maker = new BatchMaker(memorySigner(), memorySigner().did);
  const groups = readingGroups({ fromMs: START, times: 1, points: 10 });
  const token = Buffer.from(await maker.next(START, { groups }));
  const good = Buffer.from(packToken(token) ?? []);
  const head = Buffer.concat([Buffer.from([1, 64]), Buffer.alloc(64)]);
  const bomb = Buffer.concat([head, deflateRawSync(Buffer.alloc(BOMB_BYTES, 0x41))]);
  const notes: string[] = [];
  const startKiB = process.resourceUsage().maxRSS;
  for (let at = 0; at < count; at += 1) {
    const why = at % BOMB_EVERY === 0 ? unpacks(bomb) : oneInput(chance, { good, token });
    if (why !== undefined) notes.push(why);
    if (at % 5_000 === 4_999) say(`${at + 1} of ${count} inputs`);
  }
  const grownMiB = Math.round((process.resourceUsage().maxRSS - startKiB) / 1_024);
  if (grownMiB > GROWTH_MIB) notes.push(`the process grew by ${grownMiB} MiB`);
  const wrong = notes.length;
  return { count, lost: 0, doubled: 0, wrong, notes: notes.slice(0, 10), figures: { grownMiB } };
}

/** What is wrong with what came of one input, if anything. */
function oneInput(
  chance: Chance,
  { good, token }: { readonly good: Buffer; readonly token: Buffer },
): string | undefined {
  if (chance.happens(0.5)) return unpacks(changed(chance, good));
  const odd = changed(chance, token);
  const small = packToken(odd);
  if (small === undefined || unpackToken(small)?.equals(odd)) return undefined;
  return 'a token came back another one';
}

function unpacks(bytes: Uint8Array): string | undefined {
  try {
    const length = unpackToken(bytes)?.length ?? 0;
    return length > limits.batchBytesMax ? `it unpacked to ${length} bytes` : undefined;
  } catch (error) {
    return `it threw ${String(error)}`;
  }
}

/** Cut somewhere, with bytes changed, or with letters that base64url does not have. */
function changed(chance: Chance, bytes: Buffer): Buffer {
  const copy = Buffer.from(bytes);
  for (let times = chance.between(1, 3); times > 0; times -= 1) {
    const at = chance.between(0, copy.length - 1);
    copy[at] = chance.happens(0.5) ? chance.between(0, 255) : ('=+/-_.~A'.charCodeAt(at % 8) ?? 0);
  }
  return chance.happens(0.2) ? copy.subarray(0, chance.between(0, copy.length)) : copy;
}
