import { defineConfig } from 'vitest/config';

// One file that needs only what package.json names as a dependency: the SDK is built in.
export default defineConfig({
  build: { ssr: 'src/main.ts', outDir: 'dist', emptyOutDir: true, target: 'node20', sourcemap: true, rolldownOptions: { output: { entryFileNames: 'main.js', codeSplitting: false } } },
  // Real connections on a machine that may be busy.
  test: { testTimeout: 60_000, hookTimeout: 60_000 },
  ssr: { noExternal: ['beacon-client', '@bufbuild/protobuf'], external: ['node-datachannel', 'ws'] },
});
