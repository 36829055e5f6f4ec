#include "rc_block.h"

#include <math.h>

/* Where compiler and C library can choose at load time: the same loops for processors with wider vectors. Never with fused products, which
 * would round otherwise than the TypeScript does. ThreadSanitizer is not there yet when the choice is made. */
#if defined(__x86_64__) && defined(__GLIBC__) && defined(__GNUC__) && !defined(__clang__) && !defined(__SANITIZE_THREAD__)
#define WIDER __attribute__((target_clones("avx2", "default")))
#else
#define WIDER
#endif

WIDER void rc_ulaw_decode(const uint8_t *codes, int16_t *pcm, size_t count) {
  for (size_t i = 0; i < count; i++) {
    unsigned bits = codes[i] ^ 0xffu; /* all bits travel inverted, G.711 §3.1 */
    /* Sixteen bits up and down again: vectors have such shifts for 32 bits, and a compiler would narrow it to 16. */
    unsigned biased = (((bits & 0x0fu) << 3) + 0x84u) << 16;
    int magnitude = (int)((biased << ((bits >> 4) & 7u)) >> 16) - 0x84;
    pcm[i] = (int16_t)(bits & 0x80u ? -magnitude : magnitude);
  }
}

WIDER void rc_alaw_decode(const uint8_t *codes, int16_t *pcm, size_t count) {
  for (size_t i = 0; i < count; i++) {
    unsigned bits = codes[i] ^ 0x55u; /* even bits travel inverted, G.711 §3.2 */
    unsigned segment = (bits >> 4) & 7u;
    unsigned mantissa = ((bits & 0x0fu) << 4) + 8u;
    int magnitude = (int)(segment == 0 ? mantissa : (mantissa + 0x100u) << (segment - 1));
    pcm[i] = (int16_t)(bits & 0x80u ? magnitude : -magnitude);
  }
}

WIDER void rc_mix_into(int16_t *into, const int16_t *from, size_t count) {
  for (size_t i = 0; i < count; i++) {
    int sum = into[i] + from[i];
    into[i] = (int16_t)(sum > 32767 ? 32767 : sum < -32768 ? -32768 : sum);
  }
}

void rc_interleave(const int16_t *left, const int16_t *right, int16_t *pairs, size_t count) {
  for (size_t i = 0; i < count; i++) {
    pairs[2 * i] = left[i];
    pairs[2 * i + 1] = right[i];
  }
}

WIDER void rc_scale(const int16_t *pcm, size_t step, double scale, float *out, size_t count) {
  /* By one and by two, known to the compiler: these loops become vectors. */
  if (step == 1)
    for (size_t i = 0; i < count; i++) out[i] = (float)(pcm[i] * scale);
  else if (step == 2)
    for (size_t i = 0; i < count; i++) out[i] = (float)(pcm[2 * i] * scale);
  else
    for (size_t i = 0; i < count; i++) out[i] = (float)(pcm[step * i] * scale);
}

WIDER int32_t rc_peak(const int16_t *pcm, size_t count) {
  int32_t peak = 0;
  for (size_t i = 0; i < count; i++) {
    int32_t magnitude = pcm[i] < 0 ? -(int32_t)pcm[i] : pcm[i];
    if (magnitude > peak) peak = magnitude;
  }
  return peak;
}

WIDER double rc_energy(const int16_t *pcm, size_t count) {
  /* 64 bits hold the squares of 2^33 samples exactly. */
  uint64_t sum = 0;
  for (size_t i = 0; i < count; i++) sum += (uint64_t)((int32_t)pcm[i] * (int32_t)pcm[i]);
  return (double)sum;
}

void rc_goertzel(const double *samples, size_t count, const double *coefficients, double *energies, size_t bins) {
  for (size_t bin = 0; bin < bins; bin++) {
    double coefficient = coefficients[bin];
    double last = 0;
    double older = 0;
    for (size_t i = 0; i < count; i++) {
      double next = samples[i] + coefficient * last - older;
      older = last;
      last = next;
    }
    energies[bin] = (2.0 / (double)count) * (last * last + older * older - coefficient * last * older);
  }
}

static int16_t to_int16(double value) {
  double rounded = floor(value + 0.5);
  return (int16_t)(rounded > 32767 ? 32767 : rounded < -32768 ? -32768 : rounded);
}

WIDER size_t rc_resample_exact(const rc_bank *bank, rc_place *place, const double *queue, int64_t to_queue, int64_t ready, int16_t *out,
                         size_t room) {
  size_t written = 0;
  int64_t index = place->index;
  int32_t phase = place->phase;
  while (written < room && index < ready) {
    const double *row = bank->coefficients + (ptrdiff_t)phase * bank->taps;
    const double *at = queue + index + to_queue;
    /* Four sums, which a compiler keeps in one vector, added in the order in which the TypeScript adds them. */
    double sum[4] = {0, 0, 0, 0};
    for (int32_t k = 0; k < bank->taps; k += 4)
      for (int lane = 0; lane < 4; lane++) sum[lane] += row[k + lane] * at[k + lane];
    out[written++] = to_int16((sum[0] + sum[1]) + (sum[2] + sum[3]));
    for (phase += bank->advance; phase >= bank->phases; phase -= bank->phases) index++;
  }
  place->index = index;
  place->phase = phase;
  return written;
}

WIDER size_t rc_resample_between(const rc_bank *bank, double step, int64_t *produced, const double *queue, int64_t to_queue, int64_t ready,
                           int16_t *out, size_t room) {
  size_t written = 0;
  int64_t index = (int64_t)floor((double)*produced * step);
  while (written < room && index < ready) {
    double position = (double)*produced * step;
    double fraction = (position - (double)index) * bank->phases;
    int32_t phase = (int32_t)fraction;
    const double *row = bank->coefficients + (ptrdiff_t)phase * bank->taps;
    const double *next = row + bank->taps;
    const double *at = queue + index + to_queue;
    double near[2] = {0, 0};
    double far[2] = {0, 0};
    for (int32_t k = 0; k < bank->taps; k += 2)
      for (int lane = 0; lane < 2; lane++) {
        near[lane] += row[k + lane] * at[k + lane];
        far[lane] += next[k + lane] * at[k + lane];
      }
    double nearest = near[0] + near[1];
    out[written++] = to_int16(nearest + (fraction - phase) * ((far[0] + far[1]) - nearest));
    ++*produced;
    index = (int64_t)floor((double)*produced * step);
  }
  return written;
}
