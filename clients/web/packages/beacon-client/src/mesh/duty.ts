/** What a machine says of itself; undefined where the browser does not tell. */
export interface Circumstances {
  /** The person asked the browser to save data, or the network is a mobile one. */
  metered?: boolean | undefined;
  /** 0 to 1, while it is not being charged. */
  batteryLevel?: number | undefined;
}

const LOW_BATTERY = 0.3;
/** Who watches relays: the duty is lowered, and never goes away. */
const LEAST_SHARE = 0.25;

/** What a peer offers of its uplink: half on a metered network, half again on a low battery. */
export function offeredUplinkMbps(uplinkMbps: number, { metered = false, batteryLevel = 1 }: Circumstances): number {
  const share = (metered ? 0.5 : 1) * (batteryLevel < LOW_BATTERY ? 0.5 : 1);
  return uplinkMbps * Math.max(LEAST_SHARE, share);
}

interface Battery {
  charging: boolean;
  level: number;
}

type TellingNavigator = Navigator & {
  connection?: { saveData?: boolean; type?: string };
  getBattery?: () => Promise<Battery>;
};

/** Asks the browser. Chromium tells both, Firefox and Safari neither. */
export async function circumstances(navigator: Navigator | undefined = globalThis.navigator): Promise<Circumstances> {
  const { connection, getBattery } = (navigator ?? {}) as TellingNavigator;
  const battery = await getBattery?.call(navigator).catch(() => undefined);
  return {
    metered: connection?.saveData === true || connection?.type === 'cellular',
    batteryLevel: battery && !battery.charging ? battery.level : undefined,
  };
}
