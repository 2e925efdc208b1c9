/** Signs what became of credentials, one receipt a gateway and group, and sends it back. */

import { signToken } from '../devices/credential/jws.ts';
import type { ReceiptResult } from '../devices/credential/receipt.ts';
import { composeReceipt } from '../devices/credential/receipt-wire.ts';
import { explain } from '../devices/errors.ts';
import type { Signer } from '../devices/io/key-store.ts';
import { limits } from '../devices/limits.ts';
import type { Clock, Log } from '../devices/runtime.ts';
import type { Outcome } from './record.ts';

/** A signed receipt, and the fingerprint of the gateway that it is for. */
export interface SignedReceipt {
  readonly gateway: string;
  readonly token: Uint8Array;
}

/** Receipts for outcomes as of a wall time, as many for each gateway as their size allows. */
export async function signReceipts(
  signer: Signer,
  issuedMs: number,
  outcomes: readonly Outcome[],
): Promise<SignedReceipt[]> {
  const receipts: SignedReceipt[] = [];
  for (const { gateway, results } of groupsOf(outcomes)) {
    receipts.push({ gateway, token: await signOne(signer, { gateway, issuedMs, results }) });
  }
  return receipts;
}

function signOne(
  signer: Signer,
  { gateway, issuedMs, results }: Group & { readonly issuedMs: number },
): Promise<Uint8Array> {
  const payload = composeReceipt({ issuer: signer.did, gateway, issuedMs, results });
  return signToken({ payload, signer, typ: 'bondline-receipt+jwt', takesPacked: true });
}

interface Group {
  readonly gateway: string;
  readonly results: readonly ReceiptResult[];
}

/** What one receipt says: of one gateway, and no more than fits. */
function groupsOf(outcomes: readonly Outcome[]): Group[] {
  const byGateway = new Map<string, ReceiptResult[]>();
  for (const { gateway, result } of outcomes) {
    const results = byGateway.get(gateway);
    if (results === undefined) byGateway.set(gateway, [result]);
    else results.push(result);
  }
  const groups: Group[] = [];
  for (const [gateway, results] of byGateway) {
    for (let left = results; left.length > 0; ) {
      const count = fitting(left);
      groups.push({ gateway, results: left.slice(0, count) });
      left = left.slice(count);
    }
  }
  return groups;
}

export interface Receipts {
  /** Takes what a commit made of credentials, to be signed and sent. Gateways that miss it ask. */
  add(outcomes: readonly Outcome[]): void;
  /** Bytes of results that the key has not signed yet. */
  waitingBytes(): number;
  /** Resolves when all that was added is signed, and the transport took it. */
  drain(): Promise<void>;
}

/**
 * One signature after the other: a key in a token makes no two at the same time. What is added
 * meanwhile waits, and of one gateway together, so that a slow key makes receipts larger and later
 * but never more.
 */
export function createReceipts(options: {
  readonly signer: Signer;
  readonly clock: Clock;
  readonly log: Log;
  /** Hands a receipt to the source by which the gateway is reached. */
  readonly reply: (gateway: string, receipt: Uint8Array) => Promise<void>;
  /** Told whenever less waits than before. */
  readonly freed?: () => void;
}): Receipts {
  const { signer, clock, log, reply, freed } = options;
  /** By gateway; the one that is next first. */
  const waiting = new Map<string, ReceiptResult[]>();
  const sending = new Set<Promise<void>>();
  let waitingBytes = 0;
  let signing: Promise<void> | undefined;

  const failed = (gateway: string, error: unknown) =>
    log.error('a receipt was not sent; its gateway sends again', {
      gateway,
      error: explain(error),
    });
  const send = (gateway: string, receipt: Uint8Array) => {
    const sent = reply(gateway, receipt).catch((error: unknown) => failed(gateway, error));
    sending.add(sent);
    void sent.then(() => sending.delete(sent));
  };
  const signAll = async () => {
    for (let next = takeNext(waiting); next !== undefined; next = takeNext(waiting)) {
      const { gateway, results } = next;
      try {
        const issuedMs = Math.round(clock.nowMs());
        send(gateway, await signOne(signer, { gateway, issuedMs, results }));
      } catch (error) {
        failed(gateway, error);
      }
      for (const result of results) waitingBytes -= costOf(result);
      freed?.();
    }
    signing = undefined;
  };
  return {
    add(outcomes) {
      for (const { gateway, result } of outcomes) {
        const results = waiting.get(gateway);
        if (results === undefined) waiting.set(gateway, [result]);
        else results.push(result);
        waitingBytes += costOf(result);
      }
      if (waiting.size > 0) signing ??= signAll();
    },
    waitingBytes: () => waitingBytes,
    async drain() {
      await signing;
      await Promise.all(sending);
    },
  };
}

/** What one receipt takes of the gateway whose turn it is; the rest of it waits for the next. */
function takeNext(waiting: Map<string, ReceiptResult[]>): Group | undefined {
  const [first] = waiting;
  if (first === undefined) return undefined;
  const [gateway, all] = first;
  waiting.delete(gateway);
  const count = fitting(all);
  if (count < all.length) waiting.set(gateway, all.slice(count));
  return { gateway, results: all.slice(0, count) };
}

/** Header, signature, and what a receipt says beside its results, bytes at most. */
const HEAD_BYTES = 1_024;
/** The names and marks of JSON round the texts of one result, its outcome and its position. */
const RESULT_BYTES = 112;

/** How many of the first results one receipt holds, so that its gateway takes it: one at least. */
function fitting(results: readonly ReceiptResult[]): number {
  // Base64url makes four bytes of three.
  let left = ((limits.receiptBytesMax - HEAD_BYTES) * 3) / 4;
  const end = results.findIndex((result, at) => {
    left -= textOf(result) + RESULT_BYTES;
    return at === limits.receiptResultsMax || left < 0;
  });
  return end < 0 ? results.length : Math.max(1, end);
}

function costOf(result: ReceiptResult): number {
  return textOf(result) + limits.messageOverheadBytes;
}

function textOf({ bytes = '', code = '', digest, leaf = '' }: ReceiptResult): number {
  return bytes.length + code.length + digest.length + leaf.length;
}
