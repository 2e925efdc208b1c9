/**
 * Batches signed in advance, so that a measurement of the ingester pays for nothing but the
 * ingester: each of 10 sample times × 10 points with raw words, as a flow computer gives them.
 */
import { randomBytes, randomUUID } from 'node:crypto';
import type { BatchDraft, Epoch } from '../../devices/credential/batch.ts';
import { composeBatch } from '../../devices/credential/batch-wire.ts';
import { signToken } from '../../devices/credential/jws.ts';
import { credentialDigest } from '../../devices/envelope.ts';
import type { Signer } from '../../devices/io/key-store.ts';
import { digestMultibase } from '../../devices/profile.ts';
import type { Reading, ReadingGroup } from '../../devices/reading.ts';
import { enrol, memoryOrganisation, memorySigner, type Organisation } from '../support/identity.ts';

export const SAMPLE_TIMES = 10;
export const POINTS = 10;
export const READINGS_PER_BATCH = SAMPLE_TIMES * POINTS;

export interface Corpus {
  readonly organisation: Organisation;
  readonly enrolments: readonly Uint8Array[];
  /** Fingerprint of the gateway that all devices stand behind. */
  readonly gateway: string;
  /** In the order in which they are to be sent. */
  readonly tokens: readonly Uint8Array[];
}

/** Signs `count` batches of `devices` devices in turn, dated back from `nowMs`. */
export async function makeCorpus(options: {
  readonly count: number;
  readonly devices: number;
  readonly nowMs: number;
}): Promise<Corpus> {
  const organisation = memoryOrganisation('did:web:bench.example', 'Bench');
  const gateway = memorySigner().did;
  const profile = { name: 'bench', digest: digestMultibase(Buffer.from('bench')) };
  const enrolments: Uint8Array[] = [];
  const lines = await Promise.all(
    Array.from({ length: options.devices }, async (_, index) => {
      const signer = memorySigner();
      const { token } = await enrol(organisation, {
        device: signer.did,
        gateway,
        label: `meter-${index}`,
        profile,
        nowMs: options.nowMs - 3_600_000,
      });
      enrolments.push(token);
      return new Line(signer, gateway, profile, index);
    }),
  );
  const tokens: Uint8Array[] = [];
  const start = options.nowMs - Math.ceil(options.count / options.devices) * 1_000;
  for (let index = 0; index < options.count; index += 1) {
    const line = lines[index % lines.length];
    if (!line) break;
    tokens.push(await line.next(start + Math.floor(index / lines.length) * 1_000));
  }
  const fingerprint = gateway.slice('did:key:'.length);
  return { organisation, enrolments, gateway: fingerprint, tokens };
}

/** One device's history as it is being signed. */
class Line {
  private readonly epoch: Epoch = { counter: 1, nonce: randomBytes(16).toString('hex') };
  private sequence = 0;
  private previous: { id: string; digest: string } | undefined;
  private readonly signer: Signer;
  private readonly gateway: string;
  private readonly profile: { name: string; digest: string };
  private readonly index: number;

  constructor(
    signer: Signer,
    gateway: string,
    profile: { name: string; digest: string },
    index: number,
  ) {
    this.signer = signer;
    this.gateway = gateway;
    this.profile = profile;
    this.index = index;
  }

  async next(fromMs: number): Promise<Uint8Array> {
    this.sequence += 1;
    const id = `urn:uuid:${randomUUID()}`;
    const payload = composeBatch(
      this.draft(fromMs),
      {
        epoch: this.epoch,
        sequence: this.sequence,
        ...(this.previous ? { previous: this.previous } : {}),
      },
      { credential: id, event: `urn:uuid:${randomUUID()}` },
    );
    const token = await signToken({ payload, signer: this.signer, typ: 'vc+jwt' });
    this.previous = { id, digest: credentialDigest(token) };
    return token;
  }

  private draft(fromMs: number): BatchDraft {
    return {
      device: this.signer.did,
      gateway: this.gateway,
      profile: this.profile,
      configuration: this.profile.digest,
      readPoint: 'did:web:bench.example/facility/one',
      clock: { source: 'unknown', monotonicMs: this.sequence * 1000, steps: 0 },
      closedMs: fromMs + SAMPLE_TIMES * 100,
      groups: Array.from({ length: SAMPLE_TIMES }, (_, time) => this.group(fromMs + time * 100)),
      losses: [],
    };
  }

  private group(timeMs: number): ReadingGroup {
    return {
      timeMs,
      about: `did:web:bench.example/batch/${this.index}`,
      readings: Array.from({ length: POINTS }, (_, point): Reading => {
        const words = Buffer.alloc(4);
        words.writeFloatBE(Math.random() * 1000);
        return {
          point: `point${point}`,
          type: 'VolumeFlowRate',
          unit: 'MQH',
          value: words.readFloatBE(),
          rawHex: words.toString('hex'),
          quality: 'good',
        };
      }),
    };
  }
}
