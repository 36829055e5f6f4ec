#include "parts.h"

/*
 * (bytes: Uint8Array): boolean. Takes the memory from under the array where the array is all of it: the array is empty from then on, as is
 * every other view. False where it is only a part, such as of Node's pool, or where the memory can't be taken; then nothing has happened.
 */
static napi_value release(napi_env env, napi_callback_info info) {
  rc_arguments arguments = rc_arguments_of(env, info);
  rc_array bytes = rc_array_at(&arguments, 0, napi_uint8_array);
  if (arguments.is_bad) return NULL;
  napi_typedarray_type type;
  napi_value memory;
  size_t offset = 0;
  size_t whole = 0;
  bool is_free = napi_get_typedarray_info(env, arguments.values[0], &type, NULL, NULL, &memory, &offset) == napi_ok &&
                 napi_get_arraybuffer_info(env, memory, NULL, &whole) == napi_ok && offset == 0 && bytes.length == whole &&
                 whole > 0 && napi_detach_arraybuffer(env, memory) == napi_ok;
  napi_value answer = NULL;
  napi_get_boolean(env, is_free, &answer);
  return answer;
}

napi_status rc_memory_functions(napi_env env, napi_value exports) {
  const napi_property_descriptor functions[] = {RC_FUNCTION("release", release)};
  return napi_define_properties(env, exports, sizeof functions / sizeof *functions, functions);
}
