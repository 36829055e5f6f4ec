/** Every setting there is: its name, what it takes, what it is when nobody says. README's table is held equal to this by a test. */
import { isIP } from 'node:net';
import { type AllowList, parseAllowList } from '../deliver/allow-list.ts';
import { ENCODER_CHOICES, type EncoderChoice } from '../finalize/encoder-choice.ts';
import type { SealKey } from '../spool/seal/seal-key.ts';
import { masterKeyIn } from './master-key-file.ts';

export type Setting<T> = {
  /** As text, the way an environment variable would say it. */
  readonly fallback: string;
  /** What it takes, for the error: "RECORD_CALL_HTTP_PORT takes …". */
  readonly takes: string;
  /** @returns undefined for what it doesn't take. @throws AppError when it can say better what is wrong. */
  readonly read: (text: string) => T | undefined;
  /** Its value is in no message, and from the environment alone. */
  readonly isSecret?: boolean;
};

export type PortRange = { readonly first: number; readonly last: number };

export const LOG_LEVELS = ['fatal', 'error', 'warn', 'info', 'debug', 'silent'] as const;

const integer = (fallback: number, least: number, most: number): Setting<number> => ({
  fallback: String(fallback),
  takes: `a whole number from ${least} to ${most}`,
  read: (text) => {
    const value = /^\d{1,9}$/.test(text) ? Number(text) : Number.NaN;
    return value >= least && value <= most ? value : undefined;
  },
});

const choice = <T extends string>(fallback: T, values: readonly T[]): Setting<T> => ({
  fallback,
  takes: values.join(', '),
  read: (text) => values.find((each) => each === text),
});

const host = (fallback: string): Setting<string> => ({
  fallback,
  takes: 'an IP address or a host name',
  read: (text) => (isIP(text) > 0 || /^[A-Za-z0-9](?:[A-Za-z0-9.-]{0,252}[A-Za-z0-9])?$/.test(text) ? text : undefined),
});

const portRange: Setting<PortRange> = {
  fallback: '30000-39999',
  takes: 'FIRST-LAST, two ports or more from 1024 to 65535',
  read: (text) => {
    const match = /^(\d{4,5})-(\d{4,5})$/.exec(text);
    const [first, last] = [Number(match?.[1]), Number(match?.[2])];
    return first >= 1024 && last <= 65_535 && last > first ? { first, last } : undefined;
  },
};

const allowList: Setting<AllowList> = { fallback: '', takes: 'names, addresses and networks', read: parseAllowList };

const wiped = <T>(bytes: Buffer, use: (bytes: Buffer) => T): T => {
  try {
    return use(bytes);
  } finally {
    bytes.fill(0);
  }
};

/** The first wraps; behind a comma, those that it follows. */
const masterKey: Setting<readonly SealKey[]> = {
  fallback: '',
  takes: '64 hex digits',
  read: (text) => {
    const keys = text === '' ? [] : text.split(',').map((each) => wiped(Buffer.from(each.trim()), masterKeyIn));
    return keys.every((key) => key !== undefined) ? keys : undefined;
  },
  isSecret: true,
};

const encoder: Setting<EncoderChoice> = choice('auto', ENCODER_CHOICES);

export const SETTINGS = {
  data_dir: { fallback: './data', takes: 'a folder', read: (text: string) => (text === '' ? undefined : text) },
  http_host: host('127.0.0.1'),
  http_port: integer(8000, 0, 65_535),
  rtp_host: host('127.0.0.1'),
  /** Empty: the RTP host. */
  rtp_bind: { ...host(''), read: (text: string) => (text === '' ? '' : host('').read(text)) },
  rtp_ports: portRange,
  /** Of the ports below: bound, and told to media servers. */
  stream_host: host('127.0.0.1'),
  audiosocket_port: integer(9092, 0, 65_535),
  pcm_port: integer(0, 0, 65_535),
  rtpengine_port: integer(0, 0, 65_535),
  allow_targets: allowList,
  retention_days: integer(30, 0, 36_500),
  encryption: choice('on', ['on', 'off']),
  /** Empty: `master.key` in the data folder. */
  master_key_file: { fallback: '', takes: 'a file', read: (text: string) => text },
  master_key: masterKey,
  mp3_encoder: encoder,
  /** At a time; 0: each is finalized when it has ended. */
  follow_recordings: integer(500, 0, 10_000),
  /** Read where the module is loaded, before there are settings: `kernel/native-module.ts`. */
  native: choice('auto', ['auto', 'off']),
  max_calls: integer(1000, 1, 100_000),
  max_calls_per_account: integer(1000, 1, 100_000),
  leg_silent_sec: integer(60, 1, 86_400),
  call_idle_sec: integer(120, 1, 86_400),
  disk_min_mib: integer(512, 0, 1_000_000_000),
  shutdown_sec: integer(30, 1, 3600),
  redact_tones: choice('false', ['true', 'false']),
  log_level: choice('info', LOG_LEVELS),
} as const;

export type SettingKey = keyof typeof SETTINGS;

export const SETTING_KEYS = Object.keys(SETTINGS) as readonly SettingKey[];

/** `http_port` as its environment variable. */
export const variableOf = (key: SettingKey): string => `RECORD_CALL_${key.toUpperCase()}`;

export type Settings = { readonly [K in SettingKey]: (typeof SETTINGS)[K] extends Setting<infer T> ? T : never };
