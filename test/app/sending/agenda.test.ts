import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { Agenda, type AgendaEntry } from '../../../src/app/sending/agenda.ts';

const entry = (id: string, target: string, dueUs: number, order = dueUs): AgendaEntry => ({
  ...{ id, accountId: 'acme', target, dueUs, order },
  deadlineUs: 1e6,
});
const agendaOf = (entries: readonly AgendaEntry[], limits = { perTarget: 1, total: 10 }): Agenda => {
  const agenda = new Agenda(limits);
  for (const each of entries) agenda.put(each);
  return agenda;
};
const takeAll = (agenda: Agenda, nowUs: number, mayBegin?: (target: string) => boolean): string[] => {
  const ids: string[] = [];
  for (let next = agenda.take(nowUs, mayBegin); next !== undefined; next = agenda.take(nowUs, mayBegin))
    ids.push(next.id);
  return ids;
};

describe('what is taken', () => {
  for (const { name, entries, limits, nowUs, taken } of [
    { name: 'nothing before it is due', entries: [entry('1', 'a', 10)], nowUs: 9, taken: [] },
    { name: 'what is due to the microsecond', entries: [entry('1', 'a', 10)], nowUs: 10, taken: ['1'] },
    {
      name: 'the longest due of a target first',
      entries: [entry('1', 'a', 5), entry('2', 'a', 3), entry('3', 'a', 4)],
      limits: { perTarget: 3, total: 9 },
      nowUs: 9,
      taken: ['2', '3', '1'],
    },
    {
      name: 'as many of a target as it may have',
      entries: [entry('1', 'a', 1), entry('2', 'a', 2), entry('3', 'a', 3), entry('4', 'b', 4)],
      limits: { perTarget: 2, total: 9 },
      nowUs: 9,
      taken: ['1', '4', '2'],
    },
    {
      name: 'as many in all as there may be',
      entries: [entry('1', 'a', 1), entry('2', 'b', 2), entry('3', 'c', 3)],
      limits: { perTarget: 2, total: 2 },
      nowUs: 9,
      taken: ['1', '2'],
    },
  ])
    test(name, () => expect(takeAll(agendaOf(entries, limits), nowUs)).toEqual(taken));
});

test('the next of a target comes when one of its tries has ended', () => {
  const agenda = agendaOf([entry('1', 'a', 1), entry('2', 'a', 2)]);
  expect(takeAll(agenda, 9)).toEqual(['1']);
  expect([agenda.inFlight, agenda.waiting]).toEqual([1, 1]);
  agenda.done('1');
  expect(takeAll(agenda, 9)).toEqual(['2']);
});

test('a time that changes counts, the old one no more', () => {
  const agenda = agendaOf([entry('1', 'a', 1)]);
  agenda.put(entry('1', 'a', 20));
  expect(takeAll(agenda, 19)).toEqual([]);
  expect(agenda.nextDueUs).toBe(20);
  agenda.put(entry('1', 'a', 5));
  expect(takeAll(agenda, 19)).toEqual(['1']);
  agenda.done('1');
  expect(takeAll(agenda, 99)).toEqual([]);
  expect([agenda.nextDueUs, agenda.waiting]).toEqual([Number.POSITIVE_INFINITY, 0]);
});

test('one that is forgotten is not tried, one in flight can’t be', () => {
  const agenda = agendaOf([entry('1', 'a', 1), entry('2', 'a', 2)]);
  expect(agenda.take(9)?.id).toBe('1');
  agenda.delete('1');
  agenda.delete('2');
  agenda.put(entry('1', 'a', 3));
  expect([agenda.has('1'), agenda.has('2'), agenda.isInFlight('1')]).toEqual([true, false, true]);
  agenda.done('1');
  expect(takeAll(agenda, 9)).toEqual([]);
});

test('what has an order of its own is taken by that, once it is due', () => {
  const agenda = agendaOf([
    entry('3', 'a', 1, 3),
    entry('1', 'a', 5, 1),
    entry('2', 'a', 2, 2),
    entry('0', 'a', 20, 0),
  ]);
  const taken: string[] = [];
  for (let next = agenda.take(9); next !== undefined; next = agenda.take(9)) {
    taken.push(next.id);
    agenda.done(next.id);
  }
  expect(taken).toEqual(['1', '2', '3']);
});

test('a target that may not be tried is passed over, and told of as ready', () => {
  const agenda = agendaOf([entry('1', 'a', 1), entry('2', 'b', 2), entry('3', 'a', 3), entry('4', 'a', 30)]);
  expect(takeAll(agenda, 9, (target) => target !== 'a')).toEqual(['2']);
  expect(agenda.readyTargets()).toEqual(['a']);
  expect(agenda.waitingFor('a').map(({ id }) => id)).toEqual(['1', '3', '4']);
  expect(takeAll(agenda, 9)).toEqual(['1']);
  expect([agenda.waitingFor('a').length, agenda.inFlightOf('a').length, agenda.countOf('a')]).toEqual([2, 1, 3]);
});

test('whatever happens, every entry is tried when it is due, and no limit is passed', () => {
  const step = fc.oneof(
    fc.record({ kind: fc.constant('put'), id: fc.nat(20), host: fc.nat(3), waitUs: fc.nat(30) }),
    fc.record({ kind: fc.constant('pass'), us: fc.nat(20) }),
    fc.record({ kind: fc.constant('done'), pick: fc.nat(20) }),
    fc.record({ kind: fc.constant('delete'), id: fc.nat(20) }),
  );
  fc.assert(
    fc.property(fc.array(step, { maxLength: 120 }), (steps) => {
      const limits = { perTarget: 2, total: 3 };
      const agenda = new Agenda(limits);
      const waiting = new Map<string, AgendaEntry>();
      const flying: AgendaEntry[] = [];
      let nowUs = 0;
      const start = (): void => {
        for (let next = agenda.take(nowUs); next !== undefined; next = agenda.take(nowUs)) {
          expect(next).toBe(waiting.get(next.id));
          expect(next.dueUs).toBeLessThanOrEqual(nowUs);
          waiting.delete(next.id);
          flying.push(next);
        }
        const perTarget = (target: string): number => flying.filter((each) => each.target === target).length;
        for (const { target } of flying) expect(perTarget(target)).toBeLessThanOrEqual(limits.perTarget);
        expect(flying.length).toBeLessThanOrEqual(limits.total);
        // What is due and was not taken had no room.
        for (const { target, dueUs } of waiting.values()) {
          if (dueUs > nowUs) expect(agenda.nextDueUs).toBeLessThanOrEqual(dueUs);
          else expect(flying.length === limits.total || perTarget(target) === limits.perTarget).toBe(true);
        }
        expect([agenda.waiting, agenda.inFlight]).toEqual([waiting.size, flying.length]);
        const known = [...waiting.values(), ...flying].filter(({ target }) => target === 'host-0');
        expect(agenda.countOf('host-0')).toBe(known.length);
      };
      for (const each of steps) {
        if (each.kind === 'put') {
          // A target's recordings are its own: an id stays with it.
          const id = String(each.id);
          const next = entry(id, `host-${each.id % 4}`, nowUs + each.waitUs);
          agenda.put(next);
          if (!flying.some((one) => one.id === id)) waiting.set(id, next);
        }
        if (each.kind === 'pass') nowUs += each.us;
        if (each.kind === 'done' && flying.length > 0) {
          const [ended] = flying.splice(each.pick % flying.length, 1);
          agenda.done(ended.id);
        }
        if (each.kind === 'delete') {
          agenda.delete(String(each.id));
          waiting.delete(String(each.id));
        }
        start();
      }
    }),
    { numRuns: 300 },
  );
});
