import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';

const source = (path: string) => readFileSync(new URL(`../src/${path}.ts`, import.meta.url), 'utf8');

/** Every name that the package exports, and the file that declares it. */
const exported = [...source('index').matchAll(/export (?:type )?\{([^}]+)\} from '\.\/([^']+)'/g)].flatMap(([, names, path]) =>
  names!.split(',').map((name) => ({ name: name.trim(), path: path! })),
);

test('every exported name is documented where it is declared', () => {
  const undocumented = exported.filter(({ name, path }) => {
    const declaration = new RegExp(`(\\*/\\n)?(?:export )(?:async )?(?:abstract )?(?:class|interface|type|function|const) ${name}\\b`).exec(source(path));
    return !declaration?.[1];
  });
  expect(exported.length).toBeGreaterThan(30);
  expect(undocumented).toEqual([]);
});

test('every option, event and figure of an exported interface is documented', () => {
  const undocumented = exported.flatMap(({ name, path }) => {
    const body = new RegExp(`export interface ${name}\\b[^{]*\\{\\n([\\s\\S]*?)\\n\\}`).exec(source(path))?.[1] ?? '';
    const lines = body.split('\n');
    return lines.filter((line, index) => /^  \w+\??:/.test(line) && !/\*\/$/.test(lines[index - 1] ?? '')).map((line) => `${name}: ${line.trim()}`);
  });
  expect(undocumented).toEqual([]);
});
