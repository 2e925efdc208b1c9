/**
 * Verifies evidence in the officer's own browser, with the very code of devices/credential. The
 * one file of the console that reaches into devices/; the page loads it when a proof is opened.
 */
import type { BatchPayload } from '../../../devices/credential/batch-schema.ts';
import type { Documents } from '../../../devices/credential/documents.ts';
import { isRefusal, type Refusal, refuse } from '../../../devices/credential/refusal.ts';
import { openSecured, type Secured } from '../../../devices/credential/secured.ts';
import { parseStrictJson } from '../../../devices/credential/strict-json.ts';
import { isObject } from '../../../devices/credential/vcdm-values.ts';
import { report } from '../../../devices/credential/verdict.ts';
import { verifyCredential } from '../../../devices/credential/verify.ts';
import { credentialKindOf } from '../../../devices/credential/vocabulary.ts';
import { credentialDigest } from '../../../devices/envelope.ts';
import {
  checkOrganisationDocument,
  type DidDocument,
  readDidDocument,
} from '../../../devices/identity/did-document.ts';
import { limits } from '../../../devices/limits.ts';
import { digestMultibase } from '../../../devices/profile.ts';
import { parseTime } from '../../../devices/runtime.ts';
import { Buffer } from './node-buffer.ts';

export type Outcome = 'valid' | 'invalid' | 'undecided';

/** One link of the chain, judged by itself. */
export interface LinkVerdict {
  readonly name: string;
  readonly verdict: Outcome;
  readonly code: string;
  readonly reason: string;
  readonly hint: string;
  readonly tookMs: number;
}

/** A document that the verdict rests on. */
export interface Relied {
  readonly name: string;
  readonly digest: string;
  /** Whether it came from the officer's own file. */
  readonly isOwn: boolean;
}

export interface BrowserVerdict {
  /** As good as the worst link. */
  readonly verdict: Outcome;
  /** Of the links that are no better than that, the one on which the others rest. */
  readonly decisive: LinkVerdict;
  readonly links: readonly LinkVerdict[];
  readonly relied: readonly Relied[];
  /** Since when the oldest status list says what it says; absent where none was named. */
  readonly statusMs?: number;
  readonly atMs: number;
  readonly tookMs: number;
}

/** What the page shows, to be found in the signed bytes. */
export interface ShownReading {
  readonly element: number;
  readonly report: number;
  readonly point: string;
  readonly value?: string | number | boolean;
  readonly unit: string;
  readonly quality: string;
  readonly rawHex: string;
  readonly timeMs: number;
  readonly about?: string;
}

export interface Shown {
  /** Tokens of the chain that the page shows. */
  readonly tokens: readonly string[];
  readonly readings: readonly ShownReading[];
}

/** What the page has: evidence from the ingester, and perhaps documents of the officer's own. */
export interface Question {
  readonly evidence: string;
  /** Texts of DID documents; they take the place of all that the evidence brings. */
  readonly ownDocuments?: readonly string[];
  readonly shown: Shown;
  readonly atMs: number;
}

/** Judges each credential of the evidence, the documents, and whether what is shown was signed. */
export function verifyEvidence({ evidence, ownDocuments, shown, atMs }: Question): BrowserVerdict {
  const startMs = performance.now();
  const read = readEvidence(evidence);
  if (isRefusal(read)) {
    const link = { name: 'Evidence', ...report(read), tookMs: performance.now() - startMs };
    const { verdict, tookMs } = link;
    return { verdict, decisive: link, links: [link], relied: [], atMs, tookMs };
  }
  const isOwn = ownDocuments !== undefined;
  const documents = (ownDocuments ?? read.documents).map(readPinned);
  const credentials = read.credentials.map(open);
  const context = { documents: documentsOf(documents, credentials), atMs };
  const judged = [
    ...credentials.map(({ bytes, name }) => timed(name, () => verifyCredential(bytes, context))),
    ...documents.map(({ document, name }) =>
      timed(name, () => report(isRefusal(document) ? document : judgeDocument(document))),
    ),
  ];
  const page = timed('What this page shows', () => report(judgeShown(credentials, shown)));
  const links = [...judged, page];
  const statusMs = Math.min(...credentials.map(listTime));
  return {
    verdict: worst(links),
    decisive: decisiveOf(links) ?? page,
    links,
    relied: [
      ...documents.map(({ name, digest }) => ({ name, digest, isOwn })),
      ...credentials.map(({ name, bytes }) => ({
        name,
        digest: credentialDigest(bytes),
        isOwn: false,
      })),
    ],
    ...(Number.isFinite(statusMs) && { statusMs }),
    atMs,
    tookMs: performance.now() - startMs,
  };
}

function timed(name: string, judge: () => ReturnType<typeof report>): LinkVerdict {
  const startMs = performance.now();
  const { verdict, code, reason, hint } = judge();
  return { name, verdict, code, reason, hint, tookMs: performance.now() - startMs };
}

function worst(links: readonly LinkVerdict[]): Outcome {
  const found = links.map(({ verdict }) => verdict);
  if (found.includes('invalid')) return 'invalid';
  return found.includes('undecided') ? 'undecided' : 'valid';
}

/** A batch rests on its enrolment, which rests on the document; lists come in between. */
const ORDER = ['DID document', 'Enrolment', 'Status list', 'Batch'];

function decisiveOf(links: readonly LinkVerdict[]): LinkVerdict | undefined {
  const bad = links.filter(({ verdict }) => verdict === worst(links));
  const found = ORDER.map((start) => bad.find(({ name }) => name.startsWith(start)));
  return found.find((one) => one !== undefined) ?? bad[0];
}

interface Evidence {
  readonly credentials: readonly string[];
  readonly documents: readonly string[];
}

/** The parts of an evidence file (docs/wire.md) as text: tokens, and documents as pinned. */
function readEvidence(text: string): Evidence | Refusal {
  if (text.length > limits.evidenceBytesMax) return refuse('VC_TOO_LARGE', 'too much evidence');
  const parsed = parseStrictJson(text);
  if (isRefusal(parsed)) return parsed;
  const value = isObject(parsed.value) ? (parsed.value as Record<string, unknown>) : {};
  const { bondlineEvidence, credentials, documents = [], documentTexts = documents } = value;
  if (bondlineEvidence !== 1 || !Array.isArray(credentials) || !Array.isArray(documentTexts)) {
    return refuse('VC_FORM_UNSUPPORTED', 'what the ingester sent is no evidence');
  }
  if (credentials.length === 0) return refuse('VC_EMPTY', 'the evidence holds no credential');
  return { credentials: credentials.map(asText), documents: documentTexts.map(asText) };
}

function asText(part: unknown): string {
  return typeof part === 'string' ? part : JSON.stringify(part);
}

interface Opened {
  readonly text: string;
  readonly bytes: Uint8Array;
  readonly name: string;
  readonly secured: Secured | Refusal;
}

const NAMES = {
  batch: 'Batch credential',
  enrolment: 'Enrolment credential',
  statusList: 'Status list',
  other: 'Credential',
} as const;

function open(text: string): Opened {
  const bytes = Buffer.from(text, 'utf8');
  const secured = openSecured(bytes, limits.credentialBytesMax);
  if (isRefusal(secured)) return { text, bytes, name: NAMES.other, secured };
  const kind = credentialKindOf(secured.payload);
  // There may be several lists, so each is named by its address.
  const of = kind === 'statusList' ? ` ${String(secured.payload['id'])}` : '';
  return { text, bytes, name: `${NAMES[kind]}${of}`, secured };
}

interface Pinned {
  readonly name: string;
  readonly digest: string;
  readonly document: DidDocument | Refusal;
}

function readPinned(text: string): Pinned {
  const parsed = parseStrictJson(text);
  const document = isRefusal(parsed) ? parsed : readDidDocument(parsed.value);
  const of = isRefusal(document) ? '' : ` of ${document.id}`;
  return {
    name: `DID document${of}`,
    digest: digestMultibase(Buffer.from(text, 'utf8')),
    document,
  };
}

function judgeDocument(document: DidDocument): string | Refusal {
  return checkOrganisationDocument(document) ?? `it names the keys of ${document.id}`;
}

/** Enrolments and lists prove themselves; documents are relied on as they are. */
function documentsOf(pinned: readonly Pinned[], credentials: readonly Opened[]): Documents {
  const known = new Map<string, DidDocument>();
  for (const { document } of pinned) if (!isRefusal(document)) known.set(document.id, document);
  const ofKind = (kind: string) =>
    credentials.flatMap(({ secured, bytes }) => {
      if (isRefusal(secured) || credentialKindOf(secured.payload) !== kind) return [];
      const { id, credentialSubject } = secured.payload as Record<string, unknown>;
      const subject = isObject(credentialSubject) ? credentialSubject['id'] : undefined;
      return [{ id, subject, bytes }];
    });
  return {
    didDocument: (did) => known.get(did),
    statusList: (url) => ofKind('statusList').find(({ id }) => id === url)?.bytes,
    enrolments: (device, digest) =>
      ofKind('enrolment')
        .filter(({ subject }) => subject === device)
        .map(({ bytes }) => bytes)
        .filter((bytes) => digest === undefined || credentialDigest(bytes) === digest),
  };
}

/** Since when a status list says what it says; never for what is none. */
function listTime({ secured }: Opened): number {
  if (isRefusal(secured) || credentialKindOf(secured.payload) !== 'statusList') return Infinity;
  const { validFrom } = secured.payload as { validFrom?: unknown };
  return (typeof validFrom === 'string' ? parseTime(validFrom) : undefined) ?? Infinity;
}

/** Whether the tokens and readings on the page are those of the evidence, sign by sign. */
function judgeShown(credentials: readonly Opened[], shown: Shown): string | Refusal {
  const foreign = shown.tokens.some((token) => !credentials.some(({ text }) => text === token));
  if (foreign) return refuse('VC_SIGNATURE', 'the page shows a token that is not in the evidence');
  const [batch] = credentials;
  const differing = shown.readings.find((one) => !isSigned(batch, one));
  if (differing) {
    return refuse('VC_SIGNATURE', `${differing.point} on this page is not what was signed`);
  }
  return shown.readings.length === 0
    ? 'the tokens are those that were judged; the value itself is not a signed reading'
    : 'value, unit, quality, time and raw words are those that were signed';
}

function isSigned(batch: Opened | undefined, shown: ShownReading): boolean {
  if (!batch || isRefusal(batch.secured)) return false;
  const { credentialSubject: subject } = batch.secured.payload as unknown as Partial<BatchPayload>;
  const element = subject?.sensorElementList?.[shown.element];
  const signed = element?.sensorReport?.[shown.report];
  if (!element || !signed) return false;
  const said = [
    signed['bl:point'],
    signed.value ?? signed.stringValue ?? signed.booleanValue,
    signed.uom ?? '',
    signed['bl:quality'] ?? 'good',
    signed.hexBinaryValue ?? '',
    parseTime(element.sensorMetadata.time),
    element.sensorMetadata['bl:about'],
  ];
  const { point, value, unit, quality, rawHex, timeMs, about } = shown;
  const wanted = [point, value, unit, quality, rawHex, timeMs, about];
  return said.every((one, index) => one === wanted[index]);
}
