/**
 * One simulated border from one seed: two stations, a bad network, an ingester, and faults at
 * random instants. Afterwards everything is mended, comes to rest, and is checked.
 */
import { createHash } from 'node:crypto';
import { composeEnrolment } from '../../devices/credential/enrolment-wire.ts';
import { signToken } from '../../devices/credential/jws.ts';
import { profileDigest } from '../../devices/profile.ts';
import { Chance } from './chance.ts';
import { checkWorld } from './check-world.ts';
import { World } from './clock.ts';
import { type SeededKey, seededKey, seededSigner } from './identity.ts';
import { Network } from './network.ts';
import { Office } from './office.ts';
import { Sensor, sensorProfile } from './sensor.ts';
import { Station } from './station.ts';

export interface WorldResult {
  readonly seed: number;
  /** Sentences about broken promises; empty when all hold. */
  readonly broken: readonly string[];
  readonly counts: Readonly<Record<string, number>>;
  /** Digest of everything that the journal holds: the same seed gives the same. */
  readonly trace: string;
}

const START_MS = Date.parse('2026-11-21T00:00:00.000Z');
const ORGANISATION = 'did:web:sim.example';
const MINUTE = 60_000;

/** Runs a world for `minutes` of its own time. */
export async function runWorld(seed: number, minutes: number): Promise<WorldResult> {
  const chance = new Chance(seed);
  const world = new World(START_MS);
  const network = new Network(world, chance, {
    loss: chance.fraction() * 0.2,
    repeat: chance.fraction() * 0.2,
    forge: chance.happens(0.5) ? chance.fraction() * 0.05 : 0,
    delayMs: chance.between(1, 2_000),
  });
  const stations: Station[] = [];
  const office = new Office({
    world,
    key: seededKey(chance),
    reply: (gateway, receipt) => {
      const station = stations.find(({ fingerprint }) => fingerprint === gateway);
      network.carry(receipt, (bytes) => station?.receipt(bytes));
    },
  });
  const organisation = seededKey(chance);
  const files = new Map<string, Uint8Array>();
  const sensors: Sensor[] = [];
  const pending: (() => Promise<void>)[] = [];
  for (const name of ['north', 'south']) {
    const key = seededKey(chance);
    const devices = [1, 2].map((number) => {
      const device = `${name}-${number}`;
      const faults = { silence: chance.fraction() * 0.05, delayMs: 50 };
      const sensor = new Sensor(device, world, chance, faults);
      sensors.push(sensor);
      const deviceKey = seededKey(chance);
      pending.push(async () => {
        const token = await enrol(organisation, { device, key: deviceKey, gateway: key, chance });
        files.set(`${device}.jwt`, token);
      });
      return { name: device, key: deviceKey, sensor };
    });
    stations.push(
      new Station({
        name,
        world,
        chance,
        network,
        ingester: office.did,
        key,
        devices,
        organisation: ORGANISATION,
        files,
        skewMs: chance.between(-120_000, 120_000),
        signMs: chance.happens(0.5) ? 0 : chance.between(1, 60),
        uplink: (gateway, token) => network.carry(token, (bytes) => office.receive(gateway, bytes)),
      }),
    );
  }
  const cuts = { station: 0, office: 0, network: 0, clock: 0 };

  office.powerOn();
  await office.trust('did.json', Buffer.from(JSON.stringify(documentOf(organisation))));
  for (const station of stations) await station.powerOn();
  for (let minute = 0; minute < minutes; minute += 1) {
    // Devices are enrolled one after the other; until then their batches are held.
    await pending.shift()?.();
    for (let part = 0; part < 6; part += 1) {
      await world.run(chance.fraction() * 20_000);
      await misfortune({ chance, world, network, office, stations, cuts });
    }
  }
  for (const late of pending) await late();

  network.calm();
  network.set(true);
  if (!office.isOn) office.powerOn();
  for (const station of stations) if (!station.isOn) await station.powerOn();
  let left = -1;
  for (let turn = 0; turn < 120 && left !== 0; turn += 1) {
    await world.run(MINUTE / 2);
    left = 0;
    for (const station of stations) left += station.waiting().length;
    // There is always a batch on its way; at rest means that none is older than a few seconds.
    if (left <= stations.length * 4) left = 0;
  }
  const entries = office.entries();
  const broken = checkWorld({ entries, stations, sensors, office });
  if (left !== 0) broken.push(`${left} batches still wait for a receipt`);
  for (const station of stations) station.powerCut();
  office.powerCut();
  return {
    seed,
    broken,
    counts: {
      ...cuts,
      entries: entries.length,
      served: sensors.reduce((sum, sensor) => sum + sensor.ledger.length, 0),
      sent: network.counts.sent,
      lost: network.counts.lost,
      repeated: network.counts.repeated,
      forged: network.counts.forged,
    },
    trace: createHash('sha256')
      .update(entries.map(({ header }) => `${header.receivedMs} ${header.digest}`).join('\n'))
      .digest('hex'),
  };
}

async function misfortune(at: {
  chance: Chance;
  world: World;
  network: Network;
  office: Office;
  stations: readonly Station[];
  cuts: { station: number; office: number; network: number; clock: number };
}): Promise<void> {
  const { chance, cuts, network, office } = at;
  const station = at.stations[chance.between(0, at.stations.length - 1)];
  const kind = chance.between(0, 9);
  if (kind === 0 && station) {
    cuts.station += 1;
    station.powerCut();
    await at.world.run(chance.fraction() * 5_000);
    await station.powerOn();
  } else if (kind === 1) {
    cuts.office += 1;
    office.powerCut();
    await at.world.run(chance.fraction() * 15_000);
    office.powerOn();
  } else if (kind === 2) {
    cuts.network += 1;
    network.set(!network.isUp);
  } else if (kind === 3) {
    network.set(true);
  } else if (kind === 4 && station) {
    cuts.clock += 1;
    station.stepClock(chance.between(-30_000, 30_000));
  }
}

function documentOf(key: SeededKey): Readonly<Record<string, unknown>> {
  const id = `${ORGANISATION}#key-1`;
  return {
    '@context': ['https://www.w3.org/ns/did/v1', 'https://w3id.org/security/jwk/v1'],
    id: ORGANISATION,
    verificationMethod: [
      { id, type: 'JsonWebKey', controller: ORGANISATION, publicKeyJwk: key.publicJwk },
    ],
    assertionMethod: [id],
  };
}

/** An enrolment signed by the organisation. */
async function enrol(
  organisation: SeededKey,
  about: { device: string; key: SeededKey; gateway: SeededKey; chance: Chance },
): Promise<Uint8Array> {
  const uuid = Buffer.from(about.chance.bytes(16)).toString('hex');
  const id = uuid.replace(/^(.{8})(.{4}).(.{3}).(.{3})(.{12})$/, '$1-$2-4$3-8$4-$5');
  const payload = composeEnrolment({
    id: `urn:uuid:${id}`,
    organisation: ORGANISATION,
    organisationName: 'Simulated operator',
    device: about.key.did,
    gateway: about.gateway.did,
    label: about.device,
    profile: { name: sensorProfile.name, digest: profileDigest(sensorProfile) },
    facility: {
      id: `${ORGANISATION}/facility/one`,
      name: 'One',
      latitude: 48.99929,
      longitude: -97.53103,
    },
    cadenceMs: 1_000,
    heartbeatMs: 30_000,
    keyLocation: 'gateway-file',
    scope: { goods: [`${ORGANISATION}/`] },
    // Stations' clocks may be behind by minutes when they sign.
    validFromMs: START_MS - 60 * MINUTE,
    status: [],
  });
  const world = new World(START_MS);
  const clock = { sleep: async () => world.nowMs } as never;
  const signer = seededSigner(organisation, {
    clock,
    delayMs: 0,
    as: ORGANISATION,
    keyId: `${ORGANISATION}#key-1`,
  });
  return signToken({ payload, signer, typ: 'vc+jwt' });
}
