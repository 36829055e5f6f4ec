/** The retry engine over a store that is a map, with targets that are functions and time in the test's hands. */
import { setImmediate } from 'node:timers/promises';
import { describe, expect, onTestFinished, test } from 'vitest';
import type { AgendaEntry } from '../../../src/app/sending/agenda.ts';
import { Sending } from '../../../src/app/sending/sending.ts';
import type { SendingOptions, Tried } from '../../../src/app/sending/sending-options.ts';
import { HandClock, START_US, until } from '../recordings/shelf-kit.ts';

type Behaviour = 'takes' | 'is down' | 'refuses' | 'hangs' | 'breaks us';

const PLAN = { failures: 5, firstMs: 15_000, ceilingMs: 300_000 };
const PATIENCE_US = 72 * 3600e6;

const engine = (change: Partial<SendingOptions> = {}) => {
  const clock = new HandClock();
  const stored = new Map<string, AgendaEntry>();
  const behaviour = new Map<string, Behaviour>();
  const tried: { readonly id: string; readonly target: string; readonly atMs: number }[] = [];
  const ended: string[] = [];
  const givenUp: string[] = [];
  const told: string[] = [];
  const defects: string[] = [];
  const tryOnce = async (entry: AgendaEntry, signal: AbortSignal): Promise<Tried> => {
    const { id, target } = entry;
    tried.push({ id, target, atMs: (clock.now() - START_US) / 1000 });
    const does = behaviour.get(target) ?? 'takes';
    const end = (): void => {
      stored.delete(id);
      ended.push(id);
    };
    switch (does) {
      case 'takes':
        end();
        return { againUs: undefined, verdict: 'answers' };
      case 'refuses':
        end();
        return { againUs: undefined, verdict: 'answers' };
      case 'is down': {
        const againUs = clock.now() + 60e6;
        stored.set(id, { ...entry, dueUs: againUs });
        return { againUs, verdict: 'fails' };
      }
      case 'hangs':
        return new Promise((_, reject) => signal.addEventListener('abort', () => reject(signal.reason)));
      case 'breaks us':
        throw new Error('a defect');
      default:
        return does satisfies never;
    }
  };
  const sending = new Sending({
    clock,
    random: (bytes) => new Uint8Array(bytes).fill(255),
    atOnce: { perTarget: 4, total: 8 },
    mostWaiting: 10_000,
    mostPerTarget: 5000,
    breaker: PLAN,
    tryOnce,
    load: async ({ limit, except, isKnown }) => {
      const rows = [...stored.values()].filter(({ target }) => !except.includes(target));
      const page = rows.sort((one, other) => one.dueUs - other.dueUs).slice(0, limit);
      return { entries: page.filter(({ id }) => !isKnown(id)), isAll: page.length < limit };
    },
    giveUp: async ({ id }) => {
      stored.delete(id);
      givenUp.push(id);
    },
    onTarget: (way, { target }) => void told.push(`${target} ${way}`),
    onDefect: (sentence) => void defects.push(sentence),
    ...change,
  });
  onTestFinished(() => sending.close());
  const add = (count: number, target: string, from = 0): void => {
    const entries = Array.from({ length: count }, (_, n) => ({
      ...{ id: `${target}-${from + n}`, accountId: 'acme', target, dueUs: clock.now() },
      deadlineUs: clock.now() + PATIENCE_US,
    }));
    for (const entry of entries) stored.set(entry.id, entry);
    sending.add(...entries);
  };
  /** Lets time go by in steps, and what it brings come to its end. */
  const pass = async (ms: number, stepMs = 1000): Promise<void> => {
    for (let left = ms; left > 0; left -= stepMs) {
      clock.advance(Math.min(stepMs, left));
      await quiet();
    }
  };
  const triedOf = (target: string) => tried.filter((each) => each.target === target);
  return { clock, sending, behaviour, stored, tried, triedOf, ended, givenUp, told, defects, add, pass };
};

/** Until promises that need no time have come to their end. */
const quiet = async (): Promise<void> => {
  for (let n = 0; n < 5; n++) await setImmediate();
};

describe('a target that is down, with a thousand that wait for it', () => {
  test('is not hammered: a few tries, then a probe now and then', async () => {
    const { behaviour, add, pass, triedOf, told, sending } = engine();
    behaviour.set('dead', 'is down');
    add(1000, 'dead');
    await quiet();
    // Those that were under way when it opened come to their end.
    expect(triedOf('dead').length).toBeLessThanOrEqual(PLAN.failures + 3);
    expect(told).toEqual(['dead down']);
    const before = triedOf('dead').length;
    await pass(3_600_000, 5000);
    const probes = triedOf('dead').slice(before);
    // 15 s, doubled up to 5 min: 4 within 4 min, then one in 5 min.
    expect(probes.length).toBeGreaterThan(10);
    expect(probes.length).toBeLessThan(18);
    // Nor are the tries of those that wait used up.
    expect(new Set(probes.map(({ id }) => id)).size).toBe(probes.length);
    expect(sending.counts).toEqual({ waiting: 1000, inFlight: 0, targetsDown: 1 });
    expect(sending.circuitOf('dead')).toBe('open');
  });

  test('holds up no other', async () => {
    const { behaviour, add, ended } = engine();
    behaviour.set('dead', 'is down');
    behaviour.set('silent', 'hangs');
    add(1000, 'dead');
    add(1000, 'silent');
    add(500, 'fine');
    await quiet();
    await until(() => ended.length >= 500);
    expect(ended).toEqual(Array.from({ length: 500 }, (_, n) => `fine-${n}`));
  });

  test('gets all of them when it is up again, at the pace of its concurrency', async () => {
    const { behaviour, add, pass, ended, told, sending } = engine();
    behaviour.set('dead', 'is down');
    add(1000, 'dead');
    await pass(600_000, 10_000);
    behaviour.set('dead', 'takes');
    await pass(300_000, 10_000);
    await until(() => ended.length >= 1000);
    expect(told).toEqual(['dead down', 'dead up']);
    expect(sending.counts).toEqual({ waiting: 0, inFlight: 0, targetsDown: 0 });
  });

  test('still loses them with their deadline, told one by one, and none before', async () => {
    const { behaviour, add, pass, givenUp, ended, sending } = engine();
    behaviour.set('dead', 'is down');
    add(1000, 'dead');
    await pass(71 * 3_600_000, 300_000);
    expect([givenUp.length, ended.length]).toEqual([0, 0]);
    await pass(3_600_000 + 300_000, 60_000);
    expect(givenUp.length).toBe(1000);
    expect(sending.counts.waiting).toBe(0);
  });

  test('is probed at once when somebody says that it is up', async () => {
    const { behaviour, add, ended, sending } = engine();
    behaviour.set('dead', 'is down');
    add(10, 'dead');
    await quiet();
    behaviour.set('dead', 'takes');
    sending.allowProbe('dead');
    await quiet();
    expect(ended.length).toBeGreaterThan(0);
    expect(sending.circuitOf('dead')).toBe('closed');
  });
});

test('what was away longer than its deadline has an hour in which its target may come back', async () => {
  const { behaviour, clock, sending, add, pass, givenUp, tried } = engine();
  behaviour.set('dead', 'is down');
  const deadlineUs = clock.now() - 1e6;
  const late = Array.from({ length: 50 }, (_, n) => ({
    ...{ id: `late-${n}`, accountId: 'acme', target: 'dead', dueUs: clock.now() },
    deadlineUs,
  }));
  add(5, 'dead');
  sending.add(...late);
  await pass(3_500_000, 20_000);
  expect(givenUp).toEqual([]);
  await pass(500_000, 20_000);
  // But for those that were tried as probes, and have a time of their own.
  expect(givenUp.length).toBe(50);
  expect(tried.length).toBeLessThan(30);
});

test('refusals of single files don’t open a circuit', async () => {
  const { behaviour, add, ended, told } = engine();
  behaviour.set('picky', 'refuses');
  add(100, 'picky');
  await until(() => ended.length >= 100);
  expect(told).toEqual([]);
});

test('a defect of ours is told, and tried again in ten minutes', async () => {
  const { behaviour, add, pass, ended, defects, told } = engine();
  behaviour.set('one', 'breaks us');
  add(9, 'one');
  await quiet();
  expect([defects.length, told]).toEqual([9, []]);
  behaviour.set('one', 'takes');
  await pass(599_000, 599_000);
  expect(ended).toEqual([]);
  await pass(1000);
  expect(ended.length).toBe(9);
});

describe('more than memory takes', () => {
  test('waits in the store, and comes when there is room', async () => {
    const { add, ended, sending } = engine({ mostWaiting: 20, mostPerTarget: 10, atOnce: { perTarget: 1, total: 2 } });
    add(100, 'one');
    add(50, 'other');
    expect(sending.counts.waiting).toBeLessThanOrEqual(20);
    await until(() => ended.length >= 150);
    expect(new Set(ended).size).toBe(150);
  });

  test('of a dead target leaves room for the others', async () => {
    const { behaviour, add, ended, pass, sending } = engine({ mostWaiting: 40, mostPerTarget: 10 });
    behaviour.set('dead', 'is down');
    add(500, 'dead');
    await quiet();
    expect(sending.counts.waiting).toBeLessThanOrEqual(10);
    for (let n = 0; n < 5; n++) add(30, 'fine', 30 * n);
    await until(() => ended.length >= 150);
    behaviour.set('dead', 'takes');
    await pass(400_000, 5000);
    await until(() => ended.length >= 650);
    expect(new Set(ended).size).toBe(650);
  });
});

test('cancelling a target ends what waits for it and what is under way, and forgets that it was down', async () => {
  const { behaviour, add, sending, stored } = engine();
  behaviour.set('gone', 'hangs');
  add(20, 'gone');
  expect(sending.counts).toMatchObject({ waiting: 16, inFlight: 4 });
  await sending.cancelTarget('gone');
  expect(sending.counts).toEqual({ waiting: 0, inFlight: 0, targetsDown: 0 });
  expect(stored.size).toBe(20);
});
