/** What is delivered: one finished file and the facts of its call that Kazoo's URL carries. Nothing here says where it goes. */
import type { ByteSource } from '../core/byte-source.ts';
import type { Format } from '../core/record-call.ts';

/** A fact that is missing leaves its URL parameter empty. */
export type Parcel = {
  /** The finished file; it is read once to be measured and once per try. */
  readonly source: ByteSource;
  /** What the file was when it was finished, its SHA-256 in hex: another one is not delivered. Absent: whatever is there is meant. */
  readonly expected?: { readonly sha256: string; readonly bytes: number } | undefined;
  /** `audio/mpeg` or `audio/wav`. */
  readonly contentType: string;
  readonly format: Format;
  /** Kazoo's document id, `YYYYMM-<32 hex>`: the receiver's handle, and the key that makes a repeated delivery harmless. */
  readonly recordingId: string;
  readonly callId: string;
  /** `user@realm`. */
  readonly from?: string | undefined;
  /** `user@realm`. */
  readonly to?: string | undefined;
  readonly callerIdName?: string | undefined;
  readonly callerIdNumber?: string | undefined;
  readonly cdrId?: string | undefined;
  readonly interactionId?: string | undefined;
  readonly ownerId?: string | undefined;
  readonly accountId?: string | undefined;
  /** When the recording began, in milliseconds since the Unix epoch. */
  readonly startMs?: number | undefined;
  /** How long the recording is, in milliseconds. */
  readonly durationMs?: number | undefined;
};
