/** An upload becomes journals: a capture is replayed, any other audio file is taken for a call. Runs off the main thread. */
import { mkdir, rm } from 'node:fs/promises';
import { parseMetaflows } from '../../control/metaflow-document.ts';
import type { ByteSource } from '../../core/byte-source.ts';
import { systemClock } from '../../core/clock.ts';
import { AppError, asAppError, type ErrorCode } from '../../core/errors.ts';
import { type RecordCallFields, TIME_LIMIT_SECONDS } from '../../core/record-call.ts';
import type { OpenJournal } from '../../spool/journal.ts';
import type { SealKey } from '../../spool/seal/seal-key.ts';
import { sealedFile } from '../../spool/seal/sealed-file.ts';
import { openShared, type VaultShare } from '../../spool/seal/vault.ts';
import { journalsOf } from '../sealed-journals.ts';
import { importAudio } from './audio-import.ts';
import { type AudioSource, openOwn, openWithFfmpeg } from './audio-source.ts';
import { replayCapture } from './capture-replay.ts';

export type UploadReplay = {
  readonly path: string;
  /** What it is sealed under, if it is. */
  readonly uploadKey?: SealKey;
  /** What its sender called it, for messages. */
  readonly name: string;
  readonly callId: string;
  /** Folder of the journals; made anew. */
  readonly journals: string;
  readonly fields: RecordCallFields;
  /** The account's document as it is stored; null when there is none. */
  readonly metaflows: unknown;
  readonly redactTones: boolean;
  /** Whose the journals' keys are, and where they are kept; without it journals are plain. */
  readonly sealing?: { readonly vault: VaultShare; readonly accountId: string };
};

export type UploadOutcome = { readonly recordings: readonly string[]; readonly warnings: readonly string[] };

const TAKEN = 'it takes captures (pcap, pcapng, gzip too), wav and mp3, and what the ffmpeg on this machine reads';
/** Sealed on disk, a file comes to ffmpeg from its beginning to its end, once. */
const BY_PIPE = ' from a pipe, in which it can not go back';
/** What a reader says of a file that is nothing for it. */
const NOT_ITS: readonly ErrorCode[] = ['ARTEFACT_UNREADABLE', 'FFMPEG_FAILED', 'FFMPEG_MISSING'];
const MOST_WARNINGS = 20;

/** @throws CAPTURE_UNREADABLE for what is neither; CAPTURE_EMPTY, NOTHING_TO_RECORD, JOURNAL_UNWRITABLE */
export const replayUpload = async (job: UploadReplay, onProgress: (share: number) => void): Promise<UploadOutcome> => {
  const warnings: string[] = [];
  try {
    await empty(job.journals);
    const { sealing, uploadKey } = job;
    const source = uploadKey && sealedFile(job.path, uploadKey, 'upload');
    const openJournal = journalsOf(sealing && (await openShared(sealing.vault)), sealing?.accountId ?? '');
    const metaflows = job.metaflows === null ? undefined : parseMetaflows(job.metaflows);
    const onWarning = (sentence: string): void => {
      if (warnings.length < MOST_WARNINGS) warnings.push(sentence.replaceAll(job.path, job.name));
    };
    const shared = { ...job, source, openJournal, onProgress };
    const recordings = await replayCapture({ ...shared, metaflows, clock: systemClock, onWarning }).catch(
      (error: unknown) => {
        if (asAppError(error).code !== 'CAPTURE_UNREADABLE') throw error;
        return importAny(shared);
      },
    );
    return { recordings, warnings };
  } catch (error) {
    const { code, message } = asAppError(error);
    throw new AppError(code, message.replaceAll(job.path, job.name), { cause: error });
  }
};

type Import = UploadReplay & {
  /** Gives the file's bytes where it is sealed. */
  readonly source: ByteSource | undefined;
  readonly openJournal: OpenJournal;
  readonly onProgress: (share: number) => void;
};

const importAny = async (job: Import): Promise<string[]> => {
  const seconds = job.fields.time_limit ?? TIME_LIMIT_SECONDS;
  const file = job.source ?? job.path;
  const readers: readonly (() => Promise<AudioSource>)[] = [() => openOwn(file), () => openWithFfmpeg(file, seconds)];
  const reasons: string[] = [];
  for (const open of readers) {
    try {
      const source = await open();
      const startUs = systemClock.now();
      const ids = await importAudio({
        ...job,
        source,
        startUs,
        // How long it is, only its end tells.
        onProgress: (done) => job.onProgress(1 - 1 / (1 + done / 60)),
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
  const how = job.source === undefined ? '' : BY_PIPE;
  throw new AppError('CAPTURE_UNREADABLE', `${job.name} can't be read (${reasons.join('; ')}); ${TAKEN}${how}`);
};

/** Nothing is left in it of what did not come to its end. */
const empty = async (folder: string): Promise<void> => {
  await rm(folder, { recursive: true, force: true });
  await mkdir(folder, { mode: 0o700 });
};
