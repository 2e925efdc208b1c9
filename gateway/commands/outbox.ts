/** `bondline-gateway outbox`: what waits for its receipt, looked at, written out, set in order. */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { EdgeError } from '../../devices/errors.ts';
import { openDatabase } from '../../devices/io/sqlite.ts';
import { outboxSchema } from '../outbox-tables.ts';
import {
  type CommandContext,
  type LoadedConfig,
  loadConfig,
  parseArguments,
  unlockEncryption,
} from './command.ts';
import { exportOutbox } from './outbox-export.ts';
import { listOutbox } from './outbox-list.ts';
import { repairOutbox } from './outbox-repair.ts';
import { settleOutbox } from './outbox-settle.ts';
import { verifyOutbox } from './outbox-verify.ts';

const OPTIONS = {
  json: { type: 'boolean' },
  out: { type: 'string' },
  device: { type: 'string' },
  since: { type: 'string' },
  until: { type: 'string' },
} as const;

const ACTIONS = ['list', 'verify', 'export', 'settle', 'repair'] as const;

export async function runOutbox(args: readonly string[], context: CommandContext): Promise<number> {
  const wanted = ['CONFIG', ACTIONS.join('|'), '[RECEIPTS]'];
  const { positionals, values } = parseArguments(args, OPTIONS, wanted);
  const [file = '', named, receipts] = positionals;
  const action = ACTIONS.find((one) => one === named);
  if (action === undefined) {
    throw new EdgeError('CFG_USAGE', `"${named}" is not one of ${ACTIONS.join(', ')}`);
  }
  if ((action === 'settle') !== (receipts !== undefined)) {
    const why = receipts === undefined ? 'RECEIPTS is missing' : `${receipts} is not for ${action}`;
    throw new EdgeError('CFG_USAGE', why);
  }
  const loaded = loadConfig(file, context);
  await unlockEncryption(loaded, context);
  const path = join(loaded.resolvePath(loaded.config.gateway.data), 'outbox.db');
  if (!existsSync(path)) throw new EdgeError('GW_OUTBOX_ABSENT', `opening ${path}`);
  const json = values.json === true;
  if (receipts !== undefined) return settleOutbox({ path, receipts, json }, loaded, context);
  if (action === 'repair') return repairOutbox({ path, json }, context);
  return look(path, action, values, loaded, context);
}

/** Changes nothing, also while the gateway runs. */
function look(
  path: string,
  action: 'list' | 'verify' | 'export' | 'settle',
  values: ReturnType<typeof parseArguments<typeof OPTIONS>>['values'],
  loaded: LoadedConfig,
  context: CommandContext,
): number {
  const db = openDatabase(path, { readonly: true, schema: outboxSchema });
  const json = values.json === true;
  try {
    if (action === 'list') return listOutbox(db, json, context);
    if (action === 'verify') return verifyOutbox(db, json, context);
    return exportOutbox(db, values, loaded, context);
  } finally {
    db.close();
  }
}
