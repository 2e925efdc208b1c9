/**
 * `bondline-gateway join`: puts the invitation of an ingester where the configuration expects it.
 * Another one than before takes a person who says so.
 */
import { existsSync } from 'node:fs';
import { dirname } from 'node:path';
import { isDeepStrictEqual } from 'node:util';
import { EdgeError } from '../../devices/errors.ts';
import { makeDirectory } from '../../devices/io/directory.ts';
import {
  fingerprintOfAuthority,
  formatInvitation,
  readInvitation,
} from '../../devices/io/uplink/invitation.ts';
import { writeFileDurably } from '../../devices/io/write-file.ts';
import { invitationPathOf } from '../gateway.ts';
import { type CommandContext, EXIT, parseArguments } from './command.ts';

const OPTIONS = { confirm: { type: 'boolean' }, json: { type: 'boolean' } } as const;

export async function runJoin(args: readonly string[], context: CommandContext): Promise<number> {
  const { positionals, values } = parseArguments(args, OPTIONS, ['CONFIG', 'INVITATION']);
  const [config = '', file = ''] = positionals;
  const invitation = readInvitation(file);
  const target = invitationPathOf(config);
  const isSame = existsSync(target) && isDeepStrictEqual(readInvitation(target), invitation);
  if (existsSync(target) && !isSame && values.confirm !== true) {
    throw new EdgeError('GW_INVITATION_DIFFERS', `replacing ${target}`);
  }
  try {
    makeDirectory(dirname(target));
    if (!isSame) writeFileDurably(target, formatInvitation(invitation));
  } catch (cause) {
    throw new EdgeError('CFG_DIRECTORY_UNWRITABLE', `writing ${target}`, { cause });
  }
  const { ingester, name, uplinks } = invitation;
  const authority = fingerprintOfAuthority(invitation);
  if (values.json) context.out(`${JSON.stringify({ name, ingester, authority, uplinks })}\n`);
  else {
    context.out(
      `Joined ${name}: ${uplinks.join(', ')}\nReceipts  ${ingester}\nAuthority ${authority}\n` +
        'Compare both with what the ingester’s people read to you. A running gateway needs a restart.\n' +
        `next: bondline-gateway run ${config}\n`,
    );
  }
  return EXIT.well;
}
