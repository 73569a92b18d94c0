import { execFile } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { expect, test } from 'vitest';

const here = fileURLToPath(new URL('.', import.meta.url));

test('the example in the README is twenty lines, and passes the type checker as it stands', async () => {
  const readme = readFileSync(new URL('../README.md', import.meta.url), 'utf8');
  const example = /<!-- example -->\n```ts\n([^`]+(?:`[^`][^`]*`[^`]*)*?)```/.exec(readme)?.[1] ?? '';
  expect(example).toContain('client.watch(');
  expect(example.split('\n').filter((line) => line.trim() !== '').length).toBeLessThanOrEqual(20);

  // Inside the package, so that its own name and its types are found.
  const folder = mkdtempSync(`${here}example-`);
  try {
    writeFileSync(`${folder}/example.ts`, example);
    writeFileSync(
      `${folder}/tsconfig.json`,
      JSON.stringify({ extends: '../../../../tsconfig.base.json', compilerOptions: { lib: ['ES2023', 'DOM', 'DOM.Iterable'] }, include: ['example.ts'] }),
    );
    const tsc = fileURLToPath(new URL('../../../node_modules/typescript/bin/tsc', import.meta.url));
    const { stdout } = await promisify(execFile)(process.execPath, [tsc, '--project', folder]).catch((error: { stdout: string }) => error);
    expect(stdout).toBe('');
  } finally {
    rmSync(folder, { recursive: true });
  }
}, 60_000);
