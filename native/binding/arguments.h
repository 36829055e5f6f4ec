/* Reading JavaScript's values and answering it. Whatever is wrong with them becomes an exception, never a wrong read. */
#ifndef RC_ARGUMENTS_H
#define RC_ARGUMENTS_H

#define NAPI_VERSION 8
#include <node_api.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* A function's arguments; `count` is how many it takes at the most. */
typedef struct {
  napi_env env;
  napi_value values[8];
  size_t count;
  bool is_bad;
} rc_arguments;

/* A typed array's memory, valid until the function returns. */
typedef struct {
  void *data;
  size_t length; /* elements */
} rc_array;

rc_arguments rc_arguments_of(napi_env env, napi_callback_info info);

/* Each sets `is_bad` and throws a TypeError where the argument is something else; what it then gives is empty. */
rc_array rc_array_at(rc_arguments *arguments, size_t at, napi_typedarray_type type);
double rc_number_at(rc_arguments *arguments, size_t at);
/* Thrown and bad where it is no whole number from `least` to `most`. */
int64_t rc_whole_at(rc_arguments *arguments, size_t at, int64_t least, int64_t most);
/* What rc_handle made, of the same kind; NULL and bad where it is another's or was closed. */
void *rc_handle_at(rc_arguments *arguments, size_t at, const napi_type_tag *tag);

/* An object that stands for native memory; `free_it` is called when nobody in JavaScript has it any more. */
napi_value rc_handle(napi_env env, void *memory, const napi_type_tag *tag, napi_finalize free_it);

napi_value rc_number(napi_env env, double value);
napi_value rc_undefined(napi_env env);
/* An Error with a code such as EADDRINUSE. */
napi_value rc_throw_errno(napi_env env, int fault, const char *what);

#endif
