/** What the media thread is started with: plain data, keys and its end of the link. What a setting says is `app/settings.ts`'. */
import type { MessagePort } from 'node:worker_threads';
import { writeAllowList } from '../../deliver/allow-list.ts';
import type { VaultShare } from '../../spool/seal/vault.ts';
import type { Settings } from '../settings.ts';
import type { CarriedError } from './carried-error.ts';

const KEYS = [
  'rtp_host',
  'rtp_bind',
  'rtp_ports',
  'stream_host',
  'audiosocket_port',
  'pcm_port',
  'rtpengine_port',
  'max_calls',
  'max_calls_per_account',
  'leg_silent_sec',
  'call_idle_sec',
  'redact_tones',
] as const;

export type MediaSettings = Pick<Settings, (typeof KEYS)[number]>;

export type MediaOptions = {
  readonly settings: MediaSettings;
  /** As `parseAllowList` reads it. */
  readonly allowTargets: string;
  /** The folder of all accounts' journals. */
  readonly journals: string;
  /** Undefined: journals are not sealed. */
  readonly vault: VaultShare | undefined;
  /** Of the service's clock (`shared-clock.ts`). */
  readonly anchorUs: number;
  /** Why nothing may begin yet. */
  readonly refusal: CarriedError | undefined;
};

export type MediaThreadData = { readonly options: MediaOptions; readonly port: MessagePort };

/** What of the settings the media thread needs, and nothing that is secret. */
export const mediaSettings = (settings: Settings): Pick<MediaOptions, 'settings' | 'allowTargets'> => ({
  settings: Object.fromEntries(KEYS.map((key) => [key, settings[key]])) as MediaSettings,
  allowTargets: writeAllowList(settings.allow_targets),
});
