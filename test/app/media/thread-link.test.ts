import { MessageChannel } from 'node:worker_threads';
import { describe, expect, onTestFinished, test } from 'vitest';
import { ThreadLink } from '../../../src/app/media/thread-link.ts';
import { AppError } from '../../../src/core/errors.ts';

interface Near {
  told(word: unknown): void;
  failing(): void;
}

interface Far {
  echo(value: unknown): Promise<unknown>;
  fail(error: number): Promise<void>;
  tellThenAnswer(words: number): Promise<string>;
  slow(): Promise<void>;
  take(bytes: ArrayBuffer): void;
  break(): void;
}

const ERRORS: readonly unknown[] = [
  new AppError('NOT_FOUND', 'no such user', { details: ['bob'] }),
  new AppError('JOURNAL_UNWRITABLE', 'the disk is full', {
    cause: Object.assign(new Error('write failed'), { code: 'ENOSPC' }),
  }),
  new TypeError('a defect'),
  new AppError('CONFLICT', 'with what can not be cloned', { details: { read: () => 'never' } }),
  'a word',
];

/** Both ends in this thread, over a real port. */
const linked = ({ hears = true } = {}) => {
  const { port1, port2 } = new MessageChannel();
  onTestFinished(() => port1.close());
  const heard: unknown[] = [];
  const taken: ArrayBuffer[] = [];
  const defects: string[] = [];
  const defect = ({ message }: AppError): void => void defects.push(message);
  const near = new ThreadLink<Far, Near>(port1, defect);
  near.hear({
    told: (word) => void heard.push(word),
    failing: () => {
      throw new AppError('INTERNAL', 'what was told could not be taken');
    },
  });
  const far = new ThreadLink<Near, Far>(port2, defect);
  const words: Far = {
    echo: async (value) => value,
    fail: async (error) => {
      throw ERRORS[error];
    },
    tellThenAnswer: async (count) => {
      for (let word = 0; word < count; word++) far.tell('told', word);
      return 'done';
    },
    slow: () => new Promise(() => {}),
    take: (bytes) => void taken.push(bytes),
    break: () => far.tell('failing'),
  };
  if (hears) far.hear(words);
  return { near, far, words, heard, taken, defects };
};

const failureOf = async (answer: Promise<unknown>): Promise<AppError> => {
  const error = await answer.then(
    () => undefined,
    (why: unknown) => why,
  );
  if (!(error instanceof AppError)) throw new Error('it did not fail as it should');
  return error;
};

test('what is asked is answered', async () => {
  const { near } = linked();
  expect(await near.ask('echo', { deep: [1, undefined, new Map([[1, 'x']])] })).toEqual({
    deep: [1, undefined, new Map([[1, 'x']])],
  });
  expect(near.waiting).toBe(0);
});

test('what was told before an answer is heard before it, in order', async () => {
  const { near, heard } = linked();
  await near.ask('tellThenAnswer', 500);
  expect(heard).toEqual(Array.from({ length: 500 }, (_, word) => word));
});

test('what is said before the other side hears waits for it', async () => {
  const { near, far, words, taken } = linked({ hears: false });
  near.tell('take', new ArrayBuffer(3));
  const answer = near.ask('echo', 'early');
  far.hear(words);
  expect(await answer).toBe('early');
  expect(taken).toHaveLength(1);
});

describe('an error arrives whole', () => {
  for (const { name, error, want } of [
    {
      name: 'one of the catalogue, with its particulars',
      error: 0,
      want: { code: 'NOT_FOUND', message: 'no such user', details: ['bob'], status: 404, retryable: false },
    },
    {
      name: 'with the code of the system that caused it',
      error: 1,
      want: { code: 'JOURNAL_UNWRITABLE', retryable: true, cause: { message: 'write failed', code: 'ENOSPC' } },
    },
    { name: 'a defect as INTERNAL', error: 2, want: { code: 'INTERNAL', message: 'a defect' } },
    { name: 'without what can not be cloned', error: 3, want: { code: 'CONFLICT', details: undefined } },
    { name: 'what is none', error: 4, want: { code: 'INTERNAL', message: 'a word' } },
  ])
    test(name, async () => {
      const { near } = linked();
      expect(await failureOf(near.ask('fail', error))).toMatchObject(want);
    });
});

test('a told word that could not be taken is a defect there, and the next one is heard', async () => {
  const { near, defects, heard } = linked();
  near.tell('break');
  await near.ask('tellThenAnswer', 1);
  expect([defects, heard]).toEqual([['what was told could not be taken'], [0]]);
});

test('what can not be cloned fails who asks, and is a defect where it is told', async () => {
  const { near, far, defects } = linked();
  await failureOf(near.ask('echo', () => {}));
  expect(near.waiting).toBe(0);
  far.tell('told', () => {});
  expect(defects).toHaveLength(1);
});

test('what is handed over is no longer here', async () => {
  const { near, taken } = linked();
  const bytes = Uint8Array.of(1, 2, 3).buffer;
  near.hand('take', [bytes], bytes);
  await near.ask('echo', 0);
  expect(bytes.byteLength).toBe(0);
  expect(new Uint8Array(taken[0]!)).toEqual(Uint8Array.of(1, 2, 3));
});

test('a side that could not begin answers everything by why', async () => {
  const { near, far } = linked({ hears: false });
  far.hear(new AppError('CONFIG_INVALID', 'no pair of ports'));
  expect(await failureOf(near.ask('echo', 1))).toMatchObject({ code: 'CONFIG_INVALID', message: 'no pair of ports' });
});

test('when the other side is gone, who waits is told why, and so is who asks then', async () => {
  const { near, heard } = linked();
  const waiting = near.ask('slow');
  expect(near.waiting).toBe(1);
  near.end(new AppError('INTERRUPTED', 'it is gone'));
  near.end(new AppError('INTERNAL', 'said too late'));
  for (const answer of [waiting, near.ask('echo', 1)])
    expect(await failureOf(answer)).toMatchObject({ code: 'INTERRUPTED', message: 'it is gone' });
  near.tell('break');
  expect([near.waiting, heard]).toEqual([0, []]);
});

test('a word that the other side does not know is refused by name', async () => {
  const { port1, port2 } = new MessageChannel();
  onTestFinished(() => port1.close());
  const near = new ThreadLink<Far, Record<never, never>>(port1, () => {});
  near.hear({});
  new ThreadLink<Record<never, never>, Record<never, never>>(port2, () => {}).hear({});
  expect((await failureOf(near.ask('slow'))).message).toContain('slow');
});
