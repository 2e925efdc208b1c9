/** Places that SoftHSM2 keeps beside the keys, as several processes count with them. */
import { execFile } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { CountedPlace } from '../../devices/io/key-store.ts';
import { openKeyStore } from '../../devices/io/key-store-open.ts';
import { hasPeer } from '../support/peers.ts';
import { makeSoftHsm, type SoftHsm } from '../support/softhsm.ts';

const openFile = new URL('../../devices/io/key-store-open.ts', import.meta.url).href;

describe.skipIf(!hasPeer('softhsm'))('the counters of SoftHSM2', () => {
  let hsm: SoftHsm;
  let folder = '';
  beforeAll(() => {
    hsm = makeSoftHsm();
    folder = mkdtempSync(join(tmpdir(), 'softhsm-counters-'));
  });
  afterAll(() => {
    hsm?.remove();
    rmSync(folder, { recursive: true, force: true });
  });

  function newToken(label: string): string {
    hsm.addToken(label);
    return label;
  }

  const settingsOf = (token: string) =>
    ({ store: 'pkcs11', module: hsm.module, token, secret: {} }) as const;

  it('counts places from where only epochs were kept, and tells who goes on from another', async () => {
    const token = newToken('one');
    const object = join(folder, 'counter');
    writeFileSync(object, '7');
    const named = ['--label', 'epoch fc-1', '--application-label', 'bondline:counter:1'];
    hsm.tool(token, '--write-object', object, '--type', 'data', '--private', ...named);
    const open = () => openKeyStore({ settings: settingsOf(token), secret: hsm.pin });
    const first = await open();
    const kept = { epoch: 7, sequence: 0 };
    expect(await first.counters?.read('epoch fc-1')).toEqual(kept);
    const opened = { epoch: 8, sequence: 0 };
    const place = { epoch: 8, sequence: 1 };
    const advance = (from: CountedPlace, to: CountedPlace) =>
      first.counters?.advance('epoch fc-1', { from, to });
    expect(await advance(kept, opened)).toBe(true);
    expect(await advance(opened, place)).toBe(true);
    expect(await advance(opened, place)).toBe(false);
    await first.close();
    const second = await open();
    expect(await second.counters?.read('epoch fc-1')).toEqual(place);
    await second.close();
    const listed = hsm.tool(token, '--list-objects', '--type', 'data');
    expect(listed.split("label:          'epoch fc-1'")).toHaveLength(2);
  });

  it('gives a place to one of two processes that count at the same time', async () => {
    const token = newToken('two');
    const program = `
      const { openKeyStore } = await import(${JSON.stringify(openFile)});
      const settings = ${JSON.stringify(settingsOf(token))};
      const store = await openKeyStore({ settings, secret: ${JSON.stringify(hsm.pin)} });
      const taken = [];
      for (let round = 0; round < 150; round += 1) {
        // What another takes away or writes in the midst of it is a failure, and no place.
        try {
          const from = await store.counters.read('epoch fc-1');
          const to = { epoch: from.epoch + 1, sequence: 0 };
          if (await store.counters.advance('epoch fc-1', { from, to })) taken.push(to.epoch);
        } catch (error) {
          if (!/^KEY_TOKEN_(FAILED|MISSING)$/.test(error.code)) throw error;
        }
      }
      console.log(JSON.stringify(taken));
      await store.close();`;
    const run = async () => {
      const args = ['--input-type=module', '-e', program];
      return JSON.parse((await promisify(execFile)(process.execPath, args)).stdout) as number[];
    };
    const [one = [], other = []] = await Promise.all([run(), run()]);
    const all = [...one, ...other];
    expect(all.length).toBeGreaterThan(0);
    expect(new Set(all).size).toBe(all.length);
  }, 60_000);
});
