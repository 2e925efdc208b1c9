/** What a gateway keeps of the ingester's record, on a real disk, and what it answers. */
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { composeNotice, composeStatement } from '../../../devices/credential/checkpoint.ts';
import { signToken, type TokenType } from '../../../devices/credential/jws.ts';
import { EdgeError } from '../../../devices/errors.ts';
import { limits } from '../../../devices/limits.ts';
import { endWitness, keptFile } from '../../../gateway/witness-folder.ts';
import { openTmpfsDisk, tmpfsObstacle } from '../../faults/disk/tmpfs-disk.ts';
import { eventually } from '../../support/eventually.ts';
import { memorySigner } from '../../support/identity.ts';
import { entriesOf, ISSUED, noticeOf, statementOf, TestJournal } from './support/record-world.ts';
import { WitnessSite } from './support/witness-world.ts';

let site: WitnessSite;
beforeEach(() => {
  site = new WitnessSite();
});
afterEach(() => site.close());

const other = new TestJournal(entriesOf(64, 'other'));
const sizes = () => site.sent.map(({ checkpoint }) => checkpoint.size);

describe('a witness', () => {
  it('has its statement on disk before it sends it, and goes on as the record grows', async () => {
    const found: boolean[] = [];
    const { send } = site;
    site.send = async (bytes) => {
      // Byte for byte what is sent, but for the byte that says that it is a statement.
      found.push(readFileSync(keptFile(site.folder)).equals(bytes.subarray(1)));
      await send(bytes);
    };
    expect(site.witness.state()).toEqual({ contradiction: false, silent: false, unproven: false });
    await site.hear(10);
    site.clock.advance(10_000);
    await site.hear(12, 10);
    expect(found).toEqual([true, true]);
    const { did } = site.gateway;
    const keptMs = site.clock.nowMs();
    expect(site.sent).toMatchObject([
      { gateway: did, keptMs: keptMs - 10_000, checkpoint: { size: 10 } },
      { gateway: did, keptMs, checkpoint: { size: 12, root: site.record.root(12) } },
    ]);
    const checkpoint = { size: 12, issuedMs: ISSUED + 12_000, keptMs };
    expect(site.witness.state()).toEqual({
      checkpoint,
      contradiction: false,
      silent: false,
      unproven: false,
    });
    expect([site.names(), site.lines]).toEqual([['kept.jwt'], []]);
  });

  it('answers what it does not keep by what it kept', async () => {
    await site.hear(10);
    const before = readFileSync(keptFile(site.folder));
    await site.hear(10);
    await site.hear(9);
    await site.hear(12, 9);
    expect(sizes()).toEqual([10, 10, 10, 10]);
    expect(readFileSync(keptFile(site.folder))).toEqual(before);
    expect(site.witness.state()).toMatchObject({ contradiction: false, unproven: false });
  });

  it('goes on after a restart from what is on disk', async () => {
    await site.hear(10);
    site.start();
    expect(site.witness.state().checkpoint).toMatchObject({ size: 10 });
    await site.hear(12);
    await site.hear(12, 10);
    expect(sizes()).toEqual([10, 10, 12]);
  });

  it.each([
    ['is cut off', (kept: Buffer) => kept.subarray(0, -8)],
    ['has another bit', (kept: Buffer) => kept.map((byte, at) => (at === 99 ? byte ^ 1 : byte))],
    ['is empty', () => Buffer.alloc(0)],
    ['is too large', () => Buffer.alloc(limits.statementBytesMax + 1, 'e')],
  ])('puts a file aside that %s, and begins anew', async (_, damage) => {
    await site.hear(10);
    const damaged = damage(readFileSync(keptFile(site.folder)));
    writeFileSync(keptFile(site.folder), damaged);
    await site.hear(12);
    const aside = 'kept.jwt.damaged-2026-01-01T000000.000Z';
    expect(site.names()).toEqual(['kept.jwt', aside]);
    expect(readFileSync(join(site.folder, aside)).equals(damaged)).toBe(true);
    expect([sizes(), site.kept()]).toEqual([[10, 12], 12]);
    expect(site.said('warn')).toEqual([expect.stringContaining(aside)]);
    // At the same time again: nothing is put over what stands there.
    writeFileSync(keptFile(site.folder), 'x');
    site.start();
    expect(site.names()).toEqual([aside, `${aside}-2`]);
    expect(site.witness.state().checkpoint).toBeUndefined();
  });

  it('begins anew with another ingester, and keeps what it had of the one before', async () => {
    await site.hear(10);
    await site.hear(10, undefined, other);
    expect(site.witness.state().contradiction).toBe(true);
    const before = site.ingester.did;
    site.ingester = memorySigner();
    await site.hear(3);
    expect([site.kept(), site.witness.state()]).toMatchObject([3, { contradiction: false }]);
    expect(site.names()).toEqual(['ended-2026-01-01T000000.000Z', 'kept.jwt']);
    expect(site.names('ended-2026-01-01T000000.000Z')).toEqual(['contradiction.json', 'kept.jwt']);
    expect(site.said('warn')).toEqual([expect.stringContaining(before)]);
  });

  it('takes no statement of another gateway for its own', async () => {
    const { ingester, record } = site;
    const [signer, typ] = [memorySigner(), 'bondline-witness+jwt' as const];
    await site.hear(10);
    const { token } = site.sent[0] ?? {};
    if (!token) throw new Error('nothing was sent');
    const payload = composeStatement({ gateway: signer.did, token, keptMs: 1 });
    writeFileSync(keptFile(site.folder), await signToken({ payload, signer, typ }));
    await site.hearBytes(await noticeOf(record, { signer: ingester, size: 12, from: 10 }));
    expect(site.sent.at(-1)).toMatchObject({ gateway: site.gateway.did, checkpoint: { size: 12 } });
    expect(site.names()).toHaveLength(2);
  });
});

describe('a record that does not continue what was signed', () => {
  it('is said and kept, the first time of all, and what was kept stays', async () => {
    await site.hear(10);
    site.clock.advance(5);
    // Larger, and signed at the same time: the proof does not matter.
    await site.hear(12, 10, other, ISSUED + 10_000);
    const evidence = site.evidence();
    expect(evidence).toMatchObject({ from: 10, foundMs: site.clock.nowMs() });
    expect(statementOf(Buffer.from(String(evidence['kept']))).checkpoint.size).toBe(10);
    const proof = other.proof(10, 12).map((one) => Buffer.from(one).toString('hex'));
    expect(evidence['proof']).toEqual(proof);
    const error = site.said('error');
    expect(error).toHaveLength(1);
    for (const word of ['kept=10', 'told=12', 'toldIssued=2', '00:00:10.000Z']) {
      expect(error[0]).toContain(word);
    }
    await site.hear(14, 10, other, ISSUED);
    await site.hear(9, undefined, other, ISSUED + 99_000);
    expect(site.evidence()).toEqual(evidence);
    expect([sizes(), site.said('error')]).toMatchObject([[10, 10, 10, 10], { length: 1 }]);
    // The record that was signed may still go on.
    await site.hear(13, 10);
    expect([site.kept(), site.witness.state()]).toMatchObject([13, { contradiction: true }]);
  });

  it('is seen after a restart, and said once more when it comes again', async () => {
    await site.hear(10);
    await site.hear(10, undefined, other);
    const evidence = site.evidence();
    site.start();
    expect(site.witness.state()).toMatchObject({ contradiction: true, checkpoint: { size: 10 } });
    await site.hear(10, undefined, other);
    await site.hear(10, undefined, other);
    expect([site.said('error'), site.evidence()]).toMatchObject([{ length: 2 }, evidence]);
  });

  it('may begin anew when a person accepts it while the gateway runs', async () => {
    await site.hear(10);
    await site.hear(10, undefined, other);
    const before = readFileSync(keptFile(site.folder));
    const ended = endWitness(site.folder, site.clock.nowMs()) ?? '';
    expect(site.witness.state().contradiction).toBe(false);
    await site.hear(8, undefined, other);
    await site.hear(9, 8, other);
    expect([sizes(), site.kept()]).toEqual([[10, 10, 8, 9], 9]);
    expect(readFileSync(join(ended, 'kept.jwt'))).toEqual(before);
    // What it signed before is a contradiction now, of which nothing was said yet.
    await site.hear(9);
    expect([site.witness.state().contradiction, site.said('error')]).toMatchObject([
      true,
      { length: 2 },
    ]);
  });

  it('does not go on from what a person ended while it was being signed', async () => {
    await site.hear(10);
    let signed = () => {};
    let isAsked = false;
    site.signing = () =>
      new Promise((done) => {
        isAsked = true;
        signed = done;
      });
    const heard = site.hear(12, 10);
    await eventually(() => isAsked, 'signing');
    endWitness(site.folder, site.clock.nowMs());
    signed();
    await heard;
    expect([site.kept(), sizes()]).toEqual([undefined, [10]]);
  });
});

describe('a notice that is none', () => {
  const bytes = (text: string) => Buffer.from(text);
  it('is said once for each reason, and nothing is kept or sent', async () => {
    const { ingester, record } = site;
    const good = await noticeOf(record, { signer: ingester, size: 10 });
    const stranger = await noticeOf(record, { signer: memorySigner(), size: 10 });
    const signedAs = async (typ: TokenType, issuedMs = ISSUED) => {
      const payload = JSON.stringify(record.checkpoint(10, issuedMs, ingester.did));
      const token = await signToken({ payload, signer: ingester, typ });
      return composeNotice({ token, proof: [] });
    };
    const changed = bytes(good.toString().replace(/.{8}"}$/, 'AAAAAAAA"}'));
    const wrong = [
      bytes(''),
      bytes('{'),
      bytes('{}'),
      bytes(`{"checkpoint":"${'e'.repeat(limits.checkpointBytesMax)}"}`),
      changed,
      stranger,
      await signedAs('bondline-receipt+jwt'),
      await signedAs('bondline-checkpoint+jwt', Number.MAX_SAFE_INTEGER),
    ];
    for (const one of [...wrong, ...wrong]) await site.hearBytes(one);
    expect([site.sent, site.kept(), site.failures]).toEqual([[], undefined, []]);
    const codes = site.said('warn').map((line) => /code=(\S+)/.exec(line)?.[1]);
    expect(codes.toSorted()).toEqual([
      ...['VC_ISSUER', 'VC_JSON', 'VC_SCHEMA', 'VC_SIGNATURE', 'VC_TOO_LARGE', 'VC_TYPE'],
    ]);
    await site.hearBytes(good);
    // Nobody but the ingester can contradict it.
    const accusing = await noticeOf(other, { signer: memorySigner(), size: 10 });
    await site.hearBytes(accusing);
    expect([sizes(), site.witness.state().contradiction]).toEqual([[10], false]);
  });

  it('does not end the row of those that wait: the rest is dropped', async () => {
    let open = () => {};
    let asked = 0;
    site.signing = () => {
      asked += 1;
      return new Promise((done) => {
        open = done;
      });
    };
    const notice = await noticeOf(site.record, { signer: site.ingester, size: 10 });
    site.witness.hear(notice, site.send);
    await eventually(() => asked === 1, 'signing');
    for (let count = 0; count < 20; count += 1) site.witness.hear(notice, site.send);
    open();
    await site.witness.idle();
    expect([asked, sizes().length]).toEqual([1, 1 + limits.checkpointsWaitingMax]);
  });

  it('is followed by the next one where a send fails, or never ends', async () => {
    site.send = () => Promise.reject(new Error('no uplink'));
    await site.hear(10);
    let sends = 0;
    site.witness.hear(await noticeOf(site.record, { signer: site.ingester, size: 10 }), () => {
      sends += 1;
      return new Promise(() => undefined);
    });
    await eventually(() => sends === 1, 'a send that never ends');
    site.witness.hear(
      await noticeOf(site.record, { signer: site.ingester, size: 12, from: 10 }),
      async (sent) => void site.sent.push(statementOf(sent)),
    );
    site.clock.advance(limits.receiptTimeoutMs);
    await site.witness.idle();
    expect([site.kept(), sizes(), site.said('warn')]).toEqual([12, [12], []]);
  });
});

describe('a disk', () => {
  it('that does not take the folder is said once; what comes when it does is kept', async () => {
    writeFileSync(site.folder, 'in the way');
    for (const size of [10, 11, 12]) await site.hear(size);
    expect([site.sent, site.failures]).toEqual([[], []]);
    expect(site.said('warn')).toEqual([expect.stringContaining(site.folder)]);
    rmSync(site.folder);
    await site.hear(13);
    expect([sizes(), site.kept()]).toEqual([[13], 13]);
    // What cannot be read is not taken for nothing.
    const kept = readFileSync(keptFile(site.folder));
    rmSync(keptFile(site.folder));
    mkdirSync(keptFile(site.folder));
    for (const size of [14, 15]) await site.hear(size);
    expect([sizes(), site.said('warn'), site.names()]).toMatchObject([
      [13],
      { length: 2 },
      ['kept.jwt'],
    ]);
    rmSync(keptFile(site.folder), { recursive: true });
    writeFileSync(keptFile(site.folder), kept);
    await site.hear(14, 13);
    expect(site.kept()).toBe(14);
  });

  it('that failed ends the gateway; a key that fails does not', async () => {
    const failure = new EdgeError('DB_DISK_FAILED', 'signing');
    site.signing = () => Promise.reject(new Error('the token is away'));
    await site.hear(10);
    expect([site.failures, site.said('warn')]).toMatchObject([[], { length: 1 }]);
    // A sync that had no room is no failure of the disk.
    const cause = Object.assign(new Error('full'), { code: 'ENOSPC' });
    site.signing = () => Promise.reject(new EdgeError('DB_DISK_FAILED', 'syncing', { cause }));
    await site.hear(10);
    expect(site.failures).toEqual([]);
    site.signing = () => Promise.reject(failure);
    await site.hear(10);
    expect([site.failures, site.sent]).toEqual([[failure], []]);
  });

  it.skipIf(tmpfsObstacle() !== undefined)(
    'that is full keeps what was, sends nothing, and does not end the gateway',
    async () => {
      const directory = mkdtempSync(join(tmpdir(), 'witness-full-'));
      const disk = openTmpfsDisk(join(directory, 'disk'));
      try {
        site.folder = join(disk.path, 'witness');
        site.start();
        await site.hear(10);
        disk.fill();
        for (const size of [11, 12]) await site.hear(size, 10);
        expect([sizes(), site.kept(), site.failures]).toEqual([[10], 10, []]);
        expect(site.said('warn')).toEqual([expect.stringContaining('ENOSPC')]);
        // A contradiction is known, also where there is no room for its evidence.
        await site.hear(10, undefined, other);
        expect([site.names(), site.said('error')]).toMatchObject([['kept.jwt'], { length: 1 }]);
        expect(site.witness.state().contradiction).toBe(true);
        disk.empty();
        await site.hear(10, undefined, other);
        await site.hear(13, 10);
        expect([site.names(), site.kept()]).toEqual([['contradiction.json', 'kept.jwt'], 13]);
      } finally {
        disk.close();
        rmSync(directory, { recursive: true, force: true });
      }
    },
  );
});
