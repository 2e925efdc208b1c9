/** What stands around a running gateway: its status page, and systemd where that started it. */
import { explain } from '../../devices/errors.ts';
import type { Log } from '../../devices/runtime.ts';
import type { GatewayConfig } from '../config.ts';
import type { Gateway } from '../gateway.ts';
import { serveStatus } from '../http/server.ts';
import { notifySystemd } from '../systemd.ts';
import type { CommandContext } from './command.ts';

export interface Services {
  /** Address of the status page; absent where the configuration wants none. */
  readonly url?: string;
  /** Tells systemd that readings are taken. */
  ready(): void;
  /** Runs a reload between the two words that systemd expects. */
  reload(action: () => Promise<void>): Promise<void>;
  stopping(): void;
  close(): Promise<void>;
}

const DEFAULTS = { serve: true, host: '127.0.0.1', port: 8650 } as const;

/** Starts both; the gateway itself is running already. */
export async function startServices(options: {
  readonly config: GatewayConfig;
  readonly gateway: Gateway;
  readonly context: CommandContext;
  readonly log: Log;
}): Promise<Services> {
  const { config, context, gateway, log } = options;
  const { clock } = context;
  const http = { ...DEFAULTS, ...config.http };
  const { snapshot } = gateway;
  // Readings are signed and kept whether anybody can look at the gateway or not.
  const server = await (http.serve
    ? serveStatus({ ...http, snapshot, clock, log })
    : undefined
  )?.catch(
    (error: unknown) => void log.error('there is no status page', { error: explain(error) }),
  );
  const systemd = notifySystemd({
    environment: context.environment ?? {},
    clock,
    log,
    isAlive: async () => (await gateway.status()).timeMs > 0,
  });
  const ready = () => systemd.ready(`${config.gateway.name}: ${config.devices.length} devices`);
  return {
    ...(server && { url: server.url }),
    ready,
    async reload(action) {
      systemd.reloading();
      await action();
      ready();
    },
    stopping: () => systemd.stopping(),
    async close() {
      systemd.close();
      await server?.close();
    },
  };
}
