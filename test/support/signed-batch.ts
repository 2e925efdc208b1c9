/** Signed batches for tests and measurements, in the form that a gateway's outbox gives them. */
import { randomBytes, randomUUID } from 'node:crypto';
import type {
  BatchDraft,
  BatchPlace,
  CredentialReference,
} from '../../devices/credential/batch.ts';
import { composeBatch } from '../../devices/credential/batch-wire.ts';
import { signToken } from '../../devices/credential/jws.ts';
import { credentialDigest } from '../../devices/envelope.ts';
import type { Signer } from '../../devices/io/key-store.ts';
import { digestMultibase } from '../../devices/profile.ts';
import type { ReadingGroup } from '../../devices/reading.ts';

/** A digest of the right form that names nothing. */
export const someDigest = digestMultibase(Buffer.from('some'));

export const someProfile = { name: 'test-meter', digest: someDigest } as const;

/** `times` sample times of `points` points each, a second apart, with raw words. */
export function readingGroups(options: {
  readonly fromMs: number;
  readonly times: number;
  readonly points: number;
  readonly about?: string;
}): ReadingGroup[] {
  return Array.from({ length: options.times }, (_, time) => ({
    timeMs: options.fromMs + time * 1000,
    gatewayTimeMs: options.fromMs + time * 1000 + 3,
    ...(options.about !== undefined && { about: options.about }),
    readings: Array.from({ length: options.points }, (_, point) => {
      const value = Math.fround(20 + point + time / 7);
      const raw = Buffer.alloc(4);
      raw.writeFloatBE(value);
      return {
        point: `point${point}`,
        type: 'Temperature',
        unit: 'CEL',
        value,
        rawHex: raw.toString('hex'),
        quality: 'good',
      } as const;
    }),
  }));
}

/** A device that signs batches in order, each naming the one before. */
export class BatchMaker {
  readonly signer: Signer;
  readonly gateway: string;
  readonly epoch: { counter: number; nonce: string };
  private sequence = 0;
  private previous: CredentialReference | undefined;

  constructor(signer: Signer, gateway: string) {
    this.signer = signer;
    this.gateway = gateway;
    this.epoch = { counter: 1, nonce: randomBytes(16).toString('hex') };
  }

  /** The next batch, as sent. `draft` and `place` replace what would be said otherwise. */
  async next(
    closedMs: number,
    draft: Partial<BatchDraft> = {},
    place: Partial<BatchPlace> = {},
  ): Promise<Uint8Array> {
    this.sequence += 1;
    const id = `urn:uuid:${randomUUID()}`;
    const payload = composeBatch(
      {
        device: this.signer.did,
        gateway: this.gateway,
        profile: someProfile,
        configuration: someDigest,
        readPoint: 'did:web:northline.example/facility/neche',
        clock: { source: 'unknown', monotonicMs: 1234.5, steps: 0 },
        closedMs,
        groups: [],
        losses: [],
        ...draft,
      },
      {
        epoch: this.epoch,
        sequence: this.sequence,
        ...(this.previous && { previous: this.previous }),
        ...place,
      },
      { credential: id, event: `urn:uuid:${randomUUID()}` },
    );
    const token = await signToken({ payload, signer: this.signer, typ: 'vc+jwt' });
    this.previous = { id, digest: credentialDigest(token) };
    return token;
  }
}
