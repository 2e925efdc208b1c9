/**
 * The organisations of a simulated world: what they sign (enrolments, status lists, custody steps),
 * from keys of the seed.
 */
import type { CredentialReference } from '../../devices/credential/batch.ts';
import type { Party } from '../../devices/credential/enrolment.ts';
import { composeEnrolment } from '../../devices/credential/enrolment-wire.ts';
import { signToken } from '../../devices/credential/jws.ts';
import { type CustodyStep, custody } from '../../devices/credential/party/custody.ts';
import {
  composeStatusList,
  encodeStatusList,
  statusBits,
} from '../../devices/credential/status-list.ts';
import { credentialDigest } from '../../devices/envelope.ts';
import { profileDigest } from '../../devices/profile.ts';
import type { Chance } from './chance.ts';
import { type SeededKey, seededKey, seededSigner } from './identity.ts';
import type { Sensor } from './sensor.ts';

/** Enrolments begin long before the world does: clocks of its machines may be behind. */
const BEFORE_MS = 40 * 86_400_000;

export interface SignedStep {
  readonly token: Uint8Array;
  readonly reference: CredentialReference;
}

export const HEARTBEAT_MS = 600_000;

export class Organisation {
  readonly did: string;
  readonly name: string;
  readonly #chance: Chance;
  readonly #key: SeededKey;
  readonly #startMs: number;

  constructor(did: string, chance: Chance, startMs: number) {
    this.did = did;
    this.name = `Simulated ${did}`;
    this.#chance = chance;
    this.#key = seededKey(chance);
    this.#startMs = startMs;
  }

  /** Its DID document, as published. */
  document(): Uint8Array {
    const id = `${this.did}#key-1`;
    const document = {
      '@context': ['https://www.w3.org/ns/did/v1', 'https://w3id.org/security/jwk/v1'],
      id: this.did,
      verificationMethod: [
        { id, type: 'JsonWebKey', controller: this.did, publicKeyJwk: this.#key.publicJwk },
      ],
      assertionMethod: [id],
    };
    return Buffer.from(JSON.stringify(document));
  }

  listOf(purpose: 'revocation' | 'suspension'): string {
    return `https://sim.example/status/${purpose}.jwt`;
  }

  /** A list with these places set. Each is a millisecond newer than the one before. */
  statusList(purpose: 'revocation' | 'suspension', set: Iterable<number>, count: number) {
    const payload = composeStatusList({
      ...{ id: this.listOf(purpose), issuer: this.did, purpose },
      encodedList: encodeStatusList(statusBits(set)),
      validFromMs: this.#startMs - BEFORE_MS + count,
    });
    return this.#sign(payload);
  }

  enrolment(about: {
    device: string;
    gateway: string;
    sensor: Sensor;
    /** Its place in both lists. */
    index: number;
  }): Promise<Uint8Array> {
    const { device, gateway, index, sensor } = about;
    const { name, profile } = sensor;
    const payload = composeEnrolment({
      id: uuid(this.#chance),
      organisation: this.did,
      organisationName: this.name,
      device,
      gateway,
      label: name,
      profile: { name: profile.name, digest: profileDigest(profile) },
      facility: {
        id: `${this.did}/facility/one`,
        name: 'One',
        latitude: 48.99929,
        longitude: -97.53103,
      },
      cadenceMs: 60_000,
      heartbeatMs: HEARTBEAT_MS,
      keyLocation: 'gateway-file',
      scope: { goods: [`${this.did}/`] },
      validFromMs: this.#startMs - BEFORE_MS,
      status: (['revocation', 'suspension'] as const).map((purpose) => ({
        ...{ purpose, list: this.listOf(purpose), index },
      })),
    });
    return this.#sign(payload);
  }

  get party(): Party {
    return { id: this.did, name: this.name };
  }

  /** A step of custody, and how other steps name it. */
  async custodyStep(
    step: Pick<CustodyStep, 'act' | 'goods' | 'from' | 'to' | 'previous' | 'release'>,
  ): Promise<SignedStep> {
    const id = uuid(this.#chance);
    const payload = custody.compose({
      ...{ kind: 'custody', id, event: uuid(this.#chance), issuer: this.party },
      ...{ status: [], seals: [], validFromMs: this.#startMs, atMs: this.#startMs },
      ...step,
    });
    const token = await this.#sign(payload);
    return { token, reference: { id, digest: credentialDigest(token) } };
  }

  #sign(payload: string): Promise<Uint8Array> {
    const signer = seededSigner(this.#key, { as: this.did, keyId: `${this.did}#key-1` });
    return signToken({ payload, signer, typ: 'vc+jwt' });
  }
}

/** RFC 9562 §5.4 (version 4). */
export function uuid(chance: Chance): string {
  const hex = Buffer.from(chance.bytes(16)).toString('hex');
  const id = hex.replace(/^(.{8})(.{4}).(.{3}).(.{3})(.{12})$/, '$1-$2-4$3-8$4-$5');
  return `urn:uuid:${id}`;
}
