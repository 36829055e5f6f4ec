/**
 * The recordings of all accounts, from their first frame to their last delivery: what calls tell of them, and what the API asks
 * (`http/service.ts`). How it is made is in `shelf-parts.ts`, where its files lie in `data-folders.ts`.
 */
import { AppError } from '../../core/errors.ts';
import type { RecordCallFields } from '../../core/record-call.ts';
import { checkUrl } from '../../deliver/target-address.ts';
import { LONGEST_SPAN_SECONDS } from '../../http/recording-query.ts';
import type {
  ArtefactFile,
  JobDocument,
  RecordingDocument,
  RecordingPage,
  RecordingQuery,
  RecordingsService,
  UploadPlace,
} from '../../http/service.ts';
import type { RecordingRow } from '../../store/rows.ts';
import type { RecordingAbout } from './about.ts';
import { type DataFolders, dataFolders, makeDataFolders } from './data-folders.ts';
import type { ToldRecorder } from './recorder-desk.ts';
import { artefactOf, manifestOf, removeRecordingFiles } from './recording-files.ts';
import { inState, lastingError } from './recording-row.ts';
import { viewOf } from './recording-view.ts';
import { recover, retryFailed } from './recovery.ts';
import { sweep } from './retention.ts';
import type { ShelfCounts, ShelfOptions } from './shelf-options.ts';
import { countsOf, makeParts, type ShelfParts } from './shelf-parts.ts';

export class RecordingShelf implements RecordingsService {
  readonly #options: ShelfOptions;
  readonly #folders: DataFolders;
  readonly #parts: ShelfParts;
  readonly #closing = new AbortController();
  readonly #openedMs: number;

  /** Makes the folders it needs. @throws the operating system's error */
  static async open(options: ShelfOptions): Promise<RecordingShelf> {
    const folders = dataFolders(options.data);
    await makeDataFolders(folders);
    return new RecordingShelf(options, folders);
  }

  private constructor(options: ShelfOptions, folders: DataFolders) {
    this.#options = options;
    this.#openedMs = options.clock.now() / 1000;
    this.#folders = folders;
    this.#parts = makeParts(options, folders, this.#closing.signal);
  }

  get uploadFolder(): string {
    return this.#folders.uploads;
  }

  get counts(): ShelfCounts {
    return countsOf(this.#parts);
  }

  /** A recording begins: its journal is being opened. Returns at once. */
  started(recorder: ToldRecorder, about: RecordingAbout): void {
    this.#parts.desk.started(recorder, about);
  }

  /** Its journal can't be written any more, and it goes on. Returns at once. */
  failed(recorder: ToldRecorder, failure: AppError, about: RecordingAbout): void {
    this.#parts.desk.failed(recorder, failure, about);
  }

  /** Its journal is closed. Returns at once. @param failure why not all of it is in there. */
  closed(recorder: ToldRecorder, failure: AppError | undefined, about: RecordingAbout): void {
    this.#parts.desk.closed(recorder, failure, about);
  }

  /** Takes up what an earlier run has left; what a recorder writes now is left alone. Resolves when it is in line, not when it is done. */
  async recover(): Promise<void> {
    await recover(this.#parts.recovery);
    await this.#parts.jobs.recover();
    await this.#parts.uploads.removeOld(this.#openedMs);
  }

  /** Removes what is old enough, and tries again what could not be finalized; for a timer. @returns how many were removed */
  async sweep(): Promise<number> {
    const { retentionDays, clock } = this.#options;
    const { store } = this.#parts;
    await retryFailed(this.#parts.recovery);
    const remove = (row: RecordingRow): Promise<void> => this.#erase(row);
    const onKept = ({ id }: RecordingRow, error: unknown): void =>
      this.#parts.teller.defect(`recording ${id} is old enough and could not be removed`, error);
    return sweep({ store, nowUs: clock.now(), retentionDays, remove, onKept, signal: this.#closing.signal });
  }

  /** Resolves when nothing is written, finalized or replayed any more. Deliveries may wait. */
  async settled(): Promise<void> {
    const { turns, finalizing, jobs } = this.#parts;
    await turns.idle();
    await jobs.idle();
    await finalizing.idle();
  }

  /** Begins nothing more, and gives what runs so long to end. What doesn't is taken up by `recover`. */
  async drain(deadlineMs: number): Promise<void> {
    const { turns, finalizing, following, deliveries, jobs } = this.#parts;
    finalizing.stop();
    const late = new AbortController();
    const ended = Promise.all([
      ...[jobs.close(), turns.idle(), finalizing.idle(), deliveries.drain()],
      following.stop(),
    ]);
    const overdue = this.#options.clock.sleep(deadlineMs, late.signal).catch(() => {});
    await Promise.race([ended, overdue]);
    late.abort();
  }

  /** Ends at once what still runs, threads and connections too. Idempotent. */
  async close(): Promise<void> {
    const { finalizing, deliveries, jobs } = this.#parts;
    this.#closing.abort();
    finalizing.stop();
    await Promise.all([jobs.close(), deliveries.close(), this.#options.pool.close()]);
    await finalizing.idle();
  }

  async list(accountId: string, query: RecordingQuery): Promise<RecordingPage> {
    if (query.createdTo - query.createdFrom > LONGEST_SPAN_SECONDS)
      throw new AppError('RANGE_TOO_LARGE', 'a list spans 31 days and an hour at most');
    const { store } = this.#parts;
    const page = await store.recordings.page({ ...query, accountId, documentOf: (row) => viewOf(row) });
    const recordings: RecordingDocument[] = [];
    for (const row of page.recordings) recordings.push(await this.#view(row));
    return { recordings, startKey: page.startKey, nextStartKey: page.nextStartKey };
  }

  async get(accountId: string, id: string): Promise<RecordingDocument> {
    return this.#view(await this.#row(accountId, id));
  }

  async artefact(accountId: string, id: string): Promise<ArtefactFile> {
    return artefactOf(await this.#row(accountId, id), this.#parts.keyOf, this.#parts.proven);
  }

  async manifest(accountId: string, id: string): Promise<Readonly<Record<string, unknown>>> {
    return manifestOf(await this.#row(accountId, id));
  }

  async peaks(accountId: string, id: string, points: number): Promise<Readonly<Record<string, unknown>>> {
    const row = await this.#row(accountId, id);
    await artefactOf(row, this.#parts.keyOf, this.#parts.proven);
    return this.#parts.waveforms.of(row, points);
  }

  async remove(accountId: string, id: string): Promise<RecordingDocument> {
    const row = await this.#row(accountId, id);
    const { desk, finalizing } = this.#parts;
    const isRunning = row.state === 'recording' || row.state === 'finalizing';
    if (isRunning || desk.isLive(id) || finalizing.has(id))
      throw new AppError('CONFLICT', `the recording is ${row.state}: delete it when it is finished`);
    const view = await this.#view(row);
    await this.#erase(row);
    return view;
  }

  async deliver(accountId: string, id: string): Promise<RecordingDocument> {
    const row = await this.#row(accountId, id);
    if (row.url === null) throw new AppError('CONFLICT', 'the recording has no target');
    if (row.artefactPath === null) throw new AppError('CONFLICT', 'the recording has no artefact yet');
    await this.#parts.deliveries.beginAgain(row);
    // Also while the end of another try is being noted.
    return this.#view({ ...(await this.#row(accountId, id)), ...inState('delivering', lastingError(row)) });
  }

  newUpload(accountId: string): Promise<UploadPlace> {
    return this.#parts.uploads.newPlace(accountId);
  }

  dropUpload(accountId: string, place: UploadPlace): Promise<void> {
    return this.#parts.uploads.drop(accountId, place);
  }

  async replay(
    accountId: string,
    upload: UploadPlace & { readonly name: string; readonly fields: RecordCallFields },
  ): Promise<JobDocument> {
    const refused = this.#options.admit?.();
    if (refused !== undefined) throw refused;
    if (upload.fields.url !== undefined) checkUrl(upload.fields.url, this.#options.allow);
    return this.#parts.jobs.add(accountId, upload);
  }

  job(accountId: string, id: string): JobDocument {
    return this.#parts.jobs.get(accountId, id);
  }

  /** @throws NOT_FOUND */
  async #row(accountId: string, id: string): Promise<RecordingRow> {
    // It may have begun a moment ago.
    await this.#parts.turns.of(id);
    const row = await this.#parts.store.recordings.get(accountId, id);
    if (row === undefined) throw new AppError('NOT_FOUND', 'no such recording', { details: [id] });
    return row;
  }

  async #view(row: RecordingRow): Promise<RecordingDocument> {
    const delivery = row.url === null ? undefined : await this.#parts.store.deliveries.get(row.id);
    const { desk, finalizing, deliveries } = this.#parts;
    return viewOf({ ...row, error: row.error ?? desk.failureOf(row.id) }, delivery, {
      progress: finalizing.progressOf(row.id),
      isBeingTried: deliveries.isBeingTried(row.id),
      ...(delivery === undefined ? {} : { circuit: deliveries.circuitOf(row, delivery.nextUs) }),
    });
  }

  /**
   * The key first: from then on nobody can read any of it. The row last: one without its files can be deleted again, files without a row
   * would be forgotten.
   */
  async #erase(row: RecordingRow): Promise<void> {
    await this.#parts.deliveries.cancel(row.id);
    await this.#parts.journals.destroyKey(row);
    await removeRecordingFiles(row);
    await this.#parts.store.recordings.remove(row.accountId, row.id);
    this.#parts.teller.tell(row, 'recording.removed');
  }
}
