/**
 * Telnyx media streaming: snake_case, whatever codec the call has, and no promise of order: each message has its number and its time.
 * Linear audio is little-endian, RFC 3551 notwithstanding; `?endianness=big` is for the day when it is not.
 */

import { JsonMediaDialect, type JsonMediaWords } from './json-media.ts';
import { isObject, textIn } from './json-message.ts';
import { aboutOf, parametersIn } from './media-about.ts';
import { mediaFormat } from './media-format.ts';
import type { StreamKind } from './stream-dialect.ts';

const WORDS: JsonMediaWords = {
  name: 'telnyx',
  about: (start, message, { query }) => {
    const said = isObject(start.media_format) ? start.media_format : {};
    const format = mediaFormat('telnyx', textIn(said, 'encoding') ?? '', {
      rate: said.sample_rate,
      channels: said.channels,
    });
    const isBig = format.encoding === 'l16le' && query.endianness === 'big';
    return aboutOf({
      streamId: textIn(message, 'stream_id') ?? textIn(start, 'stream_id'),
      callId: textIn(start, 'call_control_id'),
      from: textIn(start, 'from'),
      to: textIn(start, 'to'),
      format: isBig ? { ...format, encoding: 'l16be' } : format,
      parameters: parametersIn('telnyx', start.custom_parameters),
    });
  },
  untold: 'a',
  ignored: ['connected', 'mark'],
};

export const telnyxKind: StreamKind = {
  name: 'telnyx',
  transport: 'websocket',
  bringsToken: true,
  open: (request, sink) => new JsonMediaDialect(WORDS, request, sink),
  connect:
    'Call Control: `streaming_start` with `"stream_url":"wss://HOST/v2/accounts/A/streams/telnyx?token=KEY","stream_track":"both_tracks"`',
};
