/** What each leg says in the live trial: a tone of its own, so that audio on a wrong leg, or in a wrong recording, is heard. Pure. */
import { encodeUlaw } from '../../../src/kernel/g711.ts';
import { tone } from '../../support/tones.ts';
import { FRAME_MS, FRAME_SAMPLES } from '../voice.ts';

export const RATE = 8000;
export const LEVEL_DBFS = -12;
/** Whole numbers of Hz: what is sent repeats every second. */
const FIRST_HZ = 300;
/** An ear of one second tells these apart. */
const STEP_HZ = 7;
const HIGHEST_HZ = 3400;

export const FRAMES_PER_SECOND = 1000 / FRAME_MS;

/** Legs with a tone of their own below what µ-law carries. */
export const MOST_LEGS = Math.floor((HIGHEST_HZ - FIRST_HZ) / STEP_HZ);

/** @param leg counted over all calls: 2 × call, and one more for leg b. */
export const hzOf = (leg: number): number => {
  if (leg >= MOST_LEGS) throw new RangeError(`there are tones for ${MOST_LEGS} legs`);
  return FIRST_HZ + STEP_HZ * leg;
};

/** A second of the leg's tone, µ-law, 20 ms a frame. */
export const framesOf = (leg: number): Uint8Array[] => {
  const pcm = tone(hzOf(leg), 1000, RATE, LEVEL_DBFS);
  return Array.from({ length: FRAMES_PER_SECOND }, (_, frame) => {
    const samples = pcm.subarray(frame * FRAME_SAMPLES, (frame + 1) * FRAME_SAMPLES);
    const coded = new Uint8Array(FRAME_SAMPLES);
    encodeUlaw(samples, coded);
    return coded;
  });
};
