/** SignalWire's `<Stream>`: Twilio's messages, with µ-law at 8 kHz or linear 16 bit at 16 or 24 kHz; it sends a bearer token of its own. */
import { JsonMediaDialect } from './json-media.ts';
import type { StreamKind } from './stream-dialect.ts';
import { twilioWords } from './twilio.ts';

const WORDS = twilioWords('signalwire');

export const signalwireKind: StreamKind = {
  name: 'signalwire',
  transport: 'websocket',
  open: (request, sink) => new JsonMediaDialect(WORDS, request, sink),
  bringsToken: true,
  connect:
    'cXML: `<Start><Stream url="wss://HOST/v2/accounts/A/streams/signalwire" track="both_tracks" codec="L16@16000h" authBearerToken="KEY"/></Start>`',
};
