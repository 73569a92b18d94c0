import { resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { defineConfig } from 'vite';

const workspace = fileURLToPath(new URL('..', import.meta.url));
/** Where the pages go: the folder that Signaling serves, or another one, relative to the workspace. */
const outDir = resolve(workspace, process.env['BEACON_WWWROOT'] || '../../services/Signaling/wwwroot');
const server = process.env['BEACON_URL'] || 'http://127.0.0.1:8080';

export default defineConfig({
  build: { outDir, emptyOutDir: true, target: 'es2023', sourcemap: true },
  oxc: { jsx: { runtime: 'automatic', importSource: 'preact' } },
  server: {
    proxy: {
      '/api': server,
      '/alive': server,
      '/sdk': server,
      '/ws': { target: server, ws: true },
    },
  },
});
