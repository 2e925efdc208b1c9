/** Builds the console into static files that need nothing from elsewhere. */
import { defineConfig } from 'vite';

export default defineConfig({
  root: import.meta.dirname,
  base: './',
  build: {
    outDir: '../../dist/ingest/console',
    emptyOutDir: true,
    target: 'es2022',
    // Everything must be a file of its own: the content security policy forbids inline data.
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
  },
  oxc: { jsx: { runtime: 'automatic', importSource: 'preact' } },
});
