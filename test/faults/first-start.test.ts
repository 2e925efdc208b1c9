/** Each sync of an ingester's very first start fails: it ends by itself, and says why. */
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { type IngesterFolder, ingesterFolder, startRunning } from '../support/ingester.ts';
import { compileC } from './disk/compile.ts';
import { preloadVariables, readPreloadReport } from './disk/preload.ts';
import { withVariables } from './disk/variables.ts';

const SYNCS_MAX = 60;
const folders: IngesterFolder[] = [];
const newFolder = (): IngesterFolder => {
  const folder = ingesterFolder();
  folders.push(folder);
  return folder;
};
afterAll(() => {
  for (const folder of folders) folder.remove();
});

/** What it said when it ended, and what failed; `undefined` where it started before that. */
async function startFailing(library: string, at: number) {
  const folder = newFolder();
  const places = { library, folder: folder.data, report: join(folder.directory, 'report') };
  // What fails once may be closed in order, what fails for ever may be waited for.
  const mode = at % 2 === 0 ? 'once' : 'ever';
  const variables = preloadVariables(places, { calls: 'sync', at, mode });
  const running = withVariables(variables, () => startRunning(folder));
  const said = await running.then(
    async (one) => {
      const isStruck = readPreloadReport(places.report).struck !== undefined;
      await (isStruck ? one.ended : one.end('SIGTERM'));
      return isStruck ? one.log() : undefined;
    },
    (error: unknown) => String(error),
  );
  return said === undefined ? undefined : { said, ...readPreloadReport(places.report) };
}

describe('a disk that fails at the first start', () => {
  it('ends the ingester, which syncs nothing a second time', async () => {
    const library = compileC('shim', newFolder().directory);
    const faults: string[] = [];
    let at = 1;
    for (; at <= SYNCS_MAX; at += 1) {
      const failed = await startFailing(library, at);
      if (failed === undefined) break;
      const { said, struck, syncsAfterFailure } = failed;
      const what = `sync ${at} of ${struck?.file}`;
      if (!/\b[A-Z]{2,}_[A-Z_]+: /.test(said)) faults.push(`${what}: no line says why: ${said}`);
      // SQLite takes back by itself the making of a database, before anything is in it.
      const isMaking = struck?.file.endsWith('.db') && said.includes('opening ');
      if (syncsAfterFailure > 0 && !isMaking) faults.push(`${what}: synced again`);
    }
    expect(faults).toEqual([]);
    expect(at).toBeGreaterThan(10);
    expect(at).toBeLessThan(SYNCS_MAX);
  }, 180_000);
});
