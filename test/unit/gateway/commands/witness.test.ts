/** `witness` as a person runs it, beside a gateway that goes on hearing of the record. */
import { readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { runWitness } from '../../../../gateway/commands/witness.ts';
import { evidenceFile, keptFile } from '../../../../gateway/witness-folder.ts';
import { captureGateway } from '../../../support/gateway-command.ts';
import { memorySigner } from '../../../support/identity.ts';
import { loneMeterConfig } from '../../../support/lone-meter.ts';
import { entriesOf, TestJournal } from '../support/record-world.ts';
import { WitnessSite } from '../support/witness-world.ts';

const other = new TestJournal(entriesOf(20, 'other'));
let site: WitnessSite;
let config = '';
beforeEach(() => {
  site = new WitnessSite();
  config = join(site.directory, 'gateway.yaml');
  writeConfig();
});
afterEach(() => site.close());

function writeConfig(): void {
  writeFileSync(config, loneMeterConfig({ data: '.', ingester: site.ingester.did }));
}

const run = (...args: string[]) => captureGateway(runWitness, [config, ...args], site.clock);

const json = async (...args: string[]) => {
  const { code, out } = await run(...args, '--json');
  return { code, ...(JSON.parse(out) as object) };
};

describe('bondline-gateway witness show', () => {
  it('says what is kept, and where, without a key', async () => {
    expect(await run('show')).toEqual({ code: 0, out: 'no checkpoint is kept yet\n' });
    expect(await json('show')).toEqual({ code: 0, state: 'nothing' });
    await site.hear(12);
    const shown = {
      entries: 12,
      root: site.record.root(12),
      issued: '2026-01-01T00:00:12.000Z',
      kept: '2026-01-01T00:00:00.000Z',
      ingester: site.ingester.did,
      gateway: site.gateway.did,
      file: keptFile(site.folder),
    };
    expect(await json('show')).toEqual({ code: 0, state: 'kept', ...shown });
    const { code, out } = await run('show');
    expect(code).toBe(0);
    for (const [name, value] of Object.entries(shown)) {
      expect(out).toMatch(new RegExp(`^${name} +${String(value).replaceAll('.', '\\.')}$`, 'm'));
    }
  });

  it('ends with 1 where the record is contradicted, and says what to do', async () => {
    await site.hear(12);
    await site.hear(12, undefined, other);
    const contradiction = evidenceFile(site.folder, 'contradiction');
    expect(await json('show')).toMatchObject({ code: 1, state: 'kept', contradiction });
    const { code, out } = await run('show');
    expect([code, out]).toEqual([1, expect.stringContaining(`CONTRADICTS`)]);
    expect(out).toContain(contradiction);
    expect(out).toContain(`bondline-gateway witness ${config} accept`);
  });

  it('ends with 1 where the record is not proven any more', async () => {
    await site.hear(12);
    for (const size of [13, 14, 15]) await site.hear(size, 12, other);
    const unproven = evidenceFile(site.folder, 'unproven');
    expect(await json('show')).toMatchObject({ code: 1, state: 'kept', unproven });
    const { code, out } = await run('show');
    expect([code, out]).toEqual([1, expect.stringContaining(`NOT PROVEN to continue`)]);
    expect(out).toContain(unproven);
  });

  it('ends with 1 where the file is damaged, and changes nothing', async () => {
    await site.hear(12);
    writeFileSync(keptFile(site.folder), 'no token');
    expect(await json('show')).toMatchObject({ code: 1, state: 'damaged' });
    expect(await run('show')).toMatchObject({ code: 1, out: expect.stringContaining('damaged') });
    expect(site.names()).toEqual(['kept.jwt']);
  });

  it('says that what is kept is of another ingester', async () => {
    await site.hear(12);
    const before = site.ingester.did;
    site.ingester = memorySigner();
    writeConfig();
    expect(await json('show')).toMatchObject({ code: 0, state: 'foreign', ingester: before });
    expect((await run('show')).out).toContain(`the ingester is now ${site.ingester.did}`);
  });
});

describe('bondline-gateway witness accept', () => {
  it('lets the record begin anew while the gateway runs; nothing is deleted', async () => {
    await site.hear(12);
    await site.hear(9, undefined, other, site.clock.nowMs() + 60_000);
    const ended = join(site.folder, 'ended-2026-01-01T000000.000Z');
    const { code, out } = await run('accept');
    expect([code, out]).toEqual([0, expect.stringContaining(ended)]);
    expect(readdirSync(ended).sort()).toEqual(['contradiction.json', 'kept.jwt']);
    expect(await json('show')).toEqual({ code: 0, state: 'nothing' });
    await site.hear(9, undefined, other);
    await site.hear(11, 9, other);
    expect(await json('show')).toMatchObject({ code: 0, entries: 11, root: other.root(11) });
    // A second time at the same moment: nothing is put over what stands there.
    expect(await json('accept')).toEqual({ code: 0, ended: `${ended}-2` });
    expect(site.names()).toEqual([ended, `${ended}-2`].map((name) => name.split('/').at(-1)));
  });

  it('has nothing to do where nothing is kept', async () => {
    expect(await run('accept')).toMatchObject({ code: 0, out: expect.stringContaining('nothing') });
    expect(await json('accept')).toEqual({ code: 0, ended: null });
  });

  it('is asked for by its name', async () => {
    for (const args of [['forget'], [], ['show', 'more']]) {
      await expect(run(...args)).rejects.toMatchObject({ code: 'CFG_USAGE' });
    }
  });
});
