#include "rc_udp_take.h"

#include <errno.h>
#include <fcntl.h>
#include <math.h>
#include <netinet/in.h>
#include <poll.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/uio.h>
#include <time.h>
#include <unistd.h>

#include "rc_udp.h"

#if defined(__linux__) && !defined(RC_PORTABLE)
#define USES_RECVMMSG 1
#include <sys/epoll.h>
#else
#define USES_RECVMMSG 0
#endif

#define BATCH 64
#define MOST_BYTES 65535
/* Not a power of two, or the heads of all slots would share a few lines of the cache. */
#define SLOT_BYTES (65536 + 192)
#define READY 256
/* Taken from one socket in a round: a leg sends one in 20 ms. A test takes fewer. */
#ifndef MOST_OF_A_SOCKET
#define MOST_OF_A_SOCKET 2048
#endif
/* A time stamp, a count and some to spare, each as long as a multiple of a cmsghdr's alignment. */
#define CONTROL_BYTES (CMSG_SPACE(sizeof(struct timespec)) + CMSG_SPACE(sizeof(uint32_t)) + 64)
#define PLACES 65536
/* A time stamp that is further from now was made by another clock. */
#define OLDEST_US 60e6
/* Clocks that differ from what was known by more than this were set. */
#define CLOCK_SET_US 1000.0

struct rc_taker {
  uint8_t *slots;
  struct iovec vectors[BATCH];
  struct sockaddr_storage sources[BATCH];
  _Alignas(struct cmsghdr) uint8_t controls[BATCH][CONTROL_BYTES];
  /* What a socket's queue has lost so far, by its place; the kernel tells the sum. */
  uint32_t *overflowed;
  /* When a socket's latest datagram came: none overtakes another of its socket. */
  double *latest_us;
  double now_us;       /* CLOCK_MONOTONIC */
  double to_steady_us; /* what turns the wall clock's time into it */
  /* The kernel stamps datagrams when they come only while some socket wants it, and begins to a moment later. */
  int stamped;
#if USES_RECVMMSG
  struct mmsghdr messages[BATCH];
  struct epoll_event ready[READY];
  int epoll;
#else
  struct msghdr messages[BATCH];
  struct pollfd *polled;
  uint32_t *numbers;
  size_t count, room, next;
  /* The waiting thread looks at a copy. */
  pthread_mutex_t lock;
#endif
};

#if USES_RECVMMSG
static struct msghdr *message_of(rc_taker *taker, int slot) { return &taker->messages[slot].msg_hdr; }
#else
static struct msghdr *message_of(rc_taker *taker, int slot) { return &taker->messages[slot]; }
#endif

static double us_of(const struct timespec *time) { return (double)time->tv_sec * 1e6 + (double)time->tv_nsec / 1e3; }

static double read_clock(clockid_t clock) {
  struct timespec time;
  clock_gettime(clock, &time);
  return us_of(&time);
}

/* What turns the wall clock's time into the steady one's: both are slewed alike, so it stays the same until somebody sets the clock. */
static double measure_clocks(int tries) {
  double narrowest = INFINITY;
  double found = 0;
  for (int i = 0; i < tries; i++) {
    double before = read_clock(CLOCK_MONOTONIC);
    double wall = read_clock(CLOCK_REALTIME);
    double after = read_clock(CLOCK_MONOTONIC);
    if (after - before >= narrowest) continue;
    narrowest = after - before;
    found = (before + after) / 2 - wall;
  }
  return found;
}

static void look_at_clocks(rc_taker *taker) {
  /* Measured anew only when it is clearly another: datagrams of two rounds are compared to the microsecond. */
  if (fabs(measure_clocks(1) - taker->to_steady_us) > CLOCK_SET_US) {
    double found = measure_clocks(32);
    if (fabs(found - taker->to_steady_us) > CLOCK_SET_US) taker->to_steady_us = found;
  }
  taker->now_us = read_clock(CLOCK_MONOTONIC);
}

/* A slot as the kernel is to fill it; it writes over the lengths. */
static void prepare(rc_taker *taker, struct msghdr *message, int slot) {
  message->msg_namelen = sizeof taker->sources[slot];
  message->msg_controllen = sizeof taker->controls[slot];
  message->msg_flags = 0;
}

static void prepare_all(rc_taker *taker) {
  for (int slot = 0; slot < BATCH; slot++) {
    struct msghdr *message = message_of(taker, slot);
    taker->vectors[slot].iov_base = taker->slots + (size_t)slot * SLOT_BYTES;
    taker->vectors[slot].iov_len = MOST_BYTES;
    message->msg_iov = &taker->vectors[slot];
    message->msg_iovlen = 1;
    message->msg_name = &taker->sources[slot];
    message->msg_control = taker->controls[slot];
    prepare(taker, message, slot);
  }
}

/* When it came, by the kernel where it says so; and what its socket's queue had lost by then. */
static double read_controls(rc_taker *taker, struct msghdr *message, uint32_t number, rc_taken *taken) {
  double arrival = taker->now_us;
  for (struct cmsghdr *each = CMSG_FIRSTHDR(message); each != NULL; each = CMSG_NXTHDR(message, each)) {
    if (each->cmsg_level != SOL_SOCKET) continue;
#ifdef SO_TIMESTAMPNS
    if (each->cmsg_type == SCM_TIMESTAMPNS) {
      struct timespec time;
      memcpy(&time, CMSG_DATA(each), sizeof time);
      arrival = us_of(&time) + taker->to_steady_us;
    }
#else
    if (each->cmsg_type == SCM_TIMESTAMP) {
      struct timeval time;
      memcpy(&time, CMSG_DATA(each), sizeof time);
      arrival = (double)time.tv_sec * 1e6 + (double)time.tv_usec + taker->to_steady_us;
    }
#endif
#ifdef SO_RXQ_OVFL
    if (each->cmsg_type == SO_RXQ_OVFL) {
      uint32_t sum;
      memcpy(&sum, CMSG_DATA(each), sizeof sum);
      uint32_t *known = &taker->overflowed[number & (PLACES - 1)];
      taken->overflowed += (uint32_t)(sum - *known);
      *known = sum;
    }
#endif
  }
  /* It may have come since the round began. */
  if (arrival > taker->now_us) taker->now_us = read_clock(CLOCK_MONOTONIC);
  /* The wall clock may have been set between the arrival and now. */
  if (!(arrival <= taker->now_us) || arrival < taker->now_us - OLDEST_US) arrival = taker->now_us;
  double *latest = &taker->latest_us[number & (PLACES - 1)];
  if (arrival < *latest) arrival = *latest;
  *latest = arrival;
  return arrival;
}

static void write_source(uint8_t *record, const struct sockaddr_storage *source) {
  uint16_t port = 0;
  uint32_t family = 0;
  if (source->ss_family == AF_INET) {
    const struct sockaddr_in *v4 = (const struct sockaddr_in *)source;
    port = ntohs(v4->sin_port);
    family = 4;
    memcpy(record + 24, &v4->sin_addr, 4);
  } else if (source->ss_family == AF_INET6) {
    const struct sockaddr_in6 *v6 = (const struct sockaddr_in6 *)source;
    port = ntohs(v6->sin6_port);
    family = 6;
    memcpy(record + 24, &v6->sin6_addr, 16);
  }
  memcpy(record + 18, &port, sizeof port);
  memcpy(record + 20, &family, sizeof family);
}

/* Brings the datagram of a slot into the batch. */
static void deliver(rc_taker *taker, rc_batch *batch, int slot, size_t length, uint32_t number, rc_taken *taken) {
  struct msghdr *message = message_of(taker, slot);
  uint32_t bytes = (uint32_t)(RC_UDP_HEAD_BYTES + length + 7) / 8 * 8;
  uint8_t *payload = taker->slots + (size_t)slot * SLOT_BYTES;
  double arrival = read_controls(taker, message, number, taken);
  uint8_t *record = rc_batch_add(batch, bytes, arrival);
  if (record == NULL) {
    /* No memory: as lost as if the socket had had no room. */
    taken->overflowed++;
  } else {
    uint16_t size = (uint16_t)length;
    memset(record, 0, RC_UDP_HEAD_BYTES);
    memcpy(record, &bytes, sizeof bytes);
    memcpy(record + 4, &number, sizeof number);
    memcpy(record + 8, &arrival, sizeof arrival);
    memcpy(record + 16, &size, sizeof size);
    write_source(record, &taker->sources[slot]);
    memcpy(record + RC_UDP_HEAD_BYTES, payload, length);
    memset(record + RC_UDP_HEAD_BYTES + length, 0, bytes - RC_UDP_HEAD_BYTES - length);
    taken->datagrams++;
  }
  memset(payload, 0, length);
  prepare(taker, message, slot);
}

/*
 * Empties one socket, as far as the batch has room; one that fills as fast as it is emptied waits for the next round. Returns whether it
 * may hold something still.
 */
static int take_from(rc_taker *taker, rc_batch *batch, int descriptor, uint32_t number, rc_taken *taken) {
  for (size_t before = taken->datagrams;;) {
    if (taken->datagrams - before >= MOST_OF_A_SOCKET) {
      double latest = taker->latest_us[number & (PLACES - 1)];
      if (latest < taken->until) taken->until = latest;
      return 1;
    }
    /* A batch of the longest datagrams fits, or it would be torn out of its order. */
    if (!rc_batch_has_room(batch)) {
      taken->is_full = 1;
      return 1;
    }
#if USES_RECVMMSG
    int count = recvmmsg(descriptor, taker->messages, BATCH, MSG_DONTWAIT, NULL);
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) return errno != EAGAIN && errno != EWOULDBLOCK;
    for (int i = 0; i < count; i++) deliver(taker, batch, i, taker->messages[i].msg_len, number, taken);
    if (count < BATCH) return 0;
#else
    ssize_t length = recvmsg(descriptor, message_of(taker, 0), MSG_DONTWAIT);
    if (length < 0 && errno == EINTR) continue;
    if (length < 0) return 0;
    deliver(taker, batch, 0, (size_t)length, number, taken);
#endif
  }
}

static void free_common(rc_taker *taker) {
  if (taker->stamped >= 0) close(taker->stamped);
  free(taker->slots);
  free(taker->overflowed);
  free(taker->latest_us);
  free(taker);
}

int rc_stamp_arrivals(int descriptor) {
  int on = 1;
#ifdef SO_TIMESTAMPNS
  return setsockopt(descriptor, SOL_SOCKET, SO_TIMESTAMPNS, &on, sizeof on);
#else
  return setsockopt(descriptor, SOL_SOCKET, SO_TIMESTAMP, &on, sizeof on);
#endif
}

/* Receives nothing. -1 where there is none to be had: then the first datagrams are stamped when they are read. */
static int open_stamped(void) {
  int descriptor = socket(AF_INET, SOCK_DGRAM, 0);
  if (descriptor < 0) return -1;
  fcntl(descriptor, F_SETFD, FD_CLOEXEC);
  rc_stamp_arrivals(descriptor);
  return descriptor;
}

static rc_taker *make(void) {
  rc_taker *taker = calloc(1, sizeof *taker);
  if (taker == NULL) return NULL;
  taker->slots = calloc(BATCH, SLOT_BYTES);
  taker->overflowed = calloc(PLACES, sizeof *taker->overflowed);
  taker->latest_us = calloc(PLACES, sizeof *taker->latest_us);
  taker->stamped = open_stamped();
  if (taker->slots != NULL && taker->overflowed != NULL && taker->latest_us != NULL) {
    prepare_all(taker);
    return taker;
  }
  free_common(taker);
  errno = ENOMEM;
  return NULL;
}

/* Of the socket that had the place before. */
static void forget(rc_taker *taker, uint32_t number) {
  taker->overflowed[number & (PLACES - 1)] = 0;
  taker->latest_us[number & (PLACES - 1)] = 0;
}

static void empty(int wake) {
  uint8_t bytes[64];
  while (read(wake, bytes, sizeof bytes) == (ssize_t)sizeof bytes) {
  }
}

#if USES_RECVMMSG

/*
 * A socket is told of once when something has come, and not looked at again in the next round as well, which would cost a tenth of all
 * receiving. So whoever leaves something in it has to ask anew. The descriptor rides in the upper half: what is ready can be read without
 * a look at any table.
 */
static struct epoll_event interest(int descriptor, uint32_t number) {
  return (struct epoll_event){.events = EPOLLIN | EPOLLET, .data.u64 = (uint64_t)(uint32_t)descriptor << 32 | number};
}

rc_taker *rc_taker_open(void) {
  rc_taker *taker = make();
  if (taker == NULL) return NULL;
  taker->epoll = epoll_create1(EPOLL_CLOEXEC);
  if (taker->epoll >= 0) return taker;
  int fault = errno;
  rc_taker_close(taker);
  errno = fault;
  return NULL;
}

void rc_taker_close(rc_taker *taker) {
  if (taker == NULL) return;
  if (taker->epoll >= 0) close(taker->epoll);
  free_common(taker);
}

int rc_taker_add(rc_taker *taker, int descriptor, uint32_t number) {
  struct epoll_event event = interest(descriptor, number);
  forget(taker, number);
  return epoll_ctl(taker->epoll, EPOLL_CTL_ADD, descriptor, &event) == 0 ? 0 : errno;
}

void rc_taker_remove(rc_taker *taker, int descriptor, uint32_t number) {
  (void)number;
  epoll_ctl(taker->epoll, EPOLL_CTL_DEL, descriptor, NULL);
}

void rc_taker_wait(rc_taker *taker, int wake) {
  /* Whether something is ready can be asked of the epoll itself, which then tells of it still. */
  struct pollfd both[] = {{.fd = taker->epoll, .events = POLLIN}, {.fd = wake, .events = POLLIN}};
  if (poll(both, 2, -1) > 0 && (both[1].revents & POLLIN) != 0) empty(wake);
}

/* Tells again of a socket that something was left in. */
static void ask_again(rc_taker *taker, uint64_t data) {
  struct epoll_event event = interest((int)(data >> 32), (uint32_t)data);
  epoll_ctl(taker->epoll, EPOLL_CTL_MOD, (int)(data >> 32), &event);
}

void rc_take(rc_taker *taker, rc_batch *batch, rc_taken *taken) {
  look_at_clocks(taker);
  taken->since = taken->until = taker->now_us;
  for (;;) {
    size_t before = taken->datagrams;
    int count = epoll_wait(taker->epoll, taker->ready, READY, 0);
    for (int i = 0; i < count; i++) {
      uint64_t data = taker->ready[i].data.u64;
      if (taken->is_full || take_from(taker, batch, (int)(data >> 32), (uint32_t)data, taken)) ask_again(taker, data);
    }
    /* Fewer than asked for: those were all. */
    if (count < READY || taken->is_full || taken->datagrams == before) return;
  }
}

#else

rc_taker *rc_taker_open(void) {
  rc_taker *taker = make();
  if (taker != NULL) pthread_mutex_init(&taker->lock, NULL);
  return taker;
}

void rc_taker_close(rc_taker *taker) {
  if (taker == NULL) return;
  pthread_mutex_destroy(&taker->lock);
  free(taker->polled);
  free(taker->numbers);
  free_common(taker);
}

int rc_taker_add(rc_taker *taker, int descriptor, uint32_t number) {
  pthread_mutex_lock(&taker->lock);
  int fault = 0;
  if (taker->count == taker->room) {
    size_t room = taker->room == 0 ? 64 : 2 * taker->room;
    struct pollfd *polled = realloc(taker->polled, room * sizeof *polled);
    if (polled != NULL) taker->polled = polled;
    uint32_t *numbers = polled == NULL ? NULL : realloc(taker->numbers, room * sizeof *numbers);
    if (numbers != NULL) taker->numbers = numbers;
    if (polled == NULL || numbers == NULL) fault = ENOMEM;
    else taker->room = room;
  }
  if (fault == 0) {
    forget(taker, number);
    taker->polled[taker->count] = (struct pollfd){.fd = descriptor, .events = POLLIN};
    taker->numbers[taker->count++] = number;
  }
  pthread_mutex_unlock(&taker->lock);
  return fault;
}

void rc_taker_remove(rc_taker *taker, int descriptor, uint32_t number) {
  pthread_mutex_lock(&taker->lock);
  for (size_t i = 0; i < taker->count; i++) {
    if (taker->numbers[i] != number || taker->polled[i].fd != descriptor) continue;
    taker->count--;
    taker->polled[i] = taker->polled[taker->count];
    taker->numbers[i] = taker->numbers[taker->count];
    break;
  }
  pthread_mutex_unlock(&taker->lock);
}

void rc_taker_wait(rc_taker *taker, int wake) {
  pthread_mutex_lock(&taker->lock);
  size_t count = taker->count;
  struct pollfd *copy = malloc((count + 1) * sizeof *copy);
  if (copy != NULL && count > 0) memcpy(copy, taker->polled, count * sizeof *copy);
  pthread_mutex_unlock(&taker->lock);
  struct pollfd alone = {.fd = wake, .events = POLLIN};
  struct pollfd *all = copy == NULL ? &alone : copy;
  if (copy != NULL) copy[count] = alone;
  /* Without memory for the copy: looks again soon. */
  poll(all, copy == NULL ? 1 : (nfds_t)(count + 1), copy == NULL ? 10 : -1);
  empty(wake);
  free(copy);
}

void rc_take(rc_taker *taker, rc_batch *batch, rc_taken *taken) {
  look_at_clocks(taker);
  taken->since = taken->until = taker->now_us;
  if (taker->count == 0 || poll(taker->polled, (nfds_t)taker->count, 0) <= 0) return;
  /* Begins elsewhere each time, so that none is always the last. */
  for (size_t i = 0; i < taker->count && !taken->is_full; i++) {
    size_t at = (taker->next + i) % taker->count;
    if ((taker->polled[at].revents & POLLIN) != 0) take_from(taker, batch, taker->polled[at].fd, taker->numbers[at], taken);
  }
  taker->next++;
}

#endif
