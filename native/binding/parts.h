/* Each part of the module puts its functions into the exports. */
#ifndef RC_PARTS_H
#define RC_PARTS_H

#include "arguments.h"

napi_status rc_block_functions(napi_env env, napi_value exports);
napi_status rc_memory_functions(napi_env env, napi_value exports);
napi_status rc_mp3_functions(napi_env env, napi_value exports);
napi_status rc_udp_functions(napi_env env, napi_value exports);

#define RC_FUNCTION(name, function) \
  { name, NULL, function, NULL, NULL, NULL, napi_enumerable, NULL }

#endif
