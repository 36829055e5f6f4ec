/*
 * Takes in UDP for many sockets on a thread of its own, so that nothing its reader does, a stall of seconds included, loses a datagram:
 * it waits for the first, lets more come for an interval, then empties every socket that has some (on Linux by recvmmsg), sorts what came
 * by its time stamps and puts it into a ring. When the ring is full, datagrams wait before it, and when there is no room either, in the
 * sockets' own buffers; the kernel counts what those can't hold. No Node in here.
 *
 *     sockets ──▶ thread: batch, sorted ──▶ ring ──▶ rc_udp_read
 *
 * One thread reads the ring. Any thread may bind and close. Bytes are zeroed wherever they were when they have moved on.
 */
#ifndef RC_UDP_H
#define RC_UDP_H

#include <stddef.h>
#include <stdint.h>

typedef struct rc_udp rc_udp;

typedef struct {
  /* How long datagrams gather before they are taken, µs. */
  uint32_t interval_us;
  /* Of the ring; a power of two. Pages that were never used take no memory. */
  size_t ring_bytes;
  /* Called on the receiver's thread when there is something to read and the reader has not been told since it last found nothing. */
  void (*notify)(void *context);
  void *context;
} rc_udp_options;

/* Counted since the start; never fall. */
typedef struct {
  uint64_t received;
  /* Lost in the kernel because a socket's buffer was full. */
  uint64_t overflowed;
  /* Rounds that found no room in the ring, or before it. */
  uint64_t ring_full;
  /* Bytes that wait in the ring now, and the most there were. */
  uint64_t waiting_bytes;
  uint64_t most_waiting_bytes;
  /* All that had arrived by then, µs on CLOCK_MONOTONIC, is in the ring or was read from it. */
  double reached_us;
} rc_udp_counts;

/*
 * A datagram in the ring and in what rc_udp_read gives, numbers in the machine's order:
 *
 *     0 bytes u32      of the record, a multiple of 8
 *     4 socket u32     as rc_udp_bind gave it
 *     8 arrival f64    µs on CLOCK_MONOTONIC, by the kernel's own time stamp
 *    16 length u16     of the payload
 *    18 port u16       of the source
 *    20 family u32     4 or 6
 *    24 address [16]   of the source; four bytes of it for family 4
 *    40 payload, padded
 */
#define RC_UDP_HEAD_BYTES 40

/* NULL with errno where there is no memory or no thread. */
rc_udp *rc_udp_start(const rc_udp_options *options);

/*
 * Binds `host`, a numeric address, and listens. `receive_buffer` bytes are asked for; `granted` says what the kernel gave.
 * Returns 0, or an errno. A socket's number is not given again soon.
 */
int rc_udp_bind(rc_udp *udp, const char *host, uint16_t port, int receive_buffer, uint32_t *socket, uint16_t *bound, int *granted);

/* Its port is free when this returns; records of it may still be in the ring. Returns 0 or an errno (EBADF). */
int rc_udp_close(rc_udp *udp, uint32_t socket);

/* Moves whole records to `out` in the order of their arrival, whatever the socket. Returns bytes; 0: there are none, and notify will be called again. */
size_t rc_udp_read(rc_udp *udp, uint8_t *out, size_t capacity);

rc_udp_counts rc_udp_count(rc_udp *udp);

/* Has the thread look once more, so that `reached_us` goes on though nothing comes. */
void rc_udp_look(rc_udp *udp);

/* Ends the thread, closes every socket, frees everything. notify is not called any more when this returns. */
void rc_udp_stop(rc_udp *udp);

#endif
