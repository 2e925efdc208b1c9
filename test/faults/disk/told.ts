/** What a workload says, line by line; a later statement is made after the earlier ones held. */
export type Told =
  /** Batches that the outbox called durable. */
  | { readonly kept: readonly string[] }
  /** Batches whose receipts are about to be, and then were, taken in. */
  | { readonly settling: readonly string[] }
  | { readonly settled: readonly string[] }
  /** Entries that the journal called durable: their leaves, from a position on. */
  | { readonly from: number; readonly leaves: readonly string[] }
  /** Up to where the twins were called durable. */
  | { readonly applied: number }
  /** What is about to be, and then was, written durably to a file. */
  | { readonly writing: string; readonly text: string }
  | { readonly written: string; readonly text: string }
  /** A key that the key store called safe. */
  | { readonly key: string }
  | { readonly failed: string }
  | { readonly end: true };

/** The statements in the output of a workload; the last line may be cut. */
export function readTold(output: string): Told[] {
  return output.split('\n').flatMap((line) => {
    try {
      return [JSON.parse(line) as Told];
    } catch {
      return [];
    }
  });
}
