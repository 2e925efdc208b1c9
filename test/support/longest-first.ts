/**
 * Which files begin first: those that take longest, so that the workers of a group end together.
 * Vitest knows how long each took only where it ran before; a fresh clone would begin with the
 * files that have the most bytes, and one long file at the end would keep one core idle.
 */
import { relative } from 'node:path';
import { BaseSequencer, type TestSpecification } from 'vitest/node';

/** Files that take ten seconds and more on two cores, longest first. */
export const LONGEST: readonly string[] = [
  'test/e2e/kill.test.ts',
  'test/e2e/ingester.test.ts',
  'test/fuzz/files.test.ts',
  'test/unit/gateway/cli.test.ts',
  'test/e2e/custody.test.ts',
  'test/peers/mosquitto-kill.test.ts',
  'test/peers/whole-way.test.ts',
  'test/e2e/border.test.ts',
  'test/sim/sim.test.ts',
  'test/e2e/uplink.test.ts',
  'test/unit/gateway/drivers/reconnect.test.ts',
  'test/faults/part.test.ts',
  'test/e2e/console.test.ts',
  'test/e2e/archive.test.ts',
  'test/e2e/verified-here.test.ts',
  'test/e2e/slow-line.test.ts',
  'test/unit/ingest/api.test.ts',
  'test/e2e/carried.test.ts',
  'test/e2e/reload.test.ts',
  'test/fuzz/credentials.test.ts',
  'test/peers/mosquitto-signed.test.ts',
  'test/e2e/console-papers.test.ts',
  'test/e2e/rotation.test.ts',
  'test/peers/mosquitto-uplink.test.ts',
  'test/unit/ingest/admit-pool.test.ts',
  'test/unit/ingest/uplink-access.test.ts',
  'test/contract/journal.test.ts',
  'test/unit/gateway/drivers/opcua/service.test.ts',
  'test/e2e/own-meter.test.ts',
  'test/contract/sink-tls.test.ts',
  'test/unit/ingest/trust-status.test.ts',
  'test/e2e/package.test.ts',
  'test/unit/gateway/commands/carry.test.ts',
  'test/unit/devices/wallet/rotate.test.ts',
  'test/contract/opcua-security.test.ts',
  'test/docs.test.ts',
  'test/e2e/gateway-status.test.ts',
  'test/forgery/forgery.test.ts',
  'test/e2e/lint.test.ts',
];

/** These names in the order of `LONGEST`, and behind them the others in the order they came in. */
export function longestFirst<T>(files: readonly T[], nameOf: (file: T) => string): T[] {
  const rankOf = (file: T) => {
    const rank = LONGEST.indexOf(nameOf(file));
    return rank === -1 ? LONGEST.length : rank;
  };
  return [...files].sort((a, b) => rankOf(a) - rankOf(b));
}

/** Puts the long files of each group first; groups keep their order. */
export class LongestFirst extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    const sorted = await super.sort(files);
    const { root } = this.ctx.config;
    const groups = [...new Set(sorted.map(({ project }) => project))];
    return groups.flatMap((group) =>
      longestFirst(
        sorted.filter(({ project }) => project === group),
        ({ moduleId }) => relative(root, moduleId).replaceAll('\\', '/'),
      ),
    );
  }
}
