/** Every twin kind. */
import type { Kind } from '../kind.ts';
import { container } from './container.ts';
import { device } from './device.ts';
import { facility } from './facility.ts';
import { gasFlow } from './gas-flow.ts';
import { parcel } from './parcel.ts';
import { pipelineBatch } from './pipeline-batch.ts';
import { steelHeat } from './steel-heat.ts';
import { steelPiece } from './steel-piece.ts';

/** In the order in which a list shows them; goods first. */
export const kinds: readonly Kind[] = [
  pipelineBatch,
  gasFlow,
  steelHeat,
  steelPiece,
  container,
  parcel,
  device,
  facility,
];
