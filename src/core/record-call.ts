/** The `record_call` fields (design §6.2): Kazoo's, with Kazoo's names, and ours. One schema is type, validator and documentation. */
import Type, { type Static } from 'typebox';

/** Kazoo's longest and default recording, in seconds of the call's clock. */
export const TIME_LIMIT_SECONDS = 10_800;

/** What an mp3 can have (MPEG-1, 2 and 2.5 Layer III). */
export const MP3_RATES: readonly number[] = [8000, 11025, 12000, 16000, 22050, 24000, 32000, 44100, 48000];

const choice = <const T extends readonly string[]>(...values: T) =>
  Type.Unsafe<T[number]>({ type: 'string', enum: [...values] });

export const RecordCallFields = Type.Object(
  {
    action: Type.Optional(choice('mask', 'unmask', 'start', 'stop', 'toggle')),
    dtmf_leg: Type.Optional(Type.String({ description: 'Filled in at run time: the leg that typed the code.' })),
    format: Type.Optional(choice('mp3', 'wav')),
    label: Type.Optional(Type.String({ maxLength: 1024 })),
    media_name: Type.Optional(Type.String({ minLength: 1, maxLength: 200, pattern: '^[A-Za-z0-9_.-]+$' })),
    method: Type.Optional(choice('put', 'post')),
    origin: Type.Optional(Type.String({ maxLength: 1024 })),
    record_min_sec: Type.Optional(Type.Integer({ minimum: 0 })),
    record_on_answer: Type.Optional(Type.Boolean()),
    record_on_bridge: Type.Optional(Type.Boolean()),
    record_sample_rate: Type.Optional(Type.Integer({ minimum: 8000, maximum: 48000 })),
    time_limit: Type.Optional(Type.Integer({ minimum: 1, maximum: TIME_LIMIT_SECONDS })),
    url: Type.Optional(Type.String({ minLength: 1, maxLength: 4096 })),
    mask_mode: Type.Optional(choice('silence', 'drop', 'tone')),
    mask_lookback_ms: Type.Optional(Type.Integer({ minimum: 0, maximum: 10_000 })),
    mask_max_sec: Type.Optional(Type.Integer({ minimum: 1 })),
    mask_expiry: Type.Optional(choice('alert', 'unmask', 'stop')),
    channels: Type.Optional(choice('stereo', 'mono')),
  },
  { additionalProperties: false, $id: 'record_call' },
);

export type RecordCallFields = Static<typeof RecordCallFields>;

export type Format = 'mp3' | 'wav';
export type MaskMode = 'silence' | 'drop' | 'tone';
export type RecordAction = NonNullable<RecordCallFields['action']>;
