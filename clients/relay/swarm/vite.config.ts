import { defineConfig } from 'vite';

// For `bench/Beacon.Swarm`; not part of the package.
export default defineConfig({
  root: import.meta.dirname,
  build: { ssr: 'main.ts', outDir: 'dist', emptyOutDir: true, target: 'node20', rolldownOptions: { output: { entryFileNames: 'main.js', codeSplitting: false } } },
  ssr: { noExternal: ['beacon-client', '@bufbuild/protobuf'], external: ['node-datachannel', 'ws'] },
});
