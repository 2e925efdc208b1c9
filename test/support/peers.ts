/**
 * Whether a real peer (a Debian package that this project did not write) is on this machine.
 * `npm test` installs them where it may (scripts/peers.mjs). A suite that needs one is written
 * `describe.skipIf(!hasPeer('mosquitto'))`; under `CI=true` a missing peer throws instead.
 */
import { missingPeers, peers } from '../../scripts/peers.mjs';

export type PeerName = keyof typeof peers;

/** Whether the peer is there. @throws Error under `CI=true` when it is not. */
export function hasPeer(name: PeerName): boolean {
  if (!missingPeers().includes(name)) return true;
  if (process.env['CI'] === 'true') {
    const packages = peers[name].packages.join(', ');
    throw new Error(`CI=true, but the peer ${name} is missing (packages ${packages})`);
  }
  return false;
}
