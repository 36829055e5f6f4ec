/**
 * From a closed or torn journal to an artefact and its manifest, each under its final name or not there at all. Reads the journal
 * twice and never changes it; whoever asked for this removes it afterwards. Runs in a worker.
 */
import type { KeyObject } from 'node:crypto';
import { kernel } from '../kernel/kernel.ts';
import type { SealKey } from '../spool/seal/seal-key.ts';
import { artefactRate, assemble, type Block, type Gaps } from './assemble.ts';
import { makeDecoders } from './decoders.ts';
import { type EncoderChoice, makeEncoder } from './encoder-choice.ts';
import { type AuditMark, type Manifest, makeManifest } from './manifest.ts';
import { afterDropping, joinSpans, MaskRenderer, maskSpans } from './mask-render.ts';
import { partPath, removeParts } from './part-files.ts';
import { publish } from './publish.ts';
import { signed } from './signature.ts';
import { surveyJournal } from './survey.ts';

export type FinalizeJob = {
  readonly journalPath: string;
  /** What the journal is sealed under, if it is. */
  readonly journalKey?: SealKey;
  /** Folder of the artefact and the manifest; it exists. */
  readonly directory: string;
  /** What the recording is called in its manifest. */
  readonly mediaName: string;
  /** File name of the artefact where that is another; the manifest's is this with `.json` behind it. An older file of that name is replaced. */
  readonly fileName?: string;
  readonly encoder: EncoderChoice;
  /** Seals the artefact; it stays plain without. What the manifest says of it is of its content either way. */
  readonly artefactKey?: SealKey;
  /** Makes an artefact of what there is, however short: it is known not to be all. */
  readonly keepShort?: boolean;
  /** Ed25519, private: signs the manifest; it stays unsigned without. */
  readonly signingKey?: KeyObject;
  /** Where the account's audit stands. */
  readonly audit?: AuditMark | null;
};

export type FinalizeResult =
  | { readonly state: 'stored'; readonly path: string; readonly manifestPath: string; readonly manifest: Manifest }
  /** Shorter than `record_min_sec`: there is no artefact. */
  | { readonly state: 'discarded'; readonly durationMs: number; readonly minSeconds: number };

/** @param onProgress told the share done, 0 to 1. @throws AppError JOURNAL_UNREADABLE, CODEC_UNSUPPORTED, OUTPUT_UNWRITABLE, … */
export const finalizeRecording = async (
  job: FinalizeJob,
  onProgress: (share: number) => void = () => {},
  signal?: AbortSignal,
): Promise<FinalizeResult> => {
  const journal = { path: job.journalPath, key: job.journalKey };
  const survey = surveyJournal(journal);
  const { open: head } = survey;
  const sampleRate = artefactRate(survey);
  const channels = head.channels === 'stereo' ? 2 : 1;
  const totalSamples = Math.round(((survey.endUs - survey.startUs) * sampleRate) / 1e6);
  const spans = maskSpans(survey.masks, survey.startUs, sampleRate, totalSamples);
  const joined = joinSpans(spans);
  const dropped = head.maskMode === 'drop' ? joined : [];
  const keptSamples = afterDropping(totalSamples, dropped);
  if (job.keepShort !== true && keptSamples < head.minSeconds * sampleRate) {
    return {
      state: 'discarded',
      durationMs: Math.round((keptSamples * 1000) / sampleRate),
      minSeconds: head.minSeconds,
    };
  }

  const part = partPath(job.directory, head.id);
  await removeParts(job.directory, head.id);
  const decoders = await makeDecoders(journal, survey, job.directory);
  try {
    const seal = job.artefactKey && ({ key: job.artefactKey, purpose: 'artefact' } as const);
    const encoder = await makeEncoder(job.encoder, { format: head.format, sampleRate, channels, path: part, seal });
    try {
      const gaps: Gaps = { list: [], omitted: 0 };
      const renderer = new MaskRenderer(head.maskMode, joined, sampleRate);
      const onRead = (frames: number): void => onProgress(frames / Math.max(1, survey.frames));
      const blocks = assemble(journal, survey, {
        sampleRate,
        totalSamples,
        decoders: decoders.byTrack,
        gaps,
        onRead,
      });
      const pcm = new Int16Array(sampleRate * channels);
      for (const block of blocks) {
        signal?.throwIfAborted();
        await encoder.write(pcm, render(block, renderer, channels, pcm));
      }
      const encoded = await encoder.finish();
      const unsigned = makeManifest({
        mediaName: job.mediaName,
        survey,
        sampleRate,
        channels,
        spans,
        dropped,
        gaps,
        encoded,
        missingSamples: decoders.missingSamples,
        unendedBy: job.keepShort === true ? 'unwritable' : 'crash',
        audit: job.audit ?? null,
      });
      const manifest = job.signingKey === undefined ? unsigned : signed(unsigned, job.signingKey);
      return { state: 'stored', ...(await publish(job.directory, job.fileName ?? job.mediaName, manifest)), manifest };
    } catch (error) {
      await encoder.abort();
      throw error;
    }
  } finally {
    await decoders.close();
  }
};

/** Brings a block into the artefact's channels with its masks applied. @returns frames left of it. */
const render = (block: Block, renderer: MaskRenderer, channels: 1 | 2, pcm: Int16Array): number => {
  const { a, b, count, position } = block;
  if (channels === 1) {
    kernel.mixInto(a.subarray(0, count), b);
    const kept = renderer.render(a, count, position);
    pcm.set(a.subarray(0, kept));
    return kept;
  }
  const kept = renderer.render(a, count, position);
  renderer.render(b, count, position);
  kernel.interleave(a.subarray(0, kept), b, pcm);
  return kept;
};
