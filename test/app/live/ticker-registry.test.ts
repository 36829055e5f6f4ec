/** The clock of all calls and the list of them, without calls. */
import { describe, expect, test } from 'vitest';
import { CallRegistry } from '../../../src/app/live/call-registry.ts';
import { CallTicker, TICK_MS, type Ticked } from '../../../src/app/live/call-ticker.ts';
import { AppError } from '../../../src/core/errors.ts';

class Round {
  readonly defects: unknown[] = [];
  nowUs = 0;
  everyMs = 0;
  stopped = false;
  #work = (): void => undefined;
  readonly ticker = new CallTicker({
    now: () => this.nowUs,
    every: (ms, work) => {
      this.everyMs = ms;
      this.#work = work;
      return () => {
        this.stopped = true;
      };
    },
    onDefect: (error) => this.defects.push(error),
  });

  /** @returns how many were ticked by each of the timer's turns in one period. */
  run(counted: { ticks: number }): number[] {
    return Array.from({ length: TICK_MS / this.everyMs }, () => {
      const before = counted.ticks;
      this.nowUs += this.everyMs * 1000;
      this.#work();
      return counted.ticks - before;
    });
  }
}

describe('the ticker', () => {
  test('ticks each call once in a period, and never more than its share at once', () => {
    const round = new Round();
    const counted = { ticks: 0 };
    const calls: Ticked[] = Array.from({ length: 205 }, () => ({ tick: () => counted.ticks++ }));
    for (const call of calls) round.ticker.add(call);
    const turns = round.run(counted);
    expect(counted.ticks).toBe(205);
    expect(Math.max(...turns)).toBe(21);
    for (const call of calls.slice(0, 100)) round.ticker.remove(call);
    counted.ticks = 0;
    round.run(counted);
    expect(counted.ticks).toBe(105);
    round.ticker.close();
    expect(round.stopped).toBe(true);
  });

  test('one that throws, or takes itself out, leaves the others theirs', () => {
    const round = new Round();
    const counted = { ticks: 0 };
    const throwing = {
      tick: () => {
        throw new Error('defect');
      },
    };
    const leaving: Ticked = { tick: () => round.ticker.remove(leaving) };
    for (let n = 0; n < 30; n++)
      round.ticker.add(n === 3 ? throwing : n === 13 ? leaving : { tick: () => counted.ticks++ });
    round.run(counted);
    round.run(counted);
    expect(counted.ticks).toBe(56);
    // Told once, not ten times a second.
    expect(round.defects).toHaveLength(1);
  });

  test('tells the time', () => {
    const round = new Round();
    const seen: number[] = [];
    round.ticker.add({ tick: (nowUs) => seen.push(nowUs) });
    round.run({ ticks: 0 });
    expect(seen).toEqual([10_000]);
  });
});

describe('the registry', () => {
  const entry = (accountId: string, callId: string, ended = false) => ({
    accountId,
    callId,
    channels: { a: `${accountId}${callId}a`, b: `${accountId}${callId}b` },
    ended,
  });
  const registry = () => new CallRegistry<ReturnType<typeof entry>>({ calls: 4, callsPerAccount: 3 });
  const codeOf = (work: () => unknown): string => {
    try {
      work();
      return 'none';
    } catch (error) {
      return error instanceof AppError ? error.code : String(error);
    }
  };

  test('a place that is freed twice is freed once, and never the next one’s', () => {
    const calls = registry();
    const first = calls.reserve('x', '1');
    calls.add(entry('x', '1', true));
    const second = calls.reserve('x', '1');
    first.free();
    first.free();
    expect(calls.size).toBe(1);
    expect(codeOf(() => calls.reserve('x', '1'))).toBe('CALL_EXISTS');
    second.free();
    expect(calls.size).toBe(0);
    expect(codeOf(() => calls.reserve('x', '1'))).toBe('none');
  });

  test('an ended call makes room for a new one of its id, and its channels go', () => {
    const calls = registry();
    const before = entry('x', '1', true);
    calls.add(before);
    const after = { ...entry('x', '1'), channels: { a: 'new-a', b: 'new-b' } };
    calls.add(after);
    expect(calls.call('x', '1')).toBe(after);
    expect(calls.ofAccount('x')).toEqual([after]);
    expect(codeOf(() => calls.channel('x', 'x1a'))).toBe('NOT_FOUND');
    expect(calls.channel('x', 'new-b')).toEqual({ call: after, leg: 'b' });
    // Its time is over later, and must not take the new one with it.
    calls.forget(before);
    expect(calls.call('x', '1')).toBe(after);
    calls.forget(after);
    expect(calls.all()).toEqual([]);
  });

  test('ids that contain one another’s separators are not mixed up', () => {
    const calls = registry();
    calls.reserve('x', '1/2');
    expect(codeOf(() => calls.reserve('x', '1'))).toBe('none');
    expect(codeOf(() => calls.reserve('x', '1/2'))).toBe('CALL_EXISTS');
    expect(codeOf(() => calls.call('__proto__', 'constructor'))).toBe('NOT_FOUND');
  });
});
