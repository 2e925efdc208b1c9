/** Codes of the uplink: certificates, invitations, what may travel in plain text. */
import type { ErrorEntry } from '../errors.ts';

export const uplinkErrors = {
  UPLINK_PLAIN_TEXT: {
    meaning: 'The address is not on loopback, and without TLS everybody on the way could read it.',
    hint: 'Turn TLS on (docs/uplink.md), or keep the address on 127.0.0.1 or ::1.',
    retryable: false,
  },
  UPLINK_AUTHORITY_DAMAGED: {
    meaning:
      'The certificate of the uplink authority is not one, has expired or is of another key.',
    hint: 'Restore uplink/authority.pem from a copy; without one, remove it and invite every gateway anew.',
    retryable: false,
  },
  IN_CERTIFICATE_RATE: {
    meaning: 'Too many requests for certificates come at once.',
    hint: 'Nothing: gateways ask again by themselves.',
    retryable: true,
  },
  IN_CERTIFICATE_REQUEST: {
    meaning:
      'The request for a certificate is malformed, not signed by its gateway, or came before.',
    hint: 'Compare the versions of gateway and ingester; if it repeats, somebody else sends it.',
    retryable: false,
  },
  IN_CERTIFICATE_AUDIENCE: {
    meaning: 'The request for a certificate is meant for another ingester.',
    hint: 'Give the gateway the invitation of this ingester: bondline-gateway join.',
    retryable: false,
  },
  IN_CERTIFICATE_STALE: {
    meaning: 'The request for a certificate is dated too far from the ingester’s own time.',
    hint: 'Nothing: the gateway asks again by the ingester’s time. Set its clock all the same.',
    retryable: true,
  },
  IN_CERTIFICATE_NOT_ALLOWED: {
    meaning: 'No enrolment in force names the gateway, and it was not allowed by hand.',
    hint: 'Have one of its devices enrolled and the organisation trusted, or: bondline-ingest uplink CONFIG allow DID.',
    retryable: true,
  },
  GW_INVITATION_UNREADABLE: {
    meaning: 'The invitation of the ingester cannot be read, or is none.',
    hint: 'Ask the ingester for its file (bondline-ingest uplink CONFIG invite), then run bondline-gateway join CONFIG FILE.',
    retryable: false,
  },
  GW_INVITATION_DIFFERS: {
    meaning: 'The gateway has joined an ingester with another key, authority or address.',
    hint: 'Ask the ingester over another channel whether it changed, then repeat the command with --confirm.',
    retryable: false,
  },
  GW_CERTIFICATE_REFUSED: {
    meaning: 'The ingester does not give this gateway a certificate.',
    hint: 'Read the reason above; the gateway keeps asking and batches wait in the outbox.',
    retryable: true,
  },
  GW_CERTIFICATE_UNAVAILABLE: {
    meaning:
      'The ingester could not be asked for a certificate, or its own is not of the pinned authority.',
    hint: 'Check the address in the invitation, the network and this machine’s clock; the gateway keeps asking.',
    retryable: true,
  },
} as const satisfies Record<string, ErrorEntry>;
