/**
 * Messages of Genesys' AudioHook protocol, version 2: one form for all of them, numbered by each side, with the client's position in its
 * stream as an ISO 8601 duration in seconds. Pure.
 */
import { AppError } from '../../core/errors.ts';
import { isObject, type JsonObject, jsonObjectsIn } from './json-message.ts';

export type AudiohookMessage = {
  readonly type: string;
  /** The session's. */
  readonly id: string;
  readonly seq: number;
  /** The last of the server's that the client had seen. */
  readonly serverseq: number;
  readonly positionMs: number;
  readonly parameters: JsonObject;
};

/** What the protocol allows for one. */
const LONGEST_TEXT = 65_535;
const UUID = /^[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}$/;
const DURATION = /^PT(\d{0,9}(?:\.\d{0,9})?)S$/;

export const NULL_UUID = '00000000-0000-0000-0000-000000000000';

/** @throws AppError STREAM_INVALID */
export const audiohookMessage = (text: string): AudiohookMessage => {
  if (text.length > LONGEST_TEXT) throw invalid(`a text message of ${text.length} characters`);
  const [message, ...others] = jsonObjectsIn(text);
  if (message === undefined || others.length > 0) throw invalid('several messages in one');
  const { version, type, id, seq, serverseq, position, parameters } = message;
  if (version !== '2') throw invalid('a version that is not 2');
  if (!isUuid(id)) throw invalid('an id that is no UUID');
  if (typeof type !== 'string' || !/^[a-z_]{1,32}$/.test(type)) throw invalid('a message without type');
  if (!isCount(seq) || !isCount(serverseq)) throw invalid('seq and serverseq: whole numbers');
  const positionMs = durationMs(position);
  if (positionMs === undefined) throw invalid('a position that is no duration');
  if (!isObject(parameters)) throw invalid('a message without parameters');
  return { type, id, seq, serverseq, positionMs, parameters };
};

export const isUuid = (value: unknown): value is string => typeof value === 'string' && UUID.test(value);

/** `PT1.234S`; undefined for anything else. */
export const durationMs = (value: unknown): number | undefined => {
  const seconds = typeof value === 'string' ? DURATION.exec(value)?.[1] : undefined;
  return seconds === undefined || seconds === '' || seconds === '.' ? undefined : Number(seconds) * 1000;
};

const isCount = (value: unknown): value is number => Number.isSafeInteger(value) && (value as number) >= 0;

export const invalid = (what: string): AppError => new AppError('STREAM_INVALID', `audiohook: ${what}`);
