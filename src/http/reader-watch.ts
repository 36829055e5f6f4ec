/**
 * Watches over a long answer: cuts off one whose reader takes nothing, so that its file and its connection are not held for good.
 * Sends nothing, and reads nothing of it.
 */
import type { Clock } from '../core/clock.ts';

export type ReaderLimits = {
  readonly clock: Clock;
  /** A reader that takes nothing for so long has gone, or means harm. */
  readonly stallMs: number;
};

type LongAnswer = {
  once(event: 'finish' | 'close', listener: () => void): unknown;
  destroy(): unknown;
};

/** @param socket the answer's: what was handed to it, and how much of that the reader hasn't made room for; bytes */
export const watchReader = (
  answer: LongAnswer,
  socket: { readonly bytesWritten: number; readonly writableLength: number },
  { clock, stallMs }: ReaderLimits,
): void => {
  /** Aborts when all of it is on its way, or nobody waits for it any more. */
  const over = new AbortController();
  for (const event of ['finish', 'close'] as const) answer.once(event, () => over.abort());
  const taken = (): number => socket.bytesWritten - socket.writableLength;
  const guard = async (): Promise<void> => {
    for (let before = taken(); ; before = taken()) {
      await clock.sleep(stallMs, over.signal);
      // When nothing waits for the reader, it waits for our disk.
      if (socket.writableLength > 0 && taken() === before) answer.destroy();
    }
  };
  guard().catch(() => {});
};
