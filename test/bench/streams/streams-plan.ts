/** How big the trial of streams is, and who asks for it. Pure. */

export const STREAMS_NAME = 'streams';
export const STREAM_CALLS = 500;
export const FRAME_MS = 20;
/** Both legs interleaved, 8 kHz, 16 bits. */
export const FRAME_BYTES = 640;

export const streamsSeconds = (quick: boolean): number => (quick ? 5 : 15);

/** What the process that sends is told, and what it answers. */
export type StreamsJob = { readonly url: string; readonly calls: number; readonly seconds: number };

export type StreamsLoad = {
  /** Frames of all calls. */
  readonly sent: number;
  /** Connections that were not open to the end. */
  readonly broken: number;
  /** How late the latest round of frames began, ms. */
  readonly lateMs: number;
  readonly cpuSeconds: number;
};

export const isStreamsWanted = ({
  filters,
  only = [],
}: {
  readonly filters: readonly string[];
  readonly only?: readonly string[];
}): boolean => {
  if (only.length > 0 && !only.includes('streams')) return false;
  const names = `${STREAMS_NAME} ${STREAM_CALLS} calls websocket audio-fork record-call serve`;
  return filters.every((filter) => names.includes(filter.toLowerCase()));
};
