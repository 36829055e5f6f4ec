/**
 * The card payment of the seed as two phones send it: Alice and Bob on a tone each, four codes typed as telephone-events by one of them,
 * and something secret said while the call is to be masked. Positions in ms after the call's first packet. Pure.
 *
 *     0    1020 *71            2220 *72   2340 ──── secret ──── 4120 *73           5420 *74    6200
 */
import type { Leg } from '../../src/core/leg.ts';
import { decodeUlaw } from '../../src/kernel/g711.ts';
import { type LegScript, legPackets, type ScriptedKeys } from './call-scenario.ts';
import type { TimedRtp } from './rtp-stream.ts';

export const RATE = 8000;
export const FRAME_MS = 20;
export const CALL_MS = 6200;
/** Multiples of nothing here, so that none is heard in another. */
export const HZ: Readonly<Record<Leg, number>> = { a: 420, b: 980 };
export const SECRET_HZ: Readonly<Record<Leg, number>> = { a: 1730, b: 2270 };

const KEY_MS = 160;
const HELD_MS = 100;

/** Three keys: the code acts at some time while the last one is held (design §6.7). */
const code = (keys: string, atMs: number) => ({
  keys,
  atMs,
  actsMs: atMs + 2 * KEY_MS,
  endMs: atMs + 2 * KEY_MS + HELD_MS,
  /** When that leg speaks again. */
  speaksMs: atMs + 3 * KEY_MS,
});

export const CODE = {
  start: code('*71', 700),
  mask: code('*72', 1900),
  unmask: code('*73', 3800),
  stop: code('*74', 5100),
} as const;

/** Where, in a masked call, only secrets are sent: from when `*72` must have acted until `*73` can. */
export const SECRET_MS = { from: CODE.mask.endMs + FRAME_MS, to: CODE.unmask.actsMs } as const;
/** Before `*71` can have acted, after `*74` must have: what is said there is nobody's either. */
const UNRECORDED_MS = { to: CODE.start.actsMs - 60, from: CODE.stop.endMs + 100 } as const;

/** µ-law bytes that no tone makes. */
export const SECRET = Buffer.from('53ecb1374e9a0fd16288c5f31b7d24a9', 'hex');
/** What the other party types while the call is masked. */
export const CARD_DIGITS = '94839017';
/** Every code of this call and the card: what may be in no log, event or file. */
export const TYPED = [CARD_DIGITS, ...Object.values(CODE).map(({ keys }) => keys)];

/** µ-law bytes as the samples that they stand for, as a wav of one channel holds them. */
export const asSamples = (encoded: Uint8Array): Buffer => {
  const pcm = new Int16Array(encoded.length);
  decodeUlaw(encoded, pcm);
  return Buffer.from(pcm.buffer);
};

/** The four codes as metaflows. @param start fields of the recording that `*71` starts. */
export const metaflowsOf = (start: object, listenOn?: 'self' | 'both') => ({
  ...(listenOn === undefined ? {} : { listen_on: listenOn }),
  numbers: Object.fromEntries(
    (['start', 'mask', 'unmask', 'stop'] as const).map((action) => [
      CODE[action].keys.slice(1),
      { module: 'record_call', data: { action, ...(action === 'start' ? start : {}) } },
    ]),
  ),
});

export type SeedCall = {
  /** Who types the codes; nobody, in a call that the API controls. */
  readonly typist?: Leg;
  /** Which codes they type: all. */
  readonly typed?: readonly (keyof typeof CODE)[];
  /** The other one types a card number under the mask. */
  readonly withCard?: boolean;
  /** Nothing is secret but what is masked: the call is recorded from its beginning to its end. */
  readonly wholly?: boolean;
};

/** A packet, and what is sent in its place while the secret is said. */
export type SeedPacket = TimedRtp & { readonly secret: Buffer };

const scriptOf = (leg: Leg, { typist, typed = ['start', 'mask', 'unmask', 'stop'], withCard }: SeedCall): LegScript => {
  const keys: ScriptedKeys[] = [];
  const press = (word: string, atMs: number) =>
    keys.push({ keys: word, atMs, heldMs: HELD_MS, gapMs: KEY_MS - HELD_MS });
  if (leg === typist) for (const action of typed) press(CODE[action].keys, CODE[action].atMs);
  else if (withCard === true) press(CARD_DIGITS, 2400);
  return { tones: [{ hz: HZ[leg], startMs: 0, endMs: CALL_MS }], typed: keys };
};

/** What a leg sends, each audio packet in two versions. */
export const seedPackets = (leg: Leg, call: SeedCall): readonly SeedPacket[] => {
  const script = scriptOf(leg, call);
  const scene = { durationMs: CALL_MS, legs: { a: {}, b: {} }, startUs: 0 };
  const plain = legPackets(script, leg, scene);
  const secret = legPackets({ ...script, tones: [{ hz: SECRET_HZ[leg], startMs: 0, endMs: CALL_MS }] }, leg, scene);
  return plain.map((packet, index) => {
    const { data } = secret[index];
    if (packet.payloadType === 0) SECRET.copy(data, data.length - packet.payload.length + 64);
    return { ...packet, secret: data };
  });
};

/**
 * Whether what is sent at that time is secret, in a call that codes control.
 * @param lagMs how much later than it is placed it may come: so long behind `*74` it passes for what was said before it
 */
export const isSecretAt = (atMs: number, { wholly = false }: SeedCall, lagMs = 0): boolean =>
  (atMs >= SECRET_MS.from && atMs < SECRET_MS.to) ||
  (!wholly && (atMs < UNRECORDED_MS.to || atMs >= UNRECORDED_MS.from + lagMs));

/** When a leg speaks, and no key is pressed. */
export const speechOf = (leg: Leg, call: SeedCall): readonly { readonly fromMs: number; readonly toMs: number }[] => {
  const holes = (scriptOf(leg, call).typed ?? []).map(({ keys, atMs }) => ({
    fromMs: atMs,
    toMs: atMs + keys.length * KEY_MS,
  }));
  let fromMs = 0;
  const spans: { fromMs: number; toMs: number }[] = [];
  for (const hole of [...holes, { fromMs: CALL_MS, toMs: CALL_MS }]) {
    spans.push({ fromMs, toMs: hole.fromMs });
    fromMs = hole.toMs;
  }
  return spans;
};

/** Bytes of the caller's tone as the wire has them: what a search for the secret must find in a journal to be a search. */
export const publicBytes = (): Buffer => Buffer.from(seedPackets('a', {})[0].payload.subarray(0, 24));
