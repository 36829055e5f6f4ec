#include "../kernel/rc_udp.h"

#include <errno.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <time.h>

#include "parts.h"

static const napi_type_tag UDP = {0x64c9e21fb0784d3eull, 0x8f15a3d92c704be8ull};

/* A receiver and the way to the thread of Node that reads it. */
typedef struct {
  napi_env env;
  rc_udp *udp;
  napi_threadsafe_function reader;
} receiver;

static void notify(void *context) {
  receiver *receiver = context;
  /* Never waits; a reader that is closing needs no word. */
  napi_call_threadsafe_function(receiver->reader, NULL, napi_tsfn_nonblocking);
}

static void call_reader(napi_env env, napi_value function, void *context, void *data) {
  (void)context;
  (void)data;
  if (env == NULL) return;
  napi_call_function(env, rc_undefined(env), function, 0, NULL, NULL);
}

static void stop(receiver *receiver) {
  if (receiver->udp == NULL) return;
  rc_udp_stop(receiver->udp);
  receiver->udp = NULL;
  napi_release_threadsafe_function(receiver->reader, napi_tsfn_abort);
}

/* The thread of Node ends, with or without a word to us. */
static void clean_up(void *context) { stop(context); }

static void free_receiver(napi_env env, void *memory, void *hint) {
  (void)hint;
  receiver *receiver = memory;
  napi_remove_env_cleanup_hook(env, clean_up, receiver);
  stop(receiver);
  free(receiver);
}

/* (intervalUs, ringBytes, notify: () => void): handle. `notify` is called when there is something to read and was nothing before. */
static napi_value udp_start(napi_env env, napi_callback_info info) {
  rc_arguments arguments = rc_arguments_of(env, info);
  uint32_t interval_us = (uint32_t)rc_whole_at(&arguments, 0, 100, 1000000);
  size_t ring_bytes = (size_t)rc_whole_at(&arguments, 1, 1 << 18, (int64_t)1 << 32);
  if (arguments.is_bad) return NULL;
  receiver *made = calloc(1, sizeof *made);
  napi_value name;
  napi_value reader = arguments.count > 2 ? arguments.values[2] : NULL;
  if (made == NULL) return rc_throw_errno(env, ENOMEM, "udp");
  made->env = env;
  if (reader == NULL || napi_create_string_utf8(env, "record-call udp", NAPI_AUTO_LENGTH, &name) != napi_ok ||
      napi_create_threadsafe_function(env, reader, NULL, name, 1, 1, NULL, NULL, NULL, call_reader, &made->reader) != napi_ok) {
    free(made);
    napi_throw_type_error(env, NULL, "a function was expected");
    return NULL;
  }
  rc_udp_options options = {.interval_us = interval_us, .ring_bytes = ring_bytes, .notify = notify, .context = made};
  made->udp = rc_udp_start(&options);
  if (made->udp == NULL) {
    int fault = errno;
    napi_release_threadsafe_function(made->reader, napi_tsfn_abort);
    free(made);
    return rc_throw_errno(env, fault, "udp");
  }
  napi_add_env_cleanup_hook(env, clean_up, made);
  return rc_handle(env, made, &UDP, free_receiver);
}

static rc_udp *running(rc_arguments *arguments) {
  receiver *receiver = rc_handle_at(arguments, 0, &UDP);
  if (arguments->is_bad) return NULL;
  if (receiver->udp == NULL) {
    rc_throw_errno(arguments->env, EBADF, "udp");
    arguments->is_bad = true;
  }
  return receiver->udp;
}

/* (handle, host, port, receiveBufferBytes, told: Float64Array [socket, port, granted]) throws with an errno's code */
static napi_value udp_bind(napi_env env, napi_callback_info info) {
  rc_arguments arguments = rc_arguments_of(env, info);
  rc_udp *udp = running(&arguments);
  char host[64] = "";
  size_t length = 0;
  if (!arguments.is_bad &&
      (arguments.count < 2 || napi_get_value_string_utf8(env, arguments.values[1], host, sizeof host, &length) != napi_ok))
    return rc_throw_errno(env, EINVAL, "host");
  uint16_t port = (uint16_t)rc_whole_at(&arguments, 2, 0, 65535);
  int wanted = (int)rc_whole_at(&arguments, 3, 0, 1 << 30);
  rc_array told = rc_array_at(&arguments, 4, napi_float64_array);
  if (arguments.is_bad) return NULL;
  if (told.length < 3) return rc_throw_errno(env, EINVAL, "told");
  uint32_t socket = 0;
  int granted = 0;
  int fault = rc_udp_bind(udp, host, port, wanted, &socket, &port, &granted);
  if (fault != 0) return rc_throw_errno(env, fault, "bind");
  double *to = told.data;
  to[0] = socket;
  to[1] = port;
  to[2] = granted;
  return NULL;
}

/* (handle, socket): its port is free; records of it may still be read */
static napi_value udp_close(napi_env env, napi_callback_info info) {
  rc_arguments arguments = rc_arguments_of(env, info);
  rc_udp *udp = running(&arguments);
  uint32_t socket = (uint32_t)rc_whole_at(&arguments, 1, 0, UINT32_MAX);
  if (arguments.is_bad) return NULL;
  int fault = rc_udp_close(udp, socket);
  return fault == 0 ? NULL : rc_throw_errno(env, fault, "close");
}

/* (handle, into: Uint8Array): bytes; 0: `notify` will be called */
static napi_value udp_read(napi_env env, napi_callback_info info) {
  rc_arguments arguments = rc_arguments_of(env, info);
  rc_udp *udp = running(&arguments);
  rc_array into = rc_array_at(&arguments, 1, napi_uint8_array);
  if (arguments.is_bad) return NULL;
  if (into.length < 1 << 17) return rc_throw_errno(env, EINVAL, "read");
  return rc_number(env, (double)rc_udp_read(udp, into.data, into.length));
}

/* (handle, counts: Float64Array [received, overflowed, ringFull, waitingBytes, mostWaitingBytes, reachedUs]) */
static napi_value udp_count(napi_env env, napi_callback_info info) {
  rc_arguments arguments = rc_arguments_of(env, info);
  rc_udp *udp = running(&arguments);
  rc_array counts = rc_array_at(&arguments, 1, napi_float64_array);
  if (arguments.is_bad) return NULL;
  if (counts.length < 6) return rc_throw_errno(env, EINVAL, "counts");
  rc_udp_counts now = rc_udp_count(udp);
  double *to = counts.data;
  to[0] = (double)now.received;
  to[1] = (double)now.overflowed;
  to[2] = (double)now.ring_full;
  to[3] = (double)now.waiting_bytes;
  to[4] = (double)now.most_waiting_bytes;
  to[5] = now.reached_us;
  return NULL;
}

/* (handle): reachedUs will go on */
static napi_value udp_look(napi_env env, napi_callback_info info) {
  rc_arguments arguments = rc_arguments_of(env, info);
  rc_udp *udp = running(&arguments);
  if (!arguments.is_bad) rc_udp_look(udp);
  return NULL;
}

/* (handle): idempotent */
static napi_value udp_stop(napi_env env, napi_callback_info info) {
  rc_arguments arguments = rc_arguments_of(env, info);
  receiver *receiver = rc_handle_at(&arguments, 0, &UDP);
  if (!arguments.is_bad) stop(receiver);
  return NULL;
}

/* (): µs on the clock of arrivals, CLOCK_MONOTONIC */
static napi_value steady_us(napi_env env, napi_callback_info info) {
  (void)info;
  struct timespec time;
  clock_gettime(CLOCK_MONOTONIC, &time);
  return rc_number(env, (double)time.tv_sec * 1e6 + (double)time.tv_nsec / 1e3);
}

napi_status rc_udp_functions(napi_env env, napi_value exports) {
  const napi_property_descriptor functions[] = {
      RC_FUNCTION("udpStart", udp_start), RC_FUNCTION("udpBind", udp_bind),   RC_FUNCTION("udpClose", udp_close),
      RC_FUNCTION("udpRead", udp_read),   RC_FUNCTION("udpCount", udp_count), RC_FUNCTION("udpStop", udp_stop),
      RC_FUNCTION("udpLook", udp_look),   RC_FUNCTION("steadyUs", steady_us),
  };
  return napi_define_properties(env, exports, sizeof functions / sizeof *functions, functions);
}
