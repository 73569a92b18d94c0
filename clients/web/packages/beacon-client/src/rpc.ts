import type { DescService } from '@bufbuild/protobuf';
import { Code, ConnectError, createClient, type Client, type Interceptor, type Transport } from '@connectrpc/connect';
import { createGrpcWebTransport } from '@connectrpc/connect-web';
import { BeaconError } from './errors';
import { ErrorInfoSchema } from './gen/google/rpc/error_details_pb';

export { LedgerBackupsService, LedgerOperatorService, LedgerService } from './gen/beacon/ledger/v1/ledger_service_pb';
export { RaidsService } from './gen/beacon/raids/v1/raids_service_pb';
export { SignalingOperatorService, SignalingService } from './gen/beacon/signaling/v1/signaling_service_pb';
export { TopologyService } from './gen/beacon/topology/v1/topology_service_pb';

/** Where calls go, and who makes them. */
export interface RpcOptions {
  /** The origin of Beacon, e.g. `https://beacon.example`. */
  url: string;
  /** The access token, asked for before each call; undefined or absent for what anybody may ask. */
  token?: () => string | undefined | Promise<string | undefined>;
}

/**
 * A typed client of one service, generated from the contracts, over gRPC-Web. Unary calls are promises, streams are async iterables. Failures
 * are `BeaconError`s with the reasons of docs/errors.md. Only the service that is asked for ends up in a bundle.
 */
export function createRpc<Service extends DescService>(service: Service, options: RpcOptions): Client<Service> {
  return createClient(service, translating(createGrpcWebTransport({ baseUrl: options.url, interceptors: [tokens(options.token)] })));
}

const tokens =
  (token: RpcOptions['token']): Interceptor =>
  (next) =>
  async (request) => {
    const value = await token?.();
    if (value !== undefined) request.header.set('authorization', `Bearer ${value}`);
    return next(request);
  };

/** Around the transport and not within it: what an interceptor throws is wrapped once more. */
const translating = (transport: Transport): Transport => ({
  unary: (...call) => transport.unary(...call).catch(rethrow),
  stream: async (...call) => {
    const response = await transport.stream(...call).catch(rethrow);
    return { ...response, message: translated(response.message) };
  },
});

const rethrow = (cause: unknown): never => {
  throw translate(cause);
};

async function* translated<T>(messages: AsyncIterable<T>): AsyncIterable<T> {
  try {
    yield* messages;
  } catch (error) {
    throw translate(error);
  }
}

/** What a proxy or the network said has no reason of Beacon's. */
function translate(cause: unknown): BeaconError {
  const error = ConnectError.from(cause);
  const info = error.findDetails(ErrorInfoSchema)[0];
  if (info) return new BeaconError(info.reason, error.rawMessage, info.metadata['retryable'] === 'true', { cause });
  return new BeaconError('http_error', error.rawMessage, error.code === Code.Unavailable, { cause });
}
