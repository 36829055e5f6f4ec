/**
 * Decodes an mp3 with mpg123 (WebAssembly), batch by batch, in bounded memory. Delay and padding are cut off here, by
 * the Info tag, not by mpg123, which prints to the console and asks for more when a stream ends elsewhere than its tag
 * says.
 */
import { MPEGDecoder } from 'mpg123-decoder';
import { AppError } from '../../core/errors.ts';
import { DECODER_DELAY } from '../encode/gapless.ts';
import { parseInfoFrame } from '../encode/info-tag.ts';
import type { Mp3Frame } from '../encode/mp3-frame.ts';
import type { ArtefactFile } from './artefact-file.ts';
import type { OpenedAudio } from './decoded-audio.ts';
import { readMp3Frames } from './mp3-frames.ts';

/** How an mp3's frames become audio. */
type Plan = {
  readonly first: Mp3Frame;
  /** The first frame is an Info tag and carries no audio. */
  readonly tagged: boolean;
  /** Frames of audio that the tag promises. */
  readonly frames: number | undefined;
  /** Decoded samples before the first real one. */
  readonly skip: number;
  readonly samples: number | undefined;
};

const unreadable = (why: string): AppError => new AppError('ARTEFACT_UNREADABLE', `the mp3 ${why}`);

/** @throws AppError ARTEFACT_UNREADABLE */
export const openMp3 = async (file: ArtefactFile): Promise<OpenedAudio> => {
  for await (const { data, frames } of readMp3Frames(file.readAt, file.bytes)) {
    const plan = planOf(data, frames[0]!);
    const { sampleRate, channels } = plan.first;
    return {
      head: { format: 'mp3', sampleRate, channels, samples: plan.samples },
      read: (again) => decode(again, plan),
    };
  }
  throw unreadable('holds no frame');
};

const planOf = (data: Uint8Array, first: Mp3Frame): Plan => {
  const tag = parseInfoFrame(data.subarray(0, first.bytes));
  if (tag === undefined) return { first, tagged: false, frames: undefined, skip: 0, samples: undefined };
  const { frames, delay = 0, padding = 0, gapless } = tag;
  const decoded = frames === undefined ? undefined : frames * first.samples;
  if (!gapless) return { first, tagged: true, frames, skip: 0, samples: decoded };
  const samples = decoded === undefined ? undefined : Math.max(0, decoded - delay - padding);
  return { first, tagged: true, frames, skip: delay + DECODER_DELAY, samples };
};

async function* decode(file: ArtefactFile, plan: Plan): AsyncGenerator<Int16Array> {
  const { first } = plan;
  const decoder = new MPEGDecoder({ enableGapless: false });
  await decoder.ready;
  try {
    let atTag = plan.tagged;
    let skip = plan.skip;
    let left = plan.samples ?? Number.POSITIVE_INFINITY;
    let audioFrames = 0;
    for await (const { data, frames } of readMp3Frames(file.readAt, file.bytes)) {
      const count = frames.length - (atTag ? 1 : 0);
      const [one, two] = decodeWhole(decoder, atTag ? data.subarray(first.bytes) : data, count * first.samples);
      atTag = false;
      audioFrames += count;
      const from = Math.min(skip, one.length);
      const taken = Math.min(one.length - from, left);
      skip -= from;
      left -= taken;
      if (taken > 0) yield interleave(one, two, from, taken, first.channels);
    }
    if (plan.frames !== undefined && audioFrames !== plan.frames) {
      throw unreadable(`holds ${audioFrames} frames and its tag says ${plan.frames}`);
    }
    if (plan.samples !== undefined && left > 0) throw unreadable(`ends ${left} samples before its tag says`);
  } finally {
    decoder.free();
  }
}

/** Both channels of the frames in `data`, which must come to `samples` each. */
const decodeWhole = (
  decoder: MPEGDecoder,
  data: Uint8Array,
  samples: number,
): readonly [Float32Array, Float32Array] => {
  if (samples === 0) return [new Float32Array(0), new Float32Array(0)];
  const { channelData, samplesDecoded, errors } = decoder.decode(data);
  const [one, two] = channelData;
  if (errors.length > 0 || samplesDecoded !== samples || one === undefined || two === undefined) {
    throw unreadable('holds a frame that can not be decoded');
  }
  return [one, two];
};

const interleave = (one: Float32Array, two: Float32Array, from: number, count: number, channels: 1 | 2): Int16Array => {
  const pcm = new Int16Array(count * channels);
  for (let i = 0; i < count; i++) {
    pcm[i * channels] = toSample(one[from + i]!);
    if (channels === 2) pcm[i * 2 + 1] = toSample(two[from + i]!);
  }
  return pcm;
};

const toSample = (value: number): number => Math.max(-32768, Math.min(32767, Math.round(value * 32768)));
