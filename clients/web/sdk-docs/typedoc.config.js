import { resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { OptionDefaults } from 'typedoc';

const workspace = fileURLToPath(new URL('..', import.meta.url));
const client = resolve(workspace, 'packages/beacon-client');

/** Served by Signaling at /sdk. What is exported and not documented fails the build. */
export default {
  name: 'beacon-client',
  entryPoints: [resolve(client, 'src/index.ts')],
  tsconfig: resolve(client, 'tsconfig.json'),
  readme: resolve(client, 'README.md'),
  out: resolve(workspace, process.env['BEACON_WWWROOT'] || '../../services/Signaling/wwwroot', 'sdk'),
  // The type checker of the build has the last word.
  skipErrorChecking: true,
  validation: { notExported: true, invalidLink: true, notDocumented: true },
  requiredToBeDocumented: ['Class', 'Interface', 'TypeAlias', 'Function', 'Variable', 'Property', 'Accessor', 'Method', 'Constructor'],
  treatWarningsAsErrors: true,
  // In what buf makes of the frames.
  blockTags: [...OptionDefaults.blockTags, '@generated'],
  excludePrivate: true,
  excludeInternal: true,
  disableSources: true,
  githubPages: false,
  logLevel: 'Warn',
};
