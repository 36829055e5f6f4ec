/** FreeSWITCH's mod_audio_stream: as mod_audio_fork, but its texts may be anything, and no subprotocol. Pure. */
import { ForkedAudio } from './forked-audio.ts';
import type { StreamKind } from './stream-dialect.ts';

export const audioStreamKind: StreamKind = {
  name: 'audio-stream',
  transport: 'websocket',
  bringsToken: true,
  open: (request, sink) => new ForkedAudio(request, sink, { texts: 'any' }),
  connect:
    'uuid_audio_stream <uuid> start ws://HOST:8000/v2/accounts/A/streams/audio-stream?token=KEY&mixType=stereo&sampleRate=16000 stereo 16k',
};
