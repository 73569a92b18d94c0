import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { BeaconError } from '../src/errors';
import { createRpc, LedgerService, RaidsService, SignalingService, TopologyService } from '../src/rpc';
import { serverAssembly, startServer, type RunningServer } from './server';

/** The generated client against the real server, over gRPC-Web as in a browser. test.sh builds the server first. */
describe.skipIf(serverAssembly === undefined)('over gRPC-Web', () => {
  let server: RunningServer;

  beforeAll(async () => {
    server = await startServer(serverAssembly!);
  }, 120_000);

  afterAll(async () => {
    await server?.stop();
  }, 60_000);

  test('a call without a token, and one with the token that it gave', async () => {
    const guest = await createRpc(SignalingService, { url: server.url }).createGuest({ name: 'Ada' });
    expect(guest.accountId).toMatch(/^guest-/);

    const wallet = await createRpc(LedgerService, { url: server.url, token: () => guest.accessToken }).getWallet({});
    expect(wallet).toMatchObject({ accountId: guest.accountId, balanceMicrocredits: 0n, frozen: false });
  });

  test('a stream of messages', async () => {
    for await (const { change } of createRpc(RaidsService, { url: server.url }).watchStreams({})) {
      expect(change).toEqual({ case: 'complete', value: true });
      break;
    }
  });

  test('a failure has the reason of docs/errors.md, whoever found it', async () => {
    const reasonOf = async (call: Promise<unknown>) => {
      const error = await call.then(
        () => undefined,
        (cause: unknown) => cause,
      );
      expect(error).toBeInstanceOf(BeaconError);
      return (error as BeaconError).reason;
    };
    const topology = createRpc(TopologyService, { url: server.url });
    // By a method, by a stream, by authentication before there is one, and by nobody at all.
    expect(await reasonOf(topology.getStream({ streamId: '00000000-0000-0000-0000-000000000000' }))).toBe('unknown_stream');
    expect(await reasonOf(topology.watchTree({ streamId: 'none' })[Symbol.asyncIterator]().next())).toBe('unknown_stream');
    expect(await reasonOf(createRpc(LedgerService, { url: server.url }).getWallet({}))).toBe('missing_token');
    expect(await reasonOf(createRpc(LedgerService, { url: server.url, token: () => 'forged' }).getWallet({}))).toBe('invalid_token');
    expect(await reasonOf(createRpc(RaidsService, { url: 'http://127.0.0.1:1' }).listStreams({}))).toBe('http_error');
  });
});
