/* G.722 at 64 kbit/s (ITU-T G.722, mode 1), decoded as `src/kernel/g722.ts` does, to the bit. No Node in here. */
#ifndef RC_G722_H
#define RC_G722_H

#include <stddef.h>
#include <stdint.h>

#define RC_G722_ZEROS 6
#define RC_G722_HALF 12

/* One sub-band: the adaptive predictor and quantiser scale (§3.5, §3.6). */
typedef struct {
  int32_t predicted, scale;
  int32_t log_scale, zero_predicted;
  int32_t a1, a2, r1, p1, p2;
  int32_t b[RC_G722_ZEROS];
  int32_t d[RC_G722_ZEROS + 1];
  int32_t largest_log_scale, shift;
} rc_g722_band;

typedef struct {
  rc_g722_band lower, higher;
  int32_t sums[2 * RC_G722_HALF], differences[2 * RC_G722_HALF];
  int32_t at;
} rc_g722;

void rc_g722_reset(rc_g722 *decoder);

/* Two samples at 16 kHz for each byte, in continuation of the last call. */
void rc_g722_decode(rc_g722 *decoder, const uint8_t *payload, int16_t *pcm, size_t bytes);

#endif
