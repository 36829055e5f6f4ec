/*
 * Datagrams of one round over all sockets, until they can be put in the order in which they came: whoever reads must never see what was
 * said behind a key press before the key press itself. For one thread. No Node in here.
 */
#ifndef RC_BATCH_H
#define RC_BATCH_H

#include <stddef.h>
#include <stdint.h>

#include "rc_ring.h"

typedef struct {
  double arrival;
  size_t at;
  uint32_t bytes;
} rc_mark;

typedef struct {
  uint8_t *bytes;
  size_t used, room, most;
  rc_mark *marks, *sorted;
  size_t count, mark_room;
} rc_batch;

/* @param most bytes that may wait in it. */
void rc_batch_open(rc_batch *batch, size_t most);
void rc_batch_close(rc_batch *batch);

/* Whether as many of the longest datagrams fit as a system call may bring. */
int rc_batch_has_room(const rc_batch *batch);

/* Room for a record (a multiple of 8), or NULL. */
uint8_t *rc_batch_add(rc_batch *batch, uint32_t bytes, double arrival);

/*
 * Moves what arrived before `until` to the ring, in the order of arrival; equal ones as they were taken. The rest stays, and what moved is
 * zeroed here. Returns whether all of it found room in the ring.
 */
int rc_batch_release(rc_batch *batch, double until, rc_ring *ring);

#endif
