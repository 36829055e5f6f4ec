import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { FailureLimit, TEN_A_MINUTE } from '../../src/directory/failure-limit.ts';

const fail = (limit: FailureLimit, address: string, times: number, nowMs = 0): void => {
  for (let n = 0; n < times; n++) limit.failed(address, nowMs);
};

describe('failed authentications', () => {
  test('are let through ten times, then once every six seconds', () => {
    const limit = new FailureLimit();
    fail(limit, '192.0.2.1', 9);
    expect(limit.waitMs('192.0.2.1', 0)).toBe(0);
    fail(limit, '192.0.2.1', 1);
    expect([0, 1000, 5999, 6000].map((nowMs) => limit.waitMs('192.0.2.1', nowMs))).toEqual([6000, 5000, 1, 0]);
    limit.failed('192.0.2.1', 6000);
    expect(limit.waitMs('192.0.2.1', 6000)).toBe(6000);
    expect([limit.waitMs('192.0.2.1', 66_000), limit.waitMs('192.0.2.2', 0)]).toEqual([0, 0]);
  });

  test('during the wait do not make it longer', () => {
    const limit = new FailureLimit();
    fail(limit, '192.0.2.1', 100);
    expect(limit.waitMs('192.0.2.1', 0)).toBe(6000);
  });

  test('a clock that is set back neither forgives nor locks out for longer', () => {
    const limit = new FailureLimit();
    fail(limit, '192.0.2.1', 10, 1_000_000);
    expect(limit.waitMs('192.0.2.1', 0)).toBe(6000);
    limit.failed('192.0.2.1', 0);
    expect(limit.waitMs('192.0.2.1', 6000)).toBe(0);
  });

  for (const { name, failed, asked, shared } of [
    { name: 'an IPv4 address in IPv6 is that address', failed: '::ffff:192.0.2.1', asked: '192.0.2.1', shared: true },
    { name: 'a network of 64 bits is one', failed: '2001:db8:1:2::1', asked: '2001:db8:1:2:ffff::9', shared: true },
    { name: 'its neighbour is another', failed: '2001:db8:1:2::1', asked: '2001:db8:1:3::1', shared: false },
    { name: 'an IPv4 neighbour is another', failed: '192.0.2.1', asked: '192.0.2.2', shared: false },
    { name: 'what is no address stands for itself', failed: 'unix:', asked: 'unix:', shared: true },
    { name: 'one with a zone is told apart from none', failed: 'fe80::1%eth0', asked: 'fe80::2%eth0', shared: true },
  ]) {
    test(name, () => {
      const limit = new FailureLimit();
      fail(limit, failed, 10);
      expect(limit.waitMs(asked, 0) > 0).toBe(shared);
    });
  }

  test('of however many addresses are remembered up to a bound, the latest', () => {
    const limit = new FailureLimit({ ...TEN_A_MINUTE, mostSources: 3 });
    for (const address of ['10.0.0.1', '10.0.0.2', '10.0.0.3']) fail(limit, address, 10);
    limit.failed('10.0.0.1', 0);
    limit.failed('10.0.0.4', 0);
    expect(limit.sources).toBe(3);
    expect(['10.0.0.1', '10.0.0.2', '10.0.0.3'].map((address) => limit.waitMs(address, 0))).toEqual([6000, 0, 6000]);
  });

  test('never get past more than a bucket and what flowed in, by one that heeds the wait', () =>
    fc.assert(
      fc.property(fc.array(fc.nat(20_000), { maxLength: 200 }), (pauses) => {
        const limit = new FailureLimit();
        let nowMs = 0;
        let passed = 0;
        for (const pause of pauses) {
          nowMs += pause;
          if (limit.waitMs('192.0.2.1', nowMs) > 0) continue;
          passed++;
          limit.failed('192.0.2.1', nowMs);
        }
        expect(passed).toBeLessThanOrEqual(10 + nowMs / 6000 + 1e-6);
      }),
    ));
});
