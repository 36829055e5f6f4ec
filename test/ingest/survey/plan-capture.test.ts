/** From a file to a plan: what is warned of, and a signal that ends it. */
import { statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { planCapture } from '../../../src/ingest/survey/plan-capture.ts';
import { callCapture, callDatagrams } from '../../support/call-scenario.ts';
import { pcapFile, udpPacket } from '../../support/pcap-file.ts';
import { scratchDir } from '../../support/scratch.ts';

describe('packets that the snaplen cut are warned of once', () => {
  const AUDIO = "10 packets were cut by the capture's snaplen; their audio is lost";
  /** `kept` bytes of every `nth` packet on the ports that `cuts` names. */
  const cutCapture = (cuts: (isSignalling: boolean, index: number) => boolean): string => {
    const path = join(scratchDir(), 'cut.pcap');
    const datagrams = callDatagrams({ durationMs: 2000, legs: { a: {}, b: {} }, sip: true });
    const packets = datagrams.map((each, index) => {
      const data = udpPacket(each);
      const kept = cuts(each.sourcePort === 5060, index) ? data.subarray(0, 80) : data;
      return { atUs: each.atUs, data: kept, originalLength: data.length };
    });
    writeFileSync(path, pcapFile(packets));
    return path;
  };
  const tenth = (isSignalling: boolean, index: number): boolean => !isSignalling && index >= 100 && index < 110;

  for (const { name, cuts, expected } of [
    { name: 'none', cuts: () => false, expected: [] },
    { name: 'audio', cuts: tenth, expected: [AUDIO] },
    {
      name: 'signalling',
      cuts: (isSignalling: boolean) => isSignalling,
      expected: [expect.stringMatching(/^packets cut short when they were captured \(snap length\): \d$/)],
    },
    {
      name: 'both, each in its own line',
      cuts: (isSignalling: boolean, index: number) => isSignalling || tenth(isSignalling, index),
      expected: [
        expect.stringMatching(/^packets without audio cut short when they were captured \(snap length\): \d$/),
        AUDIO,
      ],
    },
  ]) {
    test(name, async () => expect((await planCapture(cutCapture(cuts))).warnings).toEqual(expected));
  }
});

test('a signal that aborts ends the survey in the middle of the file, and at once when it has already', async () => {
  const path = join(scratchDir(), 'long.pcap');
  writeFileSync(path, callCapture({ durationMs: 60_000, legs: { a: {}, b: {} } }));
  const reason = new Error('enough');
  const controller = new AbortController();
  const told: number[] = [];
  const surveyed = planCapture(path, {
    signal: controller.signal,
    onProgress: (bytes) => {
      told.push(bytes);
      controller.abort(reason);
    },
  });
  await expect(surveyed).rejects.toBe(reason);
  expect(told).toHaveLength(1);
  expect(told[0]).toBeLessThan(statSync(path).size);
  await expect(planCapture(path, { signal: AbortSignal.abort(reason) })).rejects.toBe(reason);
});
