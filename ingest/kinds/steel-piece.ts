/** A piece of steel (slab, coil): its measures, and the heat that it is of. */
import { chosen } from '../fold-state.ts';
import type { Kind } from '../kind.ts';
import { placeAtMeter } from '../twin-statement.ts';
import { organisationAlias, organisationUri } from '../twin-uri.ts';

export const steelPiece: Kind = {
  name: 'steel-piece',
  summary: 'A finished piece of steel and the heat that it is of.',
  isGoods: true,
  identify: (uri) => organisationAlias(uri, 'piece'),
  label: ({ value }) => `Piece ${value}`,
  attributes: {
    pieceForm: { title: 'Form', headline: true },
    pieceWeight: { title: 'Mass', headline: true },
    pieceThickness: { title: 'Thickness', headline: true },
    pieceWidth: { title: 'Width', headline: true },
    pieceLength: { title: 'Length' },
    coilingTemperature: { title: 'Coiling temperature' },
    grossMass: { title: 'Mass with saddle and packing' },
    tareMass: { title: 'Mass of saddle and packing' },
    massStable: { title: 'Load stood still on the scale' },
    scaleOverloaded: { title: 'Scale overloaded' },
    scaleZeroed: { title: 'Scale showed zero when empty' },
    weighingNumber: { title: 'Weighings of the scale' },
    pieceScrapped: { title: 'Judged scrap' },
    pieceHeatId: { title: 'Heat number' },
    pieceId: { title: 'Piece number' },
  },
  derive: (state, { twinOf }) => {
    const place = placeAtMeter(state);
    const alias = organisationAlias(state.uri, 'piece');
    const heat = chosen(state.newest.get('pieceHeatId'))?.value;
    const named = alias !== undefined && typeof heat === 'string' && heat !== '';
    return {
      ...(place === undefined ? {} : { place }),
      // A heat number is unique within its mill only, so the piece's mill scopes it.
      ...(named
        ? { relations: { heat: twinOf('steel-heat', organisationUri(alias.scope, 'heat', heat)) } }
        : {}),
    };
  },
};
