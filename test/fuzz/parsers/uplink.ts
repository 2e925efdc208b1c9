/**
 * What comes over the uplink, either way: frames, packed batches, receipts, requests, credentials.
 */
import {
  certificateRequestPayload,
  openCertificateRequest,
} from '../../../devices/credential/certificate-request.ts';
import { composeEnrolment } from '../../../devices/credential/enrolment-wire.ts';
import { familyFor } from '../../../devices/credential/party/families.ts';
import { composeReceipt, openReceipt } from '../../../devices/credential/receipt-wire.ts';
import { packToken, unpackToken } from '../../../devices/credential/wire-pack.ts';
import { credentialDigest, fingerprintOfDid } from '../../../devices/envelope.ts';
import { frameOf, readFrames } from '../../../devices/io/uplink/frame.ts';
import { limits } from '../../../devices/limits.ts';
import { digestMultibase } from '../../../devices/profile.ts';
import { admit } from '../../../ingest/admit.ts';
import { watchFrames } from '../../../ingest/mqtt-frame.ts';
import { emptyTrust, foldTrust, type TrustBook } from '../../../ingest/trust.ts';
import { oneOfEach } from '../../support/party.ts';
import { attempt, outcomeOf, type Parser, refused } from '../parser.ts';
import { signing, steadyId, steadyMs } from '../steady.ts';
import { batchPayload, device, enrolmentTerms, gateway, organisation } from './papers.ts';

/** What a packet may be here, bytes after its fixed header. */
const PACKET_MAX = 1_000;
const FIRST_MAX = 200;

function packet(type: number, body: Uint8Array): Buffer {
  const { length } = body;
  const size = length < 128 ? [length] : [(length & 0x7f) | 0x80, length >> 7];
  return Buffer.concat([Buffer.from([type, ...size]), body]);
}

const connect = Buffer.from('00044d5154540402003c0004676174650000', 'hex');

/**
 * The packets of a stream that are whole, by their headers alone; `false` where one is too long.
 */
function packetsOf(bytes: Uint8Array): number | false {
  let [at, whole] = [0, 0];
  while (at < bytes.length) {
    let [length, place] = [0, at + 1];
    for (let shift = 0; ; shift += 7, place += 1) {
      const byte = bytes[place];
      if (byte === undefined) return whole;
      length += (byte & 0x7f) * 2 ** shift;
      if (length > (whole === 0 ? FIRST_MAX : PACKET_MAX) || shift > 21) return false;
      if (byte < 0x80) break;
    }
    at = place + 1 + length;
    if (at <= bytes.length) whole += 1;
  }
  return whole;
}

export const mqttFrame: Parser = {
  name: 'mqtt-frame',
  prepare: () => ({
    seeds: [
      { bytes: Buffer.concat([packet(0x10, connect), packet(0x32, Buffer.alloc(900, 7))]) },
      { bytes: Buffer.concat([packet(0x10, connect), packet(0xc0, Buffer.alloc(0))]) },
    ],
    parse: (bytes) => {
      const watch = watchFrames(PACKET_MAX, FIRST_MAX);
      for (let at = 0; at < bytes.length; at += 65_536) {
        if (!watch.take(bytes.subarray(at, at + 65_536))) return refused('VC_TOO_LARGE');
      }
      return outcomeOf({ held: watch.held(), whole: watch.whole() });
    },
    doubt: (bytes, outcome) => {
      const expected = packetsOf(bytes);
      if (!outcome.taken) return expected === false ? undefined : 'a stream is cut for nothing';
      const { held, whole } = outcome.value as { readonly held: number; readonly whole: number };
      if (expected === false) return 'a packet that is too long is let through';
      if (expected !== whole) return `${whole} packets are counted, ${expected} are there`;
      const heldMax = PACKET_MAX + 5 + limits.messageOverheadBytes;
      return held > heldMax ? `${held} bytes are held` : undefined;
    },
  }),
};

const MESSAGE_MAX = 2_000;

export const httpsFrames: Parser = {
  name: 'https-frames',
  prepare: () => ({
    seeds: [
      { bytes: Buffer.concat([frameOf(Buffer.alloc(500, 9)), frameOf(new Uint8Array())]) },
      { bytes: Buffer.concat(Array.from({ length: 40 }, () => frameOf(Buffer.from('message')))) },
    ],
    parse: (bytes) => {
      const messages: Uint8Array[] = [];
      const frames = readFrames(MESSAGE_MAX, (message) => messages.push(message));
      // As HTTP gives it: a few bytes first, then the largest chunk.
      if (!frames.push(bytes.subarray(0, 3))) return refused('VC_TOO_LARGE');
      for (let at = 3; at < bytes.length; at += 65_536) {
        if (!frames.push(bytes.subarray(at, at + 65_536))) return refused('VC_TOO_LARGE');
      }
      return outcomeOf(frames.isWhole() ? messages : undefined);
    },
    doubt: (bytes, outcome) => {
      if (!outcome.taken) return undefined;
      const messages = outcome.value as Uint8Array[];
      if (messages.some(({ length }) => length > MESSAGE_MAX)) return 'a message is too long';
      const again = Buffer.concat(messages.map(frameOf));
      return again.equals(bytes) ? undefined : 'the messages are others than the frames had';
    },
  }),
};

export const packed: Parser = {
  name: 'packed',
  prepare: () => {
    const sign = signing(device, 'vc+jwt');
    const token = sign(Buffer.from(batchPayload()));
    const pack = (bytes: Uint8Array) => packToken(bytes) ?? bytes;
    return {
      seeds: [
        { bytes: pack(token) },
        { bytes: Buffer.from(batchPayload()), wrap: (payload) => pack(sign(payload)) },
      ],
      parse: (bytes) => outcomeOf(unpackToken(bytes)),
      doubt: (_, outcome) => {
        if (!outcome.taken) return undefined;
        const made = outcome.value as Buffer;
        if (made.length > limits.batchBytesMax) return `it unpacks to ${made.length} bytes`;
        const again = packToken(made);
        return again && !unpackToken(again)?.equals(made) ? 'it comes back another one' : undefined;
      },
    };
  },
};

const digest = digestMultibase(Buffer.from('some'));

export const receipt: Parser = {
  name: 'receipt',
  prepare: () => {
    const payload = composeReceipt({
      issuer: gateway.did,
      gateway: fingerprintOfDid(gateway.did),
      issuedMs: steadyMs,
      results: [
        { digest, outcome: 'accepted', position: 7, leaf: 'ab'.repeat(32) },
        { digest, outcome: 'refused', code: 'VC_SCHEMA', bytes: digest },
      ],
    });
    const sign = signing(gateway, 'bondline-receipt+jwt');
    const bytes = Buffer.from(payload);
    return {
      seeds: [{ bytes: sign(bytes) }, { bytes, wrap: sign }],
      parse: (given) => attempt(() => openReceipt(given, gateway.did)),
    };
  },
};

export const certificateRequest: Parser = {
  name: 'certificate-request',
  prepare: () => {
    const sign = signing(gateway, 'bondline-certificate-request+jwt');
    const bytes = Buffer.from(
      certificateRequestPayload({
        gateway: gateway.did,
        ingester: device.did,
        key: 'MIH1MIGcAgEAMBgxFjAUBgNVBAMMDXRlc3QtZ2F0ZXdheTBZMBMGByqGSM49AgEG',
        nonce: 'A'.repeat(22),
        requestedMs: steadyMs,
        enrolments: ['a.b.c'],
      }),
    );
    return {
      seeds: [{ bytes: sign(bytes) }, { bytes, wrap: sign }],
      parse: (given) => attempt(() => openCertificateRequest(given)),
    };
  },
};

/** A book that trusts the organisation, with the device enrolled. */
export function bookOfTrust(): TrustBook {
  const trust = emptyTrust();
  const learn = (kind: 'organisation' | 'enrolment', bytes: Uint8Array) => {
    const named = kind === 'organisation' ? digestMultibase(bytes) : credentialDigest(bytes);
    const header = { version: 1, tenant: 't', kind, receivedMs: steadyMs, digest: named } as const;
    foldTrust(trust, { position: trust.position, header, bytes });
  };
  learn('organisation', Buffer.from(JSON.stringify(organisation.document)));
  const enrolment = Buffer.from(composeEnrolment(enrolmentTerms));
  learn('enrolment', signing(organisation.signer, 'vc+jwt')(enrolment));
  return trust;
}

/** All that the ingester judges, as its workers do. */
export const admission: Parser = {
  name: 'admission',
  prepare: () => {
    const trust = bookOfTrust();
    const byDevice = signing(device, 'vc+jwt');
    const byOrganisation = signing(organisation.signer, 'vc+jwt');
    const papers = ['custody', 'ticket', 'event', 'movement', 'correction'].flatMap(
      (name, index) => {
        const statement = oneOfEach()[name];
        if (statement === undefined) return [];
        const fixed = {
          ...statement,
          id: steadyId(index),
          issuer: organisation.party,
        } as typeof statement;
        // A custody step needs the signatures of both sides.
        return [
          { bytes: Buffer.from(familyFor(fixed).compose(fixed)), isRefused: name === 'custody' },
        ];
      },
    );
    const message = { gateway: fingerprintOfDid(gateway.did), receivedMs: steadyMs };
    return {
      seeds: [
        { bytes: byDevice(Buffer.from(batchPayload())) },
        { bytes: Buffer.from(batchPayload()), wrap: byDevice },
        { bytes: Buffer.from(batchPayload()), wrap: byDevice },
        { bytes: Buffer.from(composeEnrolment(enrolmentTerms)), wrap: byOrganisation },
        ...papers.map((paper) => ({ ...paper, wrap: byOrganisation })),
      ],
      parse: (bytes) => {
        const { code, outcome, ...rest } = admit({ ...message, bytes }, trust, 'cbp');
        return outcome === 'accepted' ? outcomeOf(rest) : refused(code ?? 'none');
      },
    };
  },
};
