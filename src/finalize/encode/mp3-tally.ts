/** Counts the frames of an mp3 in the making, however its bytes are cut: what its Info tag will say of it. Pure. */
import { crc16 } from './crc16.ts';
import { MP3_HEADER_BYTES, parseMp3Frame } from './mp3-frame.ts';

export class Mp3Tally {
  /** Begun so far. */
  frames = 0;
  /** CRC-16 of every byte taken. */
  musicCrc = 0;
  readonly #sampleRate: number;
  /** A header that is not all there yet. */
  #held: Uint8Array = new Uint8Array(0);
  /** Bytes of the last frame that are still to come. */
  #toCome = 0;

  constructor(sampleRate: number) {
    this.#sampleRate = sampleRate;
  }

  /** Whether the last frame is all there. */
  get isWhole(): boolean {
    return this.#toCome === 0 && this.#held.length === 0;
  }

  /** @returns false when something else than a frame of the rate comes where one should begin. */
  take(bytes: Uint8Array): boolean {
    this.musicCrc = crc16(bytes, this.musicCrc);
    const data = this.#held.length === 0 ? bytes : Buffer.concat([this.#held, bytes]);
    let at = Math.min(this.#toCome, data.length);
    this.#toCome -= at;
    for (; at + MP3_HEADER_BYTES <= data.length; this.frames++) {
      const frame = parseMp3Frame(data, at);
      if (frame?.sampleRate !== this.#sampleRate) return false;
      this.#toCome = Math.max(0, at + frame.bytes - data.length);
      at = Math.min(at + frame.bytes, data.length);
    }
    this.#held = data.slice(at);
    return true;
  }
}
