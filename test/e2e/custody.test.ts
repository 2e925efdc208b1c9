/** Custody from wallet to twin: two wallets sign, a running ingester takes it, the goods move. */
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { systemClock, systemRandom } from '../../devices/runtime.ts';
import { runWallet } from '../../devices/wallet/commands.ts';
import { eventually } from '../support/eventually.ts';
import {
  type IngesterFolder,
  ingesterFolder,
  type RunningIngester,
  runIngest,
  startRunning,
} from '../support/ingester.ts';

const goods = 'did:web:mill.example/heat/26041';

let folder: IngesterFolder;
let running: RunningIngester | undefined;

beforeEach(() => {
  folder = ingesterFolder();
});
afterEach(async () => {
  await running?.end('SIGKILL');
  folder.remove();
});

async function wallet(...args: string[]): Promise<string> {
  const said = { out: '', err: '' };
  const code = await runWallet(
    args,
    {
      out: (text) => {
        said.out += text;
      },
      err: (text) => {
        said.err += text;
      },
    },
    { clock: systemClock, random: systemRandom },
  );
  if (code !== 0) throw new Error(said.err);
  return said.out;
}

const at = (...names: string[]) => join(folder.directory, ...names);

async function makeWallet(name: string): Promise<void> {
  mkdirSync(at(name));
  const did = `did:web:${name}.example`;
  const secret = ['--passphrase-file', at('passphrase')];
  await wallet('init', at(name, 'wallet'), '--did', did, '--name', name, ...secret);
}

/** What the ingester's own command says of the goods. */
async function possessor(): Promise<string | undefined> {
  const { out } = await runIngest('twin', folder.config, goods, '--json');
  if (out === '') return undefined;
  const { control } = JSON.parse(out) as { control: { possessor?: { party: string } } };
  return control.possessor?.party;
}

describe('custody', () => {
  it('moves the twin once both parties have signed, and the journal rebuilds it', async () => {
    await makeWallet('mill');
    await makeWallet('carrier');
    running = await startRunning(folder);
    const release = at('step.yaml');
    writeFileSync(
      release,
      `goods: ${goods}\nto: { id: "did:web:carrier.example", name: Carrier }\n`,
    );
    await wallet('sign', 'custody', 'release', release, '--wallet', at('mill', 'wallet'));
    const accept = ['sign', 'custody', 'accept', at('step.signed.json')];
    const theirs = ['--wallet', at('carrier', 'wallet'), '--documents', at('mill', 'wallet')];
    await wallet(...accept, ...theirs);

    const submit = (file: string) => runIngest('submit', folder.config, file, '--json');
    const early = await submit(at('step.accepted.json'));
    expect(early.code).toBe(1);
    expect(JSON.parse(early.out)).toMatchObject({
      submitted: [{ outcome: 'held', code: 'IN_ORGANISATION_UNKNOWN' }],
    });
    for (const name of ['mill', 'carrier']) {
      const added = await runIngest('trust', folder.config, 'add', at(name, 'wallet', 'did.json'));
      expect(added.err).toBe('');
    }
    const half = await submit(at('step.signed.json'));
    expect(JSON.parse(half.out)).toMatchObject({
      submitted: [{ outcome: 'refused', code: 'VC_PROOF_CHAIN' }],
    });
    const whole = await submit(at('step.accepted.json'));
    expect(whole).toMatchObject({ code: 0, err: '' });
    const moved = async () => (await possessor()) === 'did:web:carrier.example';
    await eventually(moved, 'the carrier holds the heat');
    const again = await submit(at('step.accepted.json'));
    expect(JSON.parse(again.out)).toMatchObject({ submitted: [{ known: true }] });
    expect(await runIngest('rebuild', folder.config, '--check')).toMatchObject({ code: 0 });
  });

  it('is not submitted where no ingester runs, and the answer says so', async () => {
    writeFileSync(at('x.jwt'), 'x');
    const { code, err } = await runIngest('submit', folder.config, at('x.jwt'));
    expect(code).toBe(1);
    expect(err).toContain('IN_CONTROL');
  });
});
