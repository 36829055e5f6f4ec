#include "rc_mp3.h"

#include <dlfcn.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* lame.h, LAME 3.100: what is used of its interface, which has not changed since 3.98. */
enum { MODE_STEREO = 0, MODE_MONO = 3 };
typedef void *lame_t;
typedef void (*report_fn)(const char *format, va_list words);

static struct {
  const char *(*version)(void);
  lame_t (*init)(void);
  int (*set_in_samplerate)(lame_t, int);
  int (*set_out_samplerate)(lame_t, int);
  int (*set_num_channels)(lame_t, int);
  int (*set_mode)(lame_t, int);
  int (*set_brate)(lame_t, int);
  int (*set_quality)(lame_t, int);
  int (*set_scale)(lame_t, float);
  int (*set_bWriteVbrTag)(lame_t, int);
  int (*set_disable_reservoir)(lame_t, int);
  int (*set_errorf)(lame_t, report_fn);
  int (*set_debugf)(lame_t, report_fn);
  int (*set_msgf)(lame_t, report_fn);
  int (*init_params)(lame_t);
  int (*get_out_samplerate)(lame_t);
  int (*get_encoder_delay)(lame_t);
  int (*encode)(lame_t, const float *, const float *, int, unsigned char *, int);
  int (*flush)(lame_t, unsigned char *, int);
  int (*close)(lame_t);
} lame;

static char library[64];
static pthread_once_t looked = PTHREAD_ONCE_INIT;

static const char *const NAMES[] = {
#ifdef __APPLE__
    "libmp3lame.0.dylib",
    "libmp3lame.dylib",
    "/opt/homebrew/lib/libmp3lame.0.dylib",
    "/usr/local/lib/libmp3lame.0.dylib",
#else
    "libmp3lame.so.0",
    "libmp3lame.so",
#endif
};

static int resolve(void *handle) {
  /* C has no way to turn an object pointer into a function's but to copy it (POSIX dlsym, rationale). */
  const struct {
    const char *name;
    void *place;
  } wanted[] = {
      {"get_lame_version", &lame.version},
      {"lame_init", &lame.init},
      {"lame_set_in_samplerate", &lame.set_in_samplerate},
      {"lame_set_out_samplerate", &lame.set_out_samplerate},
      {"lame_set_num_channels", &lame.set_num_channels},
      {"lame_set_mode", &lame.set_mode},
      {"lame_set_brate", &lame.set_brate},
      {"lame_set_quality", &lame.set_quality},
      {"lame_set_scale", &lame.set_scale},
      {"lame_set_bWriteVbrTag", &lame.set_bWriteVbrTag},
      {"lame_set_disable_reservoir", &lame.set_disable_reservoir},
      {"lame_set_errorf", &lame.set_errorf},
      {"lame_set_debugf", &lame.set_debugf},
      {"lame_set_msgf", &lame.set_msgf},
      {"lame_init_params", &lame.init_params},
      {"lame_get_out_samplerate", &lame.get_out_samplerate},
      {"lame_get_encoder_delay", &lame.get_encoder_delay},
      {"lame_encode_buffer_float", &lame.encode},
      {"lame_encode_flush", &lame.flush},
      {"lame_close", &lame.close},
  };
  for (size_t i = 0; i < sizeof wanted / sizeof *wanted; i++) {
    void *found = dlsym(handle, wanted[i].name);
    if (found == NULL) return 0;
    memcpy(wanted[i].place, &found, sizeof found);
  }
  return 1;
}

static void look(void) {
  for (size_t i = 0; i < sizeof NAMES / sizeof *NAMES; i++) {
    void *handle = dlopen(NAMES[i], RTLD_NOW | RTLD_LOCAL);
    if (handle == NULL) continue;
    if (resolve(handle)) {
      snprintf(library, sizeof library, "libmp3lame %s", lame.version());
      return;
    }
    dlclose(handle);
  }
}

const char *rc_mp3_library(void) {
  pthread_once(&looked, look);
  return library[0] == '\0' ? NULL : library;
}

struct rc_mp3 {
  lame_t lame;
};

/* What LAME would print is of no use to whoever runs a service, and never about its input. */
static void say_nothing(const char *format, va_list words) {
  (void)format;
  (void)words;
}

static int set_up(lame_t encoder, const rc_mp3_format *format) {
  int mode = format->channels == 1 ? MODE_MONO : MODE_STEREO;
  int refused = lame.set_errorf(encoder, say_nothing) | lame.set_debugf(encoder, say_nothing) |
                lame.set_msgf(encoder, say_nothing) | lame.set_in_samplerate(encoder, format->sample_rate) |
                lame.set_out_samplerate(encoder, format->sample_rate) |
                lame.set_num_channels(encoder, format->channels) | lame.set_mode(encoder, mode) |
                lame.set_brate(encoder, format->kbps) | lame.set_quality(encoder, format->quality) |
                lame.set_scale(encoder, 1.0f) | lame.set_bWriteVbrTag(encoder, 0) |
                lame.set_disable_reservoir(encoder, 1);
  return refused == 0 && lame.init_params(encoder) == 0 && lame.get_out_samplerate(encoder) == format->sample_rate &&
         lame.get_encoder_delay(encoder) == 576;
}

rc_mp3 *rc_mp3_open(const rc_mp3_format *format) {
  if (rc_mp3_library() == NULL || format->channels < 1 || format->channels > 2) return NULL;
  rc_mp3 *mp3 = malloc(sizeof *mp3);
  if (mp3 == NULL) return NULL;
  mp3->lame = lame.init();
  if (mp3->lame != NULL && set_up(mp3->lame, format)) return mp3;
  rc_mp3_close(mp3);
  return NULL;
}

/* lame.h: 1.25 × samples + 7200; a flush needs 7200. */
size_t rc_mp3_bound(int samples) { return (size_t)samples + (size_t)samples / 4 + 7200 + 1; }

int rc_mp3_encode(rc_mp3 *mp3, const float *left, const float *right, int samples, uint8_t *out, size_t capacity) {
  if (samples < 0 || capacity < rc_mp3_bound(samples)) return -1;
  return lame.encode(mp3->lame, left, right == NULL ? left : right, samples, out, (int)capacity);
}

int rc_mp3_flush(rc_mp3 *mp3, uint8_t *out, size_t capacity) {
  if (capacity < rc_mp3_bound(0)) return -1;
  return lame.flush(mp3->lame, out, (int)capacity);
}

void rc_mp3_close(rc_mp3 *mp3) {
  if (mp3 == NULL) return;
  if (mp3->lame != NULL) lame.close(mp3->lame);
  free(mp3);
}
