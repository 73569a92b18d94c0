// Types from the contracts. buf wants every proto below one folder; the contracts and what they import are in two.
import { execFileSync } from 'node:child_process';
import { cpSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const here = fileURLToPath(new URL('.', import.meta.url));
const folder = mkdtempSync(join(tmpdir(), 'beacon-protos-'));
try {
  cpSync(join(here, '../../../../contracts/protos'), folder, { recursive: true });
  cpSync(join(here, 'protos'), folder, { recursive: true });
  execFileSync('buf', ['generate', folder, '--template', 'buf.gen.yaml'], { cwd: here, stdio: 'inherit', shell: process.platform === 'win32' });
} finally {
  rmSync(folder, { recursive: true });
}
