/** Codes of documents that are fetched from elsewhere: DID documents and status lists. */
import type { ErrorEntry } from '../errors.ts';

export const networkErrors = {
  NET_URL_REFUSED: {
    meaning: 'A document is not fetched from this address: not https, with a login, or no name.',
    hint: 'Publish the document under https and a full host name; addresses of digits are refused.',
    retryable: false,
  },
  NET_ALLOWANCE_INVALID: {
    meaning: 'An entry of allowPrivate is neither a host name nor a range of addresses.',
    hint: 'Write a name (resolver.internal), an address (10.1.2.3) or a range (10.1.0.0/16).',
    retryable: false,
  },
  NET_NAME_UNKNOWN: {
    meaning: 'The host name of a document has no address.',
    hint: 'Check the name and this machine’s DNS.',
    retryable: true,
  },
  NET_ADDRESS_PRIVATE: {
    meaning: 'The host of a document has an address that is not public. No connection was made.',
    hint: 'If it is a host of yours, name it in allowPrivate; otherwise ask who published this.',
    retryable: false,
  },
  NET_UNREACHABLE: {
    meaning: 'The host of a document does not take connections.',
    hint: 'Check the network, the firewall, and whether the web server runs.',
    retryable: true,
  },
  NET_TLS: {
    meaning: 'The certificate or the TLS of a document’s host is not accepted.',
    hint: 'Look for an expired certificate, another host name, or an authority not known here.',
    retryable: false,
  },
  NET_TIMEOUT: {
    meaning: 'A document did not arrive whole in the time that is given to it.',
    hint: 'Check the network and the web server; the time is counted from the first step.',
    retryable: true,
  },
  NET_CANCELLED: {
    meaning: 'The fetch of a document was given up because the process stops.',
    hint: 'Nothing needs to be done.',
    retryable: true,
  },
  NET_REDIRECT: {
    meaning: 'The web server sends the reader elsewhere; that is not followed.',
    hint: 'Publish the document at the address itself.',
    retryable: false,
  },
  NET_STATUS: {
    meaning: 'The web server answers with another status than 200.',
    hint: 'Open the address in a browser; the message has the status.',
    retryable: true,
  },
  NET_ENCODING: {
    meaning: 'The web server compresses the document although it was asked not to.',
    hint: 'Serve the file as it is; a compressed one could unpack to any size.',
    retryable: false,
  },
  NET_TOO_LARGE: {
    meaning: 'The document has more bytes than its kind may have.',
    hint: 'See what is published there; the bound stands in the reference of limits.',
    retryable: false,
  },
  NET_BROKEN: {
    meaning: 'The connection ended before the document did, or the answer is not HTTP.',
    hint: 'Try again; if it stays, look at the web server.',
    retryable: true,
  },
  NET_BUSY: {
    meaning: 'As many documents as may be fetched at the same time are being fetched.',
    hint: 'Try again; if it stays, see which host is slow.',
    retryable: true,
  },
  DID_METHOD_UNSUPPORTED: {
    meaning: 'No resolver is configured for DIDs of this method, or the DID is not well-formed.',
    hint: 'Organisations use did:web; other methods need a configured external resolver.',
    retryable: false,
  },
  DID_NOT_FOUND: {
    meaning: 'There is no document of this DID where it should stand.',
    hint: 'Check the DID; its organisation must publish did.json there.',
    retryable: true,
  },
  DID_DEACTIVATED: {
    meaning: 'The resolver says that the DID is no longer in use.',
    hint: 'Ask the organisation for its present DID.',
    retryable: false,
  },
  DID_DOCUMENT_INVALID: {
    meaning: 'What was fetched is not a DID document, not of this DID, or names foreign keys.',
    hint: 'The organisation must correct its did.json; the message says what is wrong.',
    retryable: false,
  },
} as const satisfies Record<string, ErrorEntry>;
