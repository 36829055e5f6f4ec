/**
 * What the API asks of the floors above it: one interface for each noun that the routes speak of. `app/` implements them; the routes
 * know nothing else of a call, a journal or a socket. Every method takes the account first and sees nothing of another one's.
 */
import type { ActionResult } from '../call/action.ts';
import type { ByteSource } from '../core/byte-source.ts';
import type { Leg } from '../core/leg.ts';
import type { RecordAction, RecordCallFields } from '../core/record-call.ts';
import type { Sealing } from '../spool/seal/sealed-writer.ts';
import type { RecordingQuery as StoreQuery } from '../store/recording-query.ts';

/** Who asks: the key that a token was made from. */
export type Principal = { readonly accountId: string; readonly keyId: string; readonly isAdmin: boolean };

export type AnnouncedParty = {
  readonly user_id?: string;
  readonly device_id?: string;
  readonly name?: string;
  readonly number?: string;
};

/** Payload type (0–127, as text) → rtpmap (`opus/48000/2`). */
export type PayloadMap = Readonly<Record<string, string>>;

/** `PUT …/calls`, already validated; names as on the wire (design §6.5). */
export type CallAnnouncement = {
  readonly call_id?: string;
  readonly direction?: 'inbound' | 'outbound';
  /** `onnet` unless said. */
  readonly network?: 'onnet' | 'offnet';
  readonly from?: string;
  readonly to?: string;
  readonly caller?: AnnouncedParty;
  readonly callee?: AnnouncedParty;
  readonly media: {
    /** `stream`: its legs come as streams (`…/streams/{kind}`), and no ports are taken. */
    readonly kind: 'rtp' | 'stream';
    /** Whose habits of payload types its legs have where neither `codecs` nor `sdp` names them. */
    readonly server?: 'asterisk';
    readonly codecs?: Partial<Record<Leg, PayloadMap>>;
    /** An offer per leg, answered per leg. */
    readonly sdp?: Partial<Record<Leg, string>>;
  };
  /** Starts a recording with the first frame. */
  readonly record_call?: RecordCallFields;
};

export type LegDocument = {
  readonly channel_id: string;
  /** Absent where no ports were taken. */
  readonly rtp?: { readonly host: string; readonly port: number };
  /** The answer to this leg's offer. */
  readonly sdp?: string;
  readonly user_id: string | null;
  readonly device_id: string | null;
  /** `waiting` for a source, `receiving`, `silent` for longer than configured, `ended`. */
  readonly state: 'waiting' | 'receiving' | 'silent' | 'ended';
  readonly packets: number;
  /** Refused: another source, no RTP, a payload type nobody knows. */
  readonly dropped: number;
};

export type CallDocument = {
  readonly call_id: string;
  readonly direction: 'inbound' | 'outbound';
  readonly from: string;
  readonly to: string;
  readonly state: 'announced' | 'answered' | 'bridged' | 'ended';
  readonly masked: boolean;
  /** ISO 8601, UTC. */
  readonly announced_at: string;
  readonly legs: Readonly<Record<Leg, LegDocument>>;
  /** Ids of its recordings, oldest first. */
  readonly recordings: readonly string[];
};

export interface CallsService {
  /** @throws CALL_EXISTS, CALLS_FULL, PORTS_USED_UP, SDP_INVALID, FIELDS_INVALID, NOT_FOUND for an unknown user or device */
  announce(accountId: string, announcement: CallAnnouncement): Promise<CallDocument>;
  list(accountId: string): Promise<readonly CallDocument[]>;
  /** @throws NOT_FOUND, as each of the following */
  get(accountId: string, callId: string): Promise<CallDocument>;
  answer(accountId: string, callId: string): Promise<CallDocument>;
  bridge(accountId: string, callId: string): Promise<CallDocument>;
  /**
   * New payload types or a new offer for the legs that are named, each of which may then have another source; the others stay as they
   * are. All of it or nothing. @throws SDP_INVALID, FIELDS_INVALID, CONFLICT when the call or a leg that is named has ended
   */
  announceMedia(accountId: string, callId: string, media: CallAnnouncement['media']): Promise<CallDocument>;
  hangUp(accountId: string, callId: string): Promise<CallDocument>;
}

/** Kazoo's channel, one per leg of a call. */
export type ChannelDocument = {
  readonly uuid: string;
  readonly call_id: string;
  readonly leg: Leg;
  readonly other_leg: string;
  readonly direction: 'inbound' | 'outbound';
  readonly answered: boolean;
  /** The device's id, else the user's; null when neither is known. */
  readonly authorizing_id: string | null;
  readonly authorizing_type: 'device' | 'user' | null;
  readonly owner_id: string | null;
  readonly username: string;
  readonly destination: string;
  readonly presence_id: string;
  /** Gregorian seconds. */
  readonly timestamp: number;
  readonly masked: boolean;
  readonly recordings: readonly string[];
};

/** Whose channels; nobody named: all. */
export type ChannelOwner = { readonly userId?: string; readonly deviceId?: string };

export interface ChannelsService {
  list(accountId: string, owner?: ChannelOwner): Promise<readonly ChannelDocument[]>;
  /** @throws NOT_FOUND */
  get(accountId: string, uuid: string): Promise<ChannelDocument>;
  /**
   * Does an action on the channel's call; `dtmf_leg` is filled in with the channel's leg.
   * @param by the API key's id, for the manifest. @throws NOT_FOUND, MASK_NOT_DURABLE, FIELDS_INVALID, DISK_LOW
   */
  act(
    accountId: string,
    uuid: string,
    fields: RecordCallFields & { readonly action: RecordAction },
    by: string,
  ): Promise<ActionResult>;
}

/** A recording as a client sees it: Kazoo's public fields (kazoo-contract §3.5) and, under the same roof, ours. */
export type RecordingDocument = Readonly<Record<string, unknown>> & {
  readonly id: string;
  readonly call_id: string;
  readonly state: 'recording' | 'finalizing' | 'delivering' | 'delivered' | 'stored' | 'discarded' | 'failed';
  readonly _read_only: { readonly content_types: readonly string[] };
};

/** What a list can be asked for; `startKey` is what an answer's `next_start_key` was. */
export type RecordingQuery = Omit<StoreQuery, 'accountId' | 'documentOf'>;

export type RecordingPage = {
  readonly recordings: readonly RecordingDocument[];
  readonly startKey: string;
  readonly nextStartKey: string | undefined;
};

export type ArtefactFile = {
  /** Plain, however it lies on disk. What it gives is what `sha256` says: of a file that isn't, its `open` or `read` throws. */
  readonly source: ByteSource;
  readonly mediaType: string;
  readonly bytes: number;
  readonly mediaName: string;
  readonly sha256: string;
};

/** A file that is not there yet, in a folder that is. */
export type UploadPlace = {
  /** Of the job that it may become. */
  readonly id: string;
  readonly path: string;
  /** What to write it with, where it is not to lie there as it came. */
  readonly seal?: Sealing;
};

/** A replay of an uploaded file, in the background. */
export type JobDocument = {
  readonly id: string;
  readonly kind: 'replay';
  readonly state: 'queued' | 'running' | 'done' | 'failed';
  /** 0 to 1. */
  readonly progress: number;
  readonly recordings: readonly string[];
  readonly error: { readonly code: string; readonly message: string } | null;
};

export interface RecordingsService {
  /** @throws RANGE_TOO_LARGE, FIELDS_INVALID for a start key that is none */
  list(accountId: string, query: RecordingQuery): Promise<RecordingPage>;
  /** @throws NOT_FOUND, as each of the following */
  get(accountId: string, id: string): Promise<RecordingDocument>;
  artefact(accountId: string, id: string): Promise<ArtefactFile>;
  manifest(accountId: string, id: string): Promise<Readonly<Record<string, unknown>>>;
  /** @param points how many pairs of least and greatest sample per channel. */
  peaks(accountId: string, id: string, points: number): Promise<Readonly<Record<string, unknown>>>;
  /** Audio, manifest and document. @throws CONFLICT while it is running */
  remove(accountId: string, id: string): Promise<RecordingDocument>;
  /** Tries the target again, now. @throws CONFLICT when it has no target or no artefact yet */
  deliver(accountId: string, id: string): Promise<RecordingDocument>;
  /** Where an upload goes before it is a job's. @throws JOURNAL_UNWRITABLE when its key can't be kept */
  newUpload(accountId: string): Promise<UploadPlace>;
  /** Removes what has come of an upload that no job has taken. */
  dropUpload(accountId: string, place: UploadPlace): Promise<void>;
  /** @param upload a complete one, which now belongs to the job. @param upload.name what its sender called it */
  replay(
    accountId: string,
    upload: UploadPlace & { readonly name: string; readonly fields: RecordCallFields },
  ): Promise<JobDocument>;
  /** @throws NOT_FOUND */
  job(accountId: string, id: string): JobDocument;
}

/** Something that happened, without digits, audio or secrets. */
export type ServiceEvent = {
  /** Grows by one within a run of the service: `<run>-<number>`. */
  readonly id: string;
  /** `call.announced`, `recording.started`, `mask.on`, `delivery.failed`, … */
  readonly type: string;
  /** ISO 8601, UTC. */
  readonly at: string;
  readonly data: Readonly<Record<string, unknown>>;
};

export interface EventsService {
  /**
   * What was missed since `lastId`, then what comes. A `lastId` that is no longer known is answered by an event `resync`.
   * @returns ends the subscription.
   */
  subscribe(accountId: string, lastId: string | undefined, listener: (event: ServiceEvent) => void): () => void;
}

/** An event on its way to the account's webhook, or that did not arrive there. */
export type WebhookDocument = ServiceEvent & { readonly delivery: Readonly<Record<string, unknown>> };

export type WebhookPage = {
  readonly webhooks: readonly WebhookDocument[];
  readonly startKey: string;
  readonly nextStartKey: string | undefined;
  /** Events that did not fit, since the start. */
  readonly dropped: number;
};

export interface WebhooksService {
  /** In the order in which they happened. @throws FIELDS_INVALID for a start key that is none */
  list(
    accountId: string,
    query: { readonly pageSize: number; readonly startKey: string | undefined },
  ): Promise<WebhookPage>;
  /** Tries it again, now. @throws NOT_FOUND, CONFLICT when the account has no webhook */
  deliver(accountId: string, id: string): Promise<WebhookDocument>;
  /** It is sent no more. @throws NOT_FOUND */
  drop(accountId: string, id: string): Promise<WebhookDocument>;
}

export interface HealthService {
  /** What keeps it from taking calls, each a short reason; empty: ready. */
  readiness(): readonly string[];
  /** Prometheus' text format. */
  metrics(): Promise<{ readonly contentType: string; readonly text: string }>;
}
