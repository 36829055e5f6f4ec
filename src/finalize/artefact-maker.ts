/** An artefact in the making: takes what was assembled, has its masks applied, and gives it to the encoder. What it needs, it makes when it is first needed. */
import { kernel } from '../kernel/kernel.ts';
import type { Assembled, Block } from './assemble.ts';
import { Decoders } from './decoders.ts';
import type { AudioEncoder, EncodedFile } from './encode/audio-encoder.ts';
import { makeEncoder } from './encoder-choice.ts';
import type { FollowJob } from './finalize-job.ts';
import type { Lockstep } from './lockstep.ts';
import { MaskRenderer } from './mask-render.ts';
import { partPath, removeParts } from './part-files.ts';

export class ArtefactMaker {
  /** Nothing of it is on disk before that. */
  hasBegun = false;
  readonly decoders: Decoders;
  readonly #job: FollowJob;
  #encoder: AudioEncoder | undefined;
  #renderer: MaskRenderer | undefined;
  #pcm: Int16Array = new Int16Array(0);

  constructor(job: FollowJob) {
    this.#job = job;
    this.decoders = new Decoders({ path: job.journalPath, key: job.journalKey }, job.directory);
  }

  /** @throws AppError OUTPUT_UNWRITABLE, ENCODE_FAILED, CODEC_UNSUPPORTED, FFMPEG_MISSING, FFMPEG_FAILED, … */
  async take(step: Assembled, lockstep: Lockstep): Promise<void> {
    switch (step.kind) {
      case 'block': {
        const encoder = this.#encoder ?? (await this.#prepare(lockstep));
        const frames = this.#render(step.block, channelsOf(lockstep));
        await encoder.write(this.#pcm, frames);
        break;
      }
      case 'track':
        await this.#begin(lockstep);
        await this.decoders.add(step.track, lockstep.result);
        break;
      case 'abreast':
        break;
      default:
        step satisfies never;
    }
  }

  /** The file is complete. */
  async finish(lockstep: Lockstep): Promise<EncodedFile> {
    // One of no length has had no block.
    const encoder = this.#encoder ?? (await this.#prepare(lockstep));
    return encoder.finish();
  }

  /** Removes what is not complete. Idempotent. */
  async abort(): Promise<void> {
    this.decoders.close();
    await this.#encoder?.abort();
  }

  /** Brings a block into the artefact's channels with its masks applied. @returns frames left of it. */
  #render({ a, b, count, position }: Block, channels: 1 | 2): number {
    const renderer = this.#renderer!;
    if (this.#pcm.length < a.length * channels) this.#pcm = new Int16Array(a.length * channels);
    if (channels === 1) {
      kernel.mixInto(a.subarray(0, count), b);
      const kept = renderer.render(a, count, position);
      this.#pcm.set(a.subarray(0, kept));
      return kept;
    }
    const kept = renderer.render(a, count, position);
    renderer.render(b, count, position);
    kernel.interleave(a.subarray(0, kept), b, this.#pcm);
    return kept;
  }

  async #prepare(lockstep: Lockstep): Promise<AudioEncoder> {
    await this.#begin(lockstep);
    const { open } = lockstep.survey;
    const { sampleRate } = lockstep.beginning!;
    const { encoder: choice, directory, artefactKey } = this.#job;
    const seal = artefactKey && ({ key: artefactKey, purpose: 'artefact' } as const);
    const path = partPath(directory, open.id);
    const channels = channelsOf(lockstep);
    const encoder = await makeEncoder(choice, { format: open.format, sampleRate, channels, path, seal });
    this.#encoder = encoder;
    this.#renderer = new MaskRenderer(open.maskMode, lockstep.cover!, sampleRate);
    return encoder;
  }

  /** Takes away what an earlier finalizer of this recording has left. */
  async #begin({ survey }: Lockstep): Promise<void> {
    if (this.hasBegun) return;
    this.hasBegun = true;
    await removeParts(this.#job.directory, survey.open.id);
  }
}

export const channelsOf = ({ survey }: Lockstep): 1 | 2 => (survey.open.channels === 'stereo' ? 2 : 1);
