/** A facility: where it is, and which devices stand there. */
import type { Member } from '../fold-state.ts';
import type { Kind, KindContext } from '../kind.ts';
import type { Statement } from '../twin.ts';
import { declared, declaredPlace, newestEnrolment } from '../twin-statement.ts';

export const facility: Kind = {
  name: 'facility',
  summary: 'A place that an organisation answers for, with the devices that stand there.',
  isGoods: false,
  // Readings are never about a facility: its twin comes of enrolments.
  identify: () => undefined,
  label: ({ value }) => value,
  attributes: {
    unlocode: { title: 'UN/LOCODE', headline: true },
    portCode: { title: 'CBP port code', headline: true },
    devices: { title: 'Devices', headline: true },
    organisation: { title: 'Answered for by' },
    route: { title: 'Line' },
    lineDistance: { title: 'Distance along the line' },
    innerDiameter: { title: 'Inner diameter of the line' },
  },
  derive(state, { twinOf }) {
    const record = newestEnrolment(state);
    if (record === undefined) return {};
    const { enrolment } = record;
    const { facility: place } = enrolment;
    const say = (value: string | number, unit = ''): Statement =>
      declared(record, state.receivedMs, value, unit);
    const members = [...state.members.values()].sort((a, b) => (a.device < b.device ? -1 : 1));
    return {
      label: place.name,
      alias: { scheme: 'facility', scope: enrolment.organisation, value: place.id },
      place: declaredPlace(record),
      relations: relationsOf(members, twinOf),
      attributes: {
        ...(place.unlocode === undefined ? {} : { unlocode: say(place.unlocode) }),
        ...(place.portCode === undefined ? {} : { portCode: say(place.portCode) }),
        devices: { ...say(members.length), basis: 'derived', rule: 'members' },
        organisation: say(enrolment.organisationName),
        ...(place.line === undefined
          ? {}
          : {
              route: say(place.line.route),
              lineDistance: say(place.line.distanceM, 'MTR'),
              innerDiameter: say(place.line.innerDiameterM, 'MTR'),
            }),
      },
    };
  },
};

/** One relation a device, by its name at the site; names may repeat, so the key's end follows. */
function relationsOf(
  members: readonly Member[],
  twinOf: KindContext['twinOf'],
): Record<string, string> {
  const relations: Record<string, string> = {};
  for (const { device, label } of members) {
    const taken = relations[`device ${label}`] !== undefined;
    relations[`device ${label}${taken ? ` …${device.slice(-6)}` : ''}`] = twinOf('device', device);
  }
  return relations;
}
