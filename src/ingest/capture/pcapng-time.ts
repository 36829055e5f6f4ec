/** The clock of one pcapng interface: its 64-bit time stamps as microseconds (draft-ietf-opsawg-pcapng, if_tsresol, if_tsoffset). Pure. */
export class InterfaceClock {
  readonly #unitsPerSecond: number;
  readonly #offsetUs: number;
  #high = -1;
  #wholeUs = 0;
  #restUnits = 0;

  /**
   * @param resolution if_tsresol's byte: n stands for 10^-n seconds, or with the high bit set for 2^-n. 6 when absent.
   * @param offsetSeconds if_tsoffset: seconds added to every time stamp. 0 when absent.
   */
  constructor(resolution = 6, offsetSeconds = 0) {
    this.#unitsPerSecond = resolution & 0x80 ? 2 ** (resolution & 0x7f) : 10 ** resolution;
    this.#offsetUs = offsetSeconds * 1e6;
  }

  /**
   * Microseconds since the Unix epoch. 64 bits of nanoseconds don't fit a double, so the seconds in the upper half are split
   * off exactly first: what is left to round is the last quarter of a microsecond. The upper half of a nanosecond clock moves
   * every four seconds, hence the memory of the last one.
   */
  toUs(high: number, low: number): number {
    if (high !== this.#high) {
      const units = high * 2 ** 32;
      this.#high = high;
      this.#restUnits = units % this.#unitsPerSecond;
      this.#wholeUs = ((units - this.#restUnits) / this.#unitsPerSecond) * 1e6 + this.#offsetUs;
    }
    return this.#wholeUs + (this.#restUnits + low) / (this.#unitsPerSecond / 1e6);
  }
}
