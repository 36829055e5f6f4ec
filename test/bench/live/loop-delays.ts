/** How late the service's event loops were, as its `/metrics` tell, since these were last read. */

/** p99, ms, as Node.js reports it: of the thread that takes in media, and of the one that answers the API. NaN: not told. */
export type LoopDelays = { readonly media: number; readonly api: number };

export const loopDelaysIn = (metrics: ReadonlyMap<string, number>): LoopDelays => ({
  media: millisecondsIn(metrics, 'record_call_event_loop_delay_p99_seconds'),
  api: millisecondsIn(metrics, 'record_call_api_loop_delay_p99_seconds'),
});

/** The longest that the API's has stood still. */
export const apiStallIn = (metrics: ReadonlyMap<string, number>): number =>
  millisecondsIn(metrics, 'nodejs_eventloop_lag_max_seconds');

const millisecondsIn = (metrics: ReadonlyMap<string, number>, name: string): number =>
  1000 * (metrics.get(name) ?? Number.NaN);

export const loopDelaysText = ({ media, api }: LoopDelays): string =>
  `p99 ${media.toFixed(1)} ms where media is taken in, ${api.toFixed(1)} where the API answers`;
