/* Loops over samples at their edges: no length, odd places, the ends of the range. The twins' equality is tested from TypeScript. */
#include <assert.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../kernel/rc_block.h"
#include "../kernel/rc_g722.h"

static void companding(void) {
  uint8_t codes[256];
  int16_t pcm[256];
  for (int i = 0; i < 256; i++) codes[i] = (uint8_t)i;
  rc_ulaw_decode(codes, pcm, 256);
  assert(pcm[0] == -32124 && pcm[0x7f] == 0 && pcm[0x80] == 32124 && pcm[0xff] == 0);
  rc_alaw_decode(codes, pcm, 256);
  assert(pcm[0x55] == -8 && pcm[0xd5] == 8 && pcm[0x2a] == -32256 && pcm[0xaa] == 32256);
  rc_ulaw_decode(codes, pcm, 0);
}

static void mixing(void) {
  int16_t into[] = {32767, -32768, 5, 0};
  const int16_t from[] = {1, -1, -6, 0};
  rc_mix_into(into, from, 4);
  assert(into[0] == 32767 && into[1] == -32768 && into[2] == -1 && into[3] == 0);
  int16_t pairs[8];
  rc_interleave(into, from, pairs, 4);
  assert(pairs[0] == 32767 && pairs[1] == 1 && pairs[6] == 0 && pairs[7] == 0);
  float floats[3];
  rc_scale(pairs + 1, 2, 2, floats, 3);
  assert(floats[0] == 2 && floats[1] == -2 && floats[2] == -12);
  rc_scale(pairs, 3, 0.5, floats, 2);
  assert(floats[0] == 16383.5f && floats[1] == -0.5f);
  assert(rc_peak(into, 4) == 32768 && rc_peak(into, 0) == 0);
  assert(rc_energy(from, 4) == 38);
}

/* Any bytes in any pieces, in memory exactly as long as they are. */
static void g722(void) {
  rc_g722 decoder;
  rc_g722_reset(&decoder);
  unsigned seed = 7;
  for (int piece = 0; piece < 2000; piece++) {
    size_t bytes = (size_t)(seed % 300);
    uint8_t *payload = malloc(bytes + 1);
    int16_t *pcm = malloc(2 * bytes * sizeof *pcm + 1);
    for (size_t i = 0; i < bytes; i++) payload[i] = (uint8_t)((seed = seed * 1103515245u + 12345u) >> 16);
    rc_g722_decode(&decoder, payload, pcm, bytes);
    seed = seed * 1103515245u + 12345u;
    free(payload);
    free(pcm);
  }
}

static void resampling(void) {
  const double copy[] = {0, 1, 0, 0};
  double queue[64];
  int16_t out[64];
  for (int i = 0; i < 64; i++) queue[i] = i * 1000 - 32000;
  rc_bank bank = {copy, 1, 1, 4};
  rc_place place = {0, 0};
  assert(rc_resample_exact(&bank, &place, queue, 0, 61, out, 64) == 61 && place.index == 61);
  for (int i = 0; i < 61; i++) assert(out[i] == (int16_t)fmin(32767, queue[i + 1]));
  place = (rc_place){0, 0};
  assert(rc_resample_exact(&bank, &place, queue, 0, 61, out, 0) == 0 && place.index == 0);
  const double rows[] = {0, 1, 0, 0, 0, 0, 1, 0};
  rc_bank between = {rows, 1, 0, 4};
  int64_t produced = 0;
  size_t written = rc_resample_between(&between, 0.5, &produced, queue, 0, 61, out, 64);
  assert(written == 64 && produced == 64 && out[1] == (int16_t)((queue[1] + queue[2]) / 2));
}

static void goertzel(void) {
  double samples[205];
  for (int i = 0; i < 205; i++) samples[i] = 1000 * sin(2 * 3.14159265358979 * 770 * i / 8000);
  const double coefficients[] = {2 * cos(2 * 3.14159265358979 * 770 / 8000), 2 * cos(2 * 3.14159265358979 * 1477 / 8000)};
  double energies[2];
  rc_goertzel(samples, 205, coefficients, energies, 2);
  assert(energies[0] > 50 * energies[1]);
}

int main(void) {
  companding();
  mixing();
  g722();
  resampling();
  goertzel();
  puts("block: ok");
  return 0;
}
