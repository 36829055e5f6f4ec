#include "rc_udp.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "rc_ring.h"
#include "rc_udp_take.h"

/* Numbers of sockets: a place in the table, and how often it was used before. */
#define MOST_SOCKETS 65536
#define PLACE_BITS 16

/* Between a datagram's time stamp and its place in the socket the kernel may do something else for so long. */
#define SETTLE_US 1000

/* What waits to be sorted may take so much: a second of 5,000 calls. A test has less. */
#ifndef BATCH_BYTES
#define BATCH_BYTES ((size_t)128 << 20)
#endif

struct rc_udp {
  rc_udp_options options;
  rc_ring ring;
  rc_batch batch;
  rc_taker *taker;
  pthread_t thread;
  /* Guards the table and the taker's set of sockets; the thread holds it for a round. */
  pthread_mutex_t lock;
  int *descriptors;
  uint16_t *uses;
  uint32_t places;
  uint32_t next_place;
  int wake[2];
  atomic_int is_stopping;
  atomic_int is_told;
  atomic_ullong received, overflowed, ring_full, most_waiting;
  /* Whole µs. */
  atomic_ullong reached;
};

static int grow(rc_udp *udp) {
  if (udp->places == MOST_SOCKETS) return EMFILE;
  uint32_t places = udp->places == 0 ? 64 : udp->places * 2;
  int *descriptors = realloc(udp->descriptors, places * sizeof *descriptors);
  if (descriptors == NULL) return ENOMEM;
  udp->descriptors = descriptors;
  uint16_t *uses = realloc(udp->uses, places * sizeof *uses);
  if (uses == NULL) return ENOMEM;
  udp->uses = uses;
  for (uint32_t i = udp->places; i < places; i++) {
    descriptors[i] = -1;
    uses[i] = 0;
  }
  udp->places = places;
  return 0;
}

static void notify(rc_udp *udp) {
  if (atomic_exchange(&udp->is_told, 1) == 0) udp->options.notify(udp->options.context);
}

/* Returns whether there was anything, taken now or before, that the reader has not been given. */
static int round_of(rc_udp *udp) {
  rc_taken taken = {0};
  pthread_mutex_lock(&udp->lock);
  rc_take(udp->taker, &udp->batch, &taken);
  pthread_mutex_unlock(&udp->lock);
  atomic_fetch_add(&udp->received, taken.datagrams);
  atomic_fetch_add(&udp->overflowed, taken.overflowed);
  double until = taken.is_full ? taken.since + 1e6 : taken.until - SETTLE_US;
  int is_released = rc_batch_release(&udp->batch, until, &udp->ring);
  if (!is_released || taken.is_full) atomic_fetch_add(&udp->ring_full, 1);
  else if (until > 0) atomic_store(&udp->reached, (unsigned long long)until);
  size_t waiting = rc_ring_waiting(&udp->ring);
  if (waiting > atomic_load(&udp->most_waiting)) atomic_store(&udp->most_waiting, waiting);
  if (waiting > 0) notify(udp);
  return taken.datagrams > 0 || udp->batch.count > 0;
}

static void rest(uint32_t us) {
  struct timespec time = {.tv_sec = us / 1000000, .tv_nsec = (long)(us % 1000000) * 1000};
  while (nanosleep(&time, &time) != 0 && errno == EINTR) {
  }
}

static void *run(void *context) {
  rc_udp *udp = context;
  /* Signals are for the threads of whoever started this one. */
  sigset_t all;
  sigfillset(&all);
  pthread_sigmask(SIG_BLOCK, &all, NULL);
  while (!atomic_load(&udp->is_stopping)) {
    /* The first datagram, a new socket or the end. */
    rc_taker_wait(udp->taker, udp->wake[0]);
    if (atomic_load(&udp->is_stopping)) break;
    do rest(udp->options.interval_us);
    while (round_of(udp) && !atomic_load(&udp->is_stopping));
  }
  return NULL;
}

static void wake(rc_udp *udp) {
  uint8_t byte = 0;
  /* A pipe that is full wakes as well. */
  ssize_t ignored = write(udp->wake[1], &byte, 1);
  (void)ignored;
}

static void free_all(rc_udp *udp) {
  rc_taker_close(udp->taker);
  rc_batch_close(&udp->batch);
  for (uint32_t i = 0; i < udp->places; i++)
    if (udp->descriptors[i] >= 0) close(udp->descriptors[i]);
  free(udp->descriptors);
  free(udp->uses);
  for (int i = 0; i < 2; i++)
    if (udp->wake[i] >= 0) close(udp->wake[i]);
  rc_ring_close(&udp->ring);
  pthread_mutex_destroy(&udp->lock);
  free(udp);
}

static int open_wake(int wake[2]) {
  if (pipe(wake) != 0) return errno;
  for (int i = 0; i < 2; i++)
    if (fcntl(wake[i], F_SETFL, O_NONBLOCK) != 0 || fcntl(wake[i], F_SETFD, FD_CLOEXEC) != 0) return errno;
  return 0;
}

rc_udp *rc_udp_start(const rc_udp_options *options) {
  /* As the ring's counters want it: a cache line each. */
  rc_udp *udp = aligned_alloc(64, (sizeof *udp + 63) / 64 * 64);
  if (udp == NULL) return NULL;
  memset(udp, 0, sizeof *udp);
  udp->options = *options;
  udp->wake[0] = udp->wake[1] = -1;
  pthread_mutex_init(&udp->lock, NULL);
  rc_batch_open(&udp->batch, BATCH_BYTES);
  int fault = rc_ring_open(&udp->ring, options->ring_bytes);
  if (fault == 0) fault = open_wake(udp->wake);
  if (fault == 0) udp->taker = rc_taker_open();
  if (fault == 0 && udp->taker == NULL) fault = errno;
  if (fault == 0) fault = pthread_create(&udp->thread, NULL, run, udp);
  if (fault == 0) return udp;
  free_all(udp);
  errno = fault;
  return NULL;
}

static int parse_address(const char *host, uint16_t port, struct sockaddr_storage *address, socklen_t *length) {
  memset(address, 0, sizeof *address);
  struct sockaddr_in *v4 = (struct sockaddr_in *)address;
  if (inet_pton(AF_INET, host, &v4->sin_addr) == 1) {
    v4->sin_family = AF_INET;
    v4->sin_port = htons(port);
    *length = sizeof *v4;
    return 0;
  }
  struct sockaddr_in6 *v6 = (struct sockaddr_in6 *)address;
  if (inet_pton(AF_INET6, host, &v6->sin6_addr) == 1) {
    v6->sin6_family = AF_INET6;
    v6->sin6_port = htons(port);
    *length = sizeof *v6;
    return 0;
  }
  return EADDRNOTAVAIL;
}

static uint16_t port_of(int descriptor) {
  struct sockaddr_storage address;
  socklen_t length = sizeof address;
  if (getsockname(descriptor, (struct sockaddr *)&address, &length) != 0) return 0;
  return address.ss_family == AF_INET6 ? ntohs(((struct sockaddr_in6 *)&address)->sin6_port)
                                       : ntohs(((struct sockaddr_in *)&address)->sin_port);
}

static int open_socket(const struct sockaddr_storage *address, socklen_t length, int receive_buffer, int *granted) {
  int descriptor = socket(address->ss_family, SOCK_DGRAM, 0);
  if (descriptor < 0) return -1;
  socklen_t size = sizeof *granted;
  setsockopt(descriptor, SOL_SOCKET, SO_RCVBUF, &receive_buffer, sizeof receive_buffer);
  rc_stamp_arrivals(descriptor);
#ifdef SO_RXQ_OVFL
  int on = 1;
  setsockopt(descriptor, SOL_SOCKET, SO_RXQ_OVFL, &on, sizeof on);
#endif
  if (getsockopt(descriptor, SOL_SOCKET, SO_RCVBUF, granted, &size) == 0 &&
      fcntl(descriptor, F_SETFL, O_NONBLOCK) == 0 && fcntl(descriptor, F_SETFD, FD_CLOEXEC) == 0 &&
      bind(descriptor, (const struct sockaddr *)address, length) == 0) {
    return descriptor;
  }
  int fault = errno;
  close(descriptor);
  errno = fault;
  return -1;
}

/* Of a place that is free, the one that has been so for longest. */
static int find_place(rc_udp *udp, uint32_t *place) {
  for (uint32_t tried = 0; tried < udp->places; tried++) {
    uint32_t at = (udp->next_place + tried) % udp->places;
    if (udp->descriptors[at] >= 0) continue;
    *place = at;
    return 0;
  }
  uint32_t first = udp->places;
  int fault = grow(udp);
  *place = first;
  return fault;
}

int rc_udp_bind(rc_udp *udp, const char *host, uint16_t port, int receive_buffer, uint32_t *number, uint16_t *bound, int *granted) {
  struct sockaddr_storage address;
  socklen_t length = 0;
  int fault = parse_address(host, port, &address, &length);
  if (fault != 0) return fault;
  int descriptor = open_socket(&address, length, receive_buffer, granted);
  if (descriptor < 0) return errno;
  *bound = port_of(descriptor);
  uint32_t place = 0;
  pthread_mutex_lock(&udp->lock);
  fault = find_place(udp, &place);
  if (fault == 0) {
    *number = (uint32_t)udp->uses[place] << PLACE_BITS | place;
    fault = rc_taker_add(udp->taker, descriptor, *number);
  }
  if (fault == 0) {
    udp->descriptors[place] = descriptor;
    udp->uses[place]++;
    udp->next_place = place + 1;
  }
  pthread_mutex_unlock(&udp->lock);
  if (fault != 0) close(descriptor);
  else wake(udp);
  return fault;
}

int rc_udp_close(rc_udp *udp, uint32_t number) {
  uint32_t place = number & (MOST_SOCKETS - 1);
  pthread_mutex_lock(&udp->lock);
  int is_open = place < udp->places && udp->descriptors[place] >= 0 &&
                (uint16_t)(udp->uses[place] - 1) == (uint16_t)(number >> PLACE_BITS);
  int descriptor = is_open ? udp->descriptors[place] : -1;
  if (is_open) {
    rc_taker_remove(udp->taker, descriptor, number);
    udp->descriptors[place] = -1;
  }
  pthread_mutex_unlock(&udp->lock);
  if (!is_open) return EBADF;
  close(descriptor);
  return 0;
}

size_t rc_udp_read(rc_udp *udp, uint8_t *out, size_t capacity) {
  size_t bytes = rc_ring_take(&udp->ring, out, capacity);
  if (bytes > 0) return bytes;
  atomic_store(&udp->is_told, 0);
  /* What came between the look and the word for more would be told by nobody. */
  return rc_ring_take(&udp->ring, out, capacity);
}

rc_udp_counts rc_udp_count(rc_udp *udp) {
  return (rc_udp_counts){
      .received = atomic_load(&udp->received),
      .overflowed = atomic_load(&udp->overflowed),
      .ring_full = atomic_load(&udp->ring_full),
      .waiting_bytes = rc_ring_waiting(&udp->ring),
      .most_waiting_bytes = atomic_load(&udp->most_waiting),
      .reached_us = (double)atomic_load(&udp->reached),
  };
}

void rc_udp_look(rc_udp *udp) { wake(udp); }

void rc_udp_stop(rc_udp *udp) {
  if (udp == NULL) return;
  atomic_store(&udp->is_stopping, 1);
  wake(udp);
  pthread_join(udp->thread, NULL);
  free_all(udp);
}
