#include "arguments.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

rc_arguments rc_arguments_of(napi_env env, napi_callback_info info) {
  rc_arguments arguments = {.env = env, .count = 8};
  if (napi_get_cb_info(env, info, &arguments.count, arguments.values, NULL, NULL) != napi_ok) arguments.is_bad = true;
  return arguments;
}

static void bad(rc_arguments *arguments, const char *what) {
  if (!arguments->is_bad) napi_throw_type_error(arguments->env, NULL, what);
  arguments->is_bad = true;
}

rc_array rc_array_at(rc_arguments *arguments, size_t at, napi_typedarray_type type) {
  rc_array array = {0};
  napi_typedarray_type is = type;
  bool is_array = false;
  if (at >= arguments->count || napi_is_typedarray(arguments->env, arguments->values[at], &is_array) != napi_ok || !is_array ||
      napi_get_typedarray_info(arguments->env, arguments->values[at], &is, &array.length, &array.data, NULL, NULL) != napi_ok ||
      is != type) {
    bad(arguments, "a typed array of another kind was expected");
    return (rc_array){0};
  }
  return array;
}

double rc_number_at(rc_arguments *arguments, size_t at) {
  double value = 0;
  if (at >= arguments->count || napi_get_value_double(arguments->env, arguments->values[at], &value) != napi_ok)
    bad(arguments, "a number was expected");
  return value;
}

int64_t rc_whole_at(rc_arguments *arguments, size_t at, int64_t least, int64_t most) {
  double value = rc_number_at(arguments, at);
  if (arguments->is_bad) return least;
  if (!(value >= (double)least && value <= (double)most) || value != floor(value)) {
    bad(arguments, "a whole number in another range was expected");
    return least;
  }
  return (int64_t)value;
}

void *rc_handle_at(rc_arguments *arguments, size_t at, const napi_type_tag *tag) {
  void *memory = NULL;
  bool is_ours = false;
  if (at >= arguments->count || napi_check_object_type_tag(arguments->env, arguments->values[at], tag, &is_ours) != napi_ok ||
      !is_ours || napi_unwrap(arguments->env, arguments->values[at], &memory) != napi_ok || memory == NULL) {
    bad(arguments, "a handle of another kind, or a closed one");
    return NULL;
  }
  return memory;
}

napi_value rc_handle(napi_env env, void *memory, const napi_type_tag *tag, napi_finalize free_it) {
  napi_value object;
  if (napi_create_object(env, &object) != napi_ok || napi_type_tag_object(env, object, tag) != napi_ok ||
      napi_wrap(env, object, memory, free_it, NULL, NULL) != napi_ok) {
    free_it(env, memory, NULL);
    return rc_throw_errno(env, ENOMEM, "a handle");
  }
  return object;
}

napi_value rc_number(napi_env env, double value) {
  napi_value number = NULL;
  napi_create_double(env, value, &number);
  return number;
}

napi_value rc_undefined(napi_env env) {
  napi_value undefined = NULL;
  napi_get_undefined(env, &undefined);
  return undefined;
}

static const char *name_of(int fault) {
  switch (fault) {
    case EADDRINUSE: return "EADDRINUSE";
    case EADDRNOTAVAIL: return "EADDRNOTAVAIL";
    case EACCES: return "EACCES";
    case EMFILE: return "EMFILE";
    case ENFILE: return "ENFILE";
    case ENOBUFS: return "ENOBUFS";
    case ENOMEM: return "ENOMEM";
    case EBADF: return "EBADF";
    case EAGAIN: return "EAGAIN";
    case EINVAL: return "EINVAL";
    case EAFNOSUPPORT: return "EAFNOSUPPORT";
    default: return "EIO";
  }
}

napi_value rc_throw_errno(napi_env env, int fault, const char *what) {
  char message[128];
  snprintf(message, sizeof message, "%s: %s", what, strerror(fault));
  napi_throw_error(env, name_of(fault), message);
  return NULL;
}
