/** What happens to a recording once its journal is closed: finalize, deliver, tell. The journal goes when the artefact is there. */
import type { KeyObject } from 'node:crypto';
import { rm } from 'node:fs/promises';
import type { Clock } from '../core/clock.ts';
import { AppError, asAppError } from '../core/errors.ts';
import { type DeliveryResult, deliver, type TryReport } from '../deliver/delivery.ts';
import type { TargetPolicy } from '../deliver/target-address.ts';
import type { EncoderChoice } from '../finalize/encoder-choice.ts';
import type { FinalizeResult } from '../finalize/finalize-recording.ts';
import type { Manifest } from '../finalize/manifest.ts';
import { removeParts } from '../finalize/part-files.ts';
import type { FinalizePool } from '../finalize/pool.ts';
import type { OpenRecord } from '../spool/journal-record.ts';
import { plainFile } from '../spool/plain-file.ts';
import type { SealKey } from '../spool/seal/seal-key.ts';
import type { RecordingDocument } from './recording-document.ts';

export type RecordingTarget = { readonly url: string; readonly method: 'put' | 'post'; readonly policy: TargetPolicy };

export type LineListener = {
  onFinalizing?(id: string, share: number): void;
  onTry?(id: string, report: TryReport): void;
};

export type LineOptions = {
  /** Where artefacts go. */
  readonly directory: string;
  /** What the journals are sealed under. */
  readonly journalKey: SealKey;
  readonly encoder: EncoderChoice;
  /** Ed25519, private: signs the manifests; they are not signed without. */
  readonly signingKey?: KeyObject;
  readonly clock: Clock;
  readonly random: () => number;
  readonly maxTries?: number;
  readonly signal?: AbortSignal;
  readonly listener?: LineListener;
};

export class RecordingLine {
  readonly #pool: FinalizePool;
  readonly #options: LineOptions;

  constructor(pool: FinalizePool, options: LineOptions) {
    this.#pool = pool;
    this.#options = options;
  }

  /** Never rejects: what fails is in the document. @param mediaName free in the folder. */
  async run(
    journalPath: string,
    head: OpenRecord,
    mediaName: string,
    target: RecordingTarget | undefined,
  ): Promise<RecordingDocument> {
    const { directory, encoder, journalKey, signingKey, listener } = this.#options;
    const signing = signingKey === undefined ? {} : { signingKey };
    let result: FinalizeResult;
    try {
      const onProgress = (share: number): void => listener?.onFinalizing?.(head.id, share);
      result = await this.#pool.run({ journalPath, journalKey, directory, mediaName, encoder, ...signing }, onProgress);
    } catch (error) {
      await removeParts(directory, head.id);
      return { ...bare(head, mediaName), error: told(asAppError(error)) };
    }
    // Where that fails it goes with its folder; the recording is what it is.
    await rm(journalPath, { force: true }).catch(() => {});
    if (result.state === 'discarded')
      return { ...bare(head, mediaName), state: 'discarded', duration_ms: result.durationMs };
    const stored = described(head, mediaName, result.path, result.manifestPath, result.manifest);
    return target === undefined ? stored : this.#deliver(stored, head, target);
  }

  /** Whatever becomes of the delivery, the file is there, and the document says where. */
  async #deliver(
    stored: RecordingDocument,
    head: OpenRecord,
    { url, method, policy }: RecordingTarget,
  ): Promise<RecordingDocument> {
    const { clock, random, maxTries, signal, listener } = this.#options;
    const { parties } = head;
    const parcel = {
      source: plainFile(stored.path!),
      contentType: head.format === 'mp3' ? 'audio/mpeg' : 'audio/wav',
      format: head.format,
      recordingId: head.id,
      callId: head.callId,
      from: parties.from,
      to: parties.to,
      callerIdName: parties.callerIdName,
      callerIdNumber: parties.callerIdNumber,
      cdrId: `${head.id.slice(0, 6)}-${head.callId}`,
      startMs: Date.parse(stored.started_at),
      durationMs: stored.duration_ms,
    };
    let last: Pick<TryReport, 'tries' | 'status'> = { tries: 0 };
    const delivery = deliver(parcel, {
      url,
      method,
      policy,
      clock,
      random,
      onTry: (report) => {
        last = report;
        listener?.onTry?.(head.id, report);
      },
      ...(maxTries === undefined ? {} : { maxTries }),
      ...(signal === undefined ? {} : { signal }),
    });
    const result = await delivery.catch((error: unknown): Omit<DeliveryResult, 'atUs'> => {
      const why = signal?.aborted === true ? INTERRUPTED : asAppError(error);
      return { ...last, state: 'failed', error: why };
    });
    return {
      ...stored,
      state: result.state,
      delivery: { tries: result.tries, status: result.status ?? null, host: hostOf(url) },
      error: result.error === undefined ? null : told(result.error),
    };
  }
}

const INTERRUPTED = new AppError('INTERRUPTED', 'interrupted before the target had taken it');

/** Of a URL only its host is told: the rest may hold what lets one write there. */
const hostOf = (url: string): string => (URL.canParse(url) ? new URL(url).host : '');

const told = (error: AppError): RecordingDocument['error'] => ({ code: error.code, message: error.message });

/** A document without an artefact. */
const bare = (head: OpenRecord, mediaName: string): RecordingDocument => ({
  id: head.id,
  call_id: head.callId,
  media_name: mediaName,
  path: null,
  manifest: null,
  format: head.format,
  sample_rate: head.sampleRate,
  channels: head.channels === 'stereo' ? 2 : 1,
  duration_ms: 0,
  state: 'failed',
  masks: [],
  sha256: null,
  started_at: new Date(head.startUs / 1000).toISOString(),
  from: head.parties.from,
  to: head.parties.to,
  delivery: null,
  error: null,
});

const described = (
  head: OpenRecord,
  mediaName: string,
  path: string,
  manifestPath: string,
  manifest: Manifest,
): RecordingDocument => ({
  ...bare(head, mediaName),
  path,
  manifest: manifestPath,
  sample_rate: manifest.artefact.sample_rate,
  channels: manifest.artefact.channels,
  duration_ms: manifest.artefact.duration_ms,
  state: 'stored',
  masks: manifest.masks.map(({ start_ms, end_ms, mode }) => ({ start_ms, end_ms, mode })),
  sha256: manifest.artefact.sha256,
  started_at: manifest.recording.started_at,
});
