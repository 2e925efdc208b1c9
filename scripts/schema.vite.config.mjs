/**
 * Bundles the built `devices/schema.js` with the two packages that it owns. TypeBox alone has some
 * 700 files, and every command would spend a fifth of a second on finding and reading them.
 */
import { defineConfig } from 'vite';

const folder = process.env.BONDLINE_SCHEMA_FOLDER;

export default defineConfig({
  publicDir: false,
  ssr: { noExternal: true },
  build: {
    ssr: `${folder}/schema.js`,
    outDir: folder,
    emptyOutDir: false,
    minify: false,
    rollupOptions: { output: { entryFileNames: 'schema.js' } },
  },
});
