import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { CircuitBreaker, type Verdict } from '../../../src/app/sending/circuit-breaker.ts';

const PLAN = { failures: 3, firstMs: 1000, ceilingMs: 8000 };
const at = (ms: number, share = 0, retryAfterMs?: number) => ({ nowUs: ms * 1000, share, retryAfterMs });

/** One that has failed so often that it is down, at 0 ms. */
const down = (share = 0, retryAfterMs?: number): CircuitBreaker => {
  const breaker = new CircuitBreaker(PLAN);
  for (let n = 0; n < PLAN.failures; n++) breaker.end(breaker.begin(), 'fails', at(0, share, retryAfterMs));
  return breaker;
};

describe('closed', () => {
  test('it opens with the last of so many failures in a row', () => {
    const breaker = new CircuitBreaker(PLAN);
    const changes = [1, 2, 3].map(() => breaker.end(breaker.begin(), 'fails', at(0)));
    expect(changes).toEqual([undefined, undefined, 'down']);
    expect([breaker.stateAt(0), breaker.downSinceUs, breaker.isFresh]).toEqual(['open', 0, false]);
  });

  test('an answer in between begins the count anew, an end without a verdict does not', () => {
    const breaker = new CircuitBreaker(PLAN);
    const verdicts: Verdict[] = ['fails', 'fails', 'answers', 'fails', 'unknown', 'fails'];
    for (const verdict of verdicts) expect(breaker.end('try', verdict, at(0))).toBeUndefined();
    expect(breaker.stateAt(0)).toBe('closed');
    expect(breaker.end('try', 'fails', at(0))).toBe('down');
  });
});

describe('open', () => {
  for (const { share, opensMs } of [
    { share: 0, opensMs: 500 },
    { share: 0.999999, opensMs: 1000 },
  ])
    test(`nothing may begin for ${opensMs} ms when chance says ${share}`, () => {
      const breaker = down(share);
      expect(breaker.mayBegin(opensMs * 1000 - 10)).toBe(false);
      expect(breaker.mayBegin(opensMs * 1000)).toBe(true);
      expect(breaker.stateAt(opensMs * 1000)).toBe('half-open');
    });

  test('what the target asks for holds for all, up to ten minutes', () => {
    expect(down(0, 60_000).openUntilUs).toBe(60e6);
    expect(down(0, 7_200_000).openUntilUs).toBe(600e6);
  });

  test('tries that began before tell nothing new, but that it answers again', () => {
    const breaker = down();
    const until = breaker.openUntilUs;
    expect(breaker.end('try', 'fails', at(100))).toBeUndefined();
    expect(breaker.openUntilUs).toBe(until);
    expect(breaker.end('try', 'answers', at(100))).toBe('up');
    expect([breaker.mayBegin(100), breaker.isFresh]).toEqual([true, true]);
  });

  test('somebody may ask for a probe at once', () => {
    const breaker = down();
    breaker.allowProbe(7000);
    expect(breaker.mayBegin(7000)).toBe(true);
    expect(breaker.begin()).toBe('probe');
    expect(breaker.mayBegin(7000)).toBe(false);
  });
});

describe('half-open', () => {
  test('there is one probe at a time', () => {
    const breaker = down();
    expect(breaker.begin()).toBe('probe');
    expect([breaker.mayBegin(1e9), breaker.stateAt(1e9)]).toEqual([false, 'half-open']);
  });

  test('each probe that fails opens it for twice as long, up to the ceiling', () => {
    const breaker = down();
    const waits: number[] = [];
    for (let n = 0; n < 5; n++) {
      const nowUs = breaker.openUntilUs;
      expect(breaker.end(breaker.begin(), 'fails', { nowUs, share: 0 })).toBeUndefined();
      waits.push((breaker.openUntilUs - nowUs) / 1000);
    }
    expect(waits).toEqual([1000, 2000, 4000, 4000, 4000]);
    expect(breaker.downSinceUs).toBe(0);
  });

  test('a probe that is answered closes it, as if nothing had been', () => {
    const breaker = down();
    expect(breaker.end(breaker.begin(), 'answers', at(500))).toBe('up');
    expect([breaker.stateAt(0), breaker.isFresh, breaker.downSinceUs]).toEqual(['closed', true, undefined]);
    for (let n = 1; n < PLAN.failures; n++) expect(breaker.end('try', 'fails', at(600))).toBeUndefined();
  });

  test('a probe that ends without a verdict leaves room for another', () => {
    const breaker = down();
    expect(breaker.end(breaker.begin(), 'unknown', at(500))).toBeUndefined();
    expect([breaker.mayBegin(500_000), breaker.stateAt(500_000)]).toEqual([true, 'half-open']);
  });
});

test('whatever a target does: while it is down there is one probe at most, and an answer always ends that', () => {
  const step = fc.record({
    passMs: fc.nat(3000),
    verdict: fc.constantFrom<Verdict>('answers', 'fails', 'unknown'),
    pick: fc.nat(9),
  });
  fc.assert(
    fc.property(fc.array(step, { maxLength: 80 }), (steps) => {
      const breaker = new CircuitBreaker(PLAN);
      const flying: ('try' | 'probe')[] = [];
      let nowUs = 0;
      for (const { passMs, verdict, pick } of steps) {
        nowUs += passMs * 1000;
        if (flying.length < 4 && breaker.mayBegin(nowUs)) flying.push(breaker.begin());
        expect(flying.filter((ticket) => ticket === 'probe').length).toBeLessThanOrEqual(1);
        if (pick < flying.length) {
          const [ticket] = flying.splice(pick, 1);
          const wasDown = breaker.downSinceUs !== undefined;
          const change = breaker.end(ticket!, verdict, { nowUs, share: 0.5 });
          if (verdict === 'answers') expect(breaker.downSinceUs).toBeUndefined();
          expect(change === 'up').toBe(verdict === 'answers' && wasDown);
          expect(breaker.openUntilUs).toBeLessThanOrEqual(nowUs + PLAN.ceilingMs * 1000);
        }
      }
    }),
    { numRuns: 300 },
  );
});
