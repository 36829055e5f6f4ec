/** Asterisk sends nothing in silence: a call that it opened a second before its first audio is a second longer than its frames. */
import { describe, expect, test } from 'vitest';
import { blankPacket } from '../../src/call/intake.ts';
import { Pipeline } from '../support/pipeline.ts';
import { scratchDir } from '../support/scratch.ts';

const L16 = { name: 'L16', clockRate: 8000, channels: 1 };
const FRAME_US = 20_000;

const recorded = async (
  openedUs: number,
  firstUs: number,
): Promise<{ durationMs: number; startedAt: string; received: number }> => {
  const pipeline = new Pipeline(scratchDir());
  pipeline.call.recordFromFirstFrame({ format: 'wav' }, 'test');
  for (let frame = 0; frame < 50; frame++) {
    const bytes = new Uint8Array(320).fill(1);
    pipeline.call.packet({
      ...blankPacket('a'),
      ...{ sequence: frame, timestamp: frame * 160, codec: L16, bytes, start: 0, end: 320 },
      arrivalUs: firstUs + (frame + 1) * FRAME_US,
      untimed: { sinceUs: openedUs, behind: 0 },
    });
  }
  const [{ result }] = await pipeline.finish();
  if (result.state !== 'stored') throw new Error(result.state);
  const { artefact, recording, legs } = result.manifest;
  return { durationMs: artefact.duration_ms, startedAt: recording.started_at, received: legs.a.packets.received };
};

describe('a recording that begins with the first frame of a source without timestamps', () => {
  test('begins when the source was opened: what it did not send was silence', async () => {
    const { durationMs, startedAt, received } = await recorded(1_000_000, 2_000_000);
    expect(durationMs).toBe(2000);
    expect(startedAt).toBe('1970-01-01T00:00:01.000Z');
    expect(received).toBe(50);
  });

  test('and with its first frame when that came at once', async () => {
    const { durationMs, startedAt } = await recorded(1_900_000, 2_000_000);
    expect(durationMs).toBe(1000);
    expect(startedAt).toBe('1970-01-01T00:00:02.000Z');
  });
});
