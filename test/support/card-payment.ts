/** The sample call of `samples/`: where its files are, and what is where in it. `samples/README.md` tells how it was made. */
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

const sample = (name: string): string => fileURLToPath(new URL(`../../samples/${name}`, import.meta.url));

/** All positions in ms since the first media packet of the capture, as sent; arrival is up to 3 ms later. */
export type CardPaymentTimeline = {
  readonly call_id: string;
  /** From the first media packet to the end of the last frame. */
  readonly duration_ms: number;
  readonly legs: Readonly<
    Record<'a' | 'b', { name: string; ssrc: number; start_ms: number; packets: number; event_packets: number }>
  >;
  readonly codes: readonly {
    readonly leg: 'a' | 'b';
    readonly keys: string;
    readonly action: string;
    /** The first packet of the first key. */
    readonly start_ms: number;
    /** The end of the last key. A code acts between its last digit's `start_ms` and this. */
    readonly end_ms: number;
    readonly digits: readonly { readonly digit: string; readonly start_ms: number; readonly end_ms: number }[];
  }[];
  readonly utterances: readonly {
    readonly leg: 'a' | 'b';
    readonly start_ms: number;
    readonly end_ms: number;
    readonly text: string;
  }[];
};

export const CARD_PAYMENT = {
  folder: sample(''),
  capture: sample('card-payment.pcap'),
  metaflows: sample('card-payment.metaflows.json'),
  generator: sample('make-card-payment.ts'),
  timeline: JSON.parse(readFileSync(sample('card-payment.timeline.json'), 'utf8')) as CardPaymentTimeline,
} as const;

/** When the code of that action was typed: `[its last digit's first packet, its last digit's end]`. */
export const codeSpan = (action: string): readonly [number, number] => {
  const code = CARD_PAYMENT.timeline.codes.find((each) => each.action === action);
  if (code === undefined) throw new RangeError(`the sample has no code for ${action}`);
  return [code.digits.at(-1)!.start_ms, code.end_ms];
};
