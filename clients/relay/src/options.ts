import { parseArgs } from 'node:util';

export interface Options {
  /** Origin of the server. */
  url: string;
  /** The stream to relay; undefined = the one that needs it most, and after its end the next one. */
  streamId: string | undefined;
  uplinkMbps: number;
  /** How the guest account is called that earns what this relay forwards. */
  name: string;
  /** An access token of an account of one's own, instead of a guest. */
  token: string | undefined;
  bindAddress: string | undefined;
}

export const USAGE = `beacon-relay URL [STREAM] [options]

Gives bandwidth to a Beacon stream: receives it from one peer and forwards it to others.

  URL                 origin of the server, https://beacon.example
  STREAM              id of a live stream; without one the stream with the fewest free slots, and after its end the next
  --uplink MBPS       what this machine gives, in Mbit/s, more than 0, at most 10000 (default 20)
  --name NAME         name of the guest account that earns the credits, 1 to 40 characters (default Relay)
  --token TOKEN       access token of an account instead of a guest; BEACON_TOKEN in the environment does the same
  --bind ADDRESS      use only this address of the machine
  --help`;

/** What was asked for cannot be done as it was said. */
export class UsageError extends Error {}

/** Undefined when only the usage is wanted. */
export function readOptions(args: string[], environment: Record<string, string | undefined>): Options | undefined {
  const { values, positionals } = parse(args);
  if (values.help) return undefined;
  const [url, streamId, ...rest] = positionals;
  if (!url || !URL.canParse(url) || !/^https?:$/.test(new URL(url).protocol)) throw new UsageError(`URL must be an http or https address, not “${url ?? ''}”.`);
  if (rest.length > 0) throw new UsageError(`One stream at a time: “${rest[0]}” is one too many.`);
  const uplinkMbps = Number(values.uplink);
  if (!(uplinkMbps > 0 && uplinkMbps <= 10_000)) throw new UsageError(`--uplink must be more than 0 and at most 10000, not “${values.uplink}”.`);
  if (values.name.length === 0 || values.name.length > 40) throw new UsageError('--name must have 1 to 40 characters.');
  return {
    url: new URL(url).origin,
    streamId,
    uplinkMbps,
    name: values.name,
    // In the environment it is not seen by everybody who lists the processes.
    token: values.token ?? environment['BEACON_TOKEN'],
    bindAddress: values.bind,
  };
}

function parse(args: string[]) {
  try {
    return parseArgs({
      args,
      allowPositionals: true,
      options: {
        uplink: { type: 'string', default: '20' },
        name: { type: 'string', default: 'Relay' },
        token: { type: 'string' },
        bind: { type: 'string' },
        help: { type: 'boolean', default: false },
      },
    });
  } catch (error) {
    throw new UsageError((error as Error).message);
  }
}
