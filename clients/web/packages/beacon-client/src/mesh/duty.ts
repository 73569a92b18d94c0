/** What a machine says of itself; undefined where the browser does not tell. */
export interface Circumstances {
  /** The person asked the browser to save data, or the network is a mobile one. */
  metered?: boolean | undefined;
  /** 0 to 1, while it is not being charged. */
  batteryLevel?: number | undefined;
}

const LOW_BATTERY = 0.3;
/** Whoever can feed one child goes on feeding one: so much of the bitrate is more than a server asks of an uplink for that. */
const ROOM_FOR_ONE = 1.5;

/**
 * What a peer offers of its uplink: half on a metered network, half again on a low battery. Who watches relays, so the duty is lowered and never goes away: what one
 * child of the stream needs is offered always, where there is so much.
 */
export function offeredUplinkMbps(uplinkMbps: number, { metered = false, batteryLevel = 1 }: Circumstances, bitrateKbps = 0): number {
  const share = (metered ? 0.5 : 1) * (batteryLevel < LOW_BATTERY ? 0.5 : 1);
  return Math.max(uplinkMbps * share, Math.min(uplinkMbps, (ROOM_FOR_ONE * bitrateKbps) / 1000));
}

interface Battery extends EventTarget {
  charging: boolean;
  level: number;
}

type TellingNavigator = Navigator & {
  connection?: EventTarget & { saveData?: boolean; type?: string };
  getBattery?: () => Promise<Battery>;
};

/** Knows what this machine can bear at the moment. Chromium tells of network and battery, Firefox and Safari of neither: then the full uplink is offered. */
export class Duty {
  #now: Circumstances = {};
  readonly #stops = new AbortController();

  private constructor(
    private readonly connection: TellingNavigator['connection'],
    private readonly battery: Battery | undefined,
  ) {
    const { signal } = this.#stops;
    const look = () => this.#look();
    connection?.addEventListener('change', look, { signal });
    for (const event of ['chargingchange', 'levelchange']) battery?.addEventListener(event, look, { signal });
    look();
  }

  static async begin(navigator: Navigator | undefined = globalThis.navigator): Promise<Duty> {
    const { connection, getBattery } = (navigator ?? {}) as TellingNavigator;
    return new Duty(connection, await getBattery?.call(navigator).catch(() => undefined));
  }

  /** @param bitrateKbps Of the stream, 0 while it is not known. */
  offerMbps(uplinkMbps: number, bitrateKbps: number): number {
    return offeredUplinkMbps(uplinkMbps, this.#now, bitrateKbps);
  }

  end(): void {
    this.#stops.abort();
  }

  #look(): void {
    const { connection, battery } = this;
    this.#now = {
      metered: connection?.saveData === true || connection?.type === 'cellular',
      batteryLevel: battery && !battery.charging ? battery.level : undefined,
    };
  }
}
