/** A recording as the API tells it: Kazoo's public document and, under the same roof, ours (design §6.3, kazoo-contract §3.5). Pure. */
import { gregorianSeconds } from '../../core/ids.ts';
import { toldOrigin } from '../../finalize/manifest.ts';
import type { RecordingDocument } from '../../http/service.ts';
import type { DeliveryRow, JsonObject, RecordingRow } from '../../store/rows.ts';
import type { CircuitState } from '../sending/circuit-breaker.ts';
import { hostOf } from '../sending/target-name.ts';
import { mediaTypeOf } from './recording-row.ts';

/** What a row does not know: what is being done with it right now. */
export type UnderWay = {
  /** Share of the finalizer's work that is done, while it works. */
  readonly progress?: number | undefined;
  /** Its target is being sent it. */
  readonly isBeingTried?: boolean;
  /** Its target's, and when it may be tried by that at the earliest. */
  readonly circuit?: { readonly state: CircuitState; readonly tryUs: number };
};

export const viewOf = (
  row: RecordingRow,
  delivery?: DeliveryRow | undefined,
  underWay: UnderWay = {},
): RecordingDocument => ({
  ...row.document,
  id: row.id,
  call_id: row.callId,
  ...(row.ownerId === null ? {} : { owner_id: row.ownerId }),
  name: row.mediaName,
  description: `recording ${row.mediaName}`,
  content_type: mediaTypeOf(row.format),
  media_type: row.format,
  origin: toldOrigin(row.origin),
  ...(row.url === null ? {} : { url: tellableUrl(row.url) }),
  start: gregorianSeconds(row.startUs),
  duration: Math.floor(row.durationMs / 1000),
  duration_ms: row.durationMs,
  state: row.state,
  media_name: row.mediaName,
  format: row.format,
  sample_rate: row.sampleRate,
  channels: row.channels,
  bytes: row.bytes,
  sha256: row.sha256,
  started_at: isoTime(row.startUs),
  masks: row.masks,
  delivery: delivery === undefined ? null : deliveryView(delivery, row.url, underWay),
  error: row.error,
  ...(underWay.progress === undefined ? {} : { progress: underWay.progress }),
  _read_only: { content_types: row.artefactPath === null ? [] : [mediaTypeOf(row.format)] },
});

const deliveryView = (
  delivery: DeliveryRow,
  url: string | null,
  { isBeingTried = false, circuit = { state: 'closed', tryUs: delivery.nextUs } }: UnderWay,
): JsonObject => ({
  state: delivery.state,
  tries: delivery.tries,
  status: delivery.lastStatus,
  host: hostOf(url),
  in_flight: isBeingTried,
  // `open`: the target is down, and nothing but a probe is sent to it now and then.
  circuit: circuit.state,
  // Whether there is another is not known before this one has ended.
  next_try_at: delivery.state === 'waiting' && !isBeingTried ? isoTime(circuit.tryUs) : null,
  given_up_at: delivery.state === 'waiting' ? isoTime(delivery.deadlineUs) : null,
  error: delivery.lastError,
});

const isoTime = (us: number): string => new Date(us / 1000).toISOString();

/** To the account that gave it, without credentials and query. */
const tellableUrl = (text: string): string => {
  if (!URL.canParse(text)) return '';
  const { protocol, host, pathname } = new URL(text);
  return `${protocol}//${host}${pathname}`;
};
