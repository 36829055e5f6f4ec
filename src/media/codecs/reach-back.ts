/**
 * How much audio from before its own time a payload of each codec is coded out of, in ms: what the encoder looks ahead, and where it
 * predicts from the sound before, for a decoder that never had that sound gives out the difference. Rounded up; where an
 * encoder was at hand, the rest of a loud tone that ended this long before the payload is 40 dB down or more. Redundancy and
 * interleaving come on top. None is longer than the codec's usual packet: a mask takes at most one frame more.
 */
export const REACH_BACK_MS = {
  /** The predictors adapt by the sample (ITU-T G.726, G.728; the state in a DVI4 header, RFC 3551 §4.5.1). */
  adaptive: 5,
  /** Mirror filters of 24 taps at 16 kHz at both ends, 2.9 ms together (ITU-T G.722 §3.1), and their adaptive predictors. */
  g722: 5,
  /** Looks ahead 5 ms (ITU-T G.729, algorithmic delay 15 ms). */
  g729: 15,
  /** Looks ahead 7.5 ms (ITU-T G.723.1, algorithmic delay 37.5 ms), and predicts from up to 145 samples before. */
  g723: 26,
  /** No look-ahead; the long-term predictor reaches 120 samples back (ETSI EN 300 961 §3.1.14). */
  gsm: 15,
  /** Blocks are coded by themselves, after a look back of 60 samples; the enhancer delays by 80 (RFC 3951 §3.2.1, §4.6). */
  ilbc: 10,
  /** Looks ahead 5 ms (3GPP TS 26.090). */
  amr: 15,
  /** Looks ahead 5 ms, and 0.94 ms in the filter that halves the rate (3GPP TS 26.190). */
  amrWideband: 20,
  /** Delays by 10 ms in narrow band; two filter banks make it 14 and 16 ms in the wider ones (Speex manual; libspeex says 80, 223, 509 samples). */
  speexNarrow: 15,
  speexWide: 20,
  /** Looks ahead 7.5 ms (TIA IS-733), and predicts from up to 143 samples before. */
  qcelp: 20,
} as const;
