/** Custody from wallet to twin: two wallets sign, a running ingester takes it, the goods move. */
import { writeFileSync } from 'node:fs';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { Twin } from '../../ingest/twin.ts';
import { eventually } from '../support/eventually.ts';
import {
  type IngesterFolder,
  ingesterFolder,
  type RunningIngester,
  runIngest,
  startRunning,
} from '../support/ingester.ts';
import { foundLongAgo, type PaperFolder, paperFolder } from '../support/paper-folder.ts';

const goods = 'did:web:mill.example/heat/26041';
const release = `goods: ${goods}\nto: { id: "did:web:carrier.example", name: Carrier }\n`;

let folder: IngesterFolder;
let papers: PaperFolder;
let running: RunningIngester | undefined;

beforeEach(async () => {
  folder = ingesterFolder();
  papers = paperFolder(folder);
  await papers.party('mill', 'Mill');
  await papers.party('carrier', 'Carrier');
  running = await startRunning(folder);
});
afterEach(async () => {
  await running?.end('SIGKILL');
  folder.remove();
});

/** What the ingester's own command says of the goods. */
async function shown(): Promise<Twin | undefined> {
  const { out } = await runIngest('twin', folder.config, goods, '--json');
  return out === '' ? undefined : (JSON.parse(out) as Twin);
}

const possessor = async () => (await shown())?.control.possessor?.party;

/** A step that waits because the ingester found a list of its signer too long ago. */
async function pendingStep(): Promise<number> {
  await papers.publish('mill');
  await running?.end('SIGTERM');
  foundLongAgo(folder, 'https://mill.example/status/revocation.jwt');
  running = await startRunning(folder);
  const step = await papers.submit(await papers.handOver('mill', 'carrier', release));
  expect(step).toMatchObject({ outcome: 'accepted', standing: 'pending' });
  return step.position ?? -1;
}

const officer = ['--officer', 'officer 4711, CBP', '--reason', 'both parties were called'];
const decide = (...args: (string | number)[]) =>
  runIngest('custody', folder.config, ...args.map(String), ...officer, '--json');

describe('custody', () => {
  it('moves the twin once both parties have signed, and the journal rebuilds it', async () => {
    const released = await papers.sign('mill', 'custody release', release);
    const whole = await papers.handOver('mill', 'carrier', release);
    expect(await papers.submit(whole)).toMatchObject({
      outcome: 'held',
      code: 'IN_ORGANISATION_UNKNOWN',
    });
    await papers.trust('mill', 'carrier');
    expect(await papers.submit(released)).toMatchObject({
      outcome: 'refused',
      code: 'VC_PROOF_CHAIN',
    });
    expect(await papers.submit(whole)).toMatchObject({ outcome: 'accepted', known: false });
    const moved = async () => (await possessor()) === 'did:web:carrier.example';
    await eventually(moved, 'the carrier holds the heat');
    expect(await papers.submit(whole)).toMatchObject({ known: true });
    expect(await runIngest('rebuild', folder.config, '--check')).toMatchObject({ code: 0 });
  });

  it('waits while lists are too old, and counts by the decision of an officer', async () => {
    await papers.trust('mill', 'carrier');
    const step = await pendingStep();
    expect(await possessor()).not.toBe('did:web:carrier.example');
    const taken = await decide('take', step);
    expect(taken).toMatchObject({ code: 0, err: '' });
    expect(JSON.parse(taken.out)).toMatchObject({ step, effect: 'take' });
    const moved = async () => (await possessor()) === 'did:web:carrier.example';
    await eventually(moved, 'the carrier holds the heat');
    const again = await decide('void', step);
    expect(again.code).toBe(1);
    expect(again.err).toContain(`no custody step is pending at position ${step}`);
    expect(await runIngest('rebuild', folder.config, '--check')).toMatchObject({ code: 0 });
  });

  it('never counts what an officer declares void', async () => {
    await papers.trust('mill', 'carrier');
    const step = await pendingStep();
    const { code, out } = await decide('void', step);
    expect(code).toBe(0);
    expect(JSON.parse(out)).toMatchObject({ step, effect: 'void' });
    const alerted = async () => (await shown())?.alerts.some(({ code: one }) => one === 'CUSTODY');
    await eventually(alerted, 'the twin to say that a step is void');
    expect(await possessor()).not.toBe('did:web:carrier.example');
    expect((await decide('take', step)).code).toBe(1);
  });

  it('names what is wrong on the command line before it asks anyone', async () => {
    for (const args of [
      ['keep', '3'],
      ['take', 'three'],
    ]) {
      const { code, err } = await decide(...args);
      expect(code).toBe(2);
      expect(err).toContain(args.includes('keep') ? 'neither take nor void' : 'not a position');
    }
    const silent = await runIngest('custody', folder.config, 'take', '3');
    expect(silent).toMatchObject({ code: 2, err: expect.stringContaining('--officer') });
  });

  it('is not submitted where no ingester runs, and the answer says so', async () => {
    await running?.end('SIGTERM');
    writeFileSync(papers.at('x.jwt'), 'x');
    const { code, err } = await runIngest('submit', folder.config, papers.at('x.jwt'));
    expect(code).toBe(1);
    expect(err).toContain('IN_CONTROL');
  });
});
