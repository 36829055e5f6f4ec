import { describe, expect, test } from 'vitest';
import { FragmentTally } from '../../../src/ingest/capture/fragment-tally.ts';

const lead = 'IP fragments left out, as they are not put together:';

describe('FragmentTally', () => {
  test('no fragment, no warning', () => {
    expect(new FragmentTally().warning).toBeUndefined();
  });

  test('later fragments belong to the flow of the first one with their id', () => {
    const tally = new FragmentTally();
    tally.add('192.0.2.1', '192.0.2.2', 7, [4000, 5000]);
    tally.add('192.0.2.1', '192.0.2.2', 7);
    tally.add('192.0.2.1', '192.0.2.2', 7);
    tally.add('192.0.2.1', '192.0.2.2', 8, [4002, 5002]);
    tally.add('192.0.2.1', '192.0.2.2', 8);
    expect(tally.warning).toBe(`${lead} 5, of 192.0.2.1:4000>192.0.2.2:5000 (3), 192.0.2.1:4002>192.0.2.2:5002 (2)`);
  });

  test('a fragment whose first one wasn’t seen is counted by its hosts', () => {
    const tally = new FragmentTally();
    tally.add('192.0.2.1', '192.0.2.2', 7, [4000, 5000]);
    tally.add('192.0.2.1', '192.0.2.2', 9);
    tally.add('192.0.2.2', '192.0.2.1', 7);
    expect(tally.warning).toBe(
      `${lead} 3, of 192.0.2.1:4000>192.0.2.2:5000 (1), 192.0.2.1>192.0.2.2 (1), 192.0.2.2>192.0.2.1 (1)`,
    );
  });

  test('IPv6 ends are told from their ports', () => {
    const tally = new FragmentTally();
    tally.add('2001:db8::1', '2001:db8::2', 1, [4000, 5000]);
    expect(tally.warning).toBe(`${lead} 1, of [2001:db8::1]:4000>[2001:db8::2]:5000 (1)`);
  });

  test('many flows stay one line, the biggest first, and all are counted', () => {
    const tally = new FragmentTally();
    for (let port = 0; port < 5000; port++) tally.add('192.0.2.1', '192.0.2.2', port, [port, port]);
    for (let more = 0; more < 3; more++) tally.add('192.0.2.1', '192.0.2.2', 7, [70, 70]);
    expect(tally.warning).toMatch(/: 5003, of 192\.0\.2\.1:70>192\.0\.2\.2:70 \(4\), .*, 996 other flows$/);
    expect(tally.warning!.length).toBeLessThan(300);
  });
});
