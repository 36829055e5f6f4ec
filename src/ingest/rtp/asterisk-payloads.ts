/**
 * The payload types with which Asterisk sends RTP where nobody has negotiated any, as its External Media does (main/rtp_engine.c; 9, 10,
 * 107 and 118 as Asterisk 22 sent them): static in its own eyes, and for L16 not those of RFC 3551. Those of the RFC count beside them.
 */
export const ASTERISK_PAYLOADS: Readonly<Record<string, string>> = {
  // `slin`: 8 kHz and one channel, where RFC 3551 has 44.1 kHz and two, or one.
  10: 'L16/8000',
  11: 'L16/8000',
  97: 'iLBC/8000',
  107: 'opus/48000/2',
  110: 'speex/8000',
  111: 'G726-32/8000',
  112: 'AAL2-G726-32/8000',
  117: 'speex/16000',
  118: 'L16/16000',
  119: 'speex/32000',
};
