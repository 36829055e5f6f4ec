/* The module: what JavaScript gets. Several threads of Node may load it; nothing in here is shared between them. */
#include "parts.h"

NAPI_MODULE_INIT() {
  if (rc_block_functions(env, exports) != napi_ok || rc_memory_functions(env, exports) != napi_ok ||
      rc_mp3_functions(env, exports) != napi_ok || rc_udp_functions(env, exports) != napi_ok)
    napi_throw_error(env, NULL, "the native kernel could not be set up");
  return exports;
}
