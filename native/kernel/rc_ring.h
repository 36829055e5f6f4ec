/* A ring of records for one writer and one reader on two threads, without locks. Records lie in one piece. No Node in here. */
#ifndef RC_RING_H
#define RC_RING_H

#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>

typedef struct {
  uint8_t *bytes;
  size_t capacity; /* a power of two */
  /* How much was ever written and read: their difference is what waits. Apart, so that the two threads share no cache line. */
  _Alignas(64) atomic_size_t written;
  _Alignas(64) atomic_size_t read;
} rc_ring;

/* 0, or an errno. */
int rc_ring_open(rc_ring *ring, size_t capacity);
void rc_ring_close(rc_ring *ring);

size_t rc_ring_waiting(const rc_ring *ring);

/* Writer: room for a record of `bytes` (a multiple of 8), or NULL where there is none. What is written counts from rc_ring_commit on. */
uint8_t *rc_ring_reserve(rc_ring *ring, size_t bytes);
void rc_ring_commit(rc_ring *ring, size_t bytes);

/* Reader: moves as many whole records as fit to `out` and zeroes where they were. Each begins with its length (u32). Returns bytes. */
size_t rc_ring_take(rc_ring *ring, uint8_t *out, size_t capacity);

#endif
