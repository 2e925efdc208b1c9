/**
 * Tells systemd that the gateway is ready, how it is, and that it lives (sd_notify(3)). Node has
 * no datagram sockets of the Unix kind, so systemd's own program `systemd-notify` says it.
 */
import { execFile } from 'node:child_process';
import { explain } from '../devices/errors.ts';
import { limits } from '../devices/limits.ts';
import type { Clock, Log } from '../devices/runtime.ts';

/** What systemd passes to a service of `Type=notify`. */
export interface SystemdEnvironment {
  readonly NOTIFY_SOCKET?: string | undefined;
  /** Microseconds after which a silent service is restarted. */
  readonly WATCHDOG_USEC?: string | undefined;
  readonly PATH?: string | undefined;
}

export interface Systemd {
  /** The gateway takes readings. Also after a reload. */
  ready(status: string): void;
  reloading(): void;
  stopping(): void;
  /** Ends the watchdog's beat. */
  close(): void;
}

/**
 * Nothing happens where systemd is not there. The watchdog beats twice in its interval, but only
 * while `isAlive` resolves with true: a gateway that hangs is restarted.
 */
export function notifySystemd(options: {
  readonly environment: SystemdEnvironment;
  readonly clock: Clock;
  readonly log: Log;
  /** Whether the stages still answer; may be slow, is asked once at a time. */
  readonly isAlive: () => Promise<boolean>;
}): Systemd {
  const { clock, environment, isAlive, log } = options;
  if (!environment.NOTIFY_SOCKET) {
    const nothing = () => undefined;
    return { ready: nothing, reloading: nothing, stopping: nothing, close: nothing };
  }
  let closed = false;
  let cancel = (): void => undefined;
  // One after the other, since systemd takes the newest word for true.
  let last = Promise.resolve();
  const say = (...words: string[]) => {
    last = last.then(() => notify(words, environment, log));
  };
  const watchdogMs = Number(environment.WATCHDOG_USEC ?? 0) / 1_000;
  const beat = () => {
    cancel = clock.after(watchdogMs / 2, () => {
      void isAlive()
        .catch(() => false)
        .then((alive) => {
          if (closed) return;
          if (alive) say('WATCHDOG=1');
          else log.error('the gateway does not answer itself; systemd will restart it');
          beat();
        });
    });
  };
  if (watchdogMs > 0) beat();
  return {
    ready: (status) => say('READY=1', `STATUS=${status}`),
    reloading: () => say('RELOADING=1'),
    stopping: () => say('STOPPING=1'),
    close() {
      closed = true;
      cancel();
    },
  };
}

/** Resolves when it is said, or when it could not be. */
function notify(words: readonly string[], environment: SystemdEnvironment, log: Log) {
  return new Promise<void>((resolve) => {
    const { NOTIFY_SOCKET, PATH } = environment;
    const env = { ...(NOTIFY_SOCKET && { NOTIFY_SOCKET }), ...(PATH && { PATH }) };
    const done = (error: Error | null) => {
      if (error)
        log.warn('systemd was not told', { words: words.join(' '), error: explain(error) });
      resolve();
    };
    execFile('systemd-notify', [...words], { env, timeout: limits.systemdNotifyMs }, done);
  });
}
