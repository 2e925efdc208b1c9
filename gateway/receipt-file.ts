/**
 * Receipts that a person carries back in a file, where there is no other way to the ingester. They
 * settle rows as those from the uplink do: verified against the pinned ingester, for this gateway.
 */
import { openReceipt } from '../devices/credential/receipt-wire.ts';
import { isRefusal } from '../devices/credential/refusal.ts';
import { fingerprintOfDid } from '../devices/envelope.ts';
import { limits } from '../devices/limits.ts';
import { compileChecker, Type } from '../devices/schema.ts';
import type { Settlement } from './outbox.ts';

const isReceiptFile = compileChecker(
  Type.Object({
    bondlineReceipts: Type.Literal(1),
    receipts: Type.Array(Type.String({ maxLength: limits.receiptBytesMax }), {
      maxItems: limits.receiptsInFileMax,
    }),
  }),
);

/** The receipts in the bytes of a file; `undefined` where it is no such file. */
export function readReceiptFile(bytes: Uint8Array): readonly string[] | undefined {
  try {
    const value: unknown = JSON.parse(Buffer.from(bytes).toString('utf8'));
    return isReceiptFile(value) ? value.receipts : undefined;
  } catch {
    return undefined;
  }
}

export interface ReadReceipts {
  readonly settlements: readonly Settlement[];
  /** Why receipts are of no use, one sentence each. */
  readonly refused: readonly string[];
}

/** What verified receipts settle for good; those that are not verified settle nothing. */
export function settlementsOf(
  receipts: readonly string[],
  { gateway, ingester }: { readonly gateway: string; readonly ingester: string },
): ReadReceipts {
  const settlements: Settlement[] = [];
  const refused: string[] = [];
  const fingerprint = fingerprintOfDid(gateway);
  for (const text of receipts) {
    const receipt = openReceipt(Buffer.from(text), ingester);
    if (isRefusal(receipt)) refused.push(`${receipt.code}: ${receipt.reason}`);
    else if (receipt.gateway !== fingerprint) refused.push(`it is for gateway ${receipt.gateway}`);
    else {
      for (const { bytes, code, digest, outcome } of receipt.results) {
        if (outcome === 'held') continue;
        const why = { ...(code !== undefined && { code }), ...(bytes !== undefined && { bytes }) };
        settlements.push({ digest, outcome, ...why });
      }
    }
  }
  return { settlements, refused };
}
