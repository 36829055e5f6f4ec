/** Events for listeners that come, go and come back. */
import { describe, expect, test } from 'vitest';
import { EventLog } from '../../src/app/event-log.ts';
import type { ServiceEvent } from '../../src/http/service.ts';

const listening = (log: EventLog, lastId?: string, account = 'one') => {
  const heard: ServiceEvent[] = [];
  const stop = log.subscribe(account, lastId, (event) => heard.push(event));
  return { heard, stop, types: () => heard.map(({ type }) => type), ids: () => heard.map(({ id }) => id) };
};

describe('the event log', () => {
  test('tells what happens from now on, and only of the own account', () => {
    const log = new EventLog('r', () => 0);
    log.publish('one', 'before', {});
    const { heard, types, stop } = listening(log);
    log.publish('one', 'call.announced', { call_id: 'c' });
    log.publish('two', 'call.announced', {});
    stop();
    log.publish('one', 'after', {});
    expect(types()).toEqual(['call.announced']);
    expect(heard[0]).toEqual({
      id: 'r-2',
      type: 'call.announced',
      at: '1970-01-01T00:00:00.000Z',
      data: { call_id: 'c' },
    });
  });

  test('goes on where a listener was, without a gap or a repeat', () => {
    const log = new EventLog('r', () => 0);
    for (let n = 1; n <= 5; n++) log.publish('one', `event-${n}`, {});
    const { types } = listening(log, 'r-3');
    log.publish('one', 'event-6', {});
    expect(types()).toEqual(['event-4', 'event-5', 'event-6']);
    expect(listening(log, 'r-6').types()).toEqual([]);
    expect(listening(log, 'r-0').ids()).toEqual(['r-1', 'r-2', 'r-3', 'r-4', 'r-5', 'r-6']);
  });

  for (const { name, lastId } of [
    { name: 'of another run', lastId: 'q-3' },
    { name: 'that is yet to come', lastId: 'r-99' },
    { name: 'that is none', lastId: 'hello' },
    { name: 'that is empty', lastId: '' },
  ]) {
    test(`an id ${name} is answered by resync`, () => {
      const log = new EventLog('r', () => 0);
      log.publish('one', 'event', {});
      expect(listening(log, lastId).types()).toEqual(['resync']);
    });
  }

  test('forgets old events, and says so to whoever asks for them', () => {
    const log = new EventLog('r', () => 0);
    for (let n = 1; n <= 5000; n++) log.publish('one', 'event', { n });
    expect(listening(log, 'r-10').types()).toEqual(['resync']);
    expect(listening(log, 'r-4500').heard).toHaveLength(500);
  });
});
