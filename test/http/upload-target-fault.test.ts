import { describe, expect, test } from 'vitest';
import { FaultSequence } from '../../src/http/upload-target-fault.ts';

const take = (words: readonly string[], count: number) => {
  const sequence = new FaultSequence(words);
  return Array.from({ length: count }, () => {
    const fault = sequence.take();
    return fault?.kind === 'status' ? fault.status : fault?.kind;
  });
};

describe('faults come in turn', () => {
  for (const { words, want } of [
    { words: [], want: [undefined, undefined] },
    { words: ['503', 'reset', 'slow'], want: [503, 'reset', 'slow', undefined, undefined] },
    { words: ['hang', 'early', 'lost', '404'], want: ['hang', 'early', 'lost', 404, undefined] },
    { words: ['503', 'reset', 'loop'], want: [503, 'reset', 503, 'reset', 503] },
    { words: ['429', 'loop'], want: [429, 429, 429] },
  ]) {
    test(words.join() || 'none', () => expect(take(words, want.length)).toEqual(want));
  }
});

describe('a word that is no fault is wrong usage', () => {
  for (const words of [['loop'], ['loop', '503'], ['200'], ['302'], ['600'], ['5030'], ['Reset'], ['toString'], ['']]) {
    test(JSON.stringify(words), () => {
      expect(() => new FaultSequence(words)).toThrowError(expect.objectContaining({ code: 'USAGE' }));
    });
  }
});
