/**
 * `bondline-gateway opcua-trust`: which OPC UA servers a person has trusted, which were refused and
 * why, and the change from one to the other. A running gateway heeds it at its next attempt.
 */
import type { X509Certificate } from 'node:crypto';
import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { EdgeError } from '../../devices/errors.ts';
import { formatTime } from '../../devices/runtime.ts';
import {
  fingerprint,
  fingerprintName,
  nameOnOneLine,
  readCertificates,
} from '../drivers/opcua/certificate.ts';
import { readRevocationList } from '../drivers/opcua/revocation.ts';
import {
  forgetRefused,
  type KeptCertificate,
  keptCertificates,
  placeCertificate,
  placeRevocationList,
  readTrustList,
  withdrawTrust,
} from '../drivers/opcua/trust-list.ts';
import { type CommandContext, EXIT, loadConfig, parseArguments } from './command.ts';

const OPTIONS = { json: { type: 'boolean' }, issuer: { type: 'boolean' } } as const;

/** Digits of a fingerprint that a person must give at least. */
const DIGITS_MIN = 8;
/** Digits that a command is shown with: more than anyone can forge. */
const DIGITS_SHOWN = 24;

type Change = { readonly done: 'trusted' | 'issuer' | 'removed' | 'forgotten' } & Described;

interface Described {
  readonly fingerprint: string;
  readonly subject: string;
  readonly issuer: string;
  readonly notBefore: string;
  readonly notAfter: string;
}

export async function runOpcuaTrust(
  args: readonly string[],
  context: CommandContext,
): Promise<number> {
  const [, action] = args.filter((arg) => !arg.startsWith('-'));
  const wanted = action === 'list' ? [] : ['FINGERPRINT or FILE'];
  const { positionals, values } = parseArguments(args, OPTIONS, ['CONFIG', 'ACTION', ...wanted]);
  const [file = '', , subject = ''] = positionals;
  const directory = join(dataDirectoryOf(file, context), 'pki');
  const json = values.json === true;
  if (action === 'list') return list(directory, file, json, context);
  if (action === 'add') return add(directory, subject, values.issuer === true, json, context);
  if (action === 'remove') return remove(directory, subject, json, context);
  throw new EdgeError(
    'CFG_USAGE',
    `opcua-trust has no action "${action}"; list, add and remove it has`,
  );
}

/** A data directory stands for itself: `discover` has one before there is a configuration. */
function dataDirectoryOf(file: string, context: CommandContext): string {
  if (existsSync(file) && statSync(file).isDirectory()) return file;
  const { config, resolvePath } = loadConfig(file, context);
  return resolvePath(config.gateway.data);
}

function list(
  directory: string,
  configFile: string,
  json: boolean,
  { clock, out }: CommandContext,
): number {
  const kept = keptCertificates(directory);
  const own = ownCertificates(directory);
  const { revocations } = readTrustList(directory);
  if (json) {
    const certificates = kept.map((one) => ({
      ...describe(one.certificate),
      state: one.shelf,
      since: formatTime(one.sinceMs),
      ...(one.refusal && {
        url: one.refusal.url,
        reason: one.refusal.reason,
        last: formatTime(one.refusal.lastMs),
        command: commandOf(configFile, one),
      }),
    }));
    const lists = revocations.map((one) => ({
      thisUpdate: formatTime(one.thisUpdateMs),
      ...(one.nextUpdateMs !== undefined && { nextUpdate: formatTime(one.nextUpdateMs) }),
      revoked: one.revoked.size,
    }));
    out(`${JSON.stringify({ own: own.map(describe), certificates, revocationLists: lists })}\n`);
    return EXIT.well;
  }
  const nowMs = clock.nowMs();
  for (const certificate of own) out(`${block('own', certificate, nowMs)}\n`);
  for (const one of kept) {
    const state = one.shelf === 'issuer' ? 'issuer (completes chains only)' : one.shelf;
    out(block(`${state} since ${formatTime(one.sinceMs)}`, one.certificate, nowMs));
    if (one.refusal) {
      const { reason, url } = one.refusal;
      out(`  refused      ${url === '' ? 'it' : `shown by ${url}, it`} ${reason}\n`);
      out(`  to trust it  ${commandOf(configFile, one)}\n`);
    }
    out('\n');
  }
  for (const one of revocations) {
    const until = one.nextUpdateMs === undefined ? 'no end' : formatTime(one.nextUpdateMs);
    out(
      `revocation list of ${formatTime(one.thisUpdateMs)} to ${until}: ${one.revoked.size} revoked\n`,
    );
  }
  if (kept.length === 0) out('no server certificate was trusted or refused yet\n');
  return EXIT.well;
}

function ownCertificates(directory: string): X509Certificate[] {
  const folder = join(directory, 'own', 'certs');
  if (!existsSync(folder)) return [];
  return readdirSync(folder)
    .filter((name) => name.endsWith('.pem') && !name.startsWith('.'))
    .flatMap((name) => certificatesIn(join(folder, name)) ?? []);
}

function certificatesIn(file: string): X509Certificate[] | undefined {
  try {
    return readCertificates(readFileSync(file));
  } catch {
    return undefined; // Not a certificate; the caller says what that means.
  }
}

function commandOf(configFile: string, { certificate }: KeptCertificate): string {
  const short = fingerprintName(certificate.raw).slice(0, DIGITS_SHOWN);
  return `bondline-gateway opcua-trust ${quoted(configFile)} add ${short}`;
}

function quoted(word: string): string {
  return /^[\w./@:+-]+$/.test(word) ? word : `'${word.replaceAll("'", "'\\''")}'`;
}

function describe(certificate: X509Certificate): Described {
  return {
    fingerprint: fingerprint(certificate.raw),
    subject: nameOnOneLine(certificate.subject),
    issuer: nameOnOneLine(certificate.issuer),
    notBefore: formatTime(certificate.validFromDate.getTime()),
    notAfter: formatTime(certificate.validToDate.getTime()),
  };
}

function block(state: string, certificate: X509Certificate, nowMs: number): string {
  const { fingerprint: digits, issuer, notAfter, notBefore, subject } = describe(certificate);
  const expired = certificate.validToDate.getTime() <= nowMs ? ' (expired)' : '';
  return [
    `${digits}`,
    `  state        ${state}`,
    `  subject      ${subject}`,
    `  issuer       ${issuer === subject ? 'itself' : issuer}`,
    `  valid        ${notBefore} to ${notAfter}${expired}`,
    '',
  ].join('\n');
}

function add(
  directory: string,
  subject: string,
  asIssuer: boolean,
  json: boolean,
  context: CommandContext,
): number {
  const shelf = asIssuer ? 'issuer' : 'trusted';
  if (existsSync(subject)) {
    const certificates = certificatesIn(subject);
    if (!certificates) return addList(directory, subject, json, context);
    const [first] = certificates;
    if (!first) throw new EdgeError('GW_OPCUA_CERTIFICATE_UNREADABLE', `reading ${subject}`);
    placeCertificate(directory, first, shelf);
    return tell({ done: shelf, ...describe(first) }, json, context);
  }
  const refused = keptCertificates(directory).filter((one) => one.shelf === 'refused');
  const { certificate } = find(refused, subject, 'no refused certificate and no file');
  placeCertificate(directory, certificate, shelf);
  return tell({ done: shelf, ...describe(certificate) }, json, context);
}

function addList(directory: string, file: string, json: boolean, { out }: CommandContext): number {
  try {
    const revocation = readRevocationList(readFileSync(file));
    const kept = placeRevocationList(directory, revocation);
    const revoked = revocation.revoked.size;
    if (json) out(`${JSON.stringify({ done: 'revocation-list', file: kept, revoked })}\n`);
    else out(`revocation list with ${revoked} certificates kept as ${kept}\n`);
    return EXIT.well;
  } catch (cause) {
    throw new EdgeError('GW_OPCUA_CERTIFICATE_UNREADABLE', `reading ${file}`, { cause });
  }
}

function remove(
  directory: string,
  subject: string,
  json: boolean,
  context: CommandContext,
): number {
  const kept = find(keptCertificates(directory), subject, 'no certificate');
  const { certificate, shelf } = kept;
  if (shelf === 'refused') forgetRefused(directory, certificate);
  else withdrawTrust(directory, kept, context.clock.nowMs());
  const done = shelf === 'refused' ? 'forgotten' : 'removed';
  return tell({ done, ...describe(certificate) }, json, context);
}

/** @throws EdgeError GW_OPCUA_CERTIFICATE_UNKNOWN, CFG_USAGE */
function find(kept: readonly KeptCertificate[], digits: string, none: string): KeptCertificate {
  const wanted = digits.replaceAll(':', '').toLowerCase();
  if (!/^[0-9a-f]+$/.test(wanted)) {
    throw new EdgeError('GW_OPCUA_CERTIFICATE_UNKNOWN', `${none} is called "${digits}"`);
  }
  if (wanted.length < DIGITS_MIN) {
    const told = `"${digits}" is too short: give ${DIGITS_MIN} digits of the fingerprint or more`;
    throw new EdgeError('CFG_USAGE', told);
  }
  const found = kept.filter(({ certificate }) =>
    fingerprintName(certificate.raw).startsWith(wanted),
  );
  const [first] = found;
  if (!first) {
    const told = `${none} has a fingerprint that begins with ${digits}`;
    throw new EdgeError('GW_OPCUA_CERTIFICATE_UNKNOWN', told);
  }
  if (found.some(({ certificate }) => !certificate.raw.equals(first.certificate.raw))) {
    throw new EdgeError('CFG_USAGE', `several fingerprints begin with ${digits}: give more digits`);
  }
  return first;
}

function tell(change: Change, json: boolean, { out }: CommandContext): number {
  if (json) out(`${JSON.stringify(change)}\n`);
  else {
    const words = {
      trusted: 'trusted from the next attempt on',
      issuer: 'completes chains from the next attempt on; it trusts nothing by itself',
      removed: 'no longer trusted from the next attempt on; kept among the refused',
      forgotten: 'forgotten',
    };
    out(`${change.fingerprint} (${change.subject}): ${words[change.done]}\n`);
  }
  return EXIT.well;
}
