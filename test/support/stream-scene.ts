/**
 * A card payment of a few seconds as a media server streams it: each leg on a tone, codes typed by one of them, something secret said while
 * the call is masked. Played in real time, in frames of 20 ms. Positions in ms after the first frame.
 *
 *     0         1200 *72   1500 ──── secret ──── 2700   2760 *73          4200
 */
import { FRAME_MS, type Played } from '../../samples/clients/played.ts';
import { LEGS, type Leg } from '../../src/core/leg.ts';
import { asSamples, HZ, SECRET, SECRET_HZ } from './live-call.ts';
import { span, tone } from './tones.ts';

export const SCENE_MS = 4200;
/** When each key is told of: a server does so when it is released. */
const KEYS: readonly { readonly key: string; readonly atMs: number }[] = [
  { key: '*', atMs: 1000 },
  { key: '7', atMs: 1100 },
  { key: '2', atMs: 1200 },
  { key: '*', atMs: 2560 },
  { key: '7', atMs: 2660 },
  { key: '3', atMs: 2760 },
];
export const MASKED_MS = { from: 1200, to: 2760 };
const SECRET_MS = { from: 1500, to: 2700 };
/** The secret's own bytes lie that far into each of its frames. */
const SECRET_AT_MS = 4;

/** Where the scene's secret would be found: as G.711, as samples of either byte order. */
export const SECRET_NEEDLES: readonly Buffer[] = [SECRET, asSamples(SECRET), asSamples(SECRET).swap16()];

/** When a leg speaks, and what it says is anybody's to hear. */
export const PUBLIC_MS = [
  { from: 0, to: SECRET_MS.from },
  { from: SECRET_MS.to, to: SCENE_MS },
] as const;

/** What both legs sent, as `liveFaults` wants it. @param startMs of the recording, after the first frame */
export const saidFrom = (startMs: number) => ({
  a: { hz: HZ.a, spans: PUBLIC_MS.map(({ from, to }) => ({ from: from - startMs, to: to - startMs })) },
  b: { hz: HZ.b, spans: PUBLIC_MS.map(({ from, to }) => ({ from: from - startMs, to: to - startMs })) },
});

/** A leg's whole part, sample by sample. */
const partOf = (leg: Leg, sampleRate: number): Int16Array => {
  const pcm = tone(HZ[leg], SCENE_MS, sampleRate);
  span(pcm, sampleRate, SECRET_MS.from, SECRET_MS.to).set(
    tone(SECRET_HZ[leg], SECRET_MS.to - SECRET_MS.from, sampleRate),
  );
  const bytes = asSamples(SECRET);
  const needle = new Int16Array(bytes.buffer, bytes.byteOffset, bytes.length / 2);
  for (let atMs = SECRET_MS.from; atMs < SECRET_MS.to; atMs += FRAME_MS)
    span(pcm, sampleRate, atMs + SECRET_AT_MS, atMs + FRAME_MS).set(needle);
  return pcm;
};

const interleaved = (parts: readonly Int16Array[]): Int16Array => {
  const out = new Int16Array(parts[0].length * parts.length);
  for (const [channel, part] of parts.entries())
    for (let n = 0; n < part.length; n++) out[n * parts.length + channel] = part[n];
  return out;
};

/** How late the latest frame left, of all that were played with one clock. */
export class SceneClock {
  #startMs = 0;
  worstLateMs = 0;

  /** The scene begins in a moment. */
  start(): void {
    this.#startMs = performance.now() + 200;
  }

  /** Resolves at that instant of the scene, or as soon after it as may be. */
  async reach(atMs: number): Promise<void> {
    const waitMs = this.#startMs + atMs - performance.now();
    if (waitMs > 0) await new Promise((resolve) => setTimeout(resolve, Math.ceil(waitMs)));
    this.worstLateMs = Math.max(this.worstLateMs, performance.now() - this.#startMs - atMs);
  }
}

/**
 * @param legs one, or both interleaved. @param types whether the codes are typed here. @param encode linear samples as the stream has them
 */
export async function* sceneOf(
  clock: SceneClock,
  { legs = LEGS, sampleRate, types = false, encode = asLinear }: SceneOptions,
): AsyncGenerator<Played> {
  const pcm = interleaved(legs.map((leg) => partOf(leg, sampleRate)));
  const frame = (sampleRate * FRAME_MS * legs.length) / 1000;
  const keys = types ? [...KEYS] : [];
  for (let atMs = 0; atMs < SCENE_MS; atMs += FRAME_MS) {
    // What is said from then on is whole, and sent, a frame later.
    await clock.reach(atMs + FRAME_MS);
    while (keys.length > 0 && keys[0].atMs <= atMs) yield { key: keys.shift()!.key };
    const first = (atMs / FRAME_MS) * frame;
    yield encode(pcm.subarray(first, first + frame));
  }
}

export type SceneOptions = {
  readonly legs?: readonly Leg[];
  readonly sampleRate: number;
  readonly types?: boolean;
  readonly encode?: (pcm: Int16Array) => Uint8Array;
};

const asLinear = (pcm: Int16Array): Uint8Array => new Uint8Array(pcm.buffer, pcm.byteOffset, pcm.byteLength);
