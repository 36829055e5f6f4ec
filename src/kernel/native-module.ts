/**
 * The native kernel (`native/`), when it was built and is not turned off: its functions as they are. Nothing but the twins beside this file
 * calls them. Loaded once a thread; `RECORD_CALL_NATIVE=off` leaves it alone.
 */
import { createRequire } from 'node:module';

declare const handleOf: unique symbol;
/** Native memory; freed when nobody has it any more. */
export type Handle<Kind extends string> = { readonly [handleOf]: Kind };

export type NativeModule = {
  ulawDecode(codes: Uint8Array, pcm: Int16Array): void;
  alawDecode(codes: Uint8Array, pcm: Int16Array): void;
  mixInto(into: Int16Array, from: Int16Array): void;
  interleave(left: Int16Array, right: Int16Array, pairs: Int16Array): void;
  scale(pcm: Int16Array, step: number, scale: number, out: Float32Array): void;
  peak(pcm: Int16Array): number;
  energy(pcm: Int16Array): number;
  goertzel(
    samples: Float64Array,
    from: number,
    count: number,
    coefficients: Float64Array,
    energies: Float64Array,
  ): void;
  resample(
    coefficients: Float64Array,
    shape: Float64Array,
    state: Float64Array,
    queue: Float64Array,
    out: Int16Array,
    from: number,
  ): number;
  g722Open(): Handle<'g722'>;
  g722Reset(decoder: Handle<'g722'>): void;
  g722Decode(decoder: Handle<'g722'>, payload: Uint8Array, out: Int16Array): number;

  /** @returns whether it was all of its memory and could be taken: it is empty then, as is every other view. */
  release(bytes: Uint8Array): boolean;

  /** Name and version of the machine's libmp3lame; undefined where it has none. */
  mp3Library(): string | undefined;
  /** @returns undefined where the library refuses the format. */
  mp3Open(sampleRate: number, channels: number, kbps: number, quality: number): Handle<'mp3'> | undefined;
  mp3Bound(samples: number): number;
  /** @returns bytes; negative where it failed. */
  mp3Encode(mp3: Handle<'mp3'>, left: Float32Array, right: Float32Array, samples: number, out: Uint8Array): number;
  mp3Flush(mp3: Handle<'mp3'>, out: Uint8Array): number;
  mp3Close(mp3: Handle<'mp3'>): void;

  /** @param notify called when there is something to read and was nothing before. Holds the event loop until `udpStop`. */
  udpStart(intervalUs: number, ringBytes: number, notify: () => void): Handle<'udp'>;
  /** @param told filled in: socket, port, granted receive buffer. Throws with a `code` such as EADDRINUSE. */
  udpBind(udp: Handle<'udp'>, host: string, port: number, receiveBufferBytes: number, told: Float64Array): void;
  udpClose(udp: Handle<'udp'>, socket: number): void;
  /** @returns bytes of whole records (`native/kernel/rc_udp.h`). */
  udpRead(udp: Handle<'udp'>, into: Uint8Array): number;
  /** @param counts filled in: received, overflowed, ring full, bytes waiting, most bytes that waited, up to when all that arrived is there (µs). */
  udpCount(udp: Handle<'udp'>, counts: Float64Array): void;
  /** Has the receiver look once more, though nothing may have come. */
  udpLook(udp: Handle<'udp'>): void;
  udpStop(udp: Handle<'udp'>): void;
  /** µs on the clock of arrivals. */
  steadyUs(): number;
};

const NAMES: Readonly<Record<keyof NativeModule, true>> = {
  ...{ ulawDecode: true, alawDecode: true, mixInto: true, interleave: true, scale: true, peak: true, energy: true },
  ...{ goertzel: true, resample: true, g722Open: true, g722Reset: true, g722Decode: true, release: true },
  ...{ mp3Library: true, mp3Open: true, mp3Bound: true, mp3Encode: true, mp3Flush: true, mp3Close: true },
  ...{ udpStart: true, udpBind: true, udpClose: true, udpRead: true, udpCount: true, udpLook: true, udpStop: true },
  steadyUs: true,
};

const load = (): NativeModule | undefined => {
  if (process.env.RECORD_CALL_NATIVE === 'off') return undefined;
  try {
    // Two folders up from `src/kernel` and from `dist/kernel` alike.
    const built = createRequire(import.meta.url)('../../native/build/record_call.node') as Partial<NativeModule>;
    // One that lacks a name was built from other sources, and is as good as none.
    return Object.keys(NAMES).every((name) => name in built) ? (built as NativeModule) : undefined;
  } catch {
    return undefined;
  }
};

export const nativeModule: NativeModule | undefined = load();
