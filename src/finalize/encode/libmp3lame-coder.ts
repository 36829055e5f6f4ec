/** mp3 frames by the machine's libmp3lame, through the native kernel: several times as fast as lamejs. */
import type { Handle, NativeModule } from '../../kernel/native-module.ts';
import type { Mp3Format } from './info-tag.ts';
import type { Mp3Coder } from './mp3-coder.ts';

/** LAME's scale. At speech's rates the finer searches of lower numbers gain nothing that can be measured, at twice the cost. */
const QUALITY = 7;

/** @throws Error when the library refuses the format */
export const libmp3lameCoder = (native: NativeModule, library: string, format: Mp3Format): Mp3Coder => {
  const { sampleRate, channels, kbps } = format;
  const opened = native.mp3Open(sampleRate, channels, kbps, QUALITY);
  if (opened === undefined) throw new Error(`${library} refuses ${sampleRate} Hz, ${channels} × ${kbps} kbit/s`);
  return new Libmp3lameCoder(native, library, opened);
};

class Libmp3lameCoder implements Mp3Coder {
  readonly name: string;
  readonly tag: string;
  readonly #native: NativeModule;
  #mp3: Handle<'mp3'> | undefined;
  #out = new Uint8Array(0);

  constructor(native: NativeModule, library: string, mp3: Handle<'mp3'>) {
    this.#native = native;
    this.#mp3 = mp3;
    this.name = library;
    this.tag = `LAME${library.replace(/^\D*/, '')}`;
  }

  encode(left: Float32Array, right: Float32Array, samples: number): Uint8Array {
    this.#makeRoom(samples);
    return this.#made(this.#native.mp3Encode(this.#open, left, right, samples, this.#out));
  }

  flush(): Uint8Array {
    this.#makeRoom(0);
    return this.#made(this.#native.mp3Flush(this.#open, this.#out));
  }

  close(): void {
    if (this.#mp3 !== undefined) this.#native.mp3Close(this.#mp3);
    this.#mp3 = undefined;
  }

  get #open(): Handle<'mp3'> {
    if (this.#mp3 === undefined) throw new Error('the coder is closed');
    return this.#mp3;
  }

  #makeRoom(samples: number): void {
    const wanted = this.#native.mp3Bound(samples);
    if (this.#out.length < wanted) this.#out = new Uint8Array(wanted);
  }

  #made(bytes: number): Uint8Array {
    if (bytes < 0) throw new Error(`${this.name} failed (${bytes})`);
    return this.#out.subarray(0, bytes);
  }
}
