import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { ParentKeeper } from '../src/mesh/parentKeeper';
import type { Parent, ParentLinkEvents } from '../src/mesh/parentLink';
import { chunk } from './chunks';

class FakeParent implements Parent {
  open = false;
  answered = false;
  closed = false;
  readonly said: string[] = [];
  constructor(
    readonly peerId: string,
    private readonly events: ParentLinkEvents,
  ) {}
  activate(from: number | undefined): void {
    this.said.push(`active ${from ?? 'now'}`);
  }
  standBy(): void {
    this.said.push('standby');
  }
  close(): void {
    if (this.closed) return;
    this.closed = true;
    this.open = false;
    this.events.closed();
  }
  opens(): void {
    this.open = true;
    this.events.opened();
  }
  sends(sequence: number): void {
    this.events.heard();
    this.events.chunk(chunk(sequence).bytes);
  }

  /** It lives, and has nothing. */
  breathes(): void {
    this.events.heard();
  }
}

function setUp() {
  const links: FakeParent[] = [];
  const received: string[] = [];
  let next: number | undefined;
  let now = 0;
  const onStranded = vi.fn();
  const onSilent = vi.fn();
  const onConnected = vi.fn();
  const genuine = { on: true };
  const keeper: ParentKeeper = new ParentKeeper({
    connect: ({ peerId }, events) => {
      const link = new FakeParent(peerId, events);
      links.push(link);
      return link;
    },
    nextSequence: () => next,
    onChunk: (bytes, from) => {
      next = new DataView(bytes.buffer).getUint32(20) + 1;
      received.push(`${next - 1} of ${from}`);
      if (genuine.on) keeper.delivered(from);
    },
    onGap: () => undefined,
    onKey: () => undefined,
    onSilent,
    onConnected,
    onChange: () => undefined,
    onStranded,
    silenceMs: 130,
    now: () => now,
  });
  /** Time goes by, and the keeper is called regularly until just before the end of it. */
  const pass = (ms: number) => {
    for (const end = now + ms; now < end; ) {
      now = Math.min(end, now + 20);
      if (now < end) keeper.tick();
    }
  };
  const latest = (peerId: string) => links.filter((link) => link.peerId === peerId).at(-1)!;
  const assign = (peerId: string, version: number, depth = 1) =>
    keeper.assign({ peerId, ticket: 't', version: BigInt(version), depth });
  const standBy = (peerId: string, version: number) =>
    keeper.assignStandby(peerId ? { peerId, ticket: 't', version: BigInt(version), depth: 0 } : undefined, BigInt(version));
  return { keeper, links, received, latest, assign, standBy, onStranded, onSilent, onConnected, genuine, pass, skip: (ms: number) => (now += ms) };
}

/** A is assigned and feeds, B stands by. */
function fed() {
  const all = setUp();
  all.assign('A', 1);
  all.latest('A').opens();
  all.latest('A').sends(1);
  all.standBy('B', 2);
  all.latest('B').opens();
  return { ...all, A: all.latest('A'), B: all.latest('B') };
}

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

describe('the keeper of parents', () => {
  test('asks the assigned parent for the current group as soon as it is connected', () => {
    const { assign, latest, keeper } = setUp();
    assign('A', 1);
    expect(latest('A').said).toEqual([]);
    latest('A').opens();
    expect(latest('A').said).toEqual(['active now']);
    expect(keeper.feedingPeerId).toBeUndefined();
    latest('A').sends(1);
    expect(keeper.feedingPeerId).toBe('A');
  });

  test('tells when the assigned parent is connected, and of no other', () => {
    const { A, B, assign, onConnected } = fed();
    expect(onConnected.mock.calls).toEqual([['A']]);
    assign('B', 3);
    expect([onConnected.mock.calls, A.closed, B.closed]).toEqual([[['A'], ['B']], false, false]);
  });

  test('lets the former parent go only when chunks of the new one flow', () => {
    const { assign, latest, keeper, A } = fed();
    assign('C', 3);
    latest('C').opens();
    expect(latest('C').said).toEqual(['active 2']);
    expect([A.closed, keeper.feedingPeerId]).toEqual([false, 'A']);
    latest('C').sends(2);
    expect([A.closed, keeper.feedingPeerId]).toEqual([true, 'C']);
  });

  test('keeps the connection when the same parent is assigned again', () => {
    const { assign, links, A } = fed();
    assign('A', 3);
    expect([links.length, A.closed, A.said]).toEqual([2, false, ['active now']]);
  });

  test.each(['parent', 'standby'] as const)('offers itself anew when the server names a %s again that has not answered', (role) => {
    const { links, latest, keeper } = setUp();
    const name = (version: bigint) => {
      const assignment = { peerId: 'A', ticket: 't', version, depth: 1 };
      if (role === 'parent') keeper.assign(assignment);
      else keeper.assignStandby(assignment, version);
    };
    name(1n);
    name(2n);
    expect(links.map(({ closed }) => closed)).toEqual([true, false]);
    latest('A').answered = true;
    name(3n);
    expect(links).toHaveLength(2);
  });

  test('ignores an older assignment, and accepts it after a new session', () => {
    const { assign, keeper } = fed();
    assign('C', 1);
    expect(keeper.assigned?.peerId).toBe('A');
    keeper.expectNewVersions();
    assign('C', 1);
    expect(keeper.assigned?.peerId).toBe('C');
  });

  test('connects the standby without asking it for anything', () => {
    expect(fed().B.said).toEqual(['standby']);
  });

  test('goes on with the standby at once when the parent is lost, from the next sequence number', () => {
    const { A, B, keeper, received } = fed();
    A.close();
    expect(B.said).toEqual(['standby', 'active 2']);
    B.sends(2);
    expect(keeper.feedingPeerId).toBe('B');
    expect(received).toEqual(['1 of A', '2 of B']);
  });

  test('promotes the standby without a new connection when the server confirms it', () => {
    const { A, B, assign, links, keeper } = fed();
    A.close();
    B.sends(2);
    assign('B', 3);
    expect([links.length, B.closed, B.said, keeper.feedingPeerId]).toEqual([2, false, ['standby', 'active 2'], 'B']);
  });

  test('takes 130 ms without a word for a loss, and not less', () => {
    const { B, keeper, pass } = fed();
    pass(130);
    keeper.tick();
    expect(B.said).toEqual(['standby']);
    pass(1);
    keeper.tick();
    expect(B.said).toEqual(['standby', 'active 2']);
  });

  test('lets the standby fall silent again when the parent has only had a hiccup', () => {
    const { A, B, pass, received } = fed();
    pass(200);
    expect(B.said).toEqual(['standby', 'active 2']);
    A.sends(2);
    pass(20);
    expect(B.said).toEqual(['standby', 'active 2']);
    A.sends(3);
    pass(40);
    expect(B.said).toEqual(['standby', 'active 2', 'standby']);
    expect(received).toEqual(['1 of A', '2 of A', '3 of A']);
  });

  test('is more patient with a parent that has paused before', () => {
    const { A, B, keeper, pass } = fed();
    for (const pause of [10, 120, 10, 10]) {
      pass(pause);
      A.sends(2);
    }
    // A quarter more than the 120 ms of before, which count a little less by now.
    pass(142);
    keeper.tick();
    expect(B.said).toEqual(['standby']);
    pass(8);
    keeper.tick();
    expect(B.said).toEqual(['standby', 'active 3']);
  });

  test('does not take its own standstill for the silence of a parent', () => {
    const { B, keeper, skip, pass } = fed();
    skip(400);
    keeper.tick();
    expect(B.said).toEqual(['standby']);
    pass(20);
    keeper.tick();
    expect(B.said).toEqual(['standby', 'active 2']);
  });

  test('gives a parent that lives but has nothing 700 ms, for it may be changing parents itself', () => {
    const { A, B, keeper, pass } = fed();
    for (let ms = 0; ms < 700; ms += 50) {
      pass(50);
      A.breathes();
      keeper.tick();
    }
    expect(B.said).toEqual(['standby']);
    pass(1);
    A.breathes();
    keeper.tick();
    expect(B.said).toEqual(['standby', 'active 2']);
  });

  test('tells of a parent that lives and has nothing for five seconds while the standby has', () => {
    const { A, B, keeper, pass, onSilent } = fed();
    for (let ms = 50, sequence = 2; ms <= 5000; ms += 50) {
      pass(50);
      A.breathes();
      keeper.tick();
      if (keeper.feedingPeerId === 'B' || B.said.length > 1) B.sends(sequence++);
    }
    expect([keeper.feedingPeerId, onSilent.mock.calls]).toEqual(['B', []]);
    pass(50);
    B.sends(200);
    keeper.tick();
    // Called every tick until the peer leaves it.
    expect(onSilent).toHaveBeenCalledWith('A');
  });

  test('tells of a parent that makes a new connection and then says nothing at all, and not of one that only died', () => {
    const { A, B, latest, keeper, pass, onSilent } = fed();
    pass(131);
    keeper.tick();
    const lasts = (ms: number) => {
      for (let at = 0; at < ms; at += 50) {
        pass(50);
        B.sends(at);
        keeper.tick();
      }
    };
    lasts(2000);
    expect([A.closed, onSilent.mock.calls]).toEqual([true, []]);
    vi.advanceTimersByTime(250);
    latest('A').opens();
    lasts(2100);
    expect(onSilent.mock.calls).toEqual([['A']]);
  });

  test('is not fed by what turns out not to be the broadcaster\'s', () => {
    const { B, keeper, genuine, pass, A } = fed();
    pass(131);
    keeper.tick();
    genuine.on = false;
    B.sends(2);
    expect(keeper.feedingPeerId).toBe('A');
    genuine.on = true;
    A.sends(3);
    expect(keeper.feedingPeerId).toBe('A');
  });

  test('leaves a parent that broke the rules, goes on with the standby, and does not come back for a minute', () => {
    const { A, B, keeper, assign, links, pass } = fed();
    keeper.shun('A', 60_000);
    expect([A.closed, B.said]).toEqual([true, ['standby', 'active 2']]);
    B.sends(2);
    vi.advanceTimersByTime(30_000);
    assign('A', 3);
    expect([links.length, keeper.feedingPeerId]).toEqual([2, 'B']);
    pass(60_000);
    assign('A', 4);
    expect(links.length).toBe(3);
  });

  test('is stranded when all whom it may ask broke the rules', () => {
    const { keeper, onStranded } = fed();
    keeper.shun('B', 60_000);
    expect(onStranded).not.toHaveBeenCalled();
    keeper.shun('A', 60_000);
    expect(onStranded).toHaveBeenCalledTimes(1);
  });

  test('comes back to them after two seconds all the same, for nobody is worse than they are', () => {
    const { keeper, latest, links, pass } = fed();
    keeper.shun('B', 60_000);
    keeper.shun('A', 60_000);
    pass(2000);
    keeper.tick();
    expect(links.length).toBe(2);
    pass(40);
    keeper.tick();
    expect(links.map(({ peerId }) => peerId)).toEqual(['A', 'B', 'A', 'B']);
    latest('B').opens();
    latest('B').sends(2);
    expect(keeper.feedingPeerId).toBe('B');
  });

  test('returns to the assigned parent when it delivers again', () => {
    const { A, B, keeper, pass } = fed();
    pass(131);
    keeper.tick();
    B.sends(2);
    expect([keeper.feedingPeerId, A.closed]).toEqual(['B', false]);
    A.sends(3);
    expect(keeper.feedingPeerId).toBe('A');
    expect(B.said).toEqual(['standby', 'active 2', 'standby']);
  });

  test('gives a connection up of which nothing was heard for two seconds, and makes a new one', () => {
    const { A, B, keeper, pass, links } = fed();
    pass(131);
    keeper.tick();
    B.sends(2);
    pass(1869);
    B.sends(3);
    keeper.tick();
    expect(A.closed).toBe(false);
    pass(1);
    keeper.tick();
    vi.advanceTimersByTime(250);
    expect([A.closed, links.length]).toEqual([true, 3]);
  });

  test('knows whether somebody else was asked for what one parent lacks', () => {
    const { A, keeper, pass } = fed();
    expect([keeper.othersAsked('A'), keeper.othersAsked('B')]).toEqual([false, true]);
    pass(131);
    keeper.tick();
    expect([keeper.othersAsked('A'), keeper.othersAsked('B')]).toEqual([true, false]);
    A.sends(2);
    expect(keeper.othersAsked('B')).toBe(true);
  });

  test('closes a standby that was withdrawn', () => {
    const { B, standBy, keeper } = fed();
    standBy('', 3);
    expect([B.closed, keeper.standbyPeerId]).toEqual([true, undefined]);
  });

  test('tries a lost parent again, and says that it is stranded after four attempts', () => {
    const { assign, links, latest, onStranded } = setUp();
    assign('A', 1);
    for (let attempt = 1; attempt <= 4; attempt++) {
      latest('A').close();
      expect([links.length, onStranded.mock.calls.length]).toEqual([attempt, 0]);
      vi.advanceTimersByTime(2000);
    }
    expect(links.length).toBe(5);
    latest('A').close();
    expect(onStranded).toHaveBeenCalledTimes(1);
  });

  test('connects to nobody any more once it is closed', () => {
    const { keeper, A, B, links } = fed();
    keeper.close();
    vi.advanceTimersByTime(10_000);
    expect([A.closed, B.closed, links.length]).toEqual([true, true, 2]);
  });
});
