/*
 * How datagrams are taken from sockets into a ring: by epoll and recvmmsg on Linux, by poll and recvmsg elsewhere (or with RC_PORTABLE).
 * Not for two threads at once, but for rc_taker_wait, which needs nothing of the set of sockets.
 */
#ifndef RC_UDP_TAKE_H
#define RC_UDP_TAKE_H

#include <stddef.h>
#include <stdint.h>

#include "rc_ring.h"

typedef struct rc_taker rc_taker;

typedef struct {
  size_t datagrams;
  uint64_t overflowed;
  int is_ring_full;
} rc_taken;

/* NULL with errno. `wake` can be read when somebody wants the waiting thread. */
rc_taker *rc_taker_open(int wake);
void rc_taker_close(rc_taker *taker);

/* 0 or an errno. */
int rc_taker_add(rc_taker *taker, int descriptor, uint32_t number);
void rc_taker_remove(rc_taker *taker, int descriptor, uint32_t number);

/* Returns when a socket has something, or when woken; empties `wake`. */
void rc_taker_wait(rc_taker *taker, int wake);

/* Takes up to `most` datagrams; fewer: the sockets were empty or the ring is full. */
void rc_take(rc_taker *taker, rc_ring *ring, size_t most, rc_taken *taken);

#endif
