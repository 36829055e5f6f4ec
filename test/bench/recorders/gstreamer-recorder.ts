/** A GStreamer pipeline for each call: a jitter buffer for each leg, both interleaved. */
import { BYTES_PER_SECOND, KBPS, legsOf } from './ffmpeg-recorder.ts';
import { processPerCall } from './process-per-call.ts';
import type { CallRecorder } from './recorder.ts';

const CAPS = 'application/x-rtp,media=audio,clock-rate=8000,encoding-name=PCMU,payload=0';
/** Which of both is left: the encoder asks, wavenc does not. */
const CODED = `capssetter caps=audio/x-raw,channel-mask=(bitmask)0x3 ! lamemp3enc target=bitrate bitrate=${KBPS} cbr=true`;

export const gstreamerRecorder = (makes: 'wav' | 'mp3'): CallRecorder =>
  processPerCall({
    name: 'GStreamer, a pipeline for each call',
    makes,
    needs: makes === 'mp3' ? 'gstreamer with lamemp3enc' : 'gstreamer',
    bytesPerSecond: BYTES_PER_SECOND[makes],
    command: async ({ ports, out }) => {
      const legs = legsOf(ports).map(
        (port, at) =>
          `udpsrc port=${port} caps=${CAPS} ! rtpjitterbuffer ! rtppcmudepay ! mulawdec ! queue ! both.sink_${at}`,
      );
      const written = `interleave name=both ! audioconvert ! ${makes === 'mp3' ? CODED : 'wavenc'} ! filesink location=${out}`;
      return ['gst-launch-1.0', '-q', '-e', ...[...legs, written].join(' ').split(' ')];
    },
  });
