import { describe, expect, test } from 'vitest';
import { Pacer } from '../src/mesh/pacer';
import { Uplink } from '../src/mesh/uplink';

describe('the pacer', () => {
  test('lets through on average what the rate allows', () => {
    let now = 0;
    const pacer = new Pacer(100_000, () => now);
    let sent = 0;
    for (; now < 10_000; now += 20) while (pacer.take(1000)) sent += 1000;
    expect(sent).toBeGreaterThan(990_000);
    expect(sent).toBeLessThanOrEqual(1_000_000 + 16_384 + 1000);
  });

  test('is never stuck on a message larger than its bucket', () => {
    let now = 0;
    const pacer = new Pacer(1000, () => now);
    expect([pacer.take(60_000), pacer.take(1)]).toEqual([true, false]);
    now = 44_000;
    expect(pacer.take(1)).toBe(true);
  });
});

describe('the uplink', () => {
  /** A link of this many bytes a second, and one channel that always has more to send than it may. */
  function link(capacity: number, assumed: number) {
    let now = 0;
    const channel = { bufferedAmount: 0, bytesSent: 0 };
    const others: { bufferedAmount: number; bytesSent: number }[] = [];
    const uplink = new Uplink({ assumedBytesPerSecond: assumed, minBytesPerSecond: 10_000, now: () => now });
    const run = (seconds: number) => {
      const rates: number[] = [];
      for (const end = now + seconds * 1000; now < end; now += 20) {
        while (channel.bufferedAmount < 64 * 1024 && uplink.pacer.take(1000)) channel.bufferedAmount += 1000;
        const left = Math.min(channel.bufferedAmount, (capacity * 20) / 1000);
        channel.bufferedAmount -= left;
        channel.bytesSent += left;
        uplink.observe([channel, ...others]);
        rates.push(uplink.pacer.bytesPerSecond);
      }
      return rates;
    };
    return { uplink, run, channel, others };
  }

  test('is measured by what leaves while data waits, and then paced below that', () => {
    const { uplink, run, channel } = link(125_000, 1_000_000);
    run(5);
    expect(uplink.measuredBytesPerSecond).toBeGreaterThan(0.9 * 125_000);
    expect(uplink.measuredBytesPerSecond).toBeLessThan(1.1 * 125_000);
    // One child alone may have the slow link.
    expect(uplink.linkBytesPerSecond).toBeUndefined();
    // Now and then it probes for more.
    const rates = run(60);
    expect(rates.filter((rate) => rate <= 125_000).length / rates.length).toBeGreaterThan(0.7);
    expect(channel.bufferedAmount).toBeLessThanOrEqual(64 * 1024);
  });

  test('is not judged by a child that is gone, whose data waits for ever', () => {
    const { uplink, run, others } = link(1_000_000, 200_000);
    others.push({ bufferedAmount: 60_000, bytesSent: 500 }, { bufferedAmount: 60_000, bytesSent: 0 });
    run(20);
    expect(uplink.pacer.bytesPerSecond).toBeGreaterThan(500_000);
  });

  test('is not judged by a child that is slow while another one runs freely', () => {
    const { uplink, run, others } = link(1_000_000, 200_000);
    others.push({ bufferedAmount: 0, bytesSent: 0 });
    run(5);
    expect(uplink.measuredBytesPerSecond).toBeUndefined();
  });

  test('that carries more than was believed is found out step by step', () => {
    const { uplink, run } = link(1_000_000, 50_000);
    run(30);
    expect(uplink.pacer.bytesPerSecond).toBeGreaterThan(500_000);
  });

  test('is not known while nothing has to wait, and never paced below what one child needs', () => {
    const { uplink } = link(1_000_000, 0);
    expect([uplink.measuredBytesPerSecond, uplink.pacer.bytesPerSecond]).toEqual([undefined, 10_000]);
  });
});
