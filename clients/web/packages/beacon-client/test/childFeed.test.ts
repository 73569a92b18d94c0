import { describe, expect, test } from 'vitest';
import { GopCache } from '../src/chunks/cache';
import { decodeChunk, type Bytes } from '../src/chunks/header';
import { ChildFeed } from '../src/mesh/childFeed';
import { chunk, keyChunk } from './chunks';

class FakeChannel {
  readyState: RTCDataChannelState = 'open';
  bufferedAmount = 0;
  full = false;
  readonly sent: (number | string)[] = [];
  send(data: Bytes | string): void {
    if (this.full) throw new Error('buffer full');
    this.sent.push(typeof data === 'string' ? data : decodeChunk(data).sequence);
  }
}

function feed(maxBufferedBytes = 1000) {
  const cache = new GopCache();
  const channel = new FakeChannel();
  const pacer = { allows: true, take: () => pacer.allows };
  let now = 0;
  const child = new ChildFeed(channel, cache, { stripe: 0, maxBufferedBytes, pacer, now: () => now });
  const arrive = (...list: number[]) => {
    for (const n of list) {
      const one = n % 10 === 0 ? keyChunk(n) : chunk(n);
      if (cache.add(one)) child.offer(one);
    }
  };
  return { channel, child, arrive, pacer, pass: (ms: number) => (now += ms) };
}

const gap = (from: number, to: number) => JSON.stringify({ type: 'gap', stripe: 0, from, to });

describe('what a child is sent', () => {
  test('begins with the current group of pictures and goes on with every new chunk', () => {
    const { channel, child, arrive } = feed();
    arrive(10, 11, 20, 21);
    child.activate();
    arrive(22);
    expect(channel.sent).toEqual([20, 21, 22]);
  });

  test('is nothing once its channel has closed behind the back of its state, and that is nobody else\'s error', () => {
    const { channel, child, arrive, pass } = feed();
    arrive(10);
    child.activate();
    channel.full = true;
    arrive(11);
    pass(10_000);
    child.pump();
    channel.readyState = 'closed';
    child.pump();
    expect([channel.sent, child.bytesSent]).toEqual([[10], keyChunk(10).bytes.length]);
  });

  test('is nothing while it only stands by', () => {
    const { channel, child, arrive } = feed();
    arrive(10, 11);
    expect(channel.sent).toEqual([]);
    child.activate();
    child.pause();
    arrive(12);
    expect(channel.sent).toEqual([10, 11]);
  });

  test('waits for a key frame when there is no group yet', () => {
    const { channel, child, arrive } = feed();
    arrive(8);
    child.activate();
    arrive(9, 10, 11);
    expect(channel.sent).toEqual([10, 11]);
  });

  test('goes on from the sequence number that it asked for', () => {
    const { channel, child, arrive } = feed();
    arrive(10, 11, 12, 20, 21);
    child.seek(12);
    expect(channel.sent).toEqual([]);
    child.activate();
    expect(channel.sent).toEqual([12, gap(13, 19), 20, 21]);
  });

  test('is preceded by a gap when what it asked for is no longer there', () => {
    const { channel, child, arrive } = feed();
    arrive(10, 11);
    child.seek(7);
    child.activate();
    expect(channel.sent).toEqual([gap(7, 9), 10, 11]);
  });

  test('is sent again when an active child asks', () => {
    const { channel, child, arrive } = feed();
    arrive(10, 11);
    child.activate();
    child.seek(11);
    expect(channel.sent).toEqual([10, 11, 11]);
  });

  test('fills an announced hole when the chunk comes late, and then goes on where it was', () => {
    const { channel, child, arrive } = feed();
    arrive(10);
    child.activate();
    arrive(12, 11, 13);
    expect(channel.sent).toEqual([10, gap(11, 11), 12, 11, 13]);
  });

  test('leaves out what is older than its beginning', () => {
    const { channel, child, arrive } = feed();
    arrive(20);
    child.activate();
    arrive(19, 21);
    expect(channel.sent).toEqual([20, 21]);
  });

  test('waits in the cache while the channel is full, and follows without a gap when it has drained', () => {
    const size = chunk(11).bytes.length;
    const { channel, child, arrive } = feed(1000);
    arrive(10);
    child.activate();
    channel.bufferedAmount = 1000 - size;
    arrive(11);
    channel.bufferedAmount = 1000 - size + 1;
    arrive(12, 13);
    expect(channel.sent).toEqual([10, 11]);
    channel.bufferedAmount = 0;
    child.pump();
    expect(channel.sent).toEqual([10, 11, 12, 13]);
    expect(child.skippedChunks).toBe(0);
  });

  test('waits for the pacer', () => {
    const { channel, child, arrive, pacer } = feed();
    arrive(10);
    child.activate();
    pacer.allows = false;
    arrive(11);
    expect([channel.sent, child.lag]).toEqual([[10], 1]);
    pacer.allows = true;
    child.pump();
    expect([channel.sent, child.lag]).toEqual([[10, 11], 0]);
  });

  test('does not fail the parent when the browser refuses more, and is tried again', () => {
    const { channel, child, arrive } = feed();
    arrive(10);
    child.activate();
    channel.full = true;
    arrive(11);
    channel.full = false;
    arrive(12);
    expect(channel.sent).toEqual([10, 11, 12]);
  });

  test('is key frames only for a child that fell out of the cache, and everything again after it took two in time', () => {
    const { channel, child, arrive } = feed();
    arrive(10, 11);
    child.activate();
    channel.bufferedAmount = 2000;
    arrive(12, 20, 21, 30, 31);
    expect([channel.sent, child.slow]).toEqual([[10, 11], false]);
    // The cache keeps three groups: what the child waits for is gone now.
    arrive(40, 41);
    expect([channel.sent, child.slow]).toEqual([[10, 11], true]);
    channel.bufferedAmount = 0;
    arrive(42);
    expect(channel.sent).toEqual([10, 11, gap(12, 39), 40]);
    arrive(50, 51, 60, 61);
    expect([child.slow, child.skippedChunks]).toEqual([false, 28 + 9 + 9]);
    expect(channel.sent.slice(4)).toEqual([gap(41, 49), 50, gap(51, 59), 60, 61]);
  });

  test('says that the parent lives when there is nothing else to say, and is quiet otherwise', () => {
    const { channel, child, arrive, pass } = feed();
    child.activate();
    pass(39);
    child.pump();
    expect(channel.sent).toEqual([]);
    pass(1);
    child.pump();
    expect(channel.sent).toEqual(['{"type":"alive"}']);
    arrive(10);
    pass(39);
    child.pump();
    child.pause();
    pass(1000);
    child.pump();
    expect(channel.sent).toEqual(['{"type":"alive"}', 10]);
  });

  test('counts as sent only when it has left the buffer', () => {
    const { channel, child, arrive } = feed();
    arrive(10);
    child.activate();
    const size = keyChunk(10).bytes.length;
    expect(child.bytesSent).toBe(size);
    channel.bufferedAmount = 9;
    expect(child.bytesSent).toBe(size - 9);
  });
});
