/** An upload becomes journals: a capture is replayed, any other audio file is taken for a call. Runs off the main thread. */
import { mkdir, rm } from 'node:fs/promises';
import { parseMetaflows } from '../../control/metaflow-document.ts';
import { systemClock } from '../../core/clock.ts';
import { AppError, asAppError, type ErrorCode } from '../../core/errors.ts';
import { type RecordCallFields, TIME_LIMIT_SECONDS } from '../../core/record-call.ts';
import { importAudio } from './audio-import.ts';
import { type AudioSource, openOwn, openWithFfmpeg } from './audio-source.ts';
import { replayCapture } from './capture-replay.ts';

export type UploadReplay = {
  readonly path: string;
  /** What its sender called it, for messages. */
  readonly name: string;
  readonly callId: string;
  /** Folder of the journals; made anew. */
  readonly journals: string;
  readonly fields: RecordCallFields;
  /** The account's document as it is stored; null when there is none. */
  readonly metaflows: unknown;
  readonly redactTones: boolean;
};

export type UploadOutcome = { readonly recordings: readonly string[]; readonly warnings: readonly string[] };

const TAKEN = 'it takes captures (pcap, pcapng, gzip too), wav and mp3, and what the ffmpeg on this machine reads';
/** What a reader says of a file that is nothing for it. */
const NOT_ITS: readonly ErrorCode[] = ['ARTEFACT_UNREADABLE', 'FFMPEG_FAILED', 'FFMPEG_MISSING'];
const MOST_WARNINGS = 20;

/** @throws CAPTURE_UNREADABLE for what is neither; CAPTURE_EMPTY, NOTHING_TO_RECORD, JOURNAL_UNWRITABLE */
export const replayUpload = async (job: UploadReplay, onProgress: (share: number) => void): Promise<UploadOutcome> => {
  const warnings: string[] = [];
  try {
    await empty(job.journals);
    const metaflows = job.metaflows === null ? undefined : parseMetaflows(job.metaflows);
    const onWarning = (sentence: string): void => {
      if (warnings.length < MOST_WARNINGS) warnings.push(sentence.replaceAll(job.path, job.name));
    };
    const recordings = await replayCapture({ ...job, metaflows, clock: systemClock, onProgress, onWarning }).catch(
      (error: unknown) => {
        if (asAppError(error).code !== 'CAPTURE_UNREADABLE') throw error;
        return importAny(job, onProgress);
      },
    );
    return { recordings, warnings };
  } catch (error) {
    const { code, message } = asAppError(error);
    throw new AppError(code, message.replaceAll(job.path, job.name), { cause: error });
  }
};

const importAny = async (job: UploadReplay, onProgress: (share: number) => void): Promise<string[]> => {
  const seconds = job.fields.time_limit ?? TIME_LIMIT_SECONDS;
  const readers: readonly ((path: string) => Promise<AudioSource>)[] = [
    openOwn,
    (path) => openWithFfmpeg(path, seconds),
  ];
  const reasons: string[] = [];
  for (const open of readers) {
    try {
      const source = await open(job.path);
      const startUs = systemClock.now();
      const ids = await importAudio({
        ...job,
        source,
        startUs,
        // How long it is, only its end tells.
        onProgress: (done) => onProgress(1 - 1 / (1 + done / 60)),
      });
      if (ids.length > 0) return ids;
      throw new AppError('NOTHING_TO_RECORD', `nothing to record: ${job.name} holds no sample`);
    } catch (error) {
      const { code, message } = asAppError(error);
      if (!NOT_ITS.includes(code)) throw error;
      reasons.push(message);
      await empty(job.journals);
    }
  }
  throw new AppError('CAPTURE_UNREADABLE', `${job.name} can't be read (${reasons.join('; ')}); ${TAKEN}`);
};

/** Nothing is left in it of what did not come to its end. */
const empty = async (folder: string): Promise<void> => {
  await rm(folder, { recursive: true, force: true });
  await mkdir(folder, { mode: 0o700 });
};
