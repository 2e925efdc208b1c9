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
    for (let at = 0; at < results.length; at += limits.receiptResultsMax) {
      groups.push({ gateway, results: results.slice(at, at + limits.receiptResultsMax) });
    }
  }
  return groups;
}

export interface Receipts {
  /** Signs and sends; resolves when the transport took all. Never rejects: gateways send again. */
  send(outcomes: readonly Outcome[]): Promise<void>;
}

export function createReceipts(options: {
  readonly signer: Signer;
  readonly clock: Clock;
  readonly log: Log;
  /** Hands a receipt to the source by which the gateway is reached. */
  readonly reply: (gateway: string, receipt: Uint8Array) => Promise<void>;
}): Receipts {
  const { signer, clock, log, reply } = options;
  const sendOne = async ({ gateway, results }: Group) => {
    try {
      const issuedMs = Math.round(clock.nowMs());
      await reply(gateway, await signOne(signer, { gateway, issuedMs, results }));
    } catch (error) {
      log.error('a receipt was not sent; its gateway sends again', {
        gateway,
        error: explain(error),
      });
    }
  };
  return {
    async send(outcomes) {
      await Promise.all(groupsOf(outcomes).map(sendOne));
    },
  };
}
