/** A forwarder over a real outbox in memory, a fake clock, and an ingester that signs receipts. */
import { signToken } from '../../../../devices/credential/jws.ts';
import type { ReceiptOutcome } from '../../../../devices/credential/receipt.ts';
import { composeReceipt } from '../../../../devices/credential/receipt-wire.ts';
import { credentialDigest, fingerprintOfDid } from '../../../../devices/envelope.ts';
import type { Signer } from '../../../../devices/identity/signer.ts';
import { createLog } from '../../../../devices/runtime.ts';
import { Forwarder } from '../../../../gateway/forward.ts';
import { createLocalOutbox } from '../../../../gateway/outbox-local.ts';
import { MachineClock, World } from '../../../sim/clock.ts';
import { memorySigner } from '../../../support/identity.ts';
import { draftOf, openBatch, openStore, someGateway } from './outbox-world.ts';

const START = 1_767_225_600_000;
const LEAF = '00'.repeat(32);

export function startForwarder(devices: readonly Signer[] = [memorySigner()]) {
  const world = new World(START);
  const clock = new MachineClock(world, 0);
  const { store } = openStore({ devices });
  const outbox = createLocalOutbox({ store, clock });
  const ingester = memorySigner();
  const sent: Uint8Array[] = [];
  const settled = { accepted: 0, refused: 0 };
  const lines: string[] = [];
  const enrolments = new Map<string, Uint8Array>();
  const failures: unknown[] = [];
  const forwarder = new Forwarder({
    outbox,
    enrolments: {
      replace: () => undefined,
      refresh: () => false,
      successions: () => [],
      succeeded: () => undefined,
      of: () => undefined,
      tokens: () => enrolments,
    },
    gateway: someGateway.did,
    ingester: ingester.did,
    clock,
    log: createLog({ component: 't', level: 'info', clock, write: (line) => lines.push(line) }),
    onSettled: ({ accepted, refused }) => {
      settled.accepted += accepted;
      settled.refused += refused;
    },
    onFailure: (error) => failures.push(error),
  });
  const send = async (token: Uint8Array) => void sent.push(token);
  const receipt = async (
    tokens: readonly Uint8Array[],
    outcome: ReceiptOutcome = 'accepted',
    options: {
      signer?: Signer;
      gateway?: string;
      bytes?: string;
      code?: string;
      takesPacked?: boolean;
    } = {},
  ) => {
    const signer = options.signer ?? ingester;
    const results = tokens.map((token) => ({
      digest: credentialDigest(token),
      outcome,
      ...(options.bytes === undefined ? {} : { bytes: options.bytes }),
      ...(outcome === 'accepted' ? {} : { code: options.code ?? 'VC_SCHEMA' }),
      ...(outcome === 'held' ? {} : { position: 1, leaf: LEAF }),
    }));
    const gateway = options.gateway ?? fingerprintOfDid(someGateway.did);
    const payload = composeReceipt({ issuer: signer.did, gateway, issuedMs: START, results });
    const { takesPacked = false } = options;
    const typ = 'bondline-receipt+jwt';
    forwarder.receipt(await signToken({ payload, signer, typ, takesPacked }));
    await world.run(10);
  };
  const append = async (
    count: number,
    device = devices[0],
    points = 1,
    priority?: 'urgent',
    closedMs?: number,
  ): Promise<void> => {
    const drafts = Array.from({ length: count }, (_, index) => ({
      ...draftOf(device?.did ?? '', closedMs && closedMs + 1_000 * index, points),
      ...(priority && { priority }),
    }));
    await Promise.all([...drafts.map((draft) => outbox.append(draft)), world.run(50)]);
    forwarder.committed(priority === 'urgent');
    await world.run(10);
  };
  const up = async (packs = false) => {
    forwarder.uplink(send, { packs });
    await world.run(10);
  };
  /** Places of what was sent since the last look. */
  const taken = () => sent.splice(0).map((token) => openBatch(token).sequence);
  return {
    world,
    outbox,
    store,
    forwarder,
    ingester,
    sent,
    settled,
    lines,
    enrolments,
    failures,
    receipt,
    append,
    up,
    taken,
  };
}
