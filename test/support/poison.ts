/** Batches that poison-worker.ts falls over: genuine ones, marked by their read point. */
export const poisonKinds = ['throw', 'spin', 'exit', 'hoard'] as const;

/** One more takes half of all memory and comes to no end with it, slowly. */
export type PoisonKind = (typeof poisonKinds)[number] | 'keep';

const MARK = 'did:web:poison.example/facility/';

/** A read point that makes the batch poison. */
export function poisonPoint(kind: PoisonKind): string {
  return `${MARK}${kind}`;
}

/** What a token does to the worker that judges it. */
export function poisonOf(token: Uint8Array): PoisonKind | undefined {
  const [, payload = ''] = Buffer.from(token).toString('latin1').split('.');
  const text = Buffer.from(payload, 'base64url').toString('latin1');
  const at = text.indexOf(MARK);
  if (at < 0) return undefined;
  return ([...poisonKinds, 'keep'] as const).find((kind) =>
    text.startsWith(kind, at + MARK.length),
  );
}
