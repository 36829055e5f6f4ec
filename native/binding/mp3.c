#include "../kernel/rc_mp3.h"

#include "parts.h"

static const napi_type_tag MP3 = {0x2a71c0de53f84b9aull, 0xb1e60f8d7c3a4925ull};

static void free_mp3(napi_env env, void *memory, void *hint) {
  (void)env;
  (void)hint;
  rc_mp3_close(memory);
}

/* (): string | undefined */
static napi_value library(napi_env env, napi_callback_info info) {
  (void)info;
  const char *name = rc_mp3_library();
  if (name == NULL) return rc_undefined(env);
  napi_value text = NULL;
  napi_create_string_utf8(env, name, NAPI_AUTO_LENGTH, &text);
  return text;
}

/* (sampleRate, channels, kbps, quality): handle | undefined where the library refuses */
static napi_value mp3_open(napi_env env, napi_callback_info info) {
  rc_arguments arguments = rc_arguments_of(env, info);
  rc_mp3_format format = {
      .sample_rate = (int)rc_whole_at(&arguments, 0, 8000, 48000),
      .channels = (int)rc_whole_at(&arguments, 1, 1, 2),
      .kbps = (int)rc_whole_at(&arguments, 2, 8, 320),
      .quality = (int)rc_whole_at(&arguments, 3, 0, 9),
  };
  if (arguments.is_bad) return NULL;
  rc_mp3 *mp3 = rc_mp3_open(&format);
  return mp3 == NULL ? rc_undefined(env) : rc_handle(env, mp3, &MP3, free_mp3);
}

/* (samples): bytes that encoding so many may give */
static napi_value mp3_bound(napi_env env, napi_callback_info info) {
  rc_arguments arguments = rc_arguments_of(env, info);
  int samples = (int)rc_whole_at(&arguments, 0, 0, 1 << 24);
  return arguments.is_bad ? NULL : rc_number(env, (double)rc_mp3_bound(samples));
}

/* (handle, left: Float32Array, right: Float32Array, samples, out: Uint8Array): bytes, negative where it failed */
static napi_value mp3_encode(napi_env env, napi_callback_info info) {
  rc_arguments arguments = rc_arguments_of(env, info);
  rc_mp3 *mp3 = rc_handle_at(&arguments, 0, &MP3);
  rc_array left = rc_array_at(&arguments, 1, napi_float32_array);
  rc_array right = rc_array_at(&arguments, 2, napi_float32_array);
  size_t shortest = left.length < right.length ? left.length : right.length;
  int samples = (int)rc_whole_at(&arguments, 3, 0, (int64_t)(shortest < 1 << 24 ? shortest : 1 << 24));
  rc_array out = rc_array_at(&arguments, 4, napi_uint8_array);
  if (arguments.is_bad) return NULL;
  return rc_number(env, rc_mp3_encode(mp3, left.data, right.data, samples, out.data, out.length));
}

/* (handle, out: Uint8Array): bytes, negative where it failed */
static napi_value mp3_flush(napi_env env, napi_callback_info info) {
  rc_arguments arguments = rc_arguments_of(env, info);
  rc_mp3 *mp3 = rc_handle_at(&arguments, 0, &MP3);
  rc_array out = rc_array_at(&arguments, 1, napi_uint8_array);
  return arguments.is_bad ? NULL : rc_number(env, rc_mp3_flush(mp3, out.data, out.length));
}

/* (handle): its memory is free; the handle is none any more */
static napi_value mp3_close(napi_env env, napi_callback_info info) {
  rc_arguments arguments = rc_arguments_of(env, info);
  rc_mp3 *mp3 = rc_handle_at(&arguments, 0, &MP3);
  void *removed = NULL;
  if (!arguments.is_bad && napi_remove_wrap(env, arguments.values[0], &removed) == napi_ok) rc_mp3_close(mp3);
  return NULL;
}

napi_status rc_mp3_functions(napi_env env, napi_value exports) {
  const napi_property_descriptor functions[] = {
      RC_FUNCTION("mp3Library", library),  RC_FUNCTION("mp3Open", mp3_open),   RC_FUNCTION("mp3Bound", mp3_bound),
      RC_FUNCTION("mp3Encode", mp3_encode), RC_FUNCTION("mp3Flush", mp3_flush), RC_FUNCTION("mp3Close", mp3_close),
  };
  return napi_define_properties(env, exports, sizeof functions / sizeof *functions, functions);
}
