/** What `/metrics` asks the media thread: one answer for all of it. Types only. */
import type { UdpCounts } from '../../ingest/rtp/udp-receiver.ts';
import type { LiveNumbers } from '../live/live-counts.ts';

export type MediaNumbers = {
  readonly live: LiveNumbers;
  readonly receiver: UdpCounts;
  readonly streams: { readonly open: number; readonly opened: number; readonly refused: number };
  /** How late the media thread's event loop was at the worst 1 % of looks since the last answer, s. */
  readonly loopDelaySec: number;
};
