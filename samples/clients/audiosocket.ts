/**
 * What Asterisk's AudioSocket says to record-call, in a few lines. The UUID is one that `PUT …/streams/audiosocket` has announced.
 *
 *     ffmpeg -loglevel error -i talk.wav -f s16le -ar 8000 -ac 1 - | npx tsx samples/clients/audiosocket.ts 127.0.0.1:9092 UUID -
 */
import type { Played } from './played.ts';
import { addressIn, isRun, paced, playTcp, type TcpAddress } from './tcp-stream.ts';

/** Kinds of frames of linear audio, by their rate in Hz. */
const AUDIO: Readonly<Record<number, number>> = {
  ...{ 8000: 0x10, 12000: 0x11, 16000: 0x12, 24000: 0x13, 32000: 0x14 },
  ...{ 44100: 0x15, 48000: 0x16, 96000: 0x17, 192000: 0x18 },
};
const HANG_UP = 0x00;
const UUID = 0x01;
const DIGIT = 0x03;

export const audioSocketFrame = (kind: number, payload: Uint8Array = new Uint8Array(0)): Buffer =>
  Buffer.concat([Buffer.of(kind, payload.length >> 8, payload.length & 0xff), payload]);

/** Linear samples, mono. @returns the bytes that came back: a hang-up, where the service ends the stream */
export const playAudioSocket = (
  address: TcpAddress,
  { uuid, sampleRate = 8000 }: { readonly uuid: string; readonly sampleRate?: number },
  played: AsyncIterable<Played>,
): Promise<Buffer> =>
  playTcp(
    address,
    audioSocketFrame(UUID, Buffer.from(uuid.replaceAll('-', ''), 'hex')),
    played,
    (each) =>
      each instanceof Uint8Array
        ? audioSocketFrame(AUDIO[sampleRate]!, each)
        : audioSocketFrame(DIGIT, Buffer.from(each.key)),
    audioSocketFrame(HANG_UP),
  );

if (isRun(import.meta.url)) {
  const [to = '', uuid = '', path = '-'] = process.argv.slice(2);
  await playAudioSocket(addressIn(to), { uuid }, paced(path, 320));
}
