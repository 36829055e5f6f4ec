/*
 * How datagrams are taken from sockets into a batch: by epoll and recvmmsg on Linux, by poll and recvmsg elsewhere (or with RC_PORTABLE).
 * Not for two threads at once, but for rc_taker_wait, which needs nothing of the set of sockets.
 */
#ifndef RC_UDP_TAKE_H
#define RC_UDP_TAKE_H

#include <stddef.h>
#include <stdint.h>

#include "rc_batch.h"

typedef struct rc_taker rc_taker;

typedef struct {
  size_t datagrams;
  uint64_t overflowed;
  /* Something was left in the sockets: the batch has no room. */
  int is_full;
  /* When this began, µs on CLOCK_MONOTONIC. */
  double since;
  /* Unless it is full, everything that had arrived by then was taken. */
  double until;
} rc_taken;

/* NULL with errno. */
rc_taker *rc_taker_open(void);
void rc_taker_close(rc_taker *taker);

/* Asks the kernel to stamp a socket's datagrams when they come. 0 or -1. */
int rc_stamp_arrivals(int descriptor);

/* 0 or an errno. */
int rc_taker_add(rc_taker *taker, int descriptor, uint32_t number);
void rc_taker_remove(rc_taker *taker, int descriptor, uint32_t number);

/* Returns when a socket has something, or when `wake` can be read, which it empties. */
void rc_taker_wait(rc_taker *taker, int wake);

/* Takes what the sockets hold. */
void rc_take(rc_taker *taker, rc_batch *batch, rc_taken *taken);

#endif
