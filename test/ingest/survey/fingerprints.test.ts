import { expect, test } from 'vitest';
import { CONSTANT, FingerprintBudget, Fingerprints, payloadHash } from '../../../src/ingest/survey/fingerprints.ts';
import { seeded } from '../../support/tones.ts';

const random = seeded(1);
const payload = (length = 160): Uint8Array => Uint8Array.from({ length }, () => Math.floor(random() * 256));

const sampleOf = (payloads: readonly Uint8Array[], budget = new FingerprintBudget()): Fingerprints => {
  const sample = new Fingerprints(budget);
  for (const [index, one] of payloads.entries()) sample.push(one, 0, one.length, index * 20_000);
  return sample;
};

const hashesOf = (sample: Fingerprints): number[] => {
  const hashes: number[] = [];
  sample.forEach(0, Number.POSITIVE_INFINITY, (hash) => hashes.push(hash));
  return hashes;
};

test('a payload of one value, or a short one, has no fingerprint', () => {
  for (const one of [new Uint8Array(160).fill(0xff), new Uint8Array(0), payload(4), new Uint8Array(33)]) {
    expect(payloadHash(one, 0, one.length)).toBe(CONSTANT);
  }
});

test('a hash depends on the payload, not on where it lies', () => {
  const one = payload();
  const shifted = new Uint8Array(180);
  shifted.set(one, 12);
  expect(payloadHash(shifted, 12, 172)).toBe(payloadHash(one, 0, 160));
  const other = one.slice();
  other[0] ^= 1;
  expect(payloadHash(other, 0, 160)).not.toBe(payloadHash(one, 0, 160));
  expect(payloadHash(one, 0, 158)).not.toBe(payloadHash(one, 0, 160));
});

for (const count of [10, 63, 64, 500, 5000, 100_000]) {
  test(`a sample of ${count} packets is bounded, and has enough of them`, () => {
    const kept = hashesOf(sampleOf(Array.from({ length: count }, () => payload(20)))).length;
    expect(kept).toBeLessThanOrEqual(2048);
    expect(kept).toBeGreaterThanOrEqual(Math.min(count, 12));
  });
}

test('two samples of the same packets keep the same ones, and a part is found in the whole', () => {
  const all = Array.from({ length: 4000 }, () => payload(40));
  expect(hashesOf(sampleOf(all))).toEqual(hashesOf(sampleOf(all)));
  const whole = sampleOf(all);
  const part = sampleOf(all.slice(1000, 1500));
  const known = new Set(hashesOf(whole));
  const mask = (1 << Math.max(whole.level, part.level)) - 1;
  const comparable = hashesOf(part).filter((hash) => (hash & mask) === 0);
  expect(comparable.length).toBeGreaterThan(20);
  expect(comparable.every((hash) => known.has(hash))).toBe(true);
});

test('a steady tone is kept once in two seconds, and never crowds out the rest', () => {
  const frames = [payload(), payload(), payload()];
  const hashes = hashesOf(sampleOf(Array.from({ length: 3000 }, (_, index) => frames[index % 3])));
  expect(new Set(hashes).size).toBe(3);
  expect(hashes.length).toBeLessThanOrEqual(64);
});

test('three payloads for hours are bounded, and none of them is forgotten', () => {
  const frames = [payload(), payload(), payload()];
  const sample = new Fingerprints(new FingerprintBudget());
  for (let index = 0; index < 20_000; index++) sample.push(frames[index % 3], 0, 160, index * 1e6);
  expect(hashesOf(sample).length).toBeLessThanOrEqual(64);
  expect(new Set(hashesOf(sample)).size).toBe(3);
});

test('all samples share one budget, and what is thinned goes back to it', () => {
  const budget = new FingerprintBudget();
  const before = budget.left;
  const kept = [0, 1].map(
    () =>
      hashesOf(
        sampleOf(
          Array.from({ length: 1000 }, () => payload()),
          budget,
        ),
      ).length,
  );
  expect(before - budget.left).toBe(kept[0] + kept[1]);
  budget.left = 5;
  expect(
    hashesOf(
      sampleOf(
        Array.from({ length: 50 }, () => payload()),
        budget,
      ),
    ),
  ).toHaveLength(5);
});
