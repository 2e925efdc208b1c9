/**
 * A changed configuration while the gateway runs: when to look at it, what of it needs a new
 * process, and how it comes into force. One that has mistakes changes nothing.
 */
import { isDeepStrictEqual } from 'node:util';
import { explain } from '../devices/errors.ts';
import { type ConfigResult, formatMistake } from '../devices/io/config-file.ts';
import { limits } from '../devices/limits.ts';
import type { Clock, Log } from '../devices/runtime.ts';
import type { GatewayConfig } from './config.ts';
import type { DeviceDids } from './fleet.ts';
import type { Gateway, Reload } from './gateway.ts';
import { every } from './wait.ts';

/** Settings that name what a process opens once; a change of them needs a new one. */
export function needsRestart(before: GatewayConfig, after: GatewayConfig): string[] {
  const parts: readonly [string, unknown, unknown][] = [
    ['gateway', before.gateway, after.gateway],
    ['keys', before.keys, after.keys],
    ['uplink.ingester', before.uplink.ingester, after.uplink.ingester],
    ['encryption', before.encryption, after.encryption],
    ['outbox', before.outbox, after.outbox],
    ['http', before.http, after.http],
  ];
  return parts.flatMap(([name, one, other]) => (isDeepStrictEqual(one, other) ? [] : [name]));
}

export interface ReloadOptions {
  /** What the gateway was started with. */
  readonly first: Pick<Reload, 'config' | 'configText'>;
  readonly gateway: Pick<Gateway, 'reload'>;
  /** Reads and checks the file. @throws EdgeError CFG_UNREADABLE */
  readonly read: () => ConfigResult<GatewayConfig>;
  /** The file's text, or `undefined` where it cannot be read. */
  readonly readText: () => string | undefined;
  /** Opens the keys of its devices that are there. @throws EdgeError of the key store */
  readonly openKeys: (config: GatewayConfig) => Promise<DeviceDids>;
  readonly clock: Clock;
  readonly log: Log;
}

export interface Reloader {
  /** Reads the file and changes to it, also when it is the same: a key may be there now. */
  reload(): Promise<void>;
  /** Looks no more; resolves when nothing is under way. */
  close(): Promise<void>;
}

/** Looks at the file every `limits.configWatchMs`, and reads it again when it has changed. */
export function createReloader(options: ReloadOptions): Reloader {
  const { clock, log } = options;
  let current = options.first;
  /** The text that was tried last, whether it was good or not. */
  let tried: string | undefined = current.configText;
  /** What was there at the last look: a file that is being written is not read yet. */
  let seen: string | undefined;
  let tail: Promise<void> = Promise.resolve();
  let isClosed = false;

  async function change(): Promise<void> {
    if (isClosed) return;
    tried = options.readText() ?? tried;
    const result = options.read();
    if (!result.ok) {
      for (const mistake of result.mistakes) log.error(formatMistake(mistake));
      log.error('the configuration has mistakes; the one before stays in force', {
        mistakes: result.mistakes.length,
      });
      return;
    }
    const { value: config, text: configText } = result;
    const settings = needsRestart(current.config, config);
    if (settings.length > 0) {
      log.error('these settings need a restart; the configuration before stays in force', {
        settings: settings.join(', '),
      });
      return;
    }
    const devices = await options.openKeys(config);
    const isSame = configText === current.configText;
    current = { config, configText };
    await options.gateway.reload({ config, configText, devices });
    log.info(isSame ? 'the configuration is as it was' : 'the configuration has changed', {
      devices: config.devices.length,
    });
  }

  function inTurn(action: () => Promise<void>): Promise<void> {
    tail = tail.then(action).catch((error: unknown) => {
      log.error('the configuration was not taken', { error: explain(error) });
    });
    return tail;
  }

  const stopWatching = every(clock, limits.configWatchMs, () => {
    const text = options.readText();
    const isStill = text === seen;
    seen = text;
    // An editor may have taken it away for a moment, or be in the middle of it.
    if (text === undefined || text === tried || !isStill) return;
    tried = text;
    void inTurn(change);
  });
  return {
    reload: () => inTurn(change),
    close() {
      isClosed = true;
      stopWatching();
      return tail;
    },
  };
}
