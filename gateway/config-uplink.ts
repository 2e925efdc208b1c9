/**
 * The part of a configuration that says where batches go: written out, or by the invitation of an
 * ingester, which says it all.
 */
import { strict as assert } from 'node:assert';
import { existsSync } from 'node:fs';
import { explain } from '../devices/errors.ts';
import { resolveFrom } from '../devices/io/config-file.ts';
import { type Invitation, readInvitation } from '../devices/io/uplink/invitation.ts';
import { type SchemaMistake, type Static, Type } from '../devices/schema.ts';

export const uplinkSchema = Type.Object(
  {
    invitation: Type.Optional(
      Type.String({
        description:
          'Path of the invitation of an ingester, written by the command join; it takes the place of ingester and connection.',
        minLength: 1,
        maxLength: 4_096,
      }),
    ),
    sink: Type.Optional(
      Type.String({
        description:
          'Kind of uplink: https or mqtt. Required without an invitation; with one, its first.',
        maxLength: 64,
      }),
    ),
    ingester: Type.Optional(
      Type.String({
        description:
          'did:key of the ingester whose receipts count. Required without an invitation.',
        pattern: '^did:key:z[1-9A-HJ-NP-Za-km-z]{40,64}$',
        examples: ['did:key:zDnaerDaTF5BXEavCrfRZEk316dpbLsfPDZ3WJ5hRTPFU2169'],
      }),
    ),
    connection: Type.Optional(
      Type.Record(Type.String(), Type.Unknown(), {
        description:
          'Settings of the uplink: address and the like. Required without an invitation.',
      }),
    ),
    compress: Type.Optional(
      Type.Enum(['auto', 'always', 'never'], {
        description:
          'Whether batches go packed to an ingester that says that it unpacks them; auto: except to one on this machine.',
        default: 'auto',
      }),
    ),
  },
  { additionalProperties: false, description: 'Where batches go. Required.' },
);

type WrittenUplink = Static<typeof uplinkSchema>;

/** Where batches go, complete. */
export interface UplinkConfig {
  readonly invitation?: string;
  readonly sink: string;
  readonly ingester: string;
  readonly connection: Readonly<Record<string, unknown>>;
  readonly compress?: 'auto' | 'always' | 'never';
}

/**
 * Fills in what the invitation says, or names what is missing. The value is changed in place, as
 * defaults are.
 */
export function completeUplink(config: { uplink: WrittenUplink }, file: string): SchemaMistake[] {
  const { uplink } = config;
  if (uplink.invitation === undefined) return missing(uplink, ['sink', 'ingester', 'connection']);
  const surplus = (['ingester', 'connection'] as const).filter((key) => uplink[key] !== undefined);
  if (surplus.length > 0) {
    const mistake = 'the invitation says this: leave it out';
    return surplus.map((key) => ({ path: ['uplink', key], message: mistake }));
  }
  const path = resolveFrom(file, uplink.invitation);
  const at = ['uplink', 'invitation'];
  if (!existsSync(path)) {
    const message = `${path} is not there yet: bondline-gateway join CONFIG INVITATION writes it`;
    return [{ path: at, message }];
  }
  try {
    const url = wayOf(readInvitation(path), uplink.sink);
    if (url === undefined) {
      return [{ path: ['uplink', 'sink'], message: `the invitation has no way by ${uplink.sink}` }];
    }
    const { ingester } = readInvitation(path);
    Object.assign(uplink, { ingester, sink: sinkOf(url), connection: { url } });
    return [];
  } catch (error) {
    return [{ path: at, message: explain(error) }];
  }
}

function missing(uplink: WrittenUplink, keys: readonly (keyof WrittenUplink)[]): SchemaMistake[] {
  return keys
    .filter((key) => uplink[key] === undefined)
    .map((key) => ({ path: ['uplink'], message: `"${key}" is required here` }));
}

function wayOf({ uplinks }: Invitation, sink: string | undefined): string | undefined {
  return uplinks.find((url) => sink === undefined || sinkOf(url) === sink);
}

function sinkOf(url: string): string {
  return url.startsWith('https:') ? 'https' : 'mqtt';
}

/** The configuration by the type of one whose uplink `completeUplink` has completed. */
export function completed<C extends { readonly uplink: WrittenUplink }>(
  config: C,
): Omit<C, 'uplink'> & { readonly uplink: UplinkConfig } {
  const { compress, connection, ingester, invitation, sink } = config.uplink;
  assert(sink && ingester && connection, 'an uplink that was checked is complete');
  const where = { sink, ingester, connection, ...(invitation !== undefined && { invitation }) };
  return { ...config, uplink: { ...where, ...(compress !== undefined && { compress }) } };
}

/** The invitation that any value of a configuration names. */
export function writtenInvitation(value: unknown): string | undefined {
  const { uplink } = (value ?? {}) as { readonly uplink?: { readonly invitation?: unknown } };
  return typeof uplink?.invitation === 'string' ? uplink.invitation : undefined;
}
