import { execFile, spawn } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { Hub } from './hub';
import { broadcast, until, watch } from './peers';

const run = promisify(execFile);
const here = fileURLToPath(new URL('..', import.meta.url));
/** npm tells its scripts what package they belong to; what is started here belongs to none. */
const env = Object.fromEntries(Object.entries(process.env).filter(([name]) => !/^npm_(?!config_(cache|registry|userconfig)$)/.test(name)));

let folder: string;
let hub: Hub;
let root: Awaited<ReturnType<typeof broadcast>>;

beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), 'beacon-relay-'));
  hub = await Hub.start();
  root = await broadcast(hub);
});

afterEach(async () => {
  root.stop();
  await hub.stop();
  rmSync(folder, { recursive: true });
});

test('the package is what npx needs, and relays from an empty folder', async () => {
  // As it was built for these tests: its dependencies are installed, its development dependencies are not.
  const { stdout } = await run('npm', ['pack', '--ignore-scripts', '--json', '--pack-destination', folder], { cwd: here, env });
  const [{ filename, files }] = JSON.parse(stdout) as [{ filename: string; files: { path: string }[] }];
  expect(files.map(({ path }) => path).sort()).toEqual(['README.md', 'dist/main.js', 'dist/main.js.map', 'package.json']);

  const relay = spawn('npx', ['--yes', '--prefer-offline', `--package=./${filename}`, '--', 'beacon-relay', hub.url, hub.streamId, '--bind', '127.0.0.1'], { cwd: folder, env });
  let output = '';
  for (const stream of [relay.stdout, relay.stderr]) stream.on('data', (data: Buffer) => (output += data.toString()));
  const ended = new Promise((resolve) => relay.once('exit', resolve));
  let code: unknown;
  void ended.then((with_) => (code = with_));
  await until(() => hub.peerIds.length > 1 || code !== undefined, 'the relay joins', 90_000);
  expect({ code, output }).toMatchObject({ code: undefined });

  const relayId = hub.peerIds.at(-1)!;
  hub.assign(relayId, root.peerId);
  const viewer = await watch(hub);
  hub.assign(viewer.peerId, relayId, 2);
  await until(() => viewer.sequences().length > 20, `the viewer is fed: ${output}`);
  viewer.stop();
  hub.end();
  expect(await ended).toBe(0);
}, 150_000);
