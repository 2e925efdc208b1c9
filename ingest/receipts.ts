/** Signs what became of credentials, one receipt a gateway and group, and sends it back. */

import { signToken } from '../devices/credential/jws.ts';
import type { ReceiptResult } from '../devices/credential/receipt.ts';
import { composeReceipt } from '../devices/credential/receipt-wire.ts';
import { explain } from '../devices/errors.ts';
import type { Signer } from '../devices/io/key-store.ts';
import { limits } from '../devices/limits.ts';
import type { Clock, Log } from '../devices/runtime.ts';
import type { Outcome } from './record.ts';

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
  const sendOne = async (gateway: string, results: readonly ReceiptResult[]) => {
    try {
      const issuedMs = Math.round(clock.nowMs());
      const payload = composeReceipt({ issuer: signer.did, gateway, issuedMs, results });
      await reply(
        gateway,
        await signToken({ payload, signer, typ: 'bondline-receipt+jwt', takesPacked: true }),
      );
    } catch (error) {
      log.error('a receipt was not sent; its gateway sends again', {
        gateway,
        error: explain(error),
      });
    }
  };
  return {
    async send(outcomes) {
      const byGateway = new Map<string, ReceiptResult[]>();
      for (const { gateway, result } of outcomes) {
        const results = byGateway.get(gateway);
        if (results === undefined) byGateway.set(gateway, [result]);
        else results.push(result);
      }
      const sent: Promise<void>[] = [];
      for (const [gateway, results] of byGateway) {
        for (let at = 0; at < results.length; at += limits.receiptResultsMax) {
          sent.push(sendOne(gateway, results.slice(at, at + limits.receiptResultsMax)));
        }
      }
      await Promise.all(sent);
    },
  };
}
