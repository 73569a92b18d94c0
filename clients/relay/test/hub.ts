import { createHmac, generateKeyPairSync, randomBytes, randomUUID, sign } from 'node:crypto';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { create, fromBinary, toBinary, type MessageInitShape } from '@bufbuild/protobuf';
import { WebSocketServer, type WebSocket } from 'ws';
import {
  ClientFrameSchema,
  ServerFrameSchema,
  type ClientFrame,
  type JoinStream,
  type MetricsReport,
} from '../../web/packages/beacon-client/src/gen/beacon/signaling/v1/frames_pb';

type ServerPayload = NonNullable<MessageInitShape<typeof ServerFrameSchema>['frame']>;

/** What can be wrong with the ticket of an edge. */
export type TicketFlaw = 'missing' | 'of another child' | 'of another stream' | 'expired' | 'forged';

const part = (value: object) => Buffer.from(JSON.stringify(value)).toString('base64url');

/** The server's place in these tests: real frames over a real WebSocket, but who feeds whom is decided by the test. */
export class Hub {
  readonly streamId = `0192f3a4-b5c6-7d8e-9f01-${randomUUID().slice(24)}`;
  readonly #keys = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  readonly #peers = new Map<string, WebSocket>();
  /** Of the peers that take keyed tickets. */
  readonly #ticketKeys = new Map<string, Uint8Array<ArrayBuffer>>();
  readonly #reports = new Map<string, MetricsReport[]>();
  readonly #joins = new Map<string, JoinStream>();
  readonly #offers = new Map<string, number>();
  readonly #http: Server;
  readonly #sockets: WebSocketServer;
  #version = 0n;
  /** So many of the next offers are lost on their way. */
  offersToLose = 0;

  private constructor() {
    this.#http = createServer(({ method, url = '' }, response) => {
      response.setHeader('content-type', 'application/json');
      if (method === 'POST' && url === '/api/auth/guest') response.end(JSON.stringify({ accountId: 'a', accessToken: 'token', refreshToken: 'r', expiresAt: '', channel: '' }));
      else if (url === '/api/streams') response.end(JSON.stringify({ streams: [{ streamId: this.streamId, viewers: 1, spareSlots: 1 }] }));
      else response.end('{}');
    });
    this.#sockets = new WebSocketServer({ server: this.#http, handleProtocols: () => 'beacon.v1.proto' });
    this.#sockets.on('connection', (socket) => this.#greet(socket));
  }

  static async start(): Promise<Hub> {
    const hub = new Hub();
    await new Promise<void>((resolve) => hub.#http.listen(0, '127.0.0.1', resolve));
    return hub;
  }

  get url(): string {
    return `http://127.0.0.1:${(this.#http.address() as AddressInfo).port}`;
  }

  /** The peers that joined, in order; the root first. */
  get peerIds(): string[] {
    return [...this.#peers.keys()];
  }

  reportsOf(peerId: string): MetricsReport[] {
    return this.#reports.get(peerId) ?? [];
  }

  /** Everything that a peer named as fault of another one. */
  faults(of: string, about: string): number[] {
    return this.reportsOf(of).flatMap(({ faults }) => faults.filter(({ parentPeerId }) => parentPeerId === about).map(({ kind }) => kind));
  }

  /** Bytes that a peer says it got from another one. */
  receipt(of: string, from: string): number {
    return Number(this.reportsOf(of).at(-1)?.receipts.find(({ parentPeerId }) => parentPeerId === from)?.bytes ?? 0);
  }

  assign(child: string, parent: string, depth = 1, flaw?: TicketFlaw): void {
    const version = ++this.#version;
    const ticket = this.#ticket(parent, child, flaw);
    this.#tell(child, { case: 'parentAssigned', value: { streamId: this.streamId, stripe: 0, version, parentPeerId: parent, ticket, depth, reason: 'joined' } });
  }

  standBy(child: string, standby: string): void {
    const version = ++this.#version;
    this.#tell(child, { case: 'standbyAssigned', value: { streamId: this.streamId, stripe: 0, version, standbyPeerId: standby, ticket: this.#ticket(standby, child) } });
  }

  /** What a peer said when it joined. */
  joinOf(peerId: string): JoinStream | undefined {
    return this.#joins.get(peerId);
  }

  /** How often a peer has asked to be somebody's child. */
  offersOf(peerId: string): number {
    return this.#offers.get(peerId) ?? 0;
  }

  /** A signal that its receiver never asked for. */
  forge(from: string, to: string, kind: 'answer' | 'candidate'): void {
    this.#tell(to, { case: 'signal', value: { streamId: this.streamId, peerId: from, stripe: 0, payload: { case: kind, value: kind === 'answer' ? 'v=0' : '{"candidate":""}' } } });
  }

  end(): void {
    for (const peerId of this.peerIds) this.#tell(peerId, { case: 'streamEnded', value: { streamId: this.streamId, reason: 'ended' } });
  }

  async stop(): Promise<void> {
    for (const socket of this.#sockets.clients) socket.terminate();
    this.#http.closeAllConnections();
    await new Promise((resolve) => this.#http.close(resolve));
  }

  #greet(socket: WebSocket): void {
    const jwk = this.#keys.publicKey.export({ format: 'jwk' });
    this.#send(socket, { case: 'welcome', value: { sessionId: randomUUID(), accountId: 'a', serverTimeMs: BigInt(Date.now()), reportIntervalMs: 200, maxFrameBytes: 65_536, ticketKeyJwk: JSON.stringify(jwk) } });
    socket.on('message', (data) => this.#receive(socket, fromBinary(ClientFrameSchema, new Uint8Array(data as Buffer))));
    socket.on('error', () => undefined);
  }

  #receive(socket: WebSocket, { requestId, frame }: ClientFrame): void {
    const { streamId } = this;
    const self = [...this.#peers].find(([, of]) => of === socket)?.[0] ?? '';
    switch (frame.case) {
      case 'goLive': {
        const peerId = this.#seat(socket);
        const keyCertificate = this.#sign({ typ: 'beacon-stream-key', stream: streamId, key: JSON.parse(frame.value.signingKeyJwk) });
        return this.#send(socket, { case: 'streamLive', value: { streamId, peerId, channel: 'c', resumeTicket: peerId, keyCertificate } }, requestId);
      }
      case 'joinStream': {
        const peerId = this.#seat(socket);
        this.#joins.set(peerId, frame.value);
        const ticketKey = new Uint8Array(frame.value.ticketMac ? randomBytes(32) : []);
        if (ticketKey.length > 0) this.#ticketKeys.set(peerId, ticketKey);
        return this.#send(socket, { case: 'streamJoined', value: { streamId, peerId, channel: 'c', title: 't', bitrateKbps: 1000, resumeTicket: 'r', ticketKey } }, requestId);
      }
      case 'signal':
        if (frame.value.payload.case === 'offer') {
          this.#offers.set(self, this.offersOf(self) + 1);
          if (this.offersToLose-- > 0) return;
        }
        return this.#tell(frame.value.peerId, { case: 'signal', value: { ...frame.value, peerId: self } });
      case 'metricsReport':
        this.#reports.set(self, [...this.reportsOf(self), frame.value]);
        return;
      default:
        return;
    }
  }

  #seat(socket: WebSocket): string {
    const peerId = `peer-${this.#peers.size}`;
    this.#peers.set(peerId, socket);
    return peerId;
  }

  #ticket(parent: string, child: string, flaw?: TicketFlaw): string {
    if (flaw === 'missing') return '';
    const claims = {
      typ: 'beacon-edge',
      stream: flaw === 'of another stream' ? randomUUID() : this.streamId,
      stripe: 0,
      parent,
      child: flaw === 'of another child' ? 'peer-99' : child,
      exp: Math.floor(Date.now() / 1000) + (flaw === 'expired' ? -1 : 60),
    };
    const key = flaw === 'forged' ? randomBytes(32) : this.#ticketKeys.get(parent);
    if (!key) return this.#sign(claims);
    const signed = `${part({ alg: 'HS256' })}.${part(claims)}`;
    return `${signed}.${createHmac('sha256', key).update(signed).digest('base64url')}`;
  }

  #sign(claims: object): string {
    const signed = `${part({ alg: 'ES256' })}.${part(claims)}`;
    return `${signed}.${sign('sha256', Buffer.from(signed), { key: this.#keys.privateKey, dsaEncoding: 'ieee-p1363' }).toString('base64url')}`;
  }

  #tell(peerId: string, frame: ServerPayload): void {
    const socket = this.#peers.get(peerId);
    if (socket) this.#send(socket, frame);
  }

  #send(socket: WebSocket, frame: ServerPayload, requestId = 0n): void {
    if (socket.readyState === socket.OPEN) socket.send(toBinary(ServerFrameSchema, create(ServerFrameSchema, { requestId, frame })));
  }
}
