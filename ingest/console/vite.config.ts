/** Builds the console into static files that need nothing from elsewhere. */
import { defineConfig } from 'vite';
import { verification } from './verify/build-plugin.mjs';

export default defineConfig({
  root: import.meta.dirname,
  base: './',
  plugins: [verification()],
  build: {
    outDir: '../../dist/ingest/console',
    emptyOutDir: true,
    target: 'es2022',
    // Everything must be a file of its own: the content security policy forbids inline data.
    assetsInlineLimit: 0,
    // The verification is loaded with the first proof, never with the page.
    chunkSizeWarningLimit: 1_500,
    modulePreload: { polyfill: false },
  },
  oxc: { jsx: { runtime: 'automatic', importSource: 'preact' } },
});
