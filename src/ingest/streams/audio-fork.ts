/** FreeSWITCH's mod_audio_fork, and jambonz, whose verb `listen` is that module: JSON texts only, an empty binary message at the end. Pure. */
import { ForkedAudio } from './forked-audio.ts';
import type { StreamKind } from './stream-dialect.ts';

export const audioForkKind: StreamKind = {
  name: 'audio-fork',
  transport: 'websocket',
  bringsToken: true,
  subprotocols: ['audio.jambonz.org', 'audio.drachtio.org'],
  open: (request, sink) => new ForkedAudio(request, sink, { texts: 'json' }),
  connect:
    'uuid_audio_fork <uuid> start ws://HOST:8000/v2/accounts/A/streams/audio-fork?token=KEY stereo 16000 {"sampleRate":16000,"mixType":"stereo"}',
};
