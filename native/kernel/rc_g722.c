#include "rc_g722.h"

#include <string.h>

static const int32_t SIX_BIT_LEVELS[64] = {
    -136,  -136,  -136,  -136,  -24808, -21904, -19008, -16704, -14984, -13512, -12280, -11192, -10232,
    -9360, -8576, -7856, -7192, -6576,  -6000,  -5456,  -4944,  -4464,  -4008,  -3576,  -3168,  -2776,
    -2400, -2032, -1688, -1360, -1040,  -728,   24808,  21904,  19008,  16704,  14984,  13512,  12280,
    11192, 10232, 9360,  8576,  7856,   7192,   6576,   6000,   5456,   4944,   4464,   4008,   3576,
    3168,  2776,  2400,  2032,  1688,   1360,   1040,   728,    432,    136,    -432,   -136};
static const int32_t FOUR_BIT_LEVELS[16] = {0,     -20456, -12896, -8968, -6288, -4240, -2584, -1200,
                                            20456, 12896,  8968,   6288,  4240,  2584,  1200,  0};
static const int32_t TWO_BIT_LEVELS[4] = {-7408, -1616, 7408, 1616};
static const int32_t LOWER_LOG_STEPS[16] = {-60, 3042, 1198, 538, 334, 172, 58, -30, 3042, 1198, 538, 334, 172, 58, -30, -60};
static const int32_t HIGHER_LOG_STEPS[4] = {798, -214, 798, -214};
static const int32_t MIRROR_FILTER[RC_G722_HALF] = {3, -11, 12, 32, -210, 951, 3876, -805, 362, -156, 53, -11};
/* round(2048 · 2^(i/32)) */
static const int32_t POWERS[32] = {2048, 2093, 2139, 2186, 2233, 2282, 2332, 2383, 2435, 2489, 2543, 2599, 2656, 2714, 2774, 2834,
                                   2896, 2960, 3025, 3091, 3158, 3228, 3298, 3371, 3444, 3520, 3597, 3676, 3756, 3838, 3922, 4008};

static int32_t clamp(int32_t value, int32_t least, int32_t most) { return value < least ? least : value > most ? most : value; }
static int32_t saturate(int32_t value) { return clamp(value, -32768, 32767); }

/* An arithmetic shift, which C leaves to the compiler for negative values: all that are used here do it so, and the tests hold them to it. */
static int32_t down(int32_t value, int bits) { return value >> bits; }
static int32_t product(int32_t a, int32_t b) { return down(a * b, 15); }

static void reset_band(rc_g722_band *band, int32_t largest_log_scale, int32_t shift, int32_t scale) {
  memset(band, 0, sizeof *band);
  band->largest_log_scale = largest_log_scale;
  band->shift = shift;
  band->scale = scale;
}

void rc_g722_reset(rc_g722 *decoder) {
  memset(decoder, 0, sizeof *decoder);
  reset_band(&decoder->lower, 18432, 8, 32);
  reset_band(&decoder->higher, 22528, 10, 8);
}

/* LOGSCL, SCALEL and their higher-band twins. */
static void rescale(rc_g722_band *band, int32_t log_step) {
  band->log_scale = clamp(product(band->log_scale, 32512) + log_step, 0, band->largest_log_scale);
  int32_t mantissa = POWERS[(band->log_scale >> 6) & 31];
  int32_t right = band->shift - (band->log_scale >> 11);
  band->scale = (right < 0 ? mantissa << -right : mantissa >> right) * 4;
}

/* UPPOL2 and UPPOL1. */
static void move_poles(rc_g722_band *band, int32_t partly) {
  int agrees_with_last = (partly ^ band->p1) >= 0;
  int agrees_with_older = (partly ^ band->p2) >= 0;
  int32_t slope = saturate(band->a1 * 4);
  int32_t pull = down(agrees_with_last ? saturate(-slope) : slope, 7);
  band->a2 = clamp(pull + (agrees_with_older ? 128 : -128) + product(band->a2, 32512), -12288, 12288);
  int32_t limit = 15360 - band->a2;
  band->a1 = clamp((agrees_with_last ? 192 : -192) + product(band->a1, 32640), -limit, limit);
}

/* UPZERO, DELAYA and FILTEZ. */
static void move_zeros(rc_g722_band *band, int32_t difference) {
  int32_t step = difference == 0 ? 0 : 128;
  band->d[RC_G722_ZEROS] = saturate(difference * 2);
  int32_t past = band->d[0];
  int32_t sum = 0;
  for (int i = 0; i < RC_G722_ZEROS; i++) {
    int32_t coefficient = ((past ^ difference) < 0 ? -step : step) + product(band->b[i], 32640);
    past = band->d[i + 1];
    band->b[i] = coefficient;
    band->d[i] = past;
    sum = saturate(sum + product(past, coefficient));
  }
  band->zero_predicted = sum;
}

static void adapt(rc_g722_band *band, int32_t difference, int32_t log_step) {
  rescale(band, log_step);
  int32_t reconstructed = saturate(band->predicted + difference);
  int32_t partly = saturate(band->zero_predicted + difference);
  move_poles(band, partly);
  move_zeros(band, difference);
  int32_t poles = saturate(product(saturate(2 * reconstructed), band->a1) + product(saturate(2 * band->r1), band->a2));
  band->r1 = reconstructed;
  band->p2 = band->p1;
  band->p1 = partly;
  band->predicted = saturate(poles + band->zero_predicted);
}

static int32_t limit_band(int32_t value) { return clamp(value, -16384, 16383); }

static int32_t decode_lower(rc_g722_band *band, unsigned code) {
  int32_t sample = limit_band(band->predicted + product(band->scale, SIX_BIT_LEVELS[code]));
  unsigned leading = code >> 2;
  adapt(band, product(band->scale, FOUR_BIT_LEVELS[leading]), LOWER_LOG_STEPS[leading]);
  return sample;
}

static int32_t decode_higher(rc_g722_band *band, unsigned code) {
  int32_t difference = product(band->scale, TWO_BIT_LEVELS[code]);
  int32_t sample = limit_band(band->predicted + difference);
  adapt(band, difference, HIGHER_LOG_STEPS[code]);
  return sample;
}

/* The receiving mirror filter (RECA, RECB, ACCUMC, ACCUMD, SELECT). */
static void join(rc_g722 *decoder, int32_t low, int32_t high, int16_t *pair) {
  int32_t oldest = decoder->at;
  decoder->sums[oldest] = decoder->sums[oldest + RC_G722_HALF] = low + high;
  decoder->differences[oldest] = decoder->differences[oldest + RC_G722_HALF] = low - high;
  int32_t start = oldest + 1;
  decoder->at = start == RC_G722_HALF ? 0 : start;
  int32_t first = 0;
  int32_t second = 0;
  for (int k = 0; k < RC_G722_HALF; k++) {
    first += decoder->differences[start + k] * MIRROR_FILTER[RC_G722_HALF - 1 - k];
    second += decoder->sums[start + k] * MIRROR_FILTER[k];
  }
  pair[0] = (int16_t)saturate(down(first, 11));
  pair[1] = (int16_t)saturate(down(second, 11));
}

void rc_g722_decode(rc_g722 *decoder, const uint8_t *payload, int16_t *pcm, size_t bytes) {
  for (size_t i = 0; i < bytes; i++) {
    int32_t low = decode_lower(&decoder->lower, payload[i] & 0x3fu);
    int32_t high = decode_higher(&decoder->higher, payload[i] >> 6);
    join(decoder, low, high, pcm + 2 * i);
  }
}
