/**
 * Any audio file as samples of one or two channels at a rate the pipeline has: wav and mp3 by our own readers, everything else, and
 * what those can't read, by ffmpeg where there is one. A file is from anywhere: ffmpeg may open it and no other, and knows no playlist.
 * One that is sealed comes to it through a pipe, in which it can't go back.
 */
import type { ByteSource } from '../../core/byte-source.ts';
import { AppError, asAppError } from '../../core/errors.ts';
import { decodeArtefact } from '../../finalize/decode/artefact-decoder.ts';
import { FfmpegFeed } from '../../finalize/ffmpeg/ffmpeg-feed.ts';
import { probeFfmpeg } from '../../finalize/ffmpeg/ffmpeg-program.ts';
import { FfmpegRun, pipeEnd } from '../../finalize/ffmpeg/ffmpeg-run.ts';
import { streamableMov } from '../../finalize/ffmpeg/streamable-mov.ts';
import { isAudioRate } from '../../media/codecs/rates.ts';

export type AudioSource = {
  readonly sampleRate: number;
  readonly channels: 1 | 2;
  /** Interleaved, whole frames. @throws ARTEFACT_UNREADABLE, FFMPEG_FAILED */
  readonly chunks: AsyncIterable<Int16Array>;
};

/** Formats that hold audio and name no other file. */
const DEMUXERS =
  'wav,w64,mp3,ogg,flac,matroska,mov,aac,aiff,au,caf,amr,amrnb,amrwb,asf,ac3,eac3,wv,ape,gsm,g722,g729,opus,webm';
const SHAPE =
  'aformat=sample_fmts=s16:channel_layouts=mono|stereo:sample_rates=8000|11025|12000|16000|22050|24000|32000|44100|48000';

/** Sun's AU: the plainest head that says rate and channels, and samples as they are in L16. */
const AU_MAGIC = '.snd';
const AU_HEAD_BYTES = 24;

/** @param file its path, or a source where it doesn't lie there as it is. @throws ARTEFACT_UNREADABLE when it is neither, or of a rate that the pipeline doesn't have */
export const openOwn = async (file: string | ByteSource): Promise<AudioSource> => {
  const audio = await decodeArtefact(file);
  if (isAudioRate(audio.sampleRate)) return audio;
  throw new AppError('ARTEFACT_UNREADABLE', `audio of ${audio.sampleRate} Hz`);
};

/** @param seconds how much of it at most. @throws FFMPEG_MISSING; ARTEFACT_UNREADABLE when ffmpeg finds no audio in it */
export const openWithFfmpeg = async (file: string | ByteSource, seconds: number): Promise<AudioSource> => {
  const output = pipeEnd();
  const isPlain = typeof file === 'string';
  const run = new FfmpegRun({
    program: await probeFfmpeg(),
    ...(isPlain ? { input: file } : {}),
    inputOptions: ['-protocol_whitelist', isPlain ? 'file' : 'pipe', '-format_whitelist', DEMUXERS, '-threads', '1'],
    outputOptions: [
      ...['-map', '0:a:0', '-vn', '-t', String(seconds), '-af', SHAPE],
      ...['-threads', '1', '-c:a', 'pcm_s16be', '-f', 'au'],
    ],
    output,
  });
  const feed = new FfmpegFeed(run, isPlain ? undefined : streamableMov(file));
  const bytes = output[Symbol.asyncIterator]() as AsyncIterator<Buffer>;
  try {
    const { head, rest } = await readHead(bytes);
    const sampleRate = head.readUInt32BE(16);
    const channels = head.readUInt32BE(20) === 1 ? 1 : 2;
    return { sampleRate, channels, chunks: samplesOf(rest, bytes, channels, feed) };
  } catch (error) {
    await feed.stop();
    if (feed.failure !== undefined) throw feed.failure;
    throw new AppError('ARTEFACT_UNREADABLE', `no audio that can be read: ${asAppError(error).message}`, {
      cause: error,
    });
  }
};

const readHead = async (bytes: AsyncIterator<Buffer>): Promise<{ head: Buffer; rest: Buffer }> => {
  let head = Buffer.alloc(0);
  const until = async (wanted: number): Promise<void> => {
    while (head.length < wanted) {
      const next = await bytes.next();
      if (next.done === true) throw new AppError('FFMPEG_FAILED', 'ffmpeg gave nothing');
      head = Buffer.concat([head, next.value]);
    }
  };
  await until(AU_HEAD_BYTES);
  if (head.toString('latin1', 0, 4) !== AU_MAGIC) throw new AppError('FFMPEG_FAILED', 'ffmpeg gave something else');
  const dataAt = head.readUInt32BE(4);
  await until(dataAt);
  return { head, rest: head.subarray(dataAt) };
};

async function* samplesOf(
  first: Buffer,
  more: AsyncIterator<Buffer>,
  channels: number,
  feed: FfmpegFeed,
): AsyncGenerator<Int16Array> {
  const frameBytes = 2 * channels;
  let held = first;
  try {
    for (;;) {
      const whole = held.length - (held.length % frameBytes);
      if (whole > 0) {
        // A copy: at an even address, and ours to turn round.
        const bytes = Buffer.from(new Uint8Array(held.subarray(0, whole)).buffer).swap16();
        yield new Int16Array(bytes.buffer, bytes.byteOffset, whole / 2);
      }
      const next = await more.next();
      if (next.done === true) break;
      held = Buffer.concat([held.subarray(whole), next.value]);
    }
    await feed.ended;
  } catch (error) {
    throw feed.failure ?? error;
  } finally {
    await feed.stop();
  }
}
