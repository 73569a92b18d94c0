import { describe, expect, test } from 'vitest';
import { guestTokens, mostInNeed } from '../src/donor';
import { readOptions } from '../src/options';

describe('the command line', () => {
  test('needs only the address of the server', () => {
    expect(readOptions(['https://beacon.example/some/path'], {})).toEqual({
      url: 'https://beacon.example',
      streamId: undefined,
      uplinkMbps: 20,
      name: 'Relay',
      token: undefined,
      bindAddress: undefined,
    });
  });

  test('takes everything that can be set, and the token from the environment too', () => {
    const args = ['http://h:8080', 'stream', '--uplink', '2.5', '--name', 'Ada', '--token', 't', '--bind', '127.0.0.1'];
    expect(readOptions(args, { BEACON_TOKEN: 'e' })).toEqual({ url: 'http://h:8080', streamId: 'stream', uplinkMbps: 2.5, name: 'Ada', token: 't', bindAddress: '127.0.0.1' });
    expect(readOptions(['http://h'], { BEACON_TOKEN: 'e' })?.token).toBe('e');
  });

  test('tells how it is used', () => {
    expect(readOptions(['--help'], {})).toBeUndefined();
  });

  test.each([
    [[], 'URL must be'],
    [['ftp://h'], 'URL must be'],
    [['http://h', 'a', 'b'], '“b” is one too many'],
    [['http://h', '--uplink', '0'], '--uplink must be'],
    [['http://h', '--uplink', '10001'], '--uplink must be'],
    [['http://h', '--uplink', 'much'], '--uplink must be'],
    [['http://h', '--name', ''], '--name must have'],
    [['http://h', '--name', 'x'.repeat(41)], '--name must have'],
    [['http://h', '--loud'], '--loud'],
  ])('says what is wrong with %j', (args, message) => {
    expect(() => readOptions(args, {})).toThrow(message);
  });
});

describe('the stream that needs a relay most', () => {
  const stream = (streamId: string, viewers: number, spareSlots: number) => ({ streamId, viewers, spareSlots, channel: '', title: '', broadcasterAccountId: '', startedAt: '' });

  test('has the fewest free slots for its viewers', () => {
    expect(mostInNeed([stream('a', 10, 10), stream('b', 100, 20), stream('c', 2, 2)])?.streamId).toBe('b');
    expect(mostInNeed([])).toBeUndefined();
  });
});

describe('the guest account', () => {
  const session = (accessToken: string) => ({ accountId: 'a', accessToken, refreshToken: `r-${accessToken}`, expiresAt: '', channel: '' });

  test('is kept by refreshing its token, and made anew when that no longer works', async () => {
    const used: string[] = [];
    let made = 0;
    const tokens = guestTokens(
      {
        createGuest: () => Promise.resolve(session(`new${++made}`)),
        refreshTokens: (token) => {
          used.push(token);
          return used.length === 1 ? Promise.resolve(session('fresh')) : Promise.reject(new Error('used'));
        },
      },
      'Ada',
    );
    expect([await tokens('initial'), await tokens('expiring'), await tokens('rejected')]).toEqual(['new1', 'fresh', 'new2']);
    expect(used).toEqual(['r-new1', 'r-fresh']);
  });
});
