/** Rule 4: a mask that can't be put on disk leaves the call masked, and says so. */
import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { Call } from '../../src/call/call.ts';
import type { MediaPacket } from '../../src/call/intake.ts';
import { findInFiles, scratchDir } from '../support/scratch.ts';

const START_US = 1.7e15;
const SECRET = Buffer.from('feedfacecafebeef', 'hex');

/** A call whose journals can't be made: their folder is gone. */
const brokenCall = (): { call: Call; packet: (n: number, secret: boolean) => Buffer; folder: string } => {
  const folder = scratchDir();
  const gone = join(folder, 'gone');
  const call = new Call({
    startUs: START_US,
    identity: {
      callId: 'c',
      parties: { from: '', to: '', callerIdName: '', callerIdNumber: '', calleeIdName: '', calleeIdNumber: '' },
    },
    journalPath: (id) => join(gone, id),
    random: (bytes) => new Uint8Array(bytes),
  });
  const packet = (n: number, secret: boolean): Buffer => {
    const bytes = secret ? Buffer.alloc(160, SECRET) : Buffer.alloc(160, 0x55);
    const media: MediaPacket = {
      leg: 'a',
      ssrc: 1,
      sequence: n,
      timestamp: n * 160,
      marker: false,
      arrivalUs: START_US + (n + 1) * 20_000,
      codec: { name: 'PCMU', clockRate: 8000, channels: 1 },
      bytes,
      start: 0,
      end: 160,
    };
    call.packet(media);
    return bytes;
  };
  rmSync(gone, { recursive: true, force: true });
  return { call, packet, folder };
};

const command = (call: Call, action: 'mask' | 'unmask' | 'start') =>
  call.command({ action, fields: {}, trigger: { kind: 'api' } });

describe('a mask that can not be made durable', () => {
  test('is an error, the call is masked all the same, and stays so after an unmask that fails too', async () => {
    const { call, packet, folder } = brokenCall();
    call.recordFromFirstFrame({}, 'test');
    for (let n = 0; n < 20; n++) packet(n, false);
    await expect(command(call, 'mask')).rejects.toMatchObject({
      code: 'MASK_NOT_DURABLE',
      status: 503,
      retryable: true,
    });
    expect(call.masks.isMasked(call.nowUs)).toBe(true);
    expect(packet(20, true).every((byte) => byte === 0)).toBe(true);
    await expect(command(call, 'mask')).rejects.toMatchObject({ code: 'MASK_NOT_DURABLE' });
    await expect(command(call, 'unmask')).rejects.toMatchObject({ code: 'MASK_NOT_DURABLE' });
    expect(packet(21, true).every((byte) => byte === 0)).toBe(true);
    expect(call.masks.isMasked(call.nowUs)).toBe(true);
    await call.end();
    expect(findInFiles(folder, SECRET)).toEqual([]);
  });

  test('a start whose journal can not be made is an error', async () => {
    const { call, packet } = brokenCall();
    packet(0, false);
    await expect(command(call, 'start')).rejects.toMatchObject({ code: 'JOURNAL_UNWRITABLE' });
    await call.end();
  });
});
