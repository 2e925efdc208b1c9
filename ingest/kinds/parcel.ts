/** A parcel: what the scanning stations say of it, and where it was scanned last. */
import type { Kind } from '../kind.ts';
import { keepPosition, observedPosition } from '../twin-position.ts';
import { placeAtMeter } from '../twin-statement.ts';
import { organisationAlias } from '../twin-uri.ts';

export const parcel: Kind = {
  name: 'parcel',
  summary: 'A parcel by the tracking number that its carrier gave it.',
  isGoods: true,
  identify: (uri) => organisationAlias(uri, 'parcel'),
  label: ({ value }) => `Parcel ${value}`,
  attributes: {
    scanEvent: { title: 'Last scan', headline: true },
    scanFacility: { title: 'Scanned at', headline: true },
    parcelMass: { title: 'Mass', headline: true },
    entryType: { title: 'Entry type on the label', headline: true },
    parcelLength: { title: 'Length' },
    parcelWidth: { title: 'Width' },
    parcelHeight: { title: 'Height' },
    scanLane: { title: 'Belt or chute' },
    labelSscc: { title: 'In bag or pallet (SSCC)' },
    trackingNumber: { title: 'Tracking number' },
  },
  observe: keepPosition,
  // A hand-held scanner tells its own position; a station stands where it was enrolled.
  derive: (state) => {
    const place = observedPosition(state) ?? placeAtMeter(state);
    return place === undefined ? {} : { place };
  },
};
