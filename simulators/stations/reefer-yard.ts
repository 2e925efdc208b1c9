/** A yard: an MQTT broker and refrigerated containers that publish to it on their way. */
import { isContainerNumber } from '../../devices/container-number.ts';
import { EdgeError } from '../../devices/errors.ts';
import { reefer } from '../../devices/profiles/reefer.ts';
import {
  createReefer,
  defaultReeferSettings,
  type ReeferState,
  reeferValues,
  stepReefer,
} from '../behaviours/reefer.ts';
import { parseRoute, type Route } from '../behaviours/route.ts';
import { composeMessage, type Decimals } from '../servers/json-message.ts';
import { MqttServer, type Publish } from '../servers/mqtt.ts';
import type { RunningStation, StationOptions } from '../station.ts';
import { everyTick } from '../tick.ts';
import { openKeptState } from './kept-state.ts';

/** Decimals that the telematics unit writes; position to about a tenth of a metre. */
const DECIMALS: Decimals = {
  setPoint: 1,
  supplyAirTemperature: 2,
  returnAirTemperature: 2,
  ambientTemperature: 2,
  humidity: 1,
  oxygen: 2,
  carbonDioxide: 2,
  latitude: 6,
  longitude: 6,
  accuracyM: 1,
  speed: 1,
};

const SAVE_EVERY_MS = 1_000;

interface Container {
  readonly state: ReeferState;
  readonly topic: string;
  readonly publish: Publish;
}

/** @throws EdgeError SIM_CONTAINER_INVALID, SIM_ROUTE_INVALID and those of a port or a state. */
export async function startReeferYard(options: StationOptions): Promise<RunningStation> {
  const { host, port, clock, ledger, log } = options;
  const route = parseRoute(options.route ?? '');
  const kept = openKeptState(options.directory, reefer.name);
  const states = containersOf(options).map(({ container, startKm }, index) => {
    const before = kept.restore(container);
    return before
      ? (before.state as ReeferState)
      : fresh(options, { container, startKm, seed: options.seed + index });
  });
  const server = await MqttServer.start({ host, port, clock, ledger });
  const prefix = options.topicPrefix ?? 'yard';
  const containers = await Promise.all(
    states.map(async (state): Promise<Container> => {
      const { container } = state.settings;
      const publish = await server.connect(`container-${container}`);
      return { state, topic: `${prefix}/${container}/telemetry`, publish };
    }),
  );
  const save = () => {
    kept.save(Object.fromEntries(states.map((s) => [s.settings.container, s])), clock.nowMs());
  };
  const inFlight = new Set<Promise<unknown>>();
  let savedMs = 0;
  let still = false;
  const stop = everyTick(clock, options.everyMs, (elapsedMs) => {
    if (still) return;
    for (const container of containers) {
      stepReefer(container.state, route, elapsedMs * options.pace);
      const sent = send(container, route, clock.nowMs())
        .catch((error: unknown) => log.warn('publishing failed', { error: String(error) }))
        .finally(() => inFlight.delete(sent));
      inFlight.add(sent);
    }
    if (clock.monotonicMs() - savedMs < SAVE_EVERY_MS) return;
    savedMs = clock.monotonicMs();
    save();
  });
  return {
    ready: {
      url: server.url,
      host: server.host,
      port: server.port,
      prefix,
      devices: states.map(({ settings: { container } }) => ({
        device: container,
        topic: `${prefix}/${container}`,
      })),
    },
    quiet() {
      still = true;
    },
    async close() {
      stop();
      save();
      await Promise.all(inFlight);
      await server.close();
    },
  };
}

function containersOf(options: StationOptions) {
  const containers = options.containers ?? [];
  const wrong = containers.find(({ container }) => !isContainerNumber(container));
  if (containers.length > 0 && !wrong) return containers;
  const what = wrong ? `container ${wrong.container}` : 'a yard without containers';
  throw new EdgeError('SIM_CONTAINER_INVALID', `starting ${what}`);
}

function fresh(
  options: StationOptions,
  place: { container: string; startKm: number; seed: number },
): ReeferState {
  const settings = defaultReeferSettings(place.container, place.seed);
  return createReefer({
    ...settings,
    setPoint: options.setPoint ?? settings.setPoint,
    startM: place.startKm * 1000,
  });
}

async function send(container: Container, route: Route, timeMs: number): Promise<void> {
  const { numbers, flags } = reeferValues(container.state, route);
  const message = composeMessage({
    profile: reefer,
    device: container.state.settings.container,
    timeMs,
    values: { ...numbers, ...flags },
    decimals: DECIMALS,
  });
  await container.publish(container.topic, message);
}
