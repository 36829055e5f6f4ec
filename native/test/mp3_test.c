/* libmp3lame where it is: every rate, flushing, refusing. Its absence is no failure. */
#include <assert.h>
#include <stdio.h>
#include <stdlib.h>

#include "../kernel/rc_mp3.h"

int main(void) {
  const char *library = rc_mp3_library();
  if (library == NULL) {
    puts("mp3: skipped, no libmp3lame");
    return 0;
  }
  static const int RATES[] = {8000, 11025, 12000, 16000, 22050, 24000, 32000, 44100, 48000};
  float samples[1152];
  for (int i = 0; i < 1152; i++) samples[i] = (float)((i * 7919) % 65536 - 32768);
  size_t capacity = rc_mp3_bound(1152);
  uint8_t *out = malloc(capacity);
  for (size_t rate = 0; rate < sizeof RATES / sizeof *RATES; rate++) {
    for (int channels = 1; channels <= 2; channels++) {
      rc_mp3_format format = {RATES[rate], channels, RATES[rate] < 16000 ? 32 * channels : 64 * channels, 7};
      rc_mp3 *mp3 = rc_mp3_open(&format);
      assert(mp3 != NULL);
      int bytes = 0;
      for (int i = 0; i < 20; i++) {
        int made = rc_mp3_encode(mp3, samples, channels == 2 ? samples : NULL, i % 2 == 0 ? 1152 : i, out, capacity);
        assert(made >= 0);
        bytes += made;
      }
      assert(rc_mp3_encode(mp3, samples, samples, 1152, out, 100) < 0);
      assert(rc_mp3_encode(mp3, samples, samples, -1, out, capacity) < 0);
      int last = rc_mp3_flush(mp3, out, capacity);
      assert(last > 0 && bytes + last > 500);
      rc_mp3_close(mp3);
    }
  }
  const rc_mp3_format refused[] = {{8000, 3, 32, 7}, {8000, 0, 32, 7}};
  for (size_t i = 0; i < sizeof refused / sizeof *refused; i++) assert(rc_mp3_open(&refused[i]) == NULL);
  rc_mp3_close(NULL);
  free(out);
  printf("mp3: ok, %s\n", library);
  return 0;
}
