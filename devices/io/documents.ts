/**
 * A folder of documents that someone pinned: DID documents, status lists and enrolments, each as it
 * is published (a token, JSON with a proof inside, or an envelope), and JSON-LD contexts. Read
 * once, whole; what a file holds decides, and neither its name nor its place.
 */
import { createHash } from 'node:crypto';
import { readdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import type { Documents } from '../credential/documents.ts';
import { isEnveloped, openEnveloped } from '../credential/enveloped.ts';
import { contextPins } from '../credential/proof/context-pins.ts';
import { canonicalize } from '../credential/proof/jcs.ts';
import { isRefusal } from '../credential/refusal.ts';
import { looksLikeJson, openSecured, parseBytes } from '../credential/secured.ts';
import { isObject, type JsonObject } from '../credential/vcdm-values.ts';
import { credentialKindOf } from '../credential/vocabulary.ts';
import { EdgeError } from '../errors.ts';
import { type DidDocument, readDidDocument } from '../identity/did-document.ts';
import { limits } from '../limits.ts';
import { parseTime } from '../runtime.ts';

interface Enrolled {
  readonly token: Uint8Array;
  readonly digest: string;
  readonly validFromMs: number;
}

/** The documents of a folder, with the JSON-LD contexts among them. */
export interface FolderDocuments extends Documents {
  /** By the SHA-256 of their canonical JSON, in hex; a file's name says nothing. */
  readonly contexts: ReadonlyMap<string, JsonObject>;
  /** The digests of the bytes of each, by the same name, as a `DigestSource` gives them. */
  readonly digests: ReadonlyMap<string, ReadonlySet<string>>;
}

/**
 * Reads the folder. Files that are of none of these kinds are passed over: a folder of evidence
 * holds other things too. Two different DID documents of one DID are a mistake, since one of them
 * would silently win.
 *
 * @throws EdgeError DOC_UNREADABLE, DOC_INVALID
 */
export function openDocuments(folder: string): FolderDocuments {
  const didDocuments = new Map<string, { document: DidDocument; file: string; text: string }>();
  const statusLists = new Map<string, { bytes: Uint8Array; validFromMs: number }>();
  const enrolments = new Map<string, Enrolled[]>();
  const contexts = new Map<string, JsonObject>();
  const digests = new Map<string, Set<string>>();

  for (const file of filesBelow(folder)) {
    const bytes = readBytes(file);
    if (looksLikeJson(bytes)) addJson(file, bytes);
    else addSecured(withoutSpace(bytes));
  }

  function addJson(file: string, bytes: Uint8Array): void {
    const parsed = parseBytes(bytes);
    const value = 'value' in parsed ? parsed.value : undefined;
    const enveloped = isObject(value) && isEnveloped(value) ? openEnveloped(value) : undefined;
    if (enveloped && !isRefusal(enveloped)) {
      addSecured(enveloped.bytes);
      return;
    }
    // A list with a proof inside has an id like a document's, so its kind is looked at first.
    if (isObject(value) && credentialKindOf(value) !== 'other') {
      addSecured(bytes);
      return;
    }
    const document = isRefusal(parsed) ? parsed : readDidDocument(value);
    if (!isRefusal(document)) addDocument(file, bytes, document);
    // A file with this name claims to be one, so its mistake is told rather than passed over.
    else if (file.endsWith('did.json')) {
      throw new EdgeError('DOC_INVALID', `reading ${file}: ${document.reason}`);
    } else if (isObject(value) && Object.hasOwn(value, '@context')) addContext(bytes, value);
  }

  function addDocument(file: string, bytes: Uint8Array, document: DidDocument): void {
    const text = Buffer.from(bytes).toString('utf8');
    const known = didDocuments.get(document.id);
    if (known && known.text !== text) {
      throw new EdgeError('DOC_INVALID', `${known.file} and ${file} are both of ${document.id}`);
    }
    didDocuments.set(document.id, { document, file, text });
  }

  function addContext(bytes: Uint8Array, value: JsonObject): void {
    const hash = createHash('sha256').update(canonicalize(value)).digest('hex');
    if (!PINNED.has(hash)) return;
    contexts.set(hash, value);
    // The same content may lie there twice, in other bytes; what was published is one of them.
    const known = digests.get(hash) ?? new Set<string>();
    for (const algorithm of ['sha256', 'sha384', 'sha512']) {
      known.add(`${algorithm}:${createHash(algorithm).update(bytes).digest('hex')}`);
    }
    digests.set(hash, known);
  }

  function addSecured(bytes: Uint8Array): void {
    const opened = openSecured(bytes, limits.credentialBytesMax);
    if (isRefusal(opened)) return;
    const { payload } = opened;
    const validFromMs = validFromOf(payload);
    const kind = credentialKindOf(payload);
    if (kind === 'statusList') {
      const { id } = payload as { id?: unknown };
      if (typeof id !== 'string') return;
      // Of several editions of a list the latest speaks.
      if ((statusLists.get(id)?.validFromMs ?? -Infinity) > validFromMs) return;
      statusLists.set(id, { bytes, validFromMs });
    } else if (kind === 'enrolment' && opened.form === 'token') {
      const { credentialSubject } = payload as { credentialSubject?: { id?: unknown } };
      const device = credentialSubject?.id;
      if (typeof device !== 'string') return;
      const all = enrolments.get(device) ?? [];
      all.push({ token: bytes, digest: opened.opened.digest, validFromMs });
      all.sort((a, b) => b.validFromMs - a.validFromMs);
      enrolments.set(device, all);
    }
  }

  return {
    didDocument: (did) => didDocuments.get(did)?.document,
    statusList: (url) => statusLists.get(url)?.bytes,
    enrolments: (device, digest) =>
      (enrolments.get(device) ?? [])
        .filter((one) => digest === undefined || one.digest === digest)
        .map(({ token }) => token),
    contexts,
    digests,
  };
}

/** Contexts of other content are never used, and any credential has the form of one. */
const PINNED: ReadonlySet<string> = new Set(Object.values(contextPins));

/** No documents at all: only what proves itself can be decided. */
export const noDocuments: FolderDocuments = {
  didDocument: () => undefined,
  statusList: () => undefined,
  enrolments: () => [],
  contexts: new Map(),
  digests: new Map(),
};

/** The bytes without one line end, which editors and `echo` put after a token. */
export function withoutLineEnd(bytes: Uint8Array): Uint8Array {
  const LINE_FEED = 0x0a;
  const RETURN = 0x0d;
  if (bytes.at(-1) !== LINE_FEED) return bytes;
  return bytes.subarray(0, bytes.at(-2) === RETURN ? -2 : -1);
}

/** RFC 8259 §2; around a token there may be any of it, as editors and downloads leave it. */
const SPACE = [0x20, 0x09, 0x0a, 0x0d];

function withoutSpace(bytes: Uint8Array): Uint8Array {
  const start = bytes.findIndex((byte) => !SPACE.includes(byte));
  const end = bytes.findLastIndex((byte) => !SPACE.includes(byte));
  return start < 0 ? bytes : bytes.subarray(start, end + 1);
}

function validFromOf(payload: JsonObject): number {
  const { validFrom } = payload as { validFrom?: unknown };
  return (typeof validFrom === 'string' ? parseTime(validFrom) : undefined) ?? 0;
}

function filesBelow(folder: string): string[] {
  const found: string[] = [];
  const walk = (at: string, depth: number): void => {
    for (const entry of readdirSync(at, { withFileTypes: true })) {
      const path = join(at, entry.name);
      if (entry.isDirectory() && depth < limits.documentsDepthMax) walk(path, depth + 1);
      if (entry.isFile()) found.push(path);
      if (found.length > limits.documentsMax) {
        throw new EdgeError('DOC_INVALID', `${folder} has over ${limits.documentsMax} documents`);
      }
    }
  };
  try {
    walk(folder, 1);
  } catch (cause) {
    if (cause instanceof EdgeError) throw cause;
    throw new EdgeError('DOC_UNREADABLE', `reading the folder ${folder}`, { cause });
  }
  return found.sort();
}

function readBytes(file: string): Uint8Array {
  try {
    // A document that is too large is no document; its size is looked at before its bytes.
    if (statSync(file).size > limits.credentialBytesMax) return new Uint8Array();
    return readFileSync(file);
  } catch (cause) {
    throw new EdgeError('DOC_UNREADABLE', `reading ${file}`, { cause });
  }
}
