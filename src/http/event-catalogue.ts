/**
 * Every event that `…/events` tells, when it comes and what is in its `data`: the API's description is made from this, and a test
 * holds it equal to what `app/` publishes. Data are ids, states and causes: never a digit, a name, a number or audio.
 */

type EventNote = {
  readonly when: string;
  /** Names in `data`, beside those of its family. A `?`: not always there. */
  readonly fields: readonly string[];
};

const of = (when: string, ...fields: string[]): EventNote => ({ when, fields });
const ofCall = (when: string, ...fields: string[]): EventNote => of(when, 'call_id', ...fields);
const ofRecording = (when: string, ...fields: string[]): EventNote =>
  of(when, 'recording_id', 'call_id', 'state', ...fields);

export const EVENTS = {
  'call.announced': ofCall('A call was announced.', 'direction'),
  'call.answered': ofCall('It was answered.'),
  'call.bridged': ofCall('Its legs were bridged.'),
  'call.media': ofCall('Media of `legs` was announced anew.', 'legs'),
  'call.ended': ofCall('It has ended: `hangup`, `idle` or `shutdown`.', 'reason'),
  'leg.receiving': ofCall('Audio of a leg has begun, or come back.', 'leg'),
  'leg.silent': ofCall('Nothing has come from a leg for `RECORD_CALL_LEG_SILENT_SEC`.', 'leg'),
  'leg.ended': ofCall('A leg takes no more.', 'leg'),
  'stream.opened': ofCall('A media server has connected, and brings `legs`.', 'kind', 'legs', 'stream_id?'),
  'stream.closed': ofCall('It has ended: a word of its protocol, or the code of an error.', 'kind', 'reason'),
  'stream.refused': of('A stream was not taken, for that error.', 'kind', 'code'),
  'recording.started': ofCall('A recording runs; `started_by` says what began it.', 'recording_id', 'started_by'),
  'recording.stopped': ofCall(
    'It runs no more: `stop`, `time-limit`, `hangup`, `idle` or `shutdown`.',
    'recording_id',
    'reason',
    'duration_ms',
    'code?',
  ),
  'recording.failed': ofCall('It can be written no further; what came before is finished.', 'recording_id', 'code'),
  'recording.behind': ofCall('The disk lags behind the audio.', 'pending_bytes', 'packets_dropped'),
  'recording.dropping': ofCall('It lags so far that packets are dropped.', 'pending_bytes', 'packets_dropped'),
  'recording.caught_up': ofCall('It is abreast again.', 'pending_bytes', 'packets_dropped'),
  'recording.unwatched': ofCall('Key tones are to be redacted, but not in this codec.', 'codec'),
  'recording.finalizing': ofRecording('The audio file is being made.', 'error?'),
  'recording.stored': ofRecording('It is there, and can be fetched.', 'duration_ms', 'bytes'),
  'recording.incomplete': ofRecording(
    'What could be written of it is there, and can be fetched; it is not all, and its last state is `failed`.',
    'duration_ms',
    'bytes',
    'error',
  ),
  'recording.discarded': ofRecording('It was shorter than `record_min_sec`.', 'duration_ms', 'bytes'),
  'recording.removed': ofRecording('It was deleted, or kept for as long as it was to be.'),
  'finalize.failed': ofRecording('The audio file could not be made; what was recorded is kept.', 'error', 'set_aside?'),
  'delivery.retrying': ofRecording(
    'The target did not take it; it is tried again.',
    'tries',
    'status',
    'host',
    'error',
    'next_try_at',
  ),
  'delivery.done': ofRecording('The target has it.', 'tries', 'status', 'host'),
  'delivery.failed': ofRecording('The target does not get it; it is kept here.', 'tries', 'status', 'host', 'error'),
  'delivery.target_down': of(
    'Several deliveries in a row have shown that a target is down: what waits for it is held back, and a probe is sent now and then.',
    'host',
  ),
  'delivery.target_up': of('It has answered again.', 'host'),
  'webhook.failed': of(
    'An event could not be sent to `webhook_url`; it is kept in `…/webhooks`.',
    'event_id',
    'event_type',
    'tries',
    'status',
    'host',
    'error',
  ),
  'webhook.target_down': of('The same as `delivery.target_down`, of the webhook.', 'host'),
  'webhook.target_up': of('It has answered again.', 'host'),
  'mask.on': ofCall('The call is masked; `by` says who asked.', 'recordings', 'by'),
  'mask.off': ofCall('It is masked no more.', 'recordings', 'by'),
  'mask.overdue': ofCall(
    'It has been masked for `mask_max_sec`; `expiry` says what is done about that.',
    'expiry',
    'recording_id?',
  ),
  'command.unchanged': ofCall(
    'A code or a policy asked for what was so already, or hit nothing.',
    'action',
    'masked',
    'recordings',
    'by',
  ),
  'command.failed': ofCall('What was asked for could not be done.', 'action', 'code', 'masked', 'by'),
  'metaflow.not_run': ofCall("A code asked for one of Kazoo's modules that is not run here.", 'module'),
  'replay.running': of('The replay of an uploaded file has begun; `id` is the job.', 'id'),
  'replay.done': of('Its recordings are finished.', 'id', 'recordings'),
  'replay.failed': of('It could not be done.', 'id', 'error'),
  'audit.broken': of(
    'The chain of the audit does not hold: an entry is missing, or is not what it was. `why` says how that shows.',
    'entry',
    'why',
  ),
  resync: of('Events since the one named are not kept: ask for what you need anew.', 'reason'),
} as const satisfies Readonly<Record<string, EventNote>>;

export type EventType = keyof typeof EVENTS;

/** What is also sent to the account's webhook. */
export const WEBHOOK_EVENTS = [
  'recording.started',
  'recording.failed',
  'recording.stored',
  'recording.incomplete',
  'recording.discarded',
  'finalize.failed',
  'delivery.done',
  'delivery.failed',
  'mask.on',
  'mask.off',
  'mask.overdue',
] as const satisfies readonly EventType[];

export const isForWebhooks = (type: string): boolean => (WEBHOOK_EVENTS as readonly string[]).includes(type);

/** A table, as Markdown has them. */
export const eventTable = (): string =>
  [
    '| type | when | data |',
    '|---|---|---|',
    ...Object.entries(EVENTS).map(
      ([type, { when, fields }]) => `| \`${type}\` | ${when} | ${fields.map((field) => `\`${field}\``).join(', ')} |`,
    ),
  ].join('\n');
