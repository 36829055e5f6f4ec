/**
 * One recording's way from its journal to its artefact, at the pace at which the journal grows, or all at once where it does not any
 * more. It never changes the journal. What it decides it decides 30 s behind (`lockstep.ts`); where the journal then says otherwise, it gives up, and
 * all is done again with the whole journal in view.
 */
import { damagedHead } from '../spool/journal-reader.ts';
import { JournalSource } from '../spool/journal-source.ts';
import { ArtefactMaker, channelsOf } from './artefact-maker.ts';
import { type Assembled, assemble, type Gaps } from './assemble.ts';
import { Contradiction } from './contradiction.ts';
import { encodesHere } from './encoder-choice.ts';
import type { FinalizeJob, FinalizeResult, FollowJob } from './finalize-job.ts';
import { LOOKAHEAD_US, type Lockstep } from './lockstep.ts';
import { makeManifest } from './manifest.ts';
import { afterDropping } from './mask-render.ts';
import { removeParts } from './part-files.ts';
import { publish } from './publish.ts';
import { Reading } from './reading.ts';
import { signed } from './signature.ts';

/** `given up`: nothing can be done before the journal is closed; `finish` does all of it then. */
export type Advance = 'more' | 'abreast' | 'given up';

/** Why it has: what was decided turned out otherwise; or the encoder is not one to be kept waiting. */
type GivenUp = 'contradiction' | 'encoder';

/** Frames from one word of progress to the next. */
const TELL_EVERY = 1000;

type Ended = 'ended' | 'discarded';

export class Finalization {
  readonly #job: FollowJob;
  readonly #lookaheadUs: number;
  readonly #maker: ArtefactMaker;
  readonly #gaps: Gaps = { list: [], omitted: 0 };
  #reading: Reading | undefined;
  #steps: Generator<Assembled, void> | undefined;
  #givenUp: GivenUp | undefined;
  #isAborted = false;
  #atWork: Promise<unknown> = Promise.resolve();

  /** Opens nothing yet. */
  constructor(job: FollowJob, { lookaheadUs = LOOKAHEAD_US }: { lookaheadUs?: number } = {}) {
    this.#job = job;
    this.#lookaheadUs = lookaheadUs;
    this.#maker = new ArtefactMaker(job);
  }

  /** Up to when, on the call's clock in µs, all has been placed; 0 before it has begun. */
  get placedUs(): number {
    return Math.max(0, this.#reading?.lockstep.settledUs ?? 0);
  }

  /**
   * Goes as far as the journal lets it, or for about `budgetMs`. One call at a time.
   * @returns `more`: it can go on at once; `abreast`: when the journal has grown; `given up`: there is nothing to do before the end
   * @throws AppError what it met; it is to be aborted then
   */
  async advance(budgetMs: number, signal?: AbortSignal): Promise<Advance> {
    if (this.#givenUp !== undefined || this.#isAborted) return 'given up';
    const work = this.#follow(budgetMs, signal);
    this.#atWork = work.catch(() => {});
    return work;
  }

  /**
   * The journal is closed or torn: all of the rest, to the artefact and its manifest under their names. Whatever fails, no part is left.
   * @param onProgress told the share done, 0 to 1
   * @throws AppError JOURNAL_UNREADABLE, CODEC_UNSUPPORTED, OUTPUT_UNWRITABLE, …
   */
  async finish(
    job: FinalizeJob,
    onProgress: (share: number) => void = () => {},
    signal?: AbortSignal,
  ): Promise<FinalizeResult> {
    if (this.#givenUp === 'contradiction') return wholeInView(job, onProgress, signal);
    if (this.#givenUp === 'encoder') return new Finalization(job).finish(job, onProgress, signal);
    try {
      return await this.#finish(job, onProgress, signal);
    } catch (error) {
      await this.abort();
      // What was complete, and could not be brought to its name.
      if (this.#maker.hasBegun) await removeParts(job.directory, this.#reading!.lockstep.survey.open.id);
      if (error instanceof Contradiction) return wholeInView(job, onProgress, signal);
      throw error;
    } finally {
      this.#letGo();
    }
  }

  /** Removes what it has written. Idempotent. */
  async abort(): Promise<void> {
    this.#isAborted = true;
    await this.#atWork;
    this.#letGo();
    await this.#maker.abort();
  }

  async #follow(budgetMs: number, signal: AbortSignal | undefined): Promise<Advance> {
    const untilMs = performance.now() + budgetMs;
    const steps = this.#begun();
    if (steps === undefined) return 'abreast';
    try {
      while (!this.#isAborted) {
        signal?.throwIfAborted();
        const step = steps.next();
        if (step.done === true || step.value.kind === 'abreast') return 'abreast';
        const { open } = this.#reading!.lockstep.survey;
        if (!this.#maker.hasBegun && !(await encodesHere(this.#job.encoder, open.format)))
          return await this.#giveUp('encoder');
        await this.#maker.take(step.value, this.#reading!.lockstep);
        if (performance.now() >= untilMs) return 'more';
      }
      return 'given up';
    } catch (error) {
      if (error instanceof Contradiction) return this.#giveUp('contradiction');
      throw error;
    } finally {
      this.#reading?.rest();
    }
  }

  async #giveUp(why: GivenUp): Promise<Advance> {
    this.#givenUp = why;
    this.#letGo();
    await this.#maker.abort();
    return 'given up';
  }

  async #finish(
    job: FinalizeJob,
    onProgress: (share: number) => void,
    signal: AbortSignal | undefined,
  ): Promise<FinalizeResult> {
    const steps = this.#begun();
    if (steps === undefined) throw damagedHead(job.journalPath);
    const { lockstep } = this.#reading!;
    this.#reading!.close();
    const ended = await this.#run(steps, job, onProgress, signal);
    const survey = lockstep.result!;
    const { sampleRate } = lockstep.beginning!;
    const { spans, joined } = lockstep.cover!;
    const { open } = survey;
    const dropped = open.maskMode === 'drop' ? joined : [];
    if (ended === 'discarded') {
      await this.abort();
      // An earlier finalizer of it may have been killed.
      await removeParts(job.directory, open.id);
      const kept = afterDropping(totalOf(lockstep), dropped);
      return { state: 'discarded', durationMs: Math.round((kept * 1000) / sampleRate), minSeconds: open.minSeconds };
    }
    const encoded = await this.#maker.finish(lockstep);
    const unsigned = makeManifest({
      mediaName: job.mediaName,
      survey,
      sampleRate,
      channels: channelsOf(lockstep),
      spans,
      dropped,
      gaps: this.#gaps,
      encoded,
      missingSamples: this.#maker.decoders.missingSamples,
      unendedBy: job.keepShort === true ? 'unwritable' : 'crash',
      audit: job.audit ?? null,
    });
    const manifest = job.signingKey === undefined ? unsigned : signed(unsigned, job.signingKey);
    return { state: 'stored', ...(await publish(job.directory, job.fileName ?? job.mediaName, manifest)), manifest };
  }

  /** To the recording's end. */
  async #run(
    steps: Generator<Assembled, void>,
    job: FinalizeJob,
    onProgress: (share: number) => void,
    signal: AbortSignal | undefined,
  ): Promise<Ended> {
    const { lockstep } = this.#reading!;
    let isLongEnough: boolean | undefined;
    let told = 0;
    let isAllTold = false;
    for (let step = steps.next(); ; step = steps.next()) {
      signal?.throwIfAborted();
      // Before anything is made of it, where nothing has been yet.
      if (lockstep.result !== undefined) isLongEnough ??= job.keepShort === true || keptIsEnough(lockstep);
      if (isLongEnough === false) return 'discarded';
      if (step.done === true) break;
      if (!isAllTold && (lockstep.isRead || lockstep.read - told >= TELL_EVERY)) {
        isAllTold = lockstep.isRead;
        told = lockstep.read;
        onProgress(this.#reading!.share);
      }
      await this.#maker.take(step.value, lockstep);
    }
    return 'ended';
  }

  #begun(): Generator<Assembled, void> | undefined {
    if (this.#reading === undefined) {
      const source = JournalSource.open({ path: this.#job.journalPath, key: this.#job.journalKey });
      if (source === undefined) return undefined;
      this.#reading = new Reading(source, this.#lookaheadUs);
      this.#steps = assemble(this.#reading.lockstep, this.#maker.decoders.byTrack, this.#gaps);
    }
    return this.#steps;
  }

  #letGo(): void {
    this.#maker.decoders.close();
    this.#reading?.end();
  }
}

/** With all of the journal in view before anything is decided: nothing contradicts that. */
const wholeInView = (
  job: FinalizeJob,
  onProgress: (share: number) => void,
  signal: AbortSignal | undefined,
): Promise<FinalizeResult> =>
  new Finalization(job, { lookaheadUs: Number.POSITIVE_INFINITY }).finish(job, onProgress, signal);

/** Samples of a recording that was read to its end, before anything is dropped. */
const totalOf = ({ result, beginning }: Lockstep): number =>
  Math.round(((result!.endUs - beginning!.startUs) * beginning!.sampleRate) / 1e6);

const keptIsEnough = (lockstep: Lockstep): boolean => {
  const { maskMode, minSeconds } = lockstep.survey.open;
  const kept = afterDropping(totalOf(lockstep), maskMode === 'drop' ? lockstep.cover!.joined : []);
  return kept >= minSeconds * lockstep.beginning!.sampleRate;
};
