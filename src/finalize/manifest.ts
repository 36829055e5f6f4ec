/**
 * The manifest beside an artefact (design §4 rule 11): what was masked, when it was asked for and took effect, what set it, what was
 * withheld; what each leg sent; the artefact's digest; where the account's audit stood; all of it signed where there is a key.
 */
import type { Leg } from '../core/leg.ts';
import type { Format, MaskMode } from '../core/record-call.ts';
import { formatWireCodec } from '../media/wire-codec.ts';
import { emptyTally, type LegTally, type Trigger } from '../spool/journal-record.ts';
import type { Gaps } from './assemble.ts';
import type { EncodedFile } from './encode/audio-encoder.ts';
import { afterDropping, type MaskSpan, type SampleSpan } from './mask-render.ts';
import type { Signature } from './signature.ts';
import type { JournalSurvey, SurveyedTrack } from './survey.ts';

export type ManifestMask = {
  /** Positions from the recording's start on the call's clock, in drop mode too. */
  readonly start_ms: number;
  readonly end_ms: number;
  readonly start_sample: number;
  readonly end_sample: number;
  readonly mode: MaskMode;
  /** Where it lies in the artefact: the same, or one point where the span was dropped. */
  readonly artefact: {
    readonly start_ms: number;
    readonly end_ms: number;
    readonly start_sample: number;
    readonly end_sample: number;
  };
  /** How long before it took effect the mask reaches back. */
  readonly lookback_ms: number;
  readonly trigger: Trigger;
  /** UTC, ISO 8601. */
  readonly asked_at: string;
  readonly effective_at: string;
  readonly unmask_trigger: Trigger | null;
  readonly unmask_asked_at: string | null;
  /** Null: the counts died with the recorder. */
  readonly frames_withheld: Readonly<Record<Leg, number>> | null;
};

export type ManifestLeg = {
  readonly codecs: readonly string[];
  readonly ssrcs: readonly string[];
  readonly packets: LegTally;
  /** The sender's clock against the recorder's, where enough was seen to measure it. */
  readonly drift_ppm: number;
  readonly gaps: readonly { readonly start_ms: number; readonly duration_ms: number }[];
  readonly gaps_total_ms: number;
  /** What ffmpeg did not give back of frames it was given; silence stands at the end of their track instead. */
  readonly undecoded_ms: number;
  /** Where a key was audible and was withheld, on this leg alone. */
  readonly redacted: readonly { readonly start_ms: number; readonly duration_ms: number }[];
};

/** An entry of an account's audit, which holds every one before it: each names the hash of the one before. */
export type AuditMark = {
  readonly account_id: string;
  readonly entry: number;
  /** SHA-256, lower-case hex. */
  readonly hash: string;
};

export type Manifest = {
  readonly version: 1;
  readonly recording: {
    readonly id: string;
    readonly call_id: string;
    readonly media_name: string;
    readonly origin: string;
    readonly label: string;
    readonly started_at: string;
    readonly ended_at: string;
    readonly end_reason: string;
    /** On the call's clock, masked and dropped time included. */
    readonly call_duration_ms: number;
  };
  readonly artefact: {
    readonly format: Format;
    readonly sample_rate: number;
    readonly channels: 1 | 2;
    readonly samples: number;
    readonly duration_ms: number;
    readonly bytes: number;
    readonly sha256: string;
    readonly encoder: string;
  };
  readonly masks: readonly ManifestMask[];
  readonly legs: Readonly<Record<Leg, ManifestLeg>>;
  readonly gaps_omitted: number;
  /** The recorder died and the journal ends where its last whole record does. */
  readonly recovered: boolean;
  /** The last entry of the account's audit when this was finalized; null where no audit is kept. */
  readonly audit: AuditMark | null;
  /** Over all of the above; null: nobody's word. */
  readonly signature: Signature | null;
};

/** A recording's origin as it is told: Kazoo's word where nobody gave one (kazoo-contract §2.2, its master branch). */
export const toldOrigin = (origin: string): string => (origin === '' ? 'no origin' : origin);

const isoTime = (us: number): string => new Date(us / 1000).toISOString();
const ms = (us: number): number => Math.round(us / 1000);

export const makeManifest = (found: {
  survey: JournalSurvey;
  mediaName: string;
  sampleRate: number;
  channels: 1 | 2;
  spans: readonly MaskSpan[];
  dropped: readonly SampleSpan[];
  gaps: Gaps;
  encoded: EncodedFile;
  missingSamples: ReadonlyMap<SurveyedTrack, number>;
  /** Why a journal has no end: its recorder died, or could write no further. */
  unendedBy: 'crash' | 'unwritable';
  audit: AuditMark | null;
}): Manifest => {
  const { survey, sampleRate, spans, dropped, encoded } = found;
  const { open, tally } = survey;
  return {
    version: 1,
    recording: {
      id: open.id,
      call_id: open.callId,
      media_name: found.mediaName,
      origin: toldOrigin(open.origin),
      label: open.label,
      started_at: isoTime(survey.startUs),
      ended_at: isoTime(survey.endUs),
      end_reason: survey.close?.reason ?? found.unendedBy,
      call_duration_ms: ms(survey.endUs - survey.startUs),
    },
    artefact: {
      format: open.format,
      sample_rate: sampleRate,
      channels: found.channels,
      samples: encoded.samples,
      duration_ms: Math.round((encoded.samples * 1000) / sampleRate),
      bytes: encoded.bytes,
      sha256: encoded.sha256,
      encoder: encoded.encoder,
    },
    masks: spans.map((span) => {
      const { mask, startMs, endMs, startSample, endSample } = span;
      const at = (sample: number): number => afterDropping(sample, dropped);
      const atMs = (sample: number): number => (at(sample) * 1000) / sampleRate;
      const counts = tally?.withheld.find((each) => each.mask === mask.id);
      return {
        start_ms: startMs,
        end_ms: endMs,
        start_sample: startSample,
        end_sample: endSample,
        mode: open.maskMode,
        artefact: {
          start_ms: Math.round(atMs(startSample)),
          end_ms: Math.round(atMs(endSample)),
          start_sample: at(startSample),
          end_sample: at(endSample),
        },
        lookback_ms: Math.max(0, ms(mask.effectiveAtUs - mask.startUs)),
        trigger: mask.trigger,
        asked_at: isoTime(mask.askedAtUs),
        effective_at: isoTime(mask.effectiveAtUs),
        unmask_trigger: mask.unmaskTrigger ?? null,
        unmask_asked_at: mask.unmaskAskedAtUs === undefined ? null : isoTime(mask.unmaskAskedAtUs),
        frames_withheld: tally === undefined ? null : { a: counts?.a ?? 0, b: counts?.b ?? 0 },
      };
    }),
    legs: { a: legOf('a', found), b: legOf('b', found) },
    gaps_omitted: found.gaps.omitted,
    recovered: survey.close === undefined,
    audit: found.audit,
    signature: null,
  };
};

const legOf = (
  leg: Leg,
  { survey, gaps, missingSamples }: Pick<Parameters<typeof makeManifest>[0], 'survey' | 'gaps' | 'missingSamples'>,
): ManifestLeg => {
  const tracks = survey.tracks.filter((track) => track.leg === leg && track.frames > 0);
  const longest = tracks.reduce<(typeof tracks)[number] | undefined>(
    (most, track) => (most === undefined || track.frames > most.frames ? track : most),
    undefined,
  );
  const line = longest && survey.lines.get(longest.line);
  const scale = line?.path?.meanScale(line.firstUs, line.lastUs) ?? 1;
  const own = gaps.list.filter((gap) => gap.leg === leg);
  const written = tracks.reduce((sum, track) => sum + track.frames, 0);
  return {
    codecs: [...new Set(tracks.map((track) => formatWireCodec(track.codec)))],
    ssrcs: [...new Set(tracks.map((track) => track.ssrc.toString(16).padStart(8, '0')))],
    packets: survey.tally?.legs[leg] ?? { ...emptyTally(), received: written },
    drift_ppm: scale === 1 ? 0 : Math.round((1 / scale - 1) * 1e7) / 10,
    gaps: own.map((gap) => ({ start_ms: ms(gap.startUs - survey.startUs), duration_ms: ms(gap.endUs - gap.startUs) })),
    undecoded_ms: Math.round(
      tracks.reduce((sum, track) => sum + ((missingSamples.get(track) ?? 0) * 1000) / track.decoding.sampleRate, 0),
    ),
    redacted: (survey.tally?.redacted ?? [])
      .filter((each) => each.leg === leg)
      .map((each) => ({ start_ms: ms(each.startUs - survey.startUs), duration_ms: ms(each.endUs - each.startUs) })),
    gaps_total_ms: ms(own.reduce((sum, gap) => sum + gap.endUs - gap.startUs, 0)),
  };
};
