#include "../kernel/rc_block.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>

#include "../kernel/rc_g722.h"
#include "parts.h"

static const napi_type_tag G722 = {0x8f6b1d2c47a94e05ull, 0x9d3e7a10c5b24f61ull};

static size_t least(size_t one, size_t other) { return one < other ? one : other; }

/* (codes: Uint8Array, pcm: Int16Array) */
static napi_value decode(napi_env env, napi_callback_info info, void (*run)(const uint8_t *, int16_t *, size_t)) {
  rc_arguments arguments = rc_arguments_of(env, info);
  rc_array codes = rc_array_at(&arguments, 0, napi_uint8_array);
  rc_array pcm = rc_array_at(&arguments, 1, napi_int16_array);
  if (!arguments.is_bad) run(codes.data, pcm.data, least(codes.length, pcm.length));
  return NULL;
}

static napi_value ulaw_decode(napi_env env, napi_callback_info info) { return decode(env, info, rc_ulaw_decode); }
static napi_value alaw_decode(napi_env env, napi_callback_info info) { return decode(env, info, rc_alaw_decode); }

/* (into: Int16Array, from: Int16Array) */
static napi_value mix_into(napi_env env, napi_callback_info info) {
  rc_arguments arguments = rc_arguments_of(env, info);
  rc_array into = rc_array_at(&arguments, 0, napi_int16_array);
  rc_array from = rc_array_at(&arguments, 1, napi_int16_array);
  if (!arguments.is_bad) rc_mix_into(into.data, from.data, least(into.length, from.length));
  return NULL;
}

/* (left: Int16Array, right: Int16Array, pairs: Int16Array) */
static napi_value interleave(napi_env env, napi_callback_info info) {
  rc_arguments arguments = rc_arguments_of(env, info);
  rc_array left = rc_array_at(&arguments, 0, napi_int16_array);
  rc_array right = rc_array_at(&arguments, 1, napi_int16_array);
  rc_array pairs = rc_array_at(&arguments, 2, napi_int16_array);
  if (!arguments.is_bad)
    rc_interleave(left.data, right.data, pairs.data, least(least(left.length, right.length), pairs.length / 2));
  return NULL;
}

/* (pcm: Int16Array, step, scale, out: Float32Array) */
static napi_value scale(napi_env env, napi_callback_info info) {
  rc_arguments arguments = rc_arguments_of(env, info);
  rc_array pcm = rc_array_at(&arguments, 0, napi_int16_array);
  size_t step = (size_t)rc_whole_at(&arguments, 1, 1, 256);
  double by = rc_number_at(&arguments, 2);
  rc_array out = rc_array_at(&arguments, 3, napi_float32_array);
  if (!arguments.is_bad) rc_scale(pcm.data, step, by, out.data, least((pcm.length + step - 1) / step, out.length));
  return NULL;
}

/* (pcm: Int16Array): number */
static napi_value peak(napi_env env, napi_callback_info info) {
  rc_arguments arguments = rc_arguments_of(env, info);
  rc_array pcm = rc_array_at(&arguments, 0, napi_int16_array);
  return arguments.is_bad ? NULL : rc_number(env, rc_peak(pcm.data, pcm.length));
}

/* (pcm: Int16Array): number */
static napi_value energy(napi_env env, napi_callback_info info) {
  rc_arguments arguments = rc_arguments_of(env, info);
  rc_array pcm = rc_array_at(&arguments, 0, napi_int16_array);
  return arguments.is_bad ? NULL : rc_number(env, rc_energy(pcm.data, pcm.length));
}

/* (samples: Float64Array, from, count, coefficients: Float64Array, energies: Float64Array) */
static napi_value goertzel(napi_env env, napi_callback_info info) {
  rc_arguments arguments = rc_arguments_of(env, info);
  rc_array samples = rc_array_at(&arguments, 0, napi_float64_array);
  int64_t from = rc_whole_at(&arguments, 1, 0, (int64_t)samples.length);
  int64_t count = rc_whole_at(&arguments, 2, 1, (int64_t)samples.length - from);
  rc_array coefficients = rc_array_at(&arguments, 3, napi_float64_array);
  rc_array energies = rc_array_at(&arguments, 4, napi_float64_array);
  if (!arguments.is_bad)
    rc_goertzel((const double *)samples.data + from, (size_t)count, coefficients.data, energies.data,
                least(coefficients.length, energies.length));
  return NULL;
}

/* What a resampler's state array holds, in this order. */
enum { INDEX, PHASE, PRODUCED, TO_QUEUE, READY, STATE_LENGTH };
/* What its shape array holds. */
enum { STEP, PHASES, ADVANCE, TAPS, SHAPE_LENGTH };

/* A double as an index; what is none becomes one that nothing fits. */
static int64_t index_of(double value) { return value > -1e15 && value < 1e15 ? (int64_t)floor(value) : INT64_MIN / 2; }

/*
 * (coefficients: Float64Array, shape: Float64Array, state: Float64Array, queue: Float64Array, out: Int16Array, from): outputs written so far.
 * An advance of 0 stands for a step between phases. State comes back changed.
 */
static napi_value resample(napi_env env, napi_callback_info info) {
  rc_arguments arguments = rc_arguments_of(env, info);
  rc_array coefficients = rc_array_at(&arguments, 0, napi_float64_array);
  rc_array shape_array = rc_array_at(&arguments, 1, napi_float64_array);
  rc_array state_array = rc_array_at(&arguments, 2, napi_float64_array);
  rc_array queue = rc_array_at(&arguments, 3, napi_float64_array);
  rc_array out = rc_array_at(&arguments, 4, napi_int16_array);
  size_t from = (size_t)rc_whole_at(&arguments, 5, 0, (int64_t)out.length);
  if (arguments.is_bad) return NULL;
  const double *shape = shape_array.data;
  double *state = state_array.data;
  if (shape_array.length < SHAPE_LENGTH || state_array.length < STATE_LENGTH) return rc_throw_errno(env, EINVAL, "resample");
  rc_bank bank = {coefficients.data, (int32_t)index_of(shape[PHASES]), (int32_t)index_of(shape[ADVANCE]), (int32_t)index_of(shape[TAPS])};
  int64_t to_queue = index_of(state[TO_QUEUE]);
  int64_t ready = index_of(state[READY]);
  int64_t produced = index_of(state[PRODUCED]);
  rc_place place = {index_of(bank.advance > 0 ? state[INDEX] : (double)produced * shape[STEP]), (int32_t)index_of(state[PHASE])};
  size_t rows = (size_t)bank.phases + (bank.advance == 0 ? 1 : 0);
  /* Every read lies inside: from the first position's filter to that of the last position which is ready. */
  bool fits = bank.taps > 0 && bank.taps % 4 == 0 && bank.phases > 0 && bank.advance >= 0 &&
              (size_t)bank.taps * rows <= coefficients.length && place.index + to_queue >= 0 &&
              ready - 1 + to_queue + bank.taps <= (int64_t)queue.length && place.phase >= 0 && place.phase < bank.phases &&
              shape[STEP] > 0;
  if (ready <= place.index) return rc_number(env, (double)from);
  if (!fits) return rc_throw_errno(env, EINVAL, "resample");
  int16_t *room = (int16_t *)out.data + from;
  size_t written;
  if (bank.advance > 0) {
    written = rc_resample_exact(&bank, &place, queue.data, to_queue, ready, room, out.length - from);
    state[INDEX] = (double)place.index;
    state[PHASE] = place.phase;
  } else {
    written = rc_resample_between(&bank, shape[STEP], &produced, queue.data, to_queue, ready, room, out.length - from);
    state[PRODUCED] = (double)produced;
  }
  return rc_number(env, (double)(from + written));
}

static void free_g722(napi_env env, void *memory, void *hint) {
  (void)env;
  (void)hint;
  free(memory);
}

/* (): handle */
static napi_value g722_open(napi_env env, napi_callback_info info) {
  (void)info;
  rc_g722 *decoder = malloc(sizeof *decoder);
  if (decoder == NULL) return rc_throw_errno(env, ENOMEM, "g722");
  rc_g722_reset(decoder);
  return rc_handle(env, decoder, &G722, free_g722);
}

/* (handle) */
static napi_value g722_reset(napi_env env, napi_callback_info info) {
  rc_arguments arguments = rc_arguments_of(env, info);
  rc_g722 *decoder = rc_handle_at(&arguments, 0, &G722);
  if (!arguments.is_bad) rc_g722_reset(decoder);
  return NULL;
}

/* (handle, payload: Uint8Array, out: Int16Array): samples */
static napi_value g722_decode(napi_env env, napi_callback_info info) {
  rc_arguments arguments = rc_arguments_of(env, info);
  rc_g722 *decoder = rc_handle_at(&arguments, 0, &G722);
  rc_array payload = rc_array_at(&arguments, 1, napi_uint8_array);
  rc_array out = rc_array_at(&arguments, 2, napi_int16_array);
  if (arguments.is_bad) return NULL;
  size_t bytes = least(payload.length, out.length / 2);
  rc_g722_decode(decoder, payload.data, out.data, bytes);
  return rc_number(env, (double)(2 * bytes));
}

napi_status rc_block_functions(napi_env env, napi_value exports) {
  const napi_property_descriptor functions[] = {
      RC_FUNCTION("ulawDecode", ulaw_decode), RC_FUNCTION("alawDecode", alaw_decode), RC_FUNCTION("mixInto", mix_into),
      RC_FUNCTION("interleave", interleave),  RC_FUNCTION("scale", scale),            RC_FUNCTION("peak", peak),
      RC_FUNCTION("energy", energy),          RC_FUNCTION("goertzel", goertzel),      RC_FUNCTION("resample", resample),
      RC_FUNCTION("g722Open", g722_open),     RC_FUNCTION("g722Reset", g722_reset),   RC_FUNCTION("g722Decode", g722_decode),
  };
  return napi_define_properties(env, exports, sizeof functions / sizeof *functions, functions);
}
