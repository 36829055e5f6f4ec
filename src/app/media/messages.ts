/**
 * What the API's thread and the media thread say to each other (`thread-link.ts`): plain data, cloned. A method that returns a promise is
 * asked and answered, the others are told. Types only.
 */
import type { AuditNote } from '../../http/audit.ts';
import type { CallAnnouncement, CallsService, ChannelsService } from '../../http/service.ts';
import type { FoundForCall } from '../live/call-lookup.ts';
import type { RecordingAbout } from '../recordings/about.ts';
import type { ToldRecorder } from '../recordings/recorder-desk.ts';
import type { CarriedError } from './carried-error.ts';
import type { MediaNumbers } from './media-numbers.ts';
import type { StreamCommands, StreamReports } from './stream-messages.ts';
import type { ThreadLink } from './thread-link.ts';

/** What the media thread is asked of calls and channels: as `http/service.ts` has it, a list and one of each under names of their own. */
export type CallCommands = Omit<CallsService, 'list' | 'get'> &
  Pick<ChannelsService, 'act'> & {
    readonly calls: CallsService['list'];
    readonly call: CallsService['get'];
    readonly channels: ChannelsService['list'];
    readonly channel: ChannelsService['get'];
  };

/** What the media thread does. */
export interface MediaCommands extends CallCommands, StreamCommands {
  /** Answered when everything is made. @throws why it can't be */
  opened(): Promise<void>;
  /** Of the kinds of stream that have ports of their own. @throws PORT_TAKEN, CONFIG_INVALID */
  openPorts(): Promise<void>;
  /** Why nothing new may begin, from now on; undefined: it may. */
  admit(refusal: CarriedError | undefined): void;
  numbers(): Promise<MediaNumbers>;
  /** Takes no more calls and ends those there are: answered when every journal is durable and handed on. */
  end(): Promise<void>;
  /** Closes ports and the receiver; the last that is asked. */
  close(): Promise<void>;
}

/** What the media thread says of itself, and asks of who knows. */
export interface MediaReports extends StreamReports {
  /** @throws as `lookUpCall` */
  lookUp(accountId: string, announcement: CallAnnouncement): Promise<FoundForCall>;
  /** @param atMs when it happened, ms since the Unix epoch */
  event(accountId: string, type: string, data: Readonly<Record<string, unknown>>, atMs: number): void;
  note(note: AuditNote): void;
  refused(accountId: string | undefined): void;
  started(recorder: ToldRecorder, about: RecordingAbout): void;
  failed(recorder: ToldRecorder, failure: CarriedError, about: RecordingAbout): void;
  closed(recorder: ToldRecorder, failure: CarriedError | undefined, about: RecordingAbout): void;
  /** For the log. */
  warn(fields: object, message: string): void;
  defect(error: CarriedError): void;
}

/** The API's end of the link, and the media thread's. */
export type MediaLink = ThreadLink<MediaCommands, MediaReports>;
export type ReportLink = ThreadLink<MediaReports, MediaCommands>;
