import { spawn } from 'node:child_process';
import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

/** A `Beacon.Server` that was built before, with a data directory of its own. */
export interface RunningServer {
  url: string;
  stop(): Promise<void>;
}

const builds = ['Release', 'Debug'].map((configuration) =>
  fileURLToPath(new URL(`../../../../../Beacon.Server/bin/${configuration}/net10.0/Beacon.Server.dll`, import.meta.url)),
);

/** The assembly, or undefined where only the client was built. */
export const serverAssembly = builds.find((path) => existsSync(path));

export async function startServer(assembly: string): Promise<RunningServer> {
  const data = mkdtempSync(join(tmpdir(), 'beacon-rpc-'));
  const [http, grpc, silo, gateway] = (await Promise.all([freePort(), freePort(), freePort(), freePort()])) as [number, number, number, number];
  const server = spawn('dotnet', [assembly], {
    env: {
      ...process.env,
      Beacon__DataDirectory: data,
      Beacon__Endpoints__HttpPort: `${http}`,
      Beacon__Endpoints__GrpcPort: `${grpc}`,
      Beacon__Topology__SiloPort: `${silo}`,
      Beacon__Topology__GatewayPort: `${gateway}`,
    },
  });
  const ended = new Promise<void>((resolve) => server.once('exit', () => resolve()));
  let said = '';
  await new Promise<void>((resolve, reject) => {
    const hear = (text: Buffer) => {
      said += text;
      if (said.includes('Beacon is live')) resolve();
    };
    server.stdout.on('data', hear);
    server.stderr.on('data', hear);
    void ended.then(() => reject(new Error(`The server ended:\n${said}`)));
  });
  return {
    url: `http://127.0.0.1:${http}`,
    async stop() {
      server.kill('SIGTERM');
      await ended;
      rmSync(data, { recursive: true });
    },
  };
}

function freePort(): Promise<number> {
  return new Promise((resolve) => {
    const probe = createServer().listen(0, '127.0.0.1', () => {
      const { port } = probe.address() as { port: number };
      probe.close(() => resolve(port));
    });
  });
}
