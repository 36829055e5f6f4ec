/** Payloads that are decoded in one go give what they give one by one, for every codec that says so. */
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { HeldPayload } from '../../src/finalize/held-payload.ts';
import { JoinedPayloads } from '../../src/finalize/joined-payloads.ts';
import { CODEC_NAMES, codecFor } from '../../src/media/codecs/registry.ts';

const held = (payload: Uint8Array): HeldPayload => {
  const payloads = new HeldPayload();
  payloads.hold({ track: 0, arrivalUs: 0, ticks: 0, payload: Buffer.from(payload) });
  return payloads;
};

const PAYLOADS = fc.array(fc.uint8Array({ maxLength: 320 }), { maxLength: 12 });

describe('joined payloads', () => {
  for (const { name, clockRate } of [
    { name: 'PCMU', clockRate: 8000 },
    { name: 'pcma', clockRate: 16_000 },
    { name: 'G722', clockRate: 8000 },
    { name: 'G722', clockRate: 16_000 },
    { name: 'L16', clockRate: 8000 },
    { name: 'L16', clockRate: 48_000 },
  ]) {
    test(`of ${name} at ${clockRate} Hz are the samples that they are one by one`, async () => {
      const codec = codecFor({ name, clockRate, channels: 1 })!;
      await fc.assert(
        fc.asyncProperty(PAYLOADS, async (payloads) => {
          const [joining, alone] = [(await codec.createDecoder!())!, (await codec.createDecoder!())!];
          const joined = JoinedPayloads.of(codec)!;
          const expected: number[] = [];
          const got: number[] = [];
          const decode = (): void => {
            const { samples } = joined;
            const out = new Int16Array(samples + 40);
            joined.decode(joining, out);
            got.push(...out.subarray(0, samples));
          };
          for (const payload of payloads) {
            const one = held(payload);
            if (!joined.fits(one)) {
              expect(payload.length % 2).toBe(1);
              continue;
            }
            if (!joined.hasRoomFor(one)) decode();
            const out = new Int16Array(700);
            const samples = alone.decode(payload, out);
            expect(joined.take(one)).toBe(samples);
            expected.push(...out.subarray(0, samples));
          }
          decode();
          expect(got).toEqual(expected);
        }),
        { numRuns: 60 },
      );
    });
  }

  test('there are none of codecs with frames of their own, of several channels, or at rates that are folded', () => {
    const can = (name: string, clockRate: number, channels: number): boolean => {
      const codec = codecFor({ name, clockRate, channels });
      return codec !== undefined && JoinedPayloads.of(codec) !== undefined;
    };
    const joining = CODEC_NAMES.filter((name) => [8000, 16_000, 48_000].some((rate) => can(name, rate, 1)));
    expect(joining).toEqual(['PCMU', 'PCMA', 'L16', 'G722']);
    expect(CODEC_NAMES.filter((name) => can(name, 8000, 2))).toEqual([]);
    expect(can('L16', 96_000, 1)).toBe(false);
  });

  test('one that is longer than all the room is not taken', () => {
    const joined = JoinedPayloads.of(codecFor({ name: 'PCMU', clockRate: 8000, channels: 1 })!)!;
    expect(joined.fits(held(new Uint8Array(2048)))).toBe(true);
    expect(joined.fits(held(new Uint8Array(2049)))).toBe(false);
  });
});
