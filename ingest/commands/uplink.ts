/** `bondline-ingest uplink`: invitations for gateways, who may connect, certificates of brokers. */
import { X509Certificate } from 'node:crypto';
import { join } from 'node:path';
import { EdgeError } from '../../devices/errors.ts';
import { isDidKey } from '../../devices/identity/did-key.ts';
import { makeDirectory } from '../../devices/io/directory.ts';
import { openKeyStore, unlockKeyStore } from '../../devices/io/key-store-open.ts';
import { formatInvitation, type Invitation } from '../../devices/io/uplink/invitation.ts';
import { writeFileDurably } from '../../devices/io/write-file.ts';
import type { IngestConfig } from '../config.ts';
import { readControl } from '../control.ts';
import { receiptSigner } from '../startup.ts';
import { openUplinkAuthority, type UplinkAuthority } from '../uplink-authority.ts';
import { readAllowed, writeAllowed } from '../uplink-gateways.ts';
import { type CommandContext, EXIT, loadConfig, parseArguments } from './command.ts';

const OPTIONS = {
  json: { type: 'boolean' },
  out: { type: 'string' },
  days: { type: 'string' },
} as const;

const DAY_MS = 86_400_000;
const BROKER_DAYS = 90;
const BROKER_DAYS_MAX = 397;

interface Values {
  readonly json?: boolean | undefined;
  readonly out?: string | undefined;
  readonly days?: string | undefined;
}

export async function runUplink(args: readonly string[], context: CommandContext): Promise<number> {
  const names = ['CONFIG', 'invite, allow, disallow, list or broker', 'MORE...'];
  const { positionals, values } = parseArguments(args, OPTIONS, names);
  const [file = '', action = '', ...rest] = positionals;
  const config = loadConfig(file, context);
  switch (action) {
    case 'invite':
      return invite(config, values, context);
    case 'allow':
    case 'disallow':
      return change(config, action, rest, context);
    case 'list':
      return list(config, values, context);
    case 'broker':
      return broker(config, rest, values, context);
    default:
      throw new EdgeError('CFG_USAGE', `"${action}" is not one of ${names[1]}`);
  }
}

async function invite(
  config: IngestConfig,
  { json, out }: Values,
  context: CommandContext,
): Promise<number> {
  const { authority, did } = await openAuthority(config, context);
  const uplinks = waysOf(config);
  const certificates = uplinks.find((url) => url.startsWith('https:'));
  if (certificates === undefined) {
    throw new EdgeError(
      'CFG_INVALID',
      'inviting a gateway: certificates are given out by a source https, and there is none',
    );
  }
  const { name } = config.ingester;
  const { certificate } = authority;
  const invitation: Invitation = {
    ...{ bondlineInvitation: 1, name, ingester: did, certificates, uplinks },
    authority: certificate,
  };
  const text = formatInvitation(invitation);
  if (out === undefined) {
    context.out(json ? `${JSON.stringify(invitation)}\n` : text);
    return EXIT.well;
  }
  writeOut(out, text);
  context.out(
    `${out} is for gateways; give it to whoever runs one.\nReceipts  ${did}\n` +
      `Authority ${new X509Certificate(certificate).fingerprint256}\n` +
      `next: bondline-gateway join gateway.yaml ${out}   (at the gateway; it prints the same two)\n`,
  );
  return EXIT.well;
}

/** The ways in that TLS protects, as others reach them; of a running ingester with its ports. */
function waysOf(config: IngestConfig): string[] {
  const running = readControl(config.ingester.data)?.uplinks;
  const host = config.uplink.names[0] ?? 'localhost';
  const named = host.includes(':') ? `[${host}]` : host;
  return config.sources.flatMap(({ connection, source }, index) => {
    const port = running?.[index]?.match(/:(\d+)$/)?.[1] ?? String(connection['port']);
    if (source === 'https') return [`https://${named}:${port}`];
    if (source === 'embedded' && connection['tls'] === true) return [`mqtts://${named}:${port}`];
    const url = String(connection['url']);
    return source === 'mqtt' && url.startsWith('mqtts:') ? [url] : [];
  });
}

async function change(
  { ingester: { data } }: IngestConfig,
  action: 'allow' | 'disallow',
  dids: readonly string[],
  { out }: CommandContext,
): Promise<number> {
  const wrong = dids.find((did) => !isDidKey(did));
  if (dids.length === 0 || wrong !== undefined) {
    throw new EdgeError('CFG_USAGE', `${wrong ?? 'DID'} is not the did:key of a gateway`);
  }
  const others = readAllowed(data).filter((did) => !dids.includes(did));
  writeAllowed(data, action === 'allow' ? [...others, ...dids] : others);
  for (const did of dids) out(`${did} ${action === 'allow' ? 'may connect' : 'is not allowed'}\n`);
  return EXIT.well;
}

async function list(
  { ingester: { data } }: IngestConfig,
  { json }: Values,
  { out }: CommandContext,
): Promise<number> {
  const allowed = readAllowed(data);
  out(json ? `${JSON.stringify({ allowed })}\n` : allowed.map((did) => `${did}\n`).join(''));
  return EXIT.well;
}

/** What Mosquitto needs: its own certificate with key, and the authority of its clients. */
async function broker(
  config: IngestConfig,
  names: readonly string[],
  { days = String(BROKER_DAYS), out }: Values,
  context: CommandContext,
): Promise<number> {
  const count = Number(days);
  if (names.length === 0 || out === undefined) {
    throw new EdgeError('CFG_USAGE', 'broker needs NAME... and --out DIR');
  }
  if (!Number.isInteger(count) || count < 1 || count > BROKER_DAYS_MAX) {
    throw new EdgeError('CFG_USAGE', `--days ${days} is not between 1 and ${BROKER_DAYS_MAX}`);
  }
  const { authority } = await openAuthority(config, context);
  const { cert, key } = await authority.issueServer(names, count * DAY_MS);
  writeOut(join(out, 'authority.pem'), authority.certificate);
  writeOut(join(out, 'broker.pem'), cert);
  writeOut(join(out, 'broker.key'), key, 0o600);
  context.out(`${out}: authority.pem, broker.pem and broker.key, for ${count} days\n`);
  return EXIT.well;
}

async function openAuthority(
  config: IngestConfig,
  context: CommandContext,
): Promise<{ authority: UplinkAuthority; did: string }> {
  const { clock } = context;
  const keys = await openKeyStore(await unlockKeyStore(config.keys, context), clock);
  const { data, name } = config.ingester;
  const { did } = await receiptSigner(keys);
  return { authority: await openUplinkAuthority({ keys, data, name, clock }), did };
}

function writeOut(file: string, content: string, mode = 0o644): void {
  try {
    makeDirectory(join(file, '..'));
    writeFileDurably(file, content, mode);
  } catch (cause) {
    throw new EdgeError('CFG_DIRECTORY_UNWRITABLE', `writing ${file}`, { cause });
  }
}
