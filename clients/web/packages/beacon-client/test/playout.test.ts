import { expect, test } from 'vitest';
import type { MediaFrame } from '../src/chunks/fragmenter';
import { Playout } from '../src/media/playout';

/** A clock that moves only when it is told. */
function standingClock() {
  let nowUs = 0;
  let waiting: { atUs: number; run: () => void }[] = [];
  return {
    nowUs: () => nowUs,
    after: (ms: number, run: () => void) => {
      const timer = { atUs: nowUs + ms * 1000, run };
      waiting.push(timer);
      return () => {
        waiting = waiting.filter((other) => other !== timer);
      };
    },
    moveTo(us: number) {
      for (;;) {
        waiting.sort((a, b) => a.atUs - b.atUs);
        const next = waiting[0];
        if (!next || next.atUs > us) break;
        waiting.shift();
        nowUs = next.atUs;
        next.run();
      }
      nowUs = us;
    },
  };
}

const frame = (timestampUs: number) => ({ timestampUs, audio: false, key: false, data: new Uint8Array() }) as unknown as MediaFrame;

function player(delayMs: number) {
  const clock = standingClock();
  const played: { timestampUs: number; atUs: number }[] = [];
  const playout = new Playout(({ timestampUs }) => played.push({ timestampUs, atUs: clock.nowUs() }), clock);
  playout.delayMs = delayMs;
  return { clock, played, playout };
}

test('without a delay every frame is played as it comes', () => {
  const { clock, played, playout } = player(0);
  clock.moveTo(50_000);
  playout.push(frame(0));
  clock.moveTo(90_000);
  playout.push(frame(33_000));
  expect(played).toEqual([
    { timestampUs: 0, atUs: 50_000 },
    { timestampUs: 33_000, atUs: 90_000 },
  ]);
});

test('with a delay frames that come unevenly are played as evenly as they were captured', () => {
  const { clock, played, playout } = player(500);
  for (const [timestampUs, arrivesUs] of [
    [0, 20_000],
    [100_000, 300_000],
    [200_000, 301_000],
  ] as const) {
    clock.moveTo(arrivesUs);
    playout.push(frame(timestampUs));
  }
  expect(played).toEqual([]);
  clock.moveTo(2_000_000);
  // The quickest was 20 ms on its way, and each packet forgets 5 µs of that.
  expect(played).toEqual([
    { timestampUs: 0, atUs: 520_000 },
    { timestampUs: 100_000, atUs: 620_005 },
    { timestampUs: 200_000, atUs: 720_010 },
  ]);
});

test('a delay that is taken back lets go of what was held, in order', () => {
  const { clock, played, playout } = player(1000);
  playout.push(frame(0));
  playout.push(frame(33_000));
  playout.delayMs = 0;
  clock.moveTo(10_000);
  playout.push(frame(66_000));
  expect(played.map(({ timestampUs }) => timestampUs)).toEqual([0, 33_000, 66_000]);
});

test('a shorter delay holds for what is waiting, too', () => {
  const { clock, played, playout } = player(2000);
  playout.push(frame(0));
  playout.delayMs = 500;
  clock.moveTo(3_000_000);
  expect(played).toEqual([{ timestampUs: 0, atUs: 500_000 }]);
});
