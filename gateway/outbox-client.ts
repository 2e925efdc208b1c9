/** The outbox as the main thread sees it: each call is a message to the worker that owns it. */
import { Worker } from 'node:worker_threads';
import { EdgeError, type ErrorCode, errorCatalogue } from '../devices/errors.ts';
import { workerUrl } from '../devices/io/worker.ts';
import type { Log } from '../devices/runtime.ts';
import type {
  Appended,
  Carried,
  DeviceMark,
  Outbox,
  OutboxRow,
  OutboxStats,
  Settled,
} from './outbox.ts';
import type {
  Identity,
  OutboxReply,
  OutboxRequest,
  OutboxSettings,
  SentError,
  Vouch,
} from './outbox-message.ts';

/** Drafts and tokens live briefly; more room for them would only be memory. */
const YOUNG_MIB = 8;

interface Call {
  readonly resolve: (value: unknown) => void;
  readonly reject: (error: Error) => void;
}

export interface OpenOutbox {
  readonly outbox: Outbox;
  readonly identities: readonly Identity[];
  /**
   * Opens the keys of these labels that are in the key store now, for devices that are added.
   *
   * @throws EdgeError of the key store (KEY_…)
   */
  openKeys(labels: readonly string[]): Promise<readonly Identity[]>;
  /** Signs with the gateway's key. */
  readonly vouch: Vouch;
}

/**
 * Starts the worker and resolves when keys and database are open.
 *
 * @throws EdgeError of the key store (KEY_…), of the database (DB_…), CFG_DIRECTORY_UNWRITABLE
 */
export async function openOutbox(settings: OutboxSettings, log: Log): Promise<OpenOutbox> {
  const worker = new Worker(workerUrl('./outbox-worker', import.meta.url), {
    workerData: settings,
    resourceLimits: { maxYoungGenerationSizeMb: YOUNG_MIB },
  });
  const calls = new Map<number, Call>();
  let lastId = 0;
  let gone: Error | undefined;

  const end = (error: Error) => {
    gone ??= error;
    for (const call of calls.values()) call.reject(gone);
    calls.clear();
  };
  const exited = new Promise<void>((resolve) => {
    worker.once('exit', () => {
      end(new EdgeError('GW_OUTBOX_FAILED', 'the outbox has ended'));
      resolve();
    });
  });
  worker.once('error', (cause) => end(new EdgeError('GW_OUTBOX_FAILED', 'the outbox', { cause })));

  const ask = <T>(method: OutboxRequest['method'], parameter?: unknown): Promise<T> =>
    new Promise<T>((resolve, reject) => {
      if (gone) return reject(gone);
      lastId += 1;
      calls.set(lastId, { resolve: resolve as (value: unknown) => void, reject });
      worker.postMessage({ id: lastId, method, parameter });
    });

  const identities = await new Promise<readonly Identity[]>((resolve, reject) => {
    worker.on('message', (reply: OutboxReply) => {
      if (reply.kind === 'ready') resolve(reply.identities);
      else if (reply.kind === 'failed') reject(toError(reply.error));
      else if (reply.kind === 'log') log[reply.level](reply.message, reply.fields);
      else settle(calls, reply);
    });
    void exited.then(() => reject(gone));
  });

  const outbox: Outbox = {
    append: (draft) => ask<Appended>('append', draft),
    keep: (signed) => ask<Appended>('keep', signed),
    forget: (request) => ask<void>('forget', request),
    carry: (paper) => ask<Carried>('carry', paper),
    peek: (request) => ask<OutboxRow[]>('peek', request),
    settle: (settlements) => ask<Settled>('settle', settlements),
    stats: () => ask<OutboxStats>('stats'),
    marks: () => ask<DeviceMark[]>('marks'),
    async close() {
      if (!gone) await ask('close').catch(() => undefined);
      await exited;
    },
  };
  return {
    outbox,
    identities,
    openKeys: (labels) => ask<Identity[]>('openKeys', labels),
    vouch: (vouched) => ask<Uint8Array>('vouch', vouched),
  };
}

function settle(
  calls: Map<number, Call>,
  reply: Extract<OutboxReply, { kind: 'done' | 'rejected' }>,
): void {
  const call = calls.get(reply.id);
  calls.delete(reply.id);
  if (reply.kind === 'done') call?.resolve(reply.value);
  else call?.reject(toError(reply.error));
}

function toError({ code, message }: SentError): EdgeError {
  if (code !== undefined && isKnown(code)) return new EdgeError(code, message);
  return new EdgeError('GW_OUTBOX_FAILED', 'keeping batches', { cause: new Error(message) });
}

function isKnown(code: string): code is ErrorCode {
  return Object.hasOwn(errorCatalogue, code);
}
