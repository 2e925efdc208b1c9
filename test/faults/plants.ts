/** The planted faults: one mechanism each, taken out, and the shard that must turn red. */
import type { Plant } from './fault.ts';
import { copyPlants } from './plants-copies.ts';
import { diskPlants } from './plants-disk.ts';
import { ingesterPlants } from './plants-ingester.ts';
import { poisonPlants } from './plants-poison.ts';
import { rewrittenPlants } from './plants-rewritten.ts';
import { simulationPlants } from './plants-simulation.ts';

export const plants: readonly Plant[] = [
  {
    name: 'sequence-reused',
    promise: 'once',
    summary: 'a start goes on in the epoch before, with the sequences that it had',
    changes: [
      {
        module: 'gateway/outbox-places',
        find: 'if (before === undefined) return known + 1;',
        replace: 'if (before === undefined) return known || 1;',
      },
      {
        module: 'gateway/outbox-places',
        find: "Buffer.from(this.#options.random.bytes(16)).toString('hex')",
        replace: "last?.nonce ?? '0'.repeat(32)",
      },
    ],
    by: { fault: 'outbox-full', count: 60, seed: 1 },
  },
  {
    name: 'place-reused',
    promise: 'once',
    summary: 'what could not be committed is signed anew for the same place',
    changes: [
      {
        module: 'gateway/outbox-places',
        find: 'if (!isCommitted) this.#devices.delete(did);',
        replace: 'if (!isCommitted) continue;',
      },
    ],
    by: { fault: 'outbox-full', count: 60, seed: 1 },
  },
  {
    name: 'given-way-untold',
    promise: 'full',
    summary: 'batches give way to newer ones and no loss says so',
    changes: [
      { module: 'gateway/outbox-losses', find: 'this.#sql.recordGone.run(row);', replace: '' },
    ],
    by: { fault: 'outbox-full', count: 120, seed: 1 },
  },
  {
    name: 'full-untold',
    promise: 'full',
    summary: 'what does not fit into a full outbox is dropped without a word',
    changes: [
      {
        module: 'gateway/draft',
        find: "return [{ ...spanOf(draft), count, cause: 'storage-full' }, ...draft.losses];",
        replace: 'return [...draft.losses];',
      },
    ],
    by: { fault: 'outbox-full', count: 60, seed: 1 },
  },
  {
    name: 'loss-in-memory',
    promise: 'full',
    summary: 'what is lost while the disk is full is known to memory alone',
    changes: [
      {
        module: 'gateway/outbox-losses-beside',
        find: 'return file?.write({ number: last, text }) ?? false;',
        replace: 'return true;',
      },
    ],
    by: { fault: 'outbox-full', count: 60, seed: 2 },
  },
  {
    name: 'row-signature-unchecked',
    promise: 'rot',
    summary: 'a row is sent when its own hash is right, whoever signed it',
    changes: [
      {
        module: 'gateway/outbox-row',
        find: 'if (row.paper) return { batch: undefined };',
        replace: 'return { batch: undefined };',
      },
    ],
    by: { fault: 'outbox-rows', count: 20, seed: 1 },
  },
  {
    name: 'row-unproven',
    promise: 'rot',
    summary: 'a row is sent as the disk gives it back',
    changes: [
      {
        module: 'gateway/outbox-row',
        find: "if (!isIntact(row)) return { fault: 'its hash is wrong' };",
        replace: 'if (isIntact !== undefined) return { batch: undefined };',
      },
    ],
    by: { fault: 'outbox-rows', count: 20, seed: 1 },
  },

  ...diskPlants,
  ...copyPlants,
  ...ingesterPlants,
  ...rewrittenPlants,
  ...simulationPlants,

  // The way to the ingester.
  {
    name: 'backlog-fills-the-window',
    promise: 'fresh',
    summary: 'a backlog may fill all of the window, however slow the line is',
    changes: [
      {
        module: 'gateway/forward',
        find: 'bytes: Math.min(bytes - all.bytes, credit - own.bytes)',
        replace: 'bytes: forwardWindowBytes - all.bytes',
      },
    ],
    by: { fault: 'forwarding', count: 30, seed: 1 },
  },
  {
    name: 'urgent-lane-ignored',
    promise: 'custody',
    summary: 'what is urgent goes in its turn, behind the backlog',
    changes: [{ module: 'gateway/lanes', find: 'if (mayBeUrgent) {', replace: 'if (!isOpen) {' }],
    by: { fault: 'forwarding', count: 30, seed: 1 },
  },
  {
    name: 'puback-trusted',
    promise: 'durable',
    summary: 'a batch leaves the outbox when the transport took it',
    changes: [
      {
        module: 'gateway/forward',
        find: 'this.#transmit(sent);',
        replace:
          "this.#transmit(sent); this.#options.outbox.settle([{ digest, outcome: 'accepted' }]);",
      },
    ],
    by: { fault: 'forwarding', count: 30, seed: 1 },
  },
  {
    name: 'receipt-not-verified',
    promise: 'durable',
    summary: 'a receipt is believed whoever signed it',
    changes: [
      {
        module: 'devices/credential/receipt-wire',
        find: 'if (!verifyToken(opened, key))',
        replace: 'if (opened === undefined)',
      },
    ],
    by: { fault: 'forwarding', count: 30, seed: 1 },
  },
  {
    name: 'unpacked-without-bound',
    promise: 'bounded',
    summary: 'a packed batch may unpack to any size',
    changes: [
      {
        module: 'devices/credential/wire-pack',
        find: 'maxOutputLength: partsBytesMax',
        replace: 'maxOutputLength: 2 ** 30',
      },
    ],
    by: { fault: 'packed', count: 60, seed: 1 },
  },
  {
    name: 'packed-unproven',
    promise: 'rot',
    summary: 'a token goes packed that does not come back the same',
    changes: [
      {
        module: 'devices/credential/wire-pack',
        find: 'text.equals(again)',
        replace: 'again !== text',
      },
    ],
    by: { fault: 'packed', count: 60, seed: 1 },
  },

  // What others can make the ingester take.
  {
    name: 'rates-off',
    promise: 'bounded',
    summary: 'whoever sends is read as fast as it sends',
    changes: [{ module: 'ingest/rates', find: 'if (delayMs <= 0) return', replace: 'return' }],
    by: { fault: 'flood', count: 1, seed: 1 },
    alone: true,
  },
  {
    name: 'lanes-off',
    promise: 'custody',
    summary: 'custody steps wait behind the readings of others',
    changes: [
      {
        module: 'ingest/receive',
        find: 'const lane = laneOf(bytes);',
        replace: "const lane = laneOf(bytes) && 'batch';",
      },
    ],
    by: { fault: 'flood', count: 1, seed: 2 },
  },
  {
    name: 'revocation-not-told',
    promise: 'custody',
    summary: 'a revocation is stored, and who judges hears of it at the next start',
    changes: [
      {
        module: 'ingest/record',
        find: 'learn({ entries: learnt, position: newest.position + 1 });',
        replace:
          "const told = learnt.filter(({ header }) => header.kind !== 'status' || size < 3); " +
          'learn({ entries: told, position: newest.position + 1 });',
      },
    ],
    by: { fault: 'flood', count: 1, seed: 2 },
  },
  {
    name: 'length-guard-off',
    promise: 'bounded',
    summary: 'a packet of any announced length is waited for',
    changes: [
      {
        module: 'ingest/sources/reading',
        find: 'if (!watch.take(chunk)) {',
        replace: 'if (!watch.take(chunk) && chunk.length === 0) {',
      },
    ],
    by: { fault: 'flood', count: 1, seed: 3 },
  },
  {
    name: 'unfinished-not-counted',
    promise: 'bounded',
    summary: 'packets that are not whole may fill the memory together',
    changes: [
      {
        module: 'ingest/unfinished',
        find: 'while (total > limits.unfinishedBytesMax) endOldest();',
        replace: '',
      },
    ],
    by: { fault: 'flood', count: 1, seed: 3 },
  },
  {
    name: 'refusals-all-kept',
    promise: 'bounded',
    summary: 'what is refused fills the disk',
    changes: [
      {
        module: 'ingest/journal-refusals',
        find: 'if (total > bounds.totalBytes || today > bounds.gatewayDayBytes) {',
        replace: 'if (total < 0) {',
      },
    ],
    by: { fault: 'flood', count: 1, seed: 4 },
  },

  // Gateways that come back.
  {
    name: 'retry-without-jitter',
    promise: 'bounded',
    summary: 'gateways that lost the same broker come back at the same time',
    changes: [
      {
        module: 'gateway/sink-retry',
        find: 'Math.round(longest * (0.5 + random.fraction() / 2))',
        replace: 'longest - 0 * random.fraction()',
      },
    ],
    by: { fault: 'comeback', count: 1, seed: 1 },
  },
  {
    name: 'retry-without-back-off',
    promise: 'bounded',
    summary: 'a gateway tries as often after an hour without a broker as at once',
    changes: [
      {
        module: 'gateway/sink-retry',
        find: 'failures = Math.min(failures + 1, 16);',
        replace: '',
      },
    ],
    by: { fault: 'comeback', count: 1, seed: 1 },
  },
  {
    name: 'connect-awaited-for-ever',
    promise: 'bounded',
    summary: 'a connection that never says what it is stays open',
    changes: [
      {
        module: 'ingest/sources/embedded',
        find: 'connectTimeout: limits.brokerConnectMs,',
        replace: 'connectTimeout: 3_600_000,',
      },
    ],
    by: { fault: 'connections', count: 20, seed: 1, says: 'never say what they are' },
  },

  // What parsers take.
  {
    name: 'json-depth-unbounded',
    promise: 'bounded',
    summary: 'JSON may nest as deep as it likes',
    changes: [
      {
        module: 'devices/credential/strict-json',
        find: "if (depth > limits.jsonDepthMax) return 'deep';",
        replace: '',
      },
    ],
    by: { fault: 'parsers-credentials', count: 2_200, seed: 1 },
  },
  {
    name: 'modbus-count-unchecked',
    promise: 'bounded',
    summary: 'an answer of a device is believed whatever length it says',
    changes: [
      {
        module: 'gateway/drivers/modbus/frame',
        find: "if (body.length !== EXCEPTION_BYTES + count) return 'a byte count that is not true';",
        replace: '',
      },
    ],
    by: { fault: 'parsers-field', count: 1_800, seed: 1 },
  },
  {
    name: 'mqtt-length-unchecked',
    promise: 'bounded',
    summary: 'an MQTT packet may be as long as it says',
    changes: [
      {
        module: 'ingest/mqtt-frame',
        find: 'if (length > bytesMax || shift > 28) return false;',
        replace: 'if (shift > 28) return false;',
      },
    ],
    by: { fault: 'parsers-uplink', count: 1_200, seed: 1 },
  },
  {
    name: 'cbor-depth-unbounded',
    promise: 'bounded',
    summary: 'CBOR may nest as deep as the stack holds',
    changes: [
      {
        module: 'gateway/cbor',
        find: "if (depth > limits.jsonDepthMax) throw new Error('nested too deep');",
        replace: '',
      },
    ],
    by: { fault: 'parsers-field', count: 4_500, seed: 1 },
  },
  {
    name: 'long-numbers-read-again',
    promise: 'bounded',
    summary: 'a long number is looked at from each of its digits',
    changes: [
      {
        module: 'devices/credential/strict-json',
        find: 'index = end < 0 ? ~end : end;',
        replace: 'if (end >= 0) index = end;',
      },
    ],
    by: { fault: 'parsers-credentials', count: 550, seed: 6 },
  },

  // Threads that take the place of lost ones.
  {
    name: 'replacement-knows-no-revocation',
    promise: 'poison',
    summary: 'a thread of admission that takes the place of a lost one has learnt no status list',
    changes: [{ module: 'ingest/admit-serve', find: ', ...journal.statusLists()]', replace: ']' }],
    by: { fault: 'poison', count: 1, seed: 1, says: 'what a revoked key signed' },
  },
  ...poisonPlants,
];
