/** Receipts that a person carries to a stopped gateway whose disk is really full. */
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { signToken } from '../../devices/credential/jws.ts';
import { composeReceipt } from '../../devices/credential/receipt-wire.ts';
import { fingerprintOfDid } from '../../devices/envelope.ts';
import { EdgeError } from '../../devices/errors.ts';
import { systemClock, systemRandom } from '../../devices/runtime.ts';
import type { CommandContext } from '../../gateway/commands/command.ts';
import { runKeygen } from '../../gateway/commands/keygen.ts';
import { runOutbox } from '../../gateway/commands/outbox.ts';
import { openTmpfsDisk, type TmpfsDisk, tmpfsObstacle } from '../faults/disk/tmpfs-disk.ts';
import { memorySigner } from '../support/identity.ts';
import { loneMeterConfig } from '../support/lone-meter.ts';
import { draftOf, openStore } from '../unit/gateway/support/outbox-world.ts';

const START = 1_767_225_600_000;
const ROWS = 40;
const PAGE = 4096;

describe.skipIf(tmpfsObstacle() !== undefined)('outbox settle on a full disk', () => {
  const ingester = memorySigner();
  let directory = '';
  let disk: TmpfsDisk | undefined;
  let said = '';
  const context: CommandContext = {
    clock: systemClock,
    random: systemRandom,
    out: (text) => {
      said += text;
    },
    err: () => undefined,
    terminal: false,
    stop: new AbortController().signal,
    onInputEnd: () => undefined,
  };
  const at = (name: string) => join(directory, name);

  beforeAll(() => {
    directory = mkdtempSync(join(tmpdir(), 'full-disk-settle-'));
    disk = openTmpfsDisk(at('disk'));
    mkdirSync(at('disk/data'));
    writeFileSync(at('passphrase'), 'a passphrase for one test\n', { mode: 0o600 });
    writeFileSync(
      at('gateway.yaml'),
      loneMeterConfig({ data: './disk/data', ingester: ingester.did }),
    );
  });
  afterAll(() => {
    disk?.close();
    rmSync(directory, { recursive: true, force: true });
  });

  it('says that nothing went, or all has gone, however little room there is', async () => {
    await runKeygen([at('gateway.yaml'), '--json'], context);
    const [gateway] = (JSON.parse(said) as { keys: { did: string }[] }).keys;
    const file = at('disk/data/outbox.db');
    const { device, store } = openStore({ file });
    for (let row = 0; row < ROWS; row += 1) await store.append([draftOf(device.did, START + row)]);
    const rows = store.peek({ after: 0, count: ROWS });
    store.close();
    const results = rows.map(({ digest }) => ({ digest, outcome: 'accepted' as const }));
    const to = fingerprintOfDid(gateway?.did ?? '');
    const payload = composeReceipt({
      ...{ issuer: ingester.did, gateway: to, issuedMs: START, results },
    });
    const token = await signToken({ payload, signer: ingester, typ: 'bondline-receipt+jwt' });
    const receipts = [Buffer.from(token).toString()];
    writeFileSync(at('receipts.json'), JSON.stringify({ bondlineReceipts: 1, receipts }));

    // From no room at all, where it cannot even be opened, to enough; between, it cannot commit.
    const ended: unknown[] = [];
    for (let pages = 0; ended.at(-1) !== 0; pages += 1) {
      disk?.fill(pages * PAGE);
      const settle = runOutbox([at('gateway.yaml'), 'settle', at('receipts.json')], context);
      ended.push(
        await settle.catch((error: unknown) => {
          if (error instanceof EdgeError) return error.code;
          throw error;
        }),
      );
      disk?.empty();
      const { store: now } = openStore({ file });
      expect([ended.at(-1), now.stats().rows]).toEqual([ended.at(-1), ended.at(-1) === 0 ? 0 : 40]);
      now.close();
    }
    expect(new Set(ended)).toEqual(new Set(['DB_DISK_FAILED', 'DB_UNUSABLE', 0]));
  });
});
