/** A whole gateway as a witness: notices and receipts come the same way, and a stop waits. */
import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { statementIn } from '../../../devices/credential/checkpoint.ts';
import { signToken } from '../../../devices/credential/jws.ts';
import { keptFile, witnessFolder } from '../../../gateway/witness-folder.ts';
import { eventually } from '../../support/eventually.ts';
import { Site } from './support/gateway-world.ts';
import { entriesOf, noticeOf, statementOf, TestJournal } from './support/record-world.ts';

const record = new TestJournal(entriesOf(20));
let site: Site;
let data = '';
beforeEach(() => {
  site = new Site();
  data = mkdtempSync(join(tmpdir(), 'witness-gateway-'));
});
afterEach(() => rmSync(data, { recursive: true, force: true }));

function start() {
  const config = site.config();
  return site.start(undefined, { ...config, gateway: { ...config.gateway, data } });
}

const statements = () => site.uplink.sent.filter((bytes) => statementIn(bytes) !== undefined);
const noticeAt = (size: number) => noticeOf(record, { signer: site.ingester, size });

describe('a gateway that hears of the ingester’s record', () => {
  it('says what it keeps of it, and goes on forwarding', async () => {
    site.vouch = ({ payload, typ }) => signToken({ payload, signer: site.gatewayKey, typ });
    const gateway = await start();
    const served = site.serve();
    site.uplink.connect();
    site.uplink.receipt(await noticeAt(7));
    const [sent] = await eventually(() => statements().length > 0 && statements(), 'a statement');
    expect(statementOf(sent as Uint8Array)).toMatchObject({
      gateway: site.gatewayKey.did,
      checkpoint: { size: 7, issuer: site.ingester.did },
    });
    const checkpoint = { size: 7 };
    expect(await gateway.snapshot()).toMatchObject({ witness: { checkpoint } });
    await site.world.run(5_000);
    const last = await site.stop(gateway);
    expect(served.length).toBeGreaterThan(2);
    expect(site.totals()).toEqual(served);
    expect([last.waiting, site.lines.filter((line) => /checkpoint|receipt/.test(line))]).toEqual([
      0,
      [],
    ]);
  });

  it('finishes at its stop what is being signed', async () => {
    let sign = () => {};
    let isOpen: boolean | undefined;
    site.vouch = async ({ payload, typ }) => {
      await new Promise<void>((done) => {
        sign = done;
      });
      isOpen = site.store?.db.open;
      return signToken({ payload, signer: site.gatewayKey, typ });
    };
    const gateway = await start();
    site.uplink.connect();
    const nothing = sign;
    site.uplink.receipt(await noticeAt(7));
    await eventually(() => sign !== nothing, 'signing');
    const stopped = site.stop(gateway);
    await site.world.run(400);
    expect(existsSync(keptFile(witnessFolder(data)))).toBe(false);
    sign();
    await stopped;
    expect([existsSync(keptFile(witnessFolder(data))), isOpen]).toEqual([true, true]);
  });

  it('waits at its stop for no key that takes too long', async () => {
    let isAsked = false;
    site.vouch = () => {
      isAsked = true;
      return new Promise(() => {});
    };
    const gateway = await start();
    site.uplink.connect();
    site.uplink.receipt(await noticeAt(7));
    await eventually(() => isAsked, 'signing');
    expect(await site.stop(gateway)).toMatchObject({ waiting: 0 });
    expect(existsSync(keptFile(witnessFolder(data)))).toBe(false);
  });

  it('takes no notice of it without a key to say so with', async () => {
    const gateway = await start();
    site.uplink.connect();
    site.uplink.receipt(await noticeAt(7));
    await site.stop(gateway);
    expect([statements(), existsSync(witnessFolder(data))]).toEqual([[], false]);
    expect(site.lines.filter((line) => /checkpoint|receipt/.test(line))).toEqual([]);
  });
});
