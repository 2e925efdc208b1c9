/** Every device profile that ships with Bondline, by name. */
import type { DeviceProfile } from '../profile.ts';
import { coilScale } from './coil-scale.ts';
import { densitometer } from './densitometer.ts';
import { doorSealSensor } from './door-seal-sensor.ts';
import { gasChromatograph } from './gas-chromatograph.ts';
import { gasFlowComputer } from './gas-flow-computer.ts';
import { liquidFlowComputer } from './liquid-flow-computer.ts';
import { parcelScanner } from './parcel-scanner.ts';
import { positionTracker } from './position-tracker.ts';
import { reefer } from './reefer.ts';
import { reeferController } from './reefer-controller.ts';
import { reeferDcsa } from './reefer-dcsa.ts';
import { reeferTic4 } from './reefer-tic4.ts';
import { spectrometer } from './spectrometer.ts';
import { steelLine } from './steel-line.ts';

/** The registered profiles; a configuration names one of these or gives its own inline. */
export const profiles: Readonly<Record<string, DeviceProfile>> = {
  [liquidFlowComputer.name]: liquidFlowComputer,
  [reefer.name]: reefer,
  [steelLine.name]: steelLine,
  [coilScale.name]: coilScale,
  [densitometer.name]: densitometer,
  [gasChromatograph.name]: gasChromatograph,
  [gasFlowComputer.name]: gasFlowComputer,
  [doorSealSensor.name]: doorSealSensor,
  [parcelScanner.name]: parcelScanner,
  [positionTracker.name]: positionTracker,
  [reeferController.name]: reeferController,
  [reeferDcsa.name]: reeferDcsa,
  [reeferTic4.name]: reeferTic4,
  [spectrometer.name]: spectrometer,
};
