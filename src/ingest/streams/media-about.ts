/** What a first message of JSON says of its stream, without what it leaves out. Pure. */
import { AppError } from '../../core/errors.ts';
import type { JsonStart } from './json-media.ts';
import { isObject } from './json-message.ts';
import type { StreamFormat, StreamTrack } from './stream-dialect.ts';

const MOST_PARAMETERS = 128;

export type Said = {
  readonly streamId?: string | undefined;
  readonly callId?: string | undefined;
  readonly from?: string | undefined;
  readonly to?: string | undefined;
  readonly tracks?: readonly StreamTrack[] | undefined;
  readonly format: StreamFormat;
  readonly parameters: Readonly<Record<string, unknown>>;
};

export const aboutOf = ({ streamId, callId, from, to, tracks, format, parameters }: Said): JsonStart => ({
  ...(streamId === undefined ? {} : { streamId }),
  ...(callId === undefined ? {} : { callId }),
  ...(from === undefined ? {} : { from }),
  ...(to === undefined ? {} : { to }),
  ...(tracks === undefined ? {} : { tracks }),
  format,
  parameters,
});

/** The customer's own words. @throws AppError STREAM_INVALID for more of them than anyone needs */
export const parametersIn = (kind: string, value: unknown): Readonly<Record<string, unknown>> => {
  if (!isObject(value)) return {};
  if (Object.keys(value).length > MOST_PARAMETERS) {
    throw new AppError('STREAM_INVALID', `${kind}: more than ${MOST_PARAMETERS} parameters`);
  }
  return value;
};
