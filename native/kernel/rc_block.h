/*
 * Loops over samples: what `src/kernel/` does in TypeScript, in C. The TypeScript is the oracle: every function gives the same numbers,
 * bit for bit (compiled without contraction of floating point). Callers own every buffer; none may overlap. No Node in here.
 */
#ifndef RC_BLOCK_H
#define RC_BLOCK_H

#include <stddef.h>
#include <stdint.h>

/* ITU-T G.711, a code to a 16-bit sample. */
void rc_ulaw_decode(const uint8_t *codes, int16_t *pcm, size_t count);
void rc_alaw_decode(const uint8_t *codes, int16_t *pcm, size_t count);

/* into[i] = into[i] + from[i], held within 16 bits. */
void rc_mix_into(int16_t *into, const int16_t *from, size_t count);
/* Pairs of left and right: 2 × count samples. */
void rc_interleave(const int16_t *left, const int16_t *right, int16_t *pairs, size_t count);
/* One channel of interleaved samples, from its first: out[i] = pcm[i · step] · scale, the product a double. */
void rc_scale(const int16_t *pcm, size_t step, double scale, float *out, size_t count);
/* The largest magnitude, 0 to 32768. */
int32_t rc_peak(const int16_t *pcm, size_t count);
/* The sum of squares. */
double rc_energy(const int16_t *pcm, size_t count);

/* The Goertzel recurrence over count samples, for each of `bins` coefficients 2·cos(2πf/rate): energy on the scale of the sum of squares. */
void rc_goertzel(const double *samples, size_t count, const double *coefficients, double *energies, size_t bins);

/*
 * A polyphase resampler's inner loop. `queue` holds input, `taps` (a multiple of 4) coefficients a phase.
 * Exact: out[n] = Σ coefficients[phase][k] · queue[index + k], where phase grows by `advance` and carries into index at `phases`.
 * Stops at `room` outputs or where index reaches `ready`. Returns the outputs written; index and phase are brought forward.
 */
typedef struct {
  const double *coefficients;
  int32_t phases;
  int32_t advance;
  int32_t taps;
} rc_bank;

typedef struct {
  int64_t index;
  int32_t phase;
} rc_place;

size_t rc_resample_exact(const rc_bank *bank, rc_place *place, const double *queue, int64_t to_queue, int64_t ready, int16_t *out,
                         size_t room);

/* Any other step: the two nearest phases, weighted. `produced` outputs so far give the position produced · step. */
size_t rc_resample_between(const rc_bank *bank, double step, int64_t *produced, const double *queue, int64_t to_queue, int64_t ready,
                           int16_t *out, size_t room);

#endif
