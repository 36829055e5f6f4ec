/* mp3 through the machine's own libmp3lame, opened at run time: no header and no link dependency. No Node in here. */
#ifndef RC_MP3_H
#define RC_MP3_H

#include <stddef.h>
#include <stdint.h>

typedef struct rc_mp3 rc_mp3;

/* Name and version of the library ("libmp3lame 3.100"), or NULL where the machine has none. Looks once; safe from any thread. */
const char *rc_mp3_library(void);

typedef struct {
  int sample_rate; /* Hz, one that mp3 has; nothing is resampled */
  int channels;    /* 1 or 2; two are coded apart, never joint */
  int kbps;        /* constant */
  int quality;     /* LAME's scale: 0 slow and best, 9 fast */
} rc_mp3_format;

/* NULL where there is no library, no memory, or the library refuses the format or would change it. */
rc_mp3 *rc_mp3_open(const rc_mp3_format *format);

/* The most bytes that encoding so many samples (per channel), or a flush, may give. */
size_t rc_mp3_bound(int samples);

/*
 * Encodes samples per channel, floats in 16-bit range; `right` is ignored for one channel. Not to be called from two threads at once for
 * one encoder. Returns the bytes written to `out`, whole frames; negative where the library failed or `capacity` is below the bound.
 */
int rc_mp3_encode(rc_mp3 *mp3, const float *left, const float *right, int samples, uint8_t *out, size_t capacity);

/* What is left, filled up with silence; nothing can be encoded after it. Returns as rc_mp3_encode. */
int rc_mp3_flush(rc_mp3 *mp3, uint8_t *out, size_t capacity);

/* NULL is nothing. */
void rc_mp3_close(rc_mp3 *mp3);

#endif
