/**
 * What a recording's journal holds: the only contract between the recorder and the finalizer (design §3).
 *
 *     file    "RCJOURN1" record*
 *     record  length u32 · crc32 u32 · body       length and crc (IEEE, of the body) little-endian; crc 0 in a sealed journal
 *     body    kind u8 · content                    content is JSON, but for frames:
 *     frame   kind u8 · flags u8 · track u16 · arrivalUs f64 · ticks f64 · payload, still encoded
 *
 * In a sealed journal (`journal-segments.ts`) the same records lie in segments that are proven as a whole: a sum would prove nothing more,
 * and none is checked there. A frame that falls into a mask is never in here: it was withheld before anything was written.
 */
import type { Leg } from '../core/leg.ts';
import type { Format, MaskMode } from '../core/record-call.ts';
import type { WireCodec } from '../media/wire-codec.ts';

export const JOURNAL_MAGIC = Buffer.from('RCJOURN1', 'latin1');
export const RECORD_HEAD_BYTES = 8;
export const FRAME_HEAD_BYTES = 20;
/** No record is longer: a longer length is a torn or damaged tail. */
export const MAX_RECORD_BYTES = 1 << 20;

export const KIND = { open: 1, track: 2, frame: 3, mask: 4, tally: 5, close: 6 } as const;

/** Who is on the call, as SIP or the announcement said; empty strings where unknown. */
export type Parties = {
  readonly from: string;
  readonly to: string;
  readonly callerIdName: string;
  readonly callerIdNumber: string;
  readonly calleeIdName: string;
  readonly calleeIdNumber: string;
};

/** Where a line's media time lies on the call's clock. */
export type LineFit = {
  /** Call-clock µs of media time 0. */
  readonly originUs: number;
  /** Call-clock time per media time: 1.0002 for a sender whose clock is 200 ppm slow. */
  readonly scale: number;
};

/**
 * From `mediaUs` on, a line's media time lies at `callUs` and behind, `scale` times as fast. A line's pieces join; before the first it
 * goes on as that one does.
 */
export type LinePiece = { readonly mediaUs: number; readonly callUs: number; readonly scale: number };

/** Where a recording that has been looked at before begins and ends, µs on the call's clock. */
export type Extent = {
  /** Position 0. */
  readonly startUs: number;
  /** Exclusive. */
  readonly endUs: number;
  /** No frame comes later than this after the instant its audio begins. */
  readonly horizonUs: number;
};

/** What a rehearsal has found of one recording, with the whole call in view and nothing withheld by position. */
export type Foreseen = Extent & { readonly lines: ReadonlyMap<number, readonly LinePiece[]> };

/** First record: everything the finalizer and delivery need to know that was known at the start. Times are µs since the Unix epoch. */
export type OpenRecord = {
  readonly version: 1;
  /** `YYYYMM-<32 lower-hex>` (Kazoo). */
  readonly id: string;
  readonly callId: string;
  readonly mediaName: string;
  readonly format: Format;
  /** Hz; null: the higher of the legs' own rates. */
  readonly sampleRate: number | null;
  readonly channels: 'stereo' | 'mono';
  readonly maskMode: MaskMode;
  readonly minSeconds: number;
  readonly startUs: number;
  /** `first-frame`: position 0 is the first frame's first sample, wherever the finished line places it. */
  readonly startsWith: 'first-frame' | 'command';
  readonly origin: string;
  readonly label: string;
  readonly url: string;
  readonly method: 'put' | 'post';
  readonly parties: Parties;
  /** Known beforehand, where masks count from it; else the finalizer finds it. */
  readonly extent?: Extent;
};

/** A run of frames that one decoder and one line serve: one leg, SSRC, codec. */
export type TrackRecord = {
  readonly track: number;
  /** Frames of one line share a timestamp axis, whatever their codec. */
  readonly line: number;
  /** Whether enough packets agreed on the line; the finalizer measures no drift on one that is not trusted. */
  readonly trusted: boolean;
  readonly leg: Leg;
  readonly ssrc: number;
  readonly codec: WireCodec;
  /** Where its line lies, known beforehand; else the finalizer fits it. */
  readonly path?: readonly LinePiece[];
};

/** What set a mask: never with digits. */
export type Trigger = {
  readonly kind: 'dtmf' | 'api' | 'stream' | 'policy';
  /** The leg that typed the code. */
  readonly leg?: Leg;
  /** API key id, or the policy's name. */
  readonly by?: string;
};

/** A mask of the call; written again under the same id when it ends. A journal that ends while `endUs` is null is masked to its end. */
export type MaskRecord = {
  readonly id: number;
  readonly startUs: number;
  readonly endUs: number | null;
  readonly trigger: Trigger;
  readonly askedAtUs: number;
  readonly effectiveAtUs: number;
  readonly unmaskTrigger?: Trigger;
  readonly unmaskAskedAtUs?: number;
  /** Of an open one, how far what it withheld had come when this was written: a journal that breaks off is at least so long. */
  readonly heldUntilUs?: number;
};

/** Packets of one leg during the recording. */
export type LegTally = {
  received: number;
  lost: number;
  late: number;
  duplicate: number;
  /** Not written because a mask covers them. */
  withheld: number;
  /** Not written because a key tone is in them. */
  redacted: number;
  /** Telephone-event and comfort-noise packets: never audio. */
  events: number;
  /** Codec not known, payload cut, or malformed. */
  unusable: number;
};

export const emptyTally = (): LegTally => ({
  received: 0,
  lost: 0,
  late: 0,
  duplicate: 0,
  withheld: 0,
  redacted: 0,
  events: 0,
  unusable: 0,
});

export type TallyRecord = {
  readonly legs: Readonly<Record<Leg, LegTally>>;
  /** Frames withheld by mask id and leg. */
  readonly withheld: readonly { readonly mask: number; readonly a: number; readonly b: number }[];
  /** Spans of a leg that were withheld because a key was audible in them. */
  readonly redacted: readonly Redaction[];
};

export type Redaction = { readonly leg: Leg; readonly startUs: number; readonly endUs: number };

export type CloseRecord = {
  readonly endUs: number;
  /** `last-frame`: the artefact ends with the last frame's last sample. */
  readonly endsWith: 'last-frame' | 'command';
  readonly reason: 'stop' | 'hangup' | 'time-limit' | 'mask-expiry' | 'shutdown';
  /** End of the last frame that was withheld, 0 when none was: masked time at the end counts. */
  readonly withheldUntilUs: number;
};

/** A frame as it was written; a reader uses the object and the memory of the payload again. */
export type FrameRecord = {
  track: number;
  arrivalUs: number;
  /** Extended RTP timestamp, in ticks of the track's wire clock. */
  ticks: number;
  payload: Buffer;
};
