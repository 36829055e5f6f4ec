/** What one scripted call has asked for, when, and what it was answered: all that its recording is held against. Times in µs since the Unix epoch. */
import type { Leg } from '../../src/core/leg.ts';
import type { Format } from '../../src/core/record-call.ts';

/** Undefined: it was never asked, or never answered. `recordings`: how many the answer named. */
export type Asked = { askedUs?: number | undefined; answeredUs?: number | undefined; recordings?: number };

export type ToldMask = { readonly on: Asked; readonly off: Asked };

export type Told = {
  readonly callId: string;
  readonly life: number;
  /** With the first frame, or by a command of its own. */
  readonly begins: 'first-frame' | 'command';
  readonly format: Format;
  readonly hz: Readonly<Record<Leg, number>>;
  readonly codecs: Readonly<Record<Leg, string>>;
  readonly announce: Asked;
  readonly start: Asked;
  readonly masks: ToldMask[];
  readonly stop: Asked;
  readonly hangUp: Asked;
  /** From the first frame's first sample to the last one's last. */
  said?: { fromUs: number; toUs: number };
  /** When the service was killed, if this call lived then. */
  killedUs?: number | undefined;
  /** How late a frame of it left, at most. */
  lateMs: number;
  /** How long the service stood still in that life, at most. */
  stallMs: number;
};

/** So much of a recording may be lost when it is killed, and a little for it to begin. */
const CERTAIN_US = 1_300_000;

/** Whether there must be a recording: its start was answered, an answer that waits for the disk named it, or it was spoken on for longer than may be lost. */
export const wasBegun = ({ begins, start, masks, stop, hangUp, said, lateMs, stallMs }: Told): boolean => {
  if (start.answeredUs !== undefined) return true;
  const wasNamed = [...masks.flatMap(({ on, off }) => [on, off]), stop, hangUp].some(
    ({ recordings = 0 }) => recordings > 0,
  );
  if (wasNamed || begins === 'command' || said === undefined) return wasNamed;
  return said.toUs - said.fromUs > CERTAIN_US + (lateMs + stallMs) * 1000;
};
