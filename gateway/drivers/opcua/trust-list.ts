/**
 * The folder of certificates that a person has trusted, and of those that were refused. The layout
 * is the usual one of OPC UA applications (OPC 10000-12 §7.8): `trusted`, `issuers`, `rejected`.
 * It is read anew at every attempt to connect, so that what a person changes counts at the next.
 */
import type { X509Certificate } from 'node:crypto';
import { existsSync, readdirSync, readFileSync, rmSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { makeDirectory } from '../../../devices/io/directory.ts';
import { writeFileDurably } from '../../../devices/io/write-file.ts';
import { limits } from '../../../devices/limits.ts';
import { fingerprintName, readCertificates } from './certificate.ts';
import { type RevocationList, readRevocationList } from './revocation.ts';

/** Where certificates lie: believed, believed to sign for others only, refused. */
export type Shelf = 'trusted' | 'issuer' | 'refused';

/** A certificate in the folder. */
export interface KeptCertificate {
  readonly certificate: X509Certificate;
  readonly shelf: Shelf;
  readonly file: string;
  /** When it was put there, milliseconds since 1970. */
  readonly sinceMs: number;
  /** Refused ones: who showed it and why it was refused last. */
  readonly refusal?: Refusal;
}

export interface Refusal {
  readonly url: string;
  readonly reason: string;
  readonly firstMs: number;
  readonly lastMs: number;
}

/** What certificates are judged by. */
export interface TrustList {
  /** Trusted by hand: servers, and authorities whose certificates are trusted with them. */
  readonly trusted: readonly X509Certificate[];
  /** Only to complete a chain; nothing is trusted because of them. */
  readonly issuers: readonly X509Certificate[];
  readonly revocations: readonly RevocationList[];
}

const FOLDERS = {
  trusted: ['trusted', 'certs'],
  issuer: ['issuers', 'certs'],
  refused: ['rejected'],
} as const satisfies Record<Shelf, readonly string[]>;

const LIST_FOLDERS = [
  ['trusted', 'crl'],
  ['issuers', 'crl'],
] as const;

/** Reads the folder. What is no certificate or list in it trusts nothing and hinders nothing. */
export function readTrustList(directory: string): TrustList {
  return {
    trusted: certificatesOn(directory, 'trusted').map(({ certificate }) => certificate),
    issuers: certificatesOn(directory, 'issuer').map(({ certificate }) => certificate),
    revocations: LIST_FOLDERS.flatMap((folder) =>
      filesOf(join(directory, ...folder)).flatMap((file) =>
        attempt(() => [readRevocationList(readFileSync(file))]),
      ),
    ),
  };
}

/** Everything in the folder, for the person who decides; the newest first. */
export function keptCertificates(directory: string): KeptCertificate[] {
  const shelves: readonly Shelf[] = ['trusted', 'issuer', 'refused'];
  return shelves.flatMap((shelf) =>
    certificatesOn(directory, shelf).sort((a, b) => b.sinceMs - a.sinceMs),
  );
}

function certificatesOn(directory: string, shelf: Shelf): KeptCertificate[] {
  return filesOf(join(directory, ...FOLDERS[shelf]))
    .filter((file) => !file.endsWith('.json'))
    .flatMap((file) =>
      attempt(() => {
        const refusal = shelf === 'refused' ? readRefusal(noteOf(file)) : undefined;
        const sinceMs = refusal?.firstMs ?? statSync(file).mtimeMs;
        return readCertificates(readFileSync(file)).map((certificate) => ({
          certificate,
          shelf,
          file,
          sinceMs,
          ...(refusal && { refusal }),
        }));
      }),
    );
}

function filesOf(folder: string): string[] {
  if (!existsSync(folder)) return [];
  // Files in the making begin with a dot.
  const names = readdirSync(folder).filter((name) => !name.startsWith('.'));
  return names.sort().map((name) => join(folder, name));
}

function attempt<T>(read: () => T[]): T[] {
  try {
    return read();
  } catch {
    return [];
  }
}

/** Puts a certificate on a shelf, under its fingerprint, and takes it off the others. */
export function placeCertificate(
  directory: string,
  certificate: X509Certificate,
  shelf: Exclude<Shelf, 'refused'>,
): void {
  write(directory, certificate, shelf);
  removeFrom(directory, certificate, shelf === 'trusted' ? 'issuer' : 'trusted');
  removeFrom(directory, certificate, 'refused');
}

/**
 * Keeps a certificate that was refused, with who showed it and why. At most
 * `limits.opcuaRefusedMax` are kept: whoever can connect could fill the disk with more.
 */
export function keepRefused(
  directory: string,
  certificate: X509Certificate,
  { nowMs, reason, url }: { readonly url: string; readonly reason: string; readonly nowMs: number },
): void {
  const note = noteOf(fileOf(directory, certificate, 'refused'));
  const before = readRefusal(note);
  const refusal: Refusal = { url, reason, firstMs: before?.firstMs ?? nowMs, lastMs: nowMs };
  if (!before) {
    const kept = certificatesOn(directory, 'refused').sort((a, b) => b.sinceMs - a.sinceMs);
    for (const old of kept.slice(limits.opcuaRefusedMax - 1)) {
      rmSync(old.file, { force: true });
      rmSync(noteOf(old.file), { force: true });
    }
    write(directory, certificate, 'refused');
  }
  // An attempt a second must not wear the disk out: the same reason is written once a minute.
  if (before?.reason === reason && nowMs - before.lastMs < limits.deviceComplaintMs) return;
  writeFileDurably(note, `${JSON.stringify(refusal)}\n`);
}

/** Takes a certificate out of trust; it stays among the refused, so that it can be put back. */
export function withdrawTrust(directory: string, kept: KeptCertificate, nowMs: number): void {
  const { certificate } = kept;
  keepRefused(directory, certificate, { url: '', reason: 'was removed by hand', nowMs });
  rmSync(kept.file, { force: true });
  for (const shelf of ['trusted', 'issuer'] as const) removeFrom(directory, certificate, shelf);
}

/** Forgets a refused certificate altogether. */
export function forgetRefused(directory: string, certificate: X509Certificate): void {
  removeFrom(directory, certificate, 'refused');
}

/** Adds a revocation list; it counts for whichever authority has signed it. */
export function placeRevocationList(directory: string, list: RevocationList): string {
  const folder = join(directory, ...LIST_FOLDERS[0]);
  makeDirectory(folder);
  // One issuer's newer list stands beside the older: every one of them counts.
  const file = join(folder, `${fingerprintName(list.bytes)}.crl`);
  writeFileDurably(file, list.bytes);
  return file;
}

function write(directory: string, certificate: X509Certificate, shelf: Shelf): void {
  makeDirectory(join(directory, ...FOLDERS[shelf]));
  writeFileDurably(fileOf(directory, certificate, shelf), certificate.toString());
}

function removeFrom(directory: string, certificate: X509Certificate, shelf: Shelf): void {
  for (const kept of certificatesOn(directory, shelf)) {
    if (!kept.certificate.raw.equals(certificate.raw)) continue;
    rmSync(kept.file, { force: true });
    rmSync(noteOf(kept.file), { force: true });
  }
}

function fileOf(directory: string, certificate: X509Certificate, shelf: Shelf): string {
  return join(directory, ...FOLDERS[shelf], `${fingerprintName(certificate.raw)}.pem`);
}

function noteOf(file: string): string {
  return file.replace(/\.[^./]*$/, '.json');
}

function readRefusal(file: string): Refusal | undefined {
  if (!existsSync(file)) return undefined;
  try {
    const read: unknown = JSON.parse(readFileSync(file, 'utf8'));
    return isRefusal(read) ? read : undefined;
  } catch {
    return undefined; // Cut short or edited: the certificate is still there.
  }
}

function isRefusal(value: unknown): value is Refusal {
  if (typeof value !== 'object' || value === null) return false;
  const { firstMs, lastMs, reason, url } = value as Record<string, unknown>;
  return (
    typeof url === 'string' &&
    typeof reason === 'string' &&
    typeof firstMs === 'number' &&
    typeof lastMs === 'number'
  );
}
