import { describe, expect, test, vi } from 'vitest';
import { BitrateLadder, type UplinkView } from '../src/media/bitrateLadder';
import { CaptureClock } from '../src/media/captureClock';
import { negotiateVideoCodec, videoEncoderConfig } from '../src/media/codecs';
import { Duty, offeredUplinkMbps } from '../src/mesh/duty';
import { firstSequenceOf } from '../src/resume';

describe('the bitrate ladder', () => {
  /** One judgement a second, from the given second on; returns the shares. */
  const shares = (ladder: BitrateLadder, view: Partial<UplinkView>, from: number, seconds: number) =>
    Array.from({ length: seconds }, (_, i) => ladder.judge({ neededMbps: 2, measuredMbps: undefined, strained: false, ...view }, (from + i) * 1000));

  test('stays at the top while nothing has to wait', () => {
    expect(new Set(shares(new BitrateLadder(), {}, 0, 60))).toEqual(new Set([1]));
  });

  test('goes down step by step to what the uplink carries with room to spare, and no further', () => {
    // 2 Mbit/s × 0.5 × 1.15 = 1.15
    const ladder = new BitrateLadder();
    expect(shares(ladder, { measuredMbps: 1.15 }, 0, 9)).toEqual([0.75, 0.75, 0.75, 0.75, 0.5, 0.5, 0.5, 0.5, 0.5]);
    expect(new Set(shares(ladder, { measuredMbps: 1.15 }, 9, 60))).toEqual(new Set([0.5]));
  });

  test('goes down when the children cannot take it, whatever was measured, and never below a quarter', () => {
    expect(shares(new BitrateLadder(), { strained: true }, 0, 60).at(-1)).toBe(0.25);
  });

  test('comes back up after twenty good seconds, one step at a time', () => {
    const ladder = new BitrateLadder();
    shares(ladder, { strained: true }, 0, 5);
    expect(ladder.share).toBe(0.5);
    expect(shares(ladder, {}, 5, 20).at(-1)).toBe(0.5);
    expect(shares(ladder, {}, 25, 1)).toEqual([0.75]);
    expect(shares(ladder, {}, 26, 20).at(-1)).toBe(0.75);
    expect(shares(ladder, {}, 46, 1)).toEqual([1]);
  });
});

describe('the codec', () => {
  const shape = { width: 640, height: 360, bitrateKbps: 800 };

  test('is the first of the wished ones that the browser encodes', async () => {
    const supports = (...names: string[]) => ({ codec }: VideoEncoderConfig) => Promise.resolve(names.some((name) => codec.startsWith(name)));
    expect(await negotiateVideoCodec(['av1', 'vp9', 'vp8'], shape, supports('vp09', 'vp8'))).toBe('vp9');
    expect(await negotiateVideoCodec(['av1'], shape, supports('vp8'))).toBeUndefined();
  });

  test('that the browser cannot even read is not taken', async () => {
    const isSupported = ({ codec }: VideoEncoderConfig) => (codec === 'nonsense' ? Promise.reject(new TypeError('what?')) : Promise.resolve(true));
    expect(await negotiateVideoCodec(['nonsense', 'vp8'], shape, isSupported)).toBe('vp8');
  });

  test('goes by its short name or by WebCodecs\' own, and H.264 carries its parameter sets in the stream', () => {
    expect(videoEncoderConfig('h264', shape)).toMatchObject({ codec: 'avc1.42E028', avc: { format: 'annexb' }, bitrate: 800_000, latencyMode: 'realtime' });
    expect(videoEncoderConfig('vp09.00.10.08', shape)).toMatchObject({ codec: 'vp09.00.10.08' });
    expect(videoEncoderConfig('vp8', shape)).not.toHaveProperty('avc');
  });
});

describe('the duty to relay', () => {
  test.each([
    [{}, 8],
    [{ metered: true }, 4],
    [{ batteryLevel: 0.29 }, 4],
    [{ batteryLevel: 0.3 }, 8],
    [{ metered: true, batteryLevel: 0.1 }, 2],
  ])('under %j is %d of 8 Mbit/s', (now, offered) => {
    expect(offeredUplinkMbps(8, now)).toBe(offered);
  });

  test('is lowered, and never to less than one viewer needs', () => {
    const both = { metered: true, batteryLevel: 0.1 };
    expect(offeredUplinkMbps(8, both, 2500)).toBe(3.75);
    expect(offeredUplinkMbps(3, both, 2500)).toBe(3);
    expect(offeredUplinkMbps(100, both, 2500)).toBe(25);
    // Who refuses, and who has nothing, is not made to.
    expect(offeredUplinkMbps(0, both, 2500)).toBe(0);
  });

  const machine = (connection: object, battery: object) => {
    const network = Object.assign(new EventTarget(), connection);
    const accumulator = Object.assign(new EventTarget(), battery);
    return { network, accumulator, navigator: { connection: network, getBattery: () => Promise.resolve(accumulator) } as unknown as Navigator };
  };
  const offer = async (navigator: Navigator) => (await Duty.begin(navigator)).offerMbps(8, 0);

  test('is what the browser says of network and battery, and full where it says nothing', async () => {
    expect(await offer(machine({ saveData: true }, { charging: false, level: 0.2 }).navigator)).toBe(2);
    expect(await offer(machine({ type: 'cellular' }, { charging: true, level: 0.2 }).navigator)).toBe(4);
    expect(await offer({} as Navigator)).toBe(8);
    expect(await offer({ getBattery: () => Promise.reject(new Error('no')) } as unknown as Navigator)).toBe(8);
  });

  test('follows the network and the battery while the stream goes on', async () => {
    const { network, accumulator, navigator } = machine({ saveData: false }, { charging: false, level: 0.31 });
    const duty = await Duty.begin(navigator);
    Object.assign(accumulator, { level: 0.29 }).dispatchEvent(new Event('levelchange'));
    expect(duty.offerMbps(8, 0)).toBe(4);
    Object.assign(network, { saveData: true }).dispatchEvent(new Event('change'));
    expect(duty.offerMbps(8, 0)).toBe(2);
    Object.assign(accumulator, { charging: true }).dispatchEvent(new Event('chargingchange'));
    expect(duty.offerMbps(8, 0)).toBe(4);
    duty.end();
    Object.assign(network, { saveData: false }).dispatchEvent(new Event('change'));
    expect(duty.offerMbps(8, 0)).toBe(4);
  });
});

describe('a broadcaster that comes back with a new page', () => {
  const born = 0x0192f3a4b5c6;
  const id = '0192f3a4-b5c6-7d8e-9f01-23456789abcd';

  test('counts on from the age of the stream in milliseconds', () => {
    expect(firstSequenceOf(id, born + 12_345)).toBe(12_345);
  });

  test('stays within the range of sequence numbers, whatever the clocks say', () => {
    expect(firstSequenceOf(id, born - 1)).toBe(0);
    expect(firstSequenceOf(id, born + 2 ** 33)).toBe(0xffffffff);
  });

  test('needs to know when the stream was born', () => {
    expect(() => firstSequenceOf('0192f3a4-b5c6-4d8e-9f01-23456789abcd', born)).toThrow('UUIDv7');
  });
});

describe('the capture clock', () => {
  test('goes on strictly upwards with another track whose timestamps count from elsewhere', () => {
    const now = vi.fn(() => 1_000_200).mockReturnValueOnce(1_000_000);
    const clock = new CaptureClock(now);
    expect([clock.toEpochUs(500), clock.toEpochUs(700)]).toEqual([1_000_000, 1_000_200]);
    clock.restart();
    now.mockReturnValue(1_000_150);
    expect(clock.toEpochUs(90_000_000)).toBe(1_000_201);
    now.mockReturnValue(1_033_000);
    expect(clock.toEpochUs(90_033_000)).toBe(1_033_000);
  });
});
