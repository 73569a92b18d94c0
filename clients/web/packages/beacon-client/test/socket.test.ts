import { create, fromBinary, toBinary, type MessageInitShape } from '@bufbuild/protobuf';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { Backoff } from '../src/backoff';
import { ClientFrameSchema, ServerFrameSchema, type ClientFrame } from '../src/gen/beacon/signaling/v1/frames_pb';
import { SignalingSocket } from '../src/signaling/socket';
import { TokenKeeper, renewalDelayMs, type TokenRequest } from '../src/signaling/tokens';

class FakeWebSocket {
  static readonly OPEN = 1;
  static all: FakeWebSocket[] = [];
  readyState = 1;
  onmessage?: (event: { data: ArrayBuffer }) => void;
  onclose?: (event: { code: number }) => void;
  readonly sent: ClientFrame[] = [];
  constructor(
    readonly url: string,
    readonly protocols: string[],
  ) {
    FakeWebSocket.all.push(this);
  }
  send(bytes: Uint8Array): void {
    this.sent.push(fromBinary(ClientFrameSchema, bytes));
  }
  close(): void {
    this.drop(1000);
  }
  drop(code: number): void {
    this.readyState = 3;
    this.onclose?.({ code });
  }
  says(frame: MessageInitShape<typeof ServerFrameSchema>['frame'], requestId = 0n): void {
    const bytes = toBinary(ServerFrameSchema, create(ServerFrameSchema, { requestId, frame }));
    this.onmessage?.({ data: Uint8Array.from(bytes).buffer });
  }
  greets(): void {
    this.says({ case: 'welcome', value: { accountId: 'me' } });
  }
}

async function setUp() {
  const asked: TokenRequest[] = [];
  const tokens = new TokenKeeper((request) => {
    asked.push(request);
    return `token-${asked.length}`;
  }, () => undefined);
  const socket = new SignalingSocket({
    url: 'ws://beacon.test/ws',
    tokens,
    backoff: new Backoff({ firstMs: 200, maxMs: 800, random: () => 1 }),
    requestTimeoutMs: 5000,
    webSocket: FakeWebSocket as unknown as typeof WebSocket,
  });
  const states: string[] = [];
  socket.on('state', (state) => states.push(state));
  socket.open();
  await vi.dynamicImportSettled();
  await vi.advanceTimersByTimeAsync(0);
  return { socket, states, asked, latest: () => FakeWebSocket.all.at(-1)! };
}

const join = { case: 'joinStream', value: { streamId: 's' } } as const;

beforeEach(() => {
  vi.useFakeTimers();
  FakeWebSocket.all = [];
});
afterEach(() => void vi.useRealTimers());

describe('the signalling socket', () => {
  test('offers the protobuf subprotocol and the token, and keeps the token out of the address', async () => {
    const { latest } = await setUp();
    expect([latest().url, latest().protocols]).toEqual(['ws://beacon.test/ws', ['beacon.v1.proto', 'bearer.token-1']]);
  });

  test('is open when the server has greeted', async () => {
    const { socket, states, latest } = await setUp();
    latest().greets();
    expect([socket.state, socket.welcome?.accountId, states]).toEqual(['open', 'me', ['connecting', 'open']]);
  });

  test('matches answers to requests by id, in any order', async () => {
    const { socket, latest } = await setUp();
    latest().greets();
    const first = socket.request(join);
    const second = socket.request(join);
    expect(latest().sent.map(({ requestId }) => requestId)).toEqual([1n, 2n]);
    latest().says({ case: 'streamJoined', value: { peerId: 'two' } }, 2n);
    latest().says({ case: 'streamJoined', value: { peerId: 'one' } }, 1n);
    expect([await first, await second].map((frame) => (frame.value as { peerId: string }).peerId)).toEqual(['one', 'two']);
  });

  test('gives each request a trace of its own, which can be named', async () => {
    const { socket, latest } = await setUp();
    latest().greets();
    expect(socket.lastTraceId).toBe('');
    void socket.request(join).catch(() => undefined);
    const first = socket.lastTraceId;
    void socket.request(join).catch(() => undefined);
    expect(first).toMatch(/^[0-9a-f]{32}$/);
    expect(socket.lastTraceId).not.toBe(first);
    expect(latest().sent[0]!.traceparent).toMatch(new RegExp(`^00-${first}-[0-9a-f]{16}-01$`));
    socket.close();
  });

  test("rejects a request with the server's reason", async () => {
    const { socket, latest } = await setUp();
    latest().greets();
    const request = socket.request(join);
    latest().says({ case: 'error', value: { reason: 'stream_full', message: 'full', retryable: true } }, 1n);
    await expect(request).rejects.toMatchObject({ reason: 'stream_full', message: 'full', retryable: true });
  });

  test('gives frames that answer nothing to its listeners', async () => {
    const { socket, latest } = await setUp();
    const seen: (string | undefined)[] = [];
    socket.on('frame', (frame) => seen.push(frame.case));
    latest().greets();
    latest().says({ case: 'waiting', value: { position: 1 } });
    latest().says({ case: 'error', value: { reason: 'rate_limited' } });
    expect(seen).toEqual(['waiting', 'error']);
  });

  test('rejects a request that is not answered in time', async () => {
    const { socket, latest } = await setUp();
    latest().greets();
    const request = socket.request(join);
    const expected = expect(request).rejects.toMatchObject({ reason: 'timeout', retryable: true });
    await vi.advanceTimersByTimeAsync(5000);
    await expected;
  });

  test('sends nothing before it was greeted', async () => {
    const { socket, latest } = await setUp();
    expect(socket.send(join)).toBe(false);
    await expect(socket.request(join)).rejects.toMatchObject({ reason: 'disconnected' });
    expect(latest().sent).toEqual([]);
  });

  test('comes back with growing delays, and at once from the start after a success', async () => {
    const { latest, socket } = await setUp();
    latest().greets();
    latest().drop(1006);
    expect(socket.state).toBe('waiting');
    for (const wait of [200, 400, 800, 800]) {
      const before = FakeWebSocket.all.length;
      await vi.advanceTimersByTimeAsync(wait - 1);
      expect(FakeWebSocket.all.length).toBe(before);
      await vi.advanceTimersByTimeAsync(1);
      expect(FakeWebSocket.all.length).toBe(before + 1);
      latest().drop(1006);
    }
    await vi.advanceTimersByTimeAsync(800);
    latest().greets();
    latest().drop(1006);
    const before = FakeWebSocket.all.length;
    await vi.advanceTimersByTimeAsync(200);
    expect(FakeWebSocket.all.length).toBe(before + 1);
  });

  test('rejects what is under way when the connection is lost', async () => {
    const { socket, latest } = await setUp();
    latest().greets();
    const request = socket.request(join);
    latest().drop(1006);
    await expect(request).rejects.toMatchObject({ reason: 'disconnected', retryable: true });
  });

  test('asks for another token when the server closed with 4401, before or after its greeting', async () => {
    const { latest, asked } = await setUp();
    latest().greets();
    latest().drop(4401);
    await vi.advanceTimersByTimeAsync(200);
    expect([asked, latest().protocols[1]]).toEqual([['initial', 'rejected'], 'bearer.token-2']);
    latest().drop(4401);
    await vi.advanceTimersByTimeAsync(400);
    expect(asked).toEqual(['initial', 'rejected', 'rejected']);
  });

  test('keeps the token when the connection is lost for any other reason', async () => {
    const { latest, asked } = await setUp();
    latest().greets();
    latest().drop(1006);
    await vi.advanceTimersByTimeAsync(200);
    latest().drop(1013);
    await vi.advanceTimersByTimeAsync(400);
    expect([FakeWebSocket.all.length, asked]).toEqual([3, ['initial']]);
  });

  test('gives up a handshake that leads nowhere', async () => {
    const { socket } = await setUp();
    await vi.advanceTimersByTimeAsync(10_000);
    expect(socket.state).toBe('waiting');
  });

  test('stays closed', async () => {
    const { socket, latest } = await setUp();
    latest().greets();
    socket.close();
    await vi.advanceTimersByTimeAsync(60_000);
    expect([socket.state, FakeWebSocket.all.length]).toEqual(['closed', 1]);
  });
});

describe('the access token', () => {
  const token = (claims: object) => `h.${Buffer.from(JSON.stringify(claims)).toString('base64url')}.s`;

  test('is renewed a minute before it expires, sooner when it is short-lived', () => {
    expect(renewalDelayMs(token({ iat: 0, exp: 900 }), 0)).toBe(840_000);
    expect(renewalDelayMs(token({ iat: 0, exp: 50 }), 0)).toBe(40_000);
    expect(renewalDelayMs(token({}), 0)).toBe(Number.POSITIVE_INFINITY);
    expect(renewalDelayMs('opaque', 0)).toBe(Number.POSITIVE_INFINITY);
  });

  test('is asked for once by all who need it at the same time', async () => {
    const provider = vi.fn(async (request: TokenRequest) => `${request} token`);
    const keeper = new TokenKeeper(provider, () => undefined);
    expect(await Promise.all([keeper.current(), keeper.current()])).toEqual(['initial token', 'initial token']);
    keeper.suspect();
    expect(await Promise.all([keeper.current(), keeper.current()])).toEqual(['rejected token', 'rejected token']);
    expect(provider.mock.calls).toEqual([['initial'], ['rejected']]);
  });

  test('is asked for again when the provider failed', async () => {
    const provider = vi.fn().mockRejectedValueOnce(new Error('offline')).mockResolvedValueOnce('token');
    const keeper = new TokenKeeper(provider, () => undefined);
    await expect(keeper.current()).rejects.toThrow('offline');
    expect(await keeper.current()).toBe('token');
  });

  test('is handed on when it was renewed', async () => {
    vi.setSystemTime(0);
    const renewed: string[] = [];
    let count = 0;
    const keeper = new TokenKeeper(() => token({ iat: Date.now() / 1000, exp: Date.now() / 1000 + 900, n: ++count }), (fresh) => renewed.push(fresh));
    const first = await keeper.current();
    await vi.advanceTimersByTimeAsync(839_999);
    expect(renewed).toEqual([]);
    await vi.advanceTimersByTimeAsync(1);
    expect(renewed.length).toBe(1);
    expect(renewed[0]).not.toBe(first);
    keeper.close();
  });
});
