/** What every uplink must do; each implementation runs this suite against a peer of its own. */
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { systemClock, systemRandom } from '../../devices/runtime.ts';
import type { OpenSink, Sink, SinkContext } from '../../gateway/sink.ts';
import type { UplinkIdentity } from '../../gateway/uplink-certificate.ts';
import { eventually } from '../support/eventually.ts';

/** The far end of an uplink, controlled by the test. */
export interface SinkPeer {
  readonly settings: unknown;
  /** The certificate that an invitation brings, where the uplink needs one. */
  readonly identity?: UplinkIdentity;
  /** Credentials that arrived for this gateway. */
  readonly received: Uint8Array[];
  /** Sends bytes down to the gateway. */
  sendReceipt(bytes: Uint8Array): void;
  /** Drops every connection and takes no more. */
  stop(): Promise<void>;
  /** Takes connections again, at the same address. */
  restart(): Promise<void>;
}

export const sinkGateway = 'did:key:zDnaeaGatewayOfTheSinkSuite1111111111111111111111';

export function testSink(
  sink: Sink,
  openPeer: () => Promise<SinkPeer>,
  { gateway = sinkGateway, how = '' } = {},
): void {
  describe(`uplink ${sink.name}${how}`, () => {
    let peer: SinkPeer;
    const opened: OpenSink[] = [];
    const states: boolean[] = [];
    const receipts: string[] = [];
    const lines: string[] = [];
    beforeEach(async () => {
      for (const list of [opened, states, receipts, lines]) list.splice(0);
      peer = await openPeer();
    });
    afterEach(async () => {
      await Promise.all(opened.map((open) => open.close()));
      await peer.stop();
    });

    const note = (message: string) => void lines.push(message);
    const context: SinkContext = {
      clock: systemClock,
      random: systemRandom,
      log: { debug: note, info: note, warn: note, error: note },
      gateway,
      resolvePath: (path) => path,
    };
    const open = async () => {
      const events = {
        onReceipt: (bytes: Uint8Array) => void receipts.push(Buffer.from(bytes).toString()),
        onState: (up: boolean) => void states.push(up),
      };
      const { identity } = peer;
      const own = { ...context, ...(identity && { identity }) };
      const sink_ = await sink.open(peer.settings, events, own);
      opened.push(sink_);
      return sink_;
    };
    const isUp = () => states.at(-1) === true;
    const bytes = (text: string) => Buffer.from(text);
    const never = new AbortController().signal;

    it('carries credentials up unchanged, and receipts down', async () => {
      const up = await open();
      await eventually(isUp, 'the uplink is up');
      const token = Buffer.from(Array.from({ length: 60_000 }, (_, index) => index % 251));
      await up.send(token, never);
      await eventually(() => peer.received.length === 1, 'the credential arrives');
      expect(Buffer.compare(peer.received[0] ?? bytes(''), token)).toBe(0);
      peer.sendReceipt(bytes('receipt 1'));
      await eventually(() => receipts.length === 1, 'the receipt arrives');
      expect(receipts).toEqual(['receipt 1']);
    });

    it('carries many at once, in order', async () => {
      const up = await open();
      await eventually(isUp, 'the uplink is up');
      const texts = Array.from({ length: 200 }, (_, index) => `credential ${index}`);
      await Promise.all(texts.map((text) => up.send(bytes(text), never)));
      await eventually(() => peer.received.length === 200, 'all arrive');
      expect(peer.received.map((token) => Buffer.from(token).toString())).toEqual(texts);
    });

    it('rejects a send while there is no uplink, and keeps nothing of it', async () => {
      await peer.stop();
      const up = await open();
      await expect(up.send(bytes('lost'), never)).rejects.toMatchObject({ code: 'GW_SINK_DOWN' });
      await peer.restart();
      await eventually(isUp, 'the uplink is up');
      await up.send(bytes('kept'), never);
      await eventually(() => peer.received.length > 0, 'the credential arrives');
      expect(peer.received.map((token) => Buffer.from(token).toString())).toEqual(['kept']);
    });

    it('rejects a send whose signal is aborted', async () => {
      const up = await open();
      await eventually(isUp, 'the uplink is up');
      const signal = AbortSignal.abort();
      await expect(up.send(bytes('no'), signal)).rejects.toMatchObject({ code: 'GW_SINK_DOWN' });
    });

    it('says when the uplink goes, and comes back by itself', async () => {
      const up = await open();
      await eventually(isUp, 'the uplink is up');
      await peer.stop();
      await eventually(() => states.at(-1) === false, 'the uplink is down');
      await expect(up.send(bytes('no'), never)).rejects.toMatchObject({ code: 'GW_SINK_DOWN' });
      await peer.restart();
      await eventually(isUp, 'the uplink is up again');
      await up.send(bytes('again'), never);
      await eventually(() => peer.received.length === 1, 'the credential arrives');
      peer.sendReceipt(bytes('receipt 2'));
      await eventually(() => receipts.length === 1, 'the receipt arrives');
      expect(states).toEqual([true, false, true]);
    });

    it('does nothing any more once it is closed, and can be closed twice', async () => {
      const up = await open();
      await eventually(isUp, 'the uplink is up');
      await up.close();
      await up.close();
      await expect(up.send(bytes('no'), never)).rejects.toMatchObject({ code: 'GW_SINK_DOWN' });
      expect(states.at(-1)).toBe(false);
    });

    it('closes while it is still trying to connect', async () => {
      await peer.stop();
      const up = await open();
      await up.close();
      await peer.restart();
      await peer.stop();
      expect(states).toEqual([]);
    });
  });
}
