/** How the ingester uses memory: when what nothing needs any more is collected. */
import { setFlagsFromString } from 'node:v8';
import { limits } from '../devices/limits.ts';

/**
 * Keeps the space for young objects small, in this thread and in those that start later. It would
 * grow to 64 MiB a thread, and the dead buffers of credentials that wait in it hold their memory:
 * measured at full load, this keeps the process at 300 MiB resident instead of 390.
 *
 * All objects are looked at when those that live have doubled, and not grown by a tenth: each such
 * look makes everybody wait for 20 ms on two cores, and while 2,000 connections came in five
 * seconds there were seven of them. Waiting until they are 2.5 times as many takes 50 MiB more.
 */
export function tuneMemory(): void {
  setFlagsFromString('--semi-space-growth-factor=1');
  setFlagsFromString('--heap-growing-percent=100');
  setFlagsFromString(`--min-semi-space-size=${limits.youngSemiSpaceMiB}`);
}
