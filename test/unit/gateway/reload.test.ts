import { describe, expect, it } from 'vitest';
import type { ConfigResult } from '../../../devices/io/config-file.ts';
import { createLog } from '../../../devices/runtime.ts';
import type { GatewayConfig } from '../../../gateway/config.ts';
import type { Reload } from '../../../gateway/gateway.ts';
import { createReloader, needsRestart } from '../../../gateway/reload.ts';
import { MachineClock, World } from '../../sim/clock.ts';

const config = (names: readonly string[], more: Partial<GatewayConfig> = {}): GatewayConfig => ({
  gateway: { name: 'neche', organisation: 'did:web:you.example', data: './data' },
  keys: { store: 'file', path: 'keys.json', passphraseFile: 'passphrase' },
  facility: 'did:web:you.example/facility/one',
  uplink: { sink: 'mqtt', ingester: 'did:key:zA', connection: {} },
  devices: names.map((name) => ({ name, profile: 'p', driver: 'modbus', connection: {} })),
  ...more,
});

function start() {
  const world = new World(1_767_225_600_000);
  const clock = new MachineClock(world, 0);
  const lines: string[] = [];
  const taken: Reload[] = [];
  const write = (line: string) => void lines.push(line.slice(25).trim());
  const file = { text: 'one' as string | undefined };
  const results = new Map<string, ConfigResult<GatewayConfig>>();
  const say = (text: string, value: GatewayConfig) => results.set(text, { ok: true, value, text });
  say('one', config(['fc-1']));
  let keyFault: Error | undefined;
  const reloader = createReloader({
    first: { config: config(['fc-1']), configText: 'one' },
    gateway: {
      async reload(to) {
        taken.push(to);
      },
    },
    read() {
      const result = results.get(file.text ?? '');
      if (!result) throw new Error('there is no file');
      return result;
    },
    readText: () => file.text,
    async openKeys({ devices }) {
      if (keyFault) throw keyFault;
      return new Map(devices.map(({ name }) => [name, `did:${name}`]));
    },
    clock,
    log: createLog({ component: 't', level: 'info', clock, write }),
  });
  return {
    ...{ file, lines, reloader, results, say, taken, world },
    failKeys: (error: Error | undefined) => {
      keyFault = error;
    },
  };
}

describe('a changed file', () => {
  it('is taken when it stands still between two looks, and once', async () => {
    const t = start();
    await t.world.run(5_000);
    expect(t.taken).toEqual([]);
    t.say('two', config(['fc-1', 'fc-2']));
    t.file.text = 'half of two';
    await t.world.run(1_000);
    t.file.text = 'two';
    await t.world.run(1_000);
    expect(t.taken).toEqual([]);
    await t.world.run(5_000);
    expect(t.taken).toMatchObject([
      {
        configText: 'two',
        devices: new Map([
          ['fc-1', 'did:fc-1'],
          ['fc-2', 'did:fc-2'],
        ]),
      },
    ]);
  });

  it('changes nothing while it is away', async () => {
    const t = start();
    t.file.text = undefined;
    await t.world.run(5_000);
    expect([t.taken, t.lines]).toEqual([[], []]);
  });

  it('changes nothing when it has mistakes, which are told with line and column, once', async () => {
    const t = start();
    const mistakes = [
      { file: 'g.yaml', line: 7, column: 3, message: 'one' },
      { file: 'g.yaml', line: 9, column: 1, message: 'other' },
    ];
    t.results.set('bad', { ok: false, mistakes });
    t.file.text = 'bad';
    await t.world.run(10_000);
    expect(t.taken).toEqual([]);
    expect(t.lines).toEqual([
      'error t: g.yaml:7:3: one',
      'error t: g.yaml:9:1: other',
      'error t: the configuration has mistakes; the one before stays in force mistakes=2',
    ]);
    // Put right, it is taken.
    t.say('good', config(['fc-2']));
    t.file.text = 'good';
    await t.world.run(3_000);
    expect(t.taken).toMatchObject([{ configText: 'good' }]);
  });

  it('changes nothing when part of it needs a restart, and names that', async () => {
    const t = start();
    t.say('moved', config(['fc-2'], { outbox: { bytesMax: 2 ** 20 } }));
    t.file.text = 'moved';
    await t.world.run(3_000);
    expect(t.taken).toEqual([]);
    expect(t.lines).toEqual([
      'error t: these settings need a restart; the configuration before stays in force settings=outbox',
    ]);
  });

  it('changes nothing when the key store cannot be read, and says why', async () => {
    const t = start();
    t.failKeys(new Error('wrong passphrase'));
    await t.reloader.reload();
    expect(t.taken).toEqual([]);
    expect(t.lines[0]).toContain('wrong passphrase');
    t.failKeys(undefined);
    // A signal is obeyed though the file is the same: a key may be there now.
    await t.reloader.reload();
    expect(t.taken).toHaveLength(1);
  });

  it('is looked at no more after the close', async () => {
    const t = start();
    await t.reloader.close();
    t.say('two', config(['fc-2']));
    t.file.text = 'two';
    await t.world.run(5_000);
    await t.reloader.reload();
    expect(t.taken).toEqual([]);
  });
});

it('knows what a process opens only once', () => {
  const before = config(['fc-1']);
  const after = (more: Partial<GatewayConfig>) => needsRestart(before, config(['fc-2'], more));
  expect(after({})).toEqual([]);
  expect(after({ facility: 'did:web:you.example/facility/two', clock: { source: 'ntp' } })).toEqual(
    [],
  );
  expect(after({ uplink: { ...before.uplink, connection: { url: 'mqtt://other' } } })).toEqual([]);
  expect(after({ uplink: { ...before.uplink, ingester: 'did:key:zB' } })).toEqual([
    'uplink.ingester',
  ]);
  expect(after({ gateway: { ...before.gateway, data: './other' } })).toEqual(['gateway']);
  expect(after({ keys: { ...before.keys, path: 'other' } })).toEqual(['keys']);
});
