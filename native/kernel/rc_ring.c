#include "rc_ring.h"

#include <errno.h>
#include <string.h>
#include <sys/mman.h>

/* In place of a record's length: nothing more until the ring's end. */
#define SKIP UINT32_MAX

int rc_ring_open(rc_ring *ring, size_t capacity) {
  if (capacity < 4096 || (capacity & (capacity - 1)) != 0) return EINVAL;
  void *bytes = mmap(NULL, capacity, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (bytes == MAP_FAILED) return errno;
#ifdef MADV_DONTDUMP
  /* Audio in here may turn out to be masked. */
  madvise(bytes, capacity, MADV_DONTDUMP);
#endif
  ring->bytes = bytes;
  ring->capacity = capacity;
  atomic_init(&ring->written, 0);
  atomic_init(&ring->read, 0);
  return 0;
}

void rc_ring_close(rc_ring *ring) {
  if (ring->bytes != NULL) munmap(ring->bytes, ring->capacity);
  ring->bytes = NULL;
}

size_t rc_ring_waiting(const rc_ring *ring) {
  /* The reader's count first: it never passes the writer's. */
  size_t read = atomic_load_explicit(&ring->read, memory_order_acquire);
  return atomic_load_explicit(&ring->written, memory_order_acquire) - read;
}

uint8_t *rc_ring_reserve(rc_ring *ring, size_t bytes) {
  size_t written = atomic_load_explicit(&ring->written, memory_order_relaxed);
  size_t read = atomic_load_explicit(&ring->read, memory_order_acquire);
  size_t at = written & (ring->capacity - 1);
  size_t left = ring->capacity - at;
  size_t wanted = bytes <= left ? bytes : left + bytes;
  if (ring->capacity - (written - read) < wanted) return NULL;
  if (bytes <= left) return ring->bytes + at;
  uint32_t skip = SKIP;
  memcpy(ring->bytes + at, &skip, sizeof skip);
  atomic_store_explicit(&ring->written, written + left, memory_order_release);
  return ring->bytes;
}

void rc_ring_commit(rc_ring *ring, size_t bytes) {
  size_t written = atomic_load_explicit(&ring->written, memory_order_relaxed);
  atomic_store_explicit(&ring->written, written + bytes, memory_order_release);
}

size_t rc_ring_take(rc_ring *ring, uint8_t *out, size_t capacity) {
  size_t read = atomic_load_explicit(&ring->read, memory_order_relaxed);
  size_t written = atomic_load_explicit(&ring->written, memory_order_acquire);
  size_t taken = 0;
  while (read != written) {
    size_t at = read & (ring->capacity - 1);
    uint32_t bytes;
    memcpy(&bytes, ring->bytes + at, sizeof bytes);
    if (bytes == SKIP) {
      memset(ring->bytes + at, 0, sizeof bytes);
      read += ring->capacity - at;
      continue;
    }
    if (bytes > capacity - taken) break;
    memcpy(out + taken, ring->bytes + at, bytes);
    memset(ring->bytes + at, 0, bytes);
    taken += bytes;
    read += bytes;
  }
  atomic_store_explicit(&ring->read, read, memory_order_release);
  return taken;
}
