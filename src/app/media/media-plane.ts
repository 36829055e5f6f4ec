/**
 * The media thread as the service's other threads see it: calls, channels and streams that can be asked for, and what the thread says of them
 * given to those whom it concerns: directory, events, audit, shelf, log. When it dies, everything that is asked of it fails.
 */
import type { Clock } from '../../core/clock.ts';
import { AppError } from '../../core/errors.ts';
import type { AuditService } from '../../http/audit.ts';
import type { CallsService, ChannelsService, Principal } from '../../http/service.ts';
import { type CallDirectory, lookUpCall } from '../live/call-lookup.ts';
import type { RecordingAbout } from '../recordings/about.ts';
import type { ToldRecorder } from '../recordings/recorder-desk.ts';
import { carried, restored } from './carried-error.ts';
import type { MediaNumbers } from './media-numbers.ts';
import type { MediaOptions } from './media-options.ts';
import type { MediaThread } from './media-worker.ts';
import type { MediaLink, MediaReports } from './messages.ts';
import { remoteCalls, remoteChannels } from './remote-calls.ts';
import { anchorOf } from './shared-clock.ts';
import { StreamLink } from './stream-link.ts';
import { ThreadLink } from './thread-link.ts';

export type MediaPlaneOptions = {
  readonly directory: CallDirectory & {
    principalOf(tokenOrKey: string): Promise<Principal | undefined>;
  };
  readonly clock: Clock;
  readonly events: {
    publish(accountId: string, type: string, data: Readonly<Record<string, unknown>>, atMs: number): void;
  };
  readonly audit: Pick<AuditService, 'note' | 'refused'>;
  readonly recordings: {
    started(recorder: ToldRecorder, about: RecordingAbout): void;
    failed(recorder: ToldRecorder, failure: AppError, about: RecordingAbout): void;
    closed(recorder: ToldRecorder, failure: AppError | undefined, about: RecordingAbout): void;
  };
  /** Why nothing may begin yet. */
  readonly refusal: AppError | undefined;
  readonly warn: (fields: object, message: string) => void;
  readonly onDefect: (error: AppError) => void;
};

export class MediaPlane {
  readonly calls: CallsService;
  readonly channels: ChannelsService;
  readonly streams: StreamLink;
  /** Resolves when the thread has died, with why: what was recorded until then is in the journals, for the next start. */
  readonly lost: Promise<AppError>;
  readonly #thread: MediaThread;
  readonly #link: MediaLink;
  #closing: Promise<void> | undefined;
  #isLost = false;

  /** @param thread what it is started as. @throws CONFIG_INVALID, KEY_UNUSABLE: why there is no media thread */
  static async open(
    settings: Omit<MediaOptions, 'anchorUs' | 'refusal'>,
    options: MediaPlaneOptions,
    start: (options: MediaOptions) => MediaThread,
  ): Promise<MediaPlane> {
    const { clock, refusal } = options;
    const told = refusal === undefined ? undefined : carried(refusal);
    const plane = new MediaPlane(start({ ...settings, anchorUs: anchorOf(clock), refusal: told }), options);
    try {
      await plane.#link.ask('opened');
      return plane;
    } catch (error) {
      await plane.#thread.end();
      throw error;
    }
  }

  private constructor(thread: MediaThread, options: MediaPlaneOptions) {
    this.#thread = thread;
    this.#link = new ThreadLink(thread.port, options.onDefect);
    const streams = new StreamLink({ link: this.#link, clock: options.clock });
    this.streams = streams;
    // What streams have brought was before what is asked now: a mask may be in it.
    const inOrder: Pick<MediaLink, 'ask'> = {
      ask: (name, ...args) => {
        streams.flush();
        return this.#link.ask(name, ...args);
      },
    };
    this.calls = remoteCalls(inOrder);
    this.channels = remoteChannels(inOrder);
    this.#link.hear(reportsTo(options, streams));
    this.lost = thread.lost.then((why) => {
      this.#isLost = true;
      this.#link.end(why);
      streams.end(why);
      return why;
    });
  }

  /** What has been asked of the thread and is not answered. */
  get waiting(): number {
    return this.#link.waiting;
  }

  /** @throws PORT_TAKEN, CONFIG_INVALID */
  openPorts(): Promise<void> {
    return this.#link.ask('openPorts');
  }

  /** Why nothing new may begin, from now on; undefined: it may. */
  admit(refusal: AppError | undefined): void {
    this.#link.tell('admit', refusal === undefined ? undefined : carried(refusal));
  }

  numbers(): Promise<MediaNumbers> {
    return this.#link.ask('numbers');
  }

  /** Takes no more calls, and ends those there are. Resolves when every journal is durable and handed on, or the thread is lost. */
  async end(): Promise<void> {
    await this.#unlessLost(this.#link.ask('end'));
  }

  /** Closes its ports and ends the thread; calls that run are broken off. Idempotent. */
  close(): Promise<void> {
    this.#closing ??= this.#close();
    return this.#closing;
  }

  async #close(): Promise<void> {
    if (!this.#isLost) await this.#unlessLost(this.#link.ask('close'));
    const over = new AppError('CALLS_FULL', 'the service is shutting down');
    // Whoever asks now would wait for ever.
    this.#link.end(over);
    this.streams.end(over);
    await this.#thread.end();
  }

  /** @throws what else went wrong */
  async #unlessLost(answer: Promise<void>): Promise<void> {
    await answer.catch((error: unknown) => {
      if (!this.#isLost) throw error;
    });
  }
}

const reportsTo = (options: MediaPlaneOptions, streams: StreamLink): MediaReports => {
  const { directory, events, audit, recordings, warn, onDefect } = options;
  return {
    lookUp: (accountId, announcement) => lookUpCall(directory, accountId, announcement),
    principalOf: (tokenOrKey) => directory.principalOf(tokenOrKey),
    event: (accountId, type, data, atMs) => events.publish(accountId, type, data, atMs),
    note: (note) => audit.note(note),
    refused: (accountId) => audit.refused(accountId),
    started: (recorder, about) => recordings.started(recorder, about),
    failed: (recorder, failure, about) => recordings.failed(recorder, restored(failure), about),
    closed: (recorder, failure, about) =>
      recordings.closed(recorder, failure === undefined ? undefined : restored(failure), about),
    stream: (id, said) => streams.hear(id, said),
    streamsTaken: (room) => streams.taken(room),
    warn,
    defect: (error) => onDefect(restored(error)),
  };
};
