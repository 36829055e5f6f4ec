/**
 * Sounds that a test can recognise again, and the ears to do so. Everything is 16-bit PCM, one Int16Array per channel.
 * Levels are dBFS where a full-scale sine is 0; nothing is ever reported below `FLOOR_DBFS`.
 */

export const FLOOR_DBFS = -120;

const FULL_SCALE = 32768;

const samplesIn = (ms: number, sampleRate: number): number => Math.round((ms * sampleRate) / 1000);

const toSample = (value: number): number => Math.max(-32768, Math.min(32767, Math.round(value)));

export const amplitudeOf = (dbfs: number): number => FULL_SCALE * 10 ** (dbfs / 20);

export const toDbfs = (amplitude: number): number =>
  Math.max(FLOOR_DBFS, 20 * Math.log10(Math.max(amplitude, Number.MIN_VALUE) / FULL_SCALE));

export const silence = (ms: number, sampleRate: number): Int16Array => new Int16Array(samplesIn(ms, sampleRate));

/** A sine that starts at phase 0. */
export const tone = (hz: number, ms: number, sampleRate: number, dbfs = -12): Int16Array => {
  const amplitude = amplitudeOf(dbfs);
  return silence(ms, sampleRate).map((_, n) => toSample(amplitude * Math.sin((2 * Math.PI * hz * n) / sampleRate)));
};

/** A sine whose frequency glides evenly from `fromHz` to `toHz`. */
export const sweep = (fromHz: number, toHz: number, ms: number, sampleRate: number, dbfs = -12): Int16Array => {
  const amplitude = amplitudeOf(dbfs);
  const perSecond = (toHz - fromHz) / (ms / 1000);
  return silence(ms, sampleRate).map((_, n) => {
    const seconds = n / sampleRate;
    return toSample(amplitude * Math.sin(2 * Math.PI * (fromHz + (perSecond * seconds) / 2) * seconds));
  });
};

/** A repeatable random source, evenly spread over [0, 1): mulberry32. */
export const seeded = (seed: number): (() => number) => {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
};

/** White noise whose RMS is that of a sine of `dbfs`; the same for the same seed. */
export const noise = (ms: number, sampleRate: number, dbfs = -24, seed = 1): Int16Array => {
  const random = seeded(seed);
  // The RMS of an even spread over ±A is A/√3, that of a sine A/√2.
  const amplitude = amplitudeOf(dbfs) * Math.sqrt(3 / 2);
  return silence(ms, sampleRate).map(() => toSample(amplitude * (2 * random() - 1)));
};

export const joined = (...parts: readonly Int16Array[]): Int16Array => {
  const whole = new Int16Array(parts.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of parts) {
    whole.set(part, at);
    at += part.length;
  }
  return whole;
};

/** Adds `sound` to `onto` from `startMs` on, in place; what reaches past the end is left out. */
export const mixInto = (onto: Int16Array, sound: Int16Array, startMs: number, sampleRate: number): void => {
  const start = samplesIn(startMs, sampleRate);
  const count = Math.min(sound.length, onto.length - start);
  for (let n = 0; n < count; n++) onto[start + n] = toSample(onto[start + n] + sound[n]);
};

/** The samples of `[startMs, endMs)`, as a view. */
export const span = (pcm: Int16Array, sampleRate: number, startMs: number, endMs: number): Int16Array =>
  pcm.subarray(Math.max(0, samplesIn(startMs, sampleRate)), Math.max(0, samplesIn(endMs, sampleRate)));

/** Channels out of interleaved samples. */
export const channelsOf = (interleaved: Int16Array, channels: number): Int16Array[] =>
  Array.from({ length: channels }, (_, channel) => {
    const one = new Int16Array(Math.floor(interleaved.length / channels));
    for (let n = 0; n < one.length; n++) one[n] = interleaved[n * channels + channel];
    return one;
  });

/** How loud one frequency is in a span: Goertzel's algorithm under a Hann window, so that neighbours don't leak in. */
export const levelOf = (pcm: Int16Array, sampleRate: number, hz: number, startMs: number, endMs: number): number => {
  const part = span(pcm, sampleRate, startMs, endMs);
  const omega = (2 * Math.PI * hz) / sampleRate;
  const coefficient = 2 * Math.cos(omega);
  let before = 0;
  let last = 0;
  let windowSum = 0;
  for (let n = 0; n < part.length; n++) {
    const window = 0.5 - 0.5 * Math.cos((2 * Math.PI * (n + 0.5)) / part.length);
    windowSum += window;
    const now = part[n] * window + coefficient * last - before;
    before = last;
    last = now;
  }
  if (windowSum === 0) return FLOOR_DBFS;
  const power = last * last + before * before - coefficient * last * before;
  return toDbfs((2 * Math.sqrt(Math.max(0, power))) / windowSum);
};

/** Root mean square in sample units, 0–32768. */
export const rms = (pcm: Int16Array): number => {
  let sum = 0;
  for (const sample of pcm) sum += sample * sample;
  return pcm.length === 0 ? 0 : Math.sqrt(sum / pcm.length);
};

/** The RMS of a span as the level of the sine that has it. */
export const rmsDbfs = (pcm: Int16Array, sampleRate: number, startMs: number, endMs: number): number =>
  toDbfs(rms(span(pcm, sampleRate, startMs, endMs)) * Math.SQRT2);

/** The loudest sample of a span, 0–32768. */
export const peak = (pcm: Int16Array): number => {
  let highest = 0;
  for (const sample of pcm) highest = Math.max(highest, Math.abs(sample));
  return highest;
};

/**
 * By how many samples `other` is later than `reference` (negative: earlier): where their cross-correlation peaks, and how
 * alike they are there, 1 being the same but for volume.
 */
export const lagOf = (
  reference: Int16Array,
  other: Int16Array,
  maxLag: number,
): { readonly lag: number; readonly likeness: number } => {
  let best = { lag: 0, likeness: Number.NEGATIVE_INFINITY };
  for (let lag = -maxLag; lag <= maxLag; lag++) {
    const from = Math.max(0, -lag);
    const to = Math.min(reference.length, other.length - lag);
    let product = 0;
    let left = 0;
    let right = 0;
    for (let n = from; n < to; n++) {
      const x = reference[n];
      const y = other[n + lag];
      product += x * y;
      left += x * x;
      right += y * y;
    }
    const likeness = left === 0 || right === 0 ? 0 : product / Math.sqrt(left * right);
    if (likeness > best.likeness) best = { lag, likeness };
  }
  return best;
};
