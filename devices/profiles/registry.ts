/** Every device profile that ships with Bondline, by name. */
import type { DeviceProfile } from '../profile.ts';
import { liquidFlowComputer } from './liquid-flow-computer.ts';
import { reefer } from './reefer.ts';
import { steelLine } from './steel-line.ts';

/** The registered profiles; a configuration names one of these or gives its own inline. */
export const profiles: Readonly<Record<string, DeviceProfile>> = {
  [liquidFlowComputer.name]: liquidFlowComputer,
  [reefer.name]: reefer,
  [steelLine.name]: steelLine,
};
