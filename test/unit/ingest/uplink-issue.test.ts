/** Who gets a certificate, and who does not. */
import { X509Certificate } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { certificateRequestPayload } from '../../../devices/credential/certificate-request.ts';
import { signToken } from '../../../devices/credential/jws.ts';
import { fingerprintOfDid } from '../../../devices/envelope.ts';
import { composeCertificateRequest, makeTlsKey } from '../../../devices/io/uplink/x509.ts';
import { limits } from '../../../devices/limits.ts';
import { silentLog } from '../../../devices/runtime.ts';
import { memorySigner } from '../../support/identity.ts';
import { startUplinkWorld, type UplinkWorld } from '../../support/uplink-world.ts';

const signer = memorySigner();
let world: UplinkWorld;
let address = 0;
/** Gateways of which the log says that they were turned away. */
const warned: unknown[] = [];

beforeAll(async () => {
  const log = { ...silentLog, warn: (_: string, fields?: object) => void warned.push(fields) };
  world = await startUplinkWorld({ log });
  world.enrolled.add(signer.did);
});
afterAll(() => world.close());

interface Changes {
  readonly gateway?: string;
  readonly ingester?: string;
  readonly key?: string;
  readonly nonce?: string;
  readonly requestedMs?: number;
}

let nonces = 0;

async function requestOf(changes: Changes = {}, by = signer): Promise<Uint8Array> {
  const { key, publicKey } = makeTlsKey();
  const der = await composeCertificateRequest(key, publicKey, 'anything');
  nonces += 1;
  const payload = certificateRequestPayload({
    gateway: by.did,
    ingester: world.did,
    key: Buffer.from(der).toString('base64url'),
    nonce: String(nonces).padStart(22, 'A'),
    requestedMs: Date.now(),
    enrolments: ['an enrolment'],
    ...changes,
  });
  return signToken({ payload, signer: by, typ: 'bondline-certificate-request+jwt' });
}

/** Each asks from an address of its own, so that the rate is not what refuses. */
function ask(bytes: Uint8Array) {
  address += 1;
  return world.uplink.issue(bytes, `192.0.2.${address}`);
}

describe('a request for a certificate', () => {
  it('of an enrolled gateway gives one that names its DID and nothing else', async () => {
    const { body, status } = await ask(await requestOf());
    expect(status).toBe(200);
    const certificate = new X509Certificate(String(body['certificate']));
    expect(certificate.subject).toBe(`CN=${fingerprintOfDid(signer.did)}`);
    expect(certificate.subjectAltName).toBe(`URI:${signer.did}`);
    expect(certificate.ca).toBe(false);
    expect(certificate.verify(new X509Certificate(world.authority.certificate).publicKey)).toBe(
      true,
    );
    const lifeMs = certificate.validToDate.getTime() - Date.now();
    expect(lifeMs).toBeLessThanOrEqual(Number(body['lifetimeMs']));
  });

  it('is refused for each thing that is wrong with it', async () => {
    const stranger = memorySigner();
    const otherKey = await requestOf({ gateway: stranger.did });
    const good = await requestOf();
    const replayed = await requestOf();
    await ask(replayed);
    const cut = good.slice(0, -8);
    const receiptLike = await signToken({
      payload: '{}',
      signer,
      typ: 'bondline-receipt+jwt',
    });
    const badCsr = Buffer.from(await composeOther()).toString('base64url');
    const cases: [string, Uint8Array, string, number][] = [
      ['garbage', Buffer.from('garbage'), 'IN_CERTIFICATE_REQUEST', 400],
      [
        'too much',
        Buffer.alloc(limits.certificateRequestBytesMax + 1),
        'IN_CERTIFICATE_REQUEST',
        400,
      ],
      ['a cut signature', cut, 'IN_CERTIFICATE_REQUEST', 400],
      ['another kind of token', receiptLike, 'IN_CERTIFICATE_REQUEST', 400],
      ["another's name", otherKey, 'IN_CERTIFICATE_REQUEST', 400],
      ['a replay', replayed, 'IN_CERTIFICATE_REQUEST', 400],
      ['a key that does not sign', await requestOf({ key: badCsr }), 'IN_CERTIFICATE_REQUEST', 400],
      [
        'another ingester',
        await requestOf({ ingester: stranger.did }),
        'IN_CERTIFICATE_AUDIENCE',
        400,
      ],
      ['an old time', await requestOf({ requestedMs: 1 }), 'IN_CERTIFICATE_STALE', 409],
      ['a stranger', await requestOf({}, stranger), 'IN_CERTIFICATE_NOT_ALLOWED', 403],
    ];
    for (const [what, bytes, code, status] of cases) {
      const answer = await ask(bytes);
      expect([what, answer.body['code'], answer.status]).toEqual([what, code, status]);
      expect(answer.body['certificate']).toBeUndefined();
    }
  });

  it('gives none once the enrolment is revoked', async () => {
    world.enrolled.delete(signer.did);
    expect((await ask(await requestOf())).status).toBe(403);
    world.enrolled.add(signer.did);
    expect((await ask(await requestOf())).status).toBe(200);
  });

  it('of a gateway that may not have one is told of once, and again after it might', async () => {
    const gateway = memorySigner();
    const told = () => warned.filter((fields) => JSON.stringify(fields).includes(gateway.did));
    for (let round = 0; round < 3; round += 1) await ask(await requestOf({}, gateway));
    expect(told()).toHaveLength(1);
    world.enrolled.add(gateway.did);
    expect((await ask(await requestOf({}, gateway))).status).toBe(200);
    world.enrolled.delete(gateway.did);
    for (let round = 0; round < 2; round += 1) await ask(await requestOf({}, gateway));
    expect(told()).toHaveLength(2);
  });

  it('is not even looked at when too many come from one address', async () => {
    const garbage = Buffer.from('x');
    const codes: unknown[] = [];
    for (let n = 0; n < limits.certificateBurst + 5; n += 1) {
      codes.push((await world.uplink.issue(garbage, '198.51.100.1')).body['code']);
    }
    expect(codes.slice(0, limits.certificateBurst)).not.toContain('IN_CERTIFICATE_RATE');
    expect(codes.at(-1)).toBe('IN_CERTIFICATE_RATE');
    // Somebody else is not held up by it.
    expect((await ask(await requestOf())).status).toBe(200);
  });
});

/** A request whose signature is of another key. */
async function composeOther(): Promise<Uint8Array> {
  const { key, publicKey } = makeTlsKey();
  const der = Buffer.from(await composeCertificateRequest(key, publicKey, 'x'));
  const other = makeTlsKey().publicKey.export({ type: 'spki', format: 'der' });
  const point = publicKey.export({ type: 'spki', format: 'der' }).subarray(-64);
  der.set(other.subarray(-64), der.indexOf(point));
  return der;
}
