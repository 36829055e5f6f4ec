/** `record_on_answer` and `record_on_bridge` in a replay: when a recording begins that waits for the call to be a call. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { callDatagrams } from '../support/call-scenario.ts';
import { listenTo, runReplay } from '../support/command.ts';
import { pcapFile, udpPacket } from '../support/pcap-file.ts';
import { scratchDir, sharedScratchDir } from '../support/scratch.ts';
import { CALLEE_HZ, CALLER_HZ, SMALL_CALL_MS, smallCall, writeSmallCall } from '../support/small-call.ts';
import { levelOf } from '../support/tones.ts';

const folder = sharedScratchDir();
const capture = writeSmallCall(folder);

const replayed = async (data: object, from: string) => {
  const { documents } = await runReplay([from, '--out', scratchDir(), '--data', JSON.stringify(data)]);
  expect(documents).toHaveLength(1);
  return documents[0];
};

describe('record_on_answer and record_on_bridge', () => {
  /** The 200 to the INVITE, and what follows it at once, `lateMs` after the media began: ringing tones come before it. */
  const answeredLate = (name: string, lateMs: number): string => {
    const path = join(folder, name);
    const datagrams = callDatagrams(smallCall()).map((datagram) => {
      const answer =
        /^(SIP\/2\.0 200|ACK )/.test(datagram.payload.toString('latin1', 0, 16)) &&
        /CSeq: 1 /.test(datagram.payload.toString());
      return answer ? { ...datagram, atUs: datagram.atUs + (lateMs + 40) * 1000 } : datagram;
    });
    const packets = datagrams
      .sort((one, other) => one.atUs - other.atUs)
      .map((each) => ({ atUs: each.atUs, data: udpPacket(each) }));
    writeFileSync(path, pcapFile(packets));
    return path;
  };
  const oneLegLate = () =>
    writeSmallCall(folder, 'late-b.pcap', {
      sip: false,
      legs: { b: { startMs: 1000, tones: [{ hz: CALLEE_HZ, startMs: 0, endMs: 3000 }] } },
    });

  for (const { name, data, from, startMs, holds } of [
    { name: 'answered before any media: all of it', data: { record_on_answer: true }, from: () => capture, startMs: 0 },
    {
      name: 'answered late: what comes before is left out',
      data: { record_on_answer: true },
      from: () => answeredLate('answer.pcap', 1000),
      startMs: 1000,
    },
    {
      name: 'answered late, and nobody asked: all of it',
      data: {},
      from: () => answeredLate('answer.pcap', 1000),
      startMs: 0,
    },
    {
      name: 'without signalling a call is answered when it is first heard',
      data: { record_on_answer: true },
      from: oneLegLate,
      startMs: 0,
    },
    {
      name: 'bridged when both legs have been heard',
      data: { record_on_bridge: true },
      from: oneLegLate,
      startMs: 1000,
      holds: test,
    },
    {
      holds: test,
      name: 'both: the first of the two counts',
      data: { record_on_answer: true, record_on_bridge: true },
      from: () => answeredLate('both.pcap', 1000),
      startMs: 0,
    },
  ]) {
    (holds ?? test)(name, async () => {
      const document = await replayed({ format: 'wav', ...data }, from());
      expect(Math.abs(document.duration_ms - (SMALL_CALL_MS - startMs))).toBeLessThanOrEqual(40);
      const { channels } = await listenTo(document.path!);
      expect(levelOf(channels[0], 8000, CALLER_HZ, 100, document.duration_ms - 100)).toBeCloseTo(-12, 0);
    });
  }

  test('a capture in which nobody answers: exit status 3, and it says that nobody did', async () => {
    const path = join(folder, 'unanswered.pcap');
    const datagrams = callDatagrams(smallCall()).filter(
      ({ payload }) => !/^(SIP\/2\.0 200|ACK |BYE )/.test(payload.toString('latin1', 0, 16)),
    );
    writeFileSync(path, pcapFile(datagrams.map((each) => ({ atUs: each.atUs, data: udpPacket(each) }))));
    const { stderr } = await runReplay([path, '--out', scratchDir(), '--data', '{"record_on_answer":true}'], {
      status: 3,
    });
    // There were no codes: the reason is another one.
    expect(stderr).not.toContain('no code');
    expect(stderr).toMatch(/answer/);
  });
});
