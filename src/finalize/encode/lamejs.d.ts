/** The part of lamejs 1.2.0 that is used; the package brings no types. */
declare module 'lamejs' {
  export class Mp3Encoder {
    constructor(channels: number, sampleRate: number, kbps: number);
    /**
     * Reads numbers in 16-bit range from any array; floats are not rounded and may exceed the range. Returns a fresh
     * copy.
     */
    encodeBuffer(left: Int16Array | Float32Array, right: Int16Array | Float32Array): Int8Array;
    flush(): Int8Array;
  }
  const lamejs: { readonly Mp3Encoder: typeof Mp3Encoder };
  /** The package is CommonJS: its module.exports. */
  export default lamejs;
}
