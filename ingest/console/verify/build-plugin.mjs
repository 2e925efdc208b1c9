/**
 * What Vite needs to compile devices/credential for a browser: the few modules of Node that it uses
 * and the global `Buffer` stand in this folder, and the checkers of schemas are made ahead.
 */
import { execFileSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';

const here = (name) => fileURLToPath(new URL(name, import.meta.url));

const standsFor = {
  'node:assert': here('./node-assert.ts'),
  'node:buffer': here('./node-buffer.ts'),
  'node:crypto': here('./node-crypto.ts'),
  'node:zlib': here('./node-zlib.ts'),
};

/** What checkers.mjs prints, in its place; the mark is that of a module without a file (Rollup). */
const made = '\0bondline-checkers';
const outputBytesMax = 64 * 1024 * 1024;

/** @returns {import('vite').Plugin} */
export function verification() {
  return {
    name: 'bondline-verification',
    enforce: 'pre',
    config: () => ({
      build: {
        rolldownOptions: {
          transform: { inject: { Buffer: [here('./node-buffer.ts'), 'Buffer'] } },
          // Making the checkers takes its two seconds; the build need not remark on it.
          checks: { pluginTimings: false },
        },
      },
    }),
    resolveId(source, importer) {
      if (source === './checkers.mjs') return made;
      const isSchema = source.endsWith('/schema.ts') && importer?.includes('/devices/');
      return isSchema ? here('./schema.ts') : standsFor[source];
    },
    load(id) {
      if (id !== made) return undefined;
      const options = { encoding: 'utf8', maxBuffer: outputBytesMax };
      return execFileSync(process.execPath, [here('./checkers.mjs')], options);
    },
  };
}
