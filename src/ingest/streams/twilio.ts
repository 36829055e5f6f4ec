/**
 * Twilio Media Streams: `<Stream>`, µ-law at 8 kHz, a track for each direction, numbers as text. Twilio drops the query of the URL, so
 * whatever the stream is to say of itself comes as `<Parameter>`, in `customParameters`.
 */

import { JsonMediaDialect, type JsonMediaWords } from './json-media.ts';
import { isObject, textIn } from './json-message.ts';
import { aboutOf, parametersIn } from './media-about.ts';
import { mediaFormat } from './media-format.ts';
import { legsOfTracks } from './media-track.ts';
import type { StreamKind } from './stream-dialect.ts';

/** Of whoever took this protocol over as it is. */
export const twilioWords = (name: string): JsonMediaWords => ({
  name,
  about: (start, message) => {
    const format = isObject(start.mediaFormat) ? start.mediaFormat : {};
    return aboutOf({
      streamId: textIn(start, 'streamSid') ?? textIn(message, 'streamSid'),
      callId: textIn(start, 'callSid'),
      tracks: legsOfTracks(start.tracks),
      format: mediaFormat(name, textIn(format, 'encoding') ?? 'audio/x-mulaw', {
        rate: format.sampleRate,
        channels: format.channels,
      }),
      parameters: parametersIn(name, start.customParameters),
    });
  },
  untold: 'a',
  ignored: ['connected', 'mark', 'clear'],
});

const WORDS = twilioWords('twilio');

export const twilioKind: StreamKind = {
  name: 'twilio',
  transport: 'websocket',
  open: (request, sink) => new JsonMediaDialect(WORDS, request, sink),
  bringsToken: true,
  connect:
    'TwiML: `<Start><Stream url="wss://HOST/v2/accounts/A/streams/twilio" track="both_tracks"><Parameter name="token" value="KEY"/></Stream></Start>`',
};
