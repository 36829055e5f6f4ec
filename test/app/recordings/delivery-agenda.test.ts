import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { type AgendaEntry, DeliveryAgenda } from '../../../src/app/recordings/delivery-agenda.ts';

const entry = (id: string, host: string, dueUs: number): AgendaEntry => ({ id, accountId: 'acme', host, dueUs });
const agendaOf = (entries: readonly AgendaEntry[], limits = { perTarget: 1, total: 10 }): DeliveryAgenda => {
  const agenda = new DeliveryAgenda(limits);
  for (const each of entries) agenda.put(each);
  return agenda;
};
const takeAll = (agenda: DeliveryAgenda, nowUs: number): string[] => {
  const ids: string[] = [];
  for (let next = agenda.take(nowUs); next !== undefined; next = agenda.take(nowUs)) ids.push(next.id);
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
      const agenda = new DeliveryAgenda(limits);
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
        const perTarget = (host: string): number => flying.filter((each) => each.host === host).length;
        for (const { host } of flying) expect(perTarget(host)).toBeLessThanOrEqual(limits.perTarget);
        expect(flying.length).toBeLessThanOrEqual(limits.total);
        // What is due and was not taken had no room.
        for (const { host, dueUs } of waiting.values()) {
          if (dueUs > nowUs) expect(agenda.nextDueUs).toBeLessThanOrEqual(dueUs);
          else expect(flying.length === limits.total || perTarget(host) === limits.perTarget).toBe(true);
        }
        expect([agenda.waiting, agenda.inFlight]).toEqual([waiting.size, flying.length]);
      };
      for (const each of steps) {
        if (each.kind === 'put') {
          // A target's recordings are its own: an id stays with its host.
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
