import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { BeaconClient } from 'beacon-client';
import { expect, test } from 'vitest';
import { WebSocket } from 'ws';

// A server that restarts refuses connections, or answers 503 to those who want a WebSocket: no reason for a relay to end.
test.each([503, undefined])('a refused connection (%s) is tried again', async (status) => {
  let upgrades = 0;
  const server = createServer((_, response) => response.writeHead(404).end());
  const again = new Promise<void>((resolve) => {
    server.on('upgrade', (_, socket) => {
      upgrades += 1;
      // The other side may have hung up first.
      socket.on('error', () => undefined);
      if (upgrades === 3) resolve();
      if (status) socket.end(`HTTP/1.1 ${status} Service Unavailable\r\nConnection: close\r\nContent-Length: 0\r\n\r\n`);
      else socket.destroy();
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const client = new BeaconClient({
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    token: 'token',
    readyTimeoutMs: 5000,
    webSocket: WebSocket as unknown as typeof globalThis.WebSocket,
  });
  const relay = client.relay({ streamId: '01890a5d-ac96-774b-bcce-b302099a8057', uplinkMbps: 1 });
  const failed = expect(relay).rejects.toThrow();
  await again;
  client.close();
  await failed;
  await new Promise((resolve) => server.close(resolve));
});
