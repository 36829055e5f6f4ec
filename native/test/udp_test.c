/* The receiver alone: bounds, order, contents, zeroed rings, closing while datagrams come, a full ring. Bounded in count and time. */
#include <arpa/inet.h>
#include <assert.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "../kernel/rc_udp.h"

static int told;
static void count_notice(void *context) {
  (void)context;
  __atomic_add_fetch(&told, 1, __ATOMIC_RELAXED);
}

static void rest_ms(long ms) {
  struct timespec time = {.tv_sec = ms / 1000, .tv_nsec = ms % 1000 * 1000000};
  nanosleep(&time, NULL);
}

static int sender;
static void send_to(uint16_t port, const void *bytes, size_t length) {
  struct sockaddr_in to = {.sin_family = AF_INET, .sin_port = htons(port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
  assert(sendto(sender, bytes, length, 0, (struct sockaddr *)&to, sizeof to) == (ssize_t)length);
}

static uint32_t u32_at(const uint8_t *at) {
  uint32_t value;
  memcpy(&value, at, sizeof value);
  return value;
}
static uint16_t u16_at(const uint8_t *at) {
  uint16_t value;
  memcpy(&value, at, sizeof value);
  return value;
}

static uint8_t batch[1 << 20];

/* Reads until `wanted` datagrams came, or ten seconds passed. Returns bytes of the last read; counts in *datagrams. */
static size_t read_some(rc_udp *udp, size_t wanted, void (*each)(const uint8_t *record)) {
  size_t datagrams = 0;
  for (int tries = 0; tries < 10000 && datagrams < wanted; tries++) {
    size_t bytes = rc_udp_read(udp, batch, sizeof batch);
    for (size_t at = 0; at < bytes; at += u32_at(batch + at)) {
      assert(u32_at(batch + at) % 8 == 0 && at + u32_at(batch + at) <= bytes);
      each(batch + at);
      datagrams++;
    }
    if (bytes == 0) rest_ms(1);
  }
  return datagrams;
}

static uint32_t expected;
static void in_order(const uint8_t *record) {
  assert(u16_at(record + 16) == sizeof expected && u32_at(record + 20) == 4);
  assert(memcmp(record + 24, "\x7f\0\0\1", 4) == 0);
  assert(u32_at(record + RC_UDP_HEAD_BYTES) == expected);
  expected++;
}
static void ignored(const uint8_t *record) { (void)record; }

static void takes_in_order(rc_udp *udp) {
  uint32_t number;
  uint16_t port;
  int granted;
  assert(rc_udp_bind(udp, "127.0.0.1", 0, 1 << 20, &number, &port, &granted) == 0 && port != 0);
  expected = 0;
  for (uint32_t i = 0; i < 1000; i++) send_to(port, &i, sizeof i);
  /* Nobody is told of what was read at once. */
  for (int tries = 0; tries < 10000 && __atomic_load_n(&told, __ATOMIC_RELAXED) == 0; tries++) rest_ms(1);
  assert(__atomic_load_n(&told, __ATOMIC_RELAXED) >= 1);
  assert(read_some(udp, 1000, in_order) == 1000);
  assert(rc_udp_close(udp, number) == 0);
  assert(rc_udp_close(udp, number) != 0);
}

static void refuses_what_it_cannot_bind(rc_udp *udp) {
  uint32_t number, other;
  uint16_t port, same;
  int granted;
  assert(rc_udp_bind(udp, "not an address", 0, 4096, &number, &port, &granted) != 0);
  assert(rc_udp_bind(udp, "127.0.0.1", 0, 4096, &number, &port, &granted) == 0);
  assert(rc_udp_bind(udp, "127.0.0.1", port, 4096, &other, &same, &granted) != 0);
  assert(rc_udp_close(udp, number) == 0);
  assert(rc_udp_close(udp, 12345678) != 0);
}

static void takes_every_length(rc_udp *udp) {
  static uint8_t payload[65000];
  uint32_t number;
  uint16_t port;
  int granted;
  assert(rc_udp_bind(udp, "127.0.0.1", 0, 1 << 20, &number, &port, &granted) == 0);
  static const size_t LENGTHS[] = {0, 1, 7, 8, 9, 1472, 9000, 65000};
  for (size_t i = 0; i < sizeof LENGTHS / sizeof *LENGTHS; i++) send_to(port, payload, LENGTHS[i]);
  assert(read_some(udp, sizeof LENGTHS / sizeof *LENGTHS, ignored) == sizeof LENGTHS / sizeof *LENGTHS);
  assert(rc_udp_close(udp, number) == 0);
}

/* More than the ring holds: nothing is torn, and what came is in order. */
static void stays_whole_when_full(void) {
  rc_udp_options options = {.interval_us = 1000, .ring_bytes = 1 << 18, .notify = count_notice};
  rc_udp *udp = rc_udp_start(&options);
  uint32_t number;
  uint16_t port;
  int granted;
  assert(udp != NULL && rc_udp_bind(udp, "127.0.0.1", 0, 1 << 22, &number, &port, &granted) == 0);
  for (uint32_t i = 0; i < 8000; i++) send_to(port, &i, sizeof i);
  rest_ms(50);
  rc_udp_counts counts = rc_udp_count(udp);
  assert(counts.ring_full > 0 && counts.waiting_bytes <= 1 << 18 && counts.overflowed == 0);
  expected = 0;
  assert(read_some(udp, 8000, in_order) == 8000);
  rc_udp_stop(udp);
}

/* All of it comes in one round, and nothing behind it: more sockets than are told of at once, more of a socket than is taken at once. */
static void empties_all_sockets(void) {
  enum { SOCKETS = 300, DATAGRAMS = 70 };
  rc_udp_options options = {.interval_us = 50000, .ring_bytes = 1 << 24, .notify = count_notice};
  rc_udp *udp = rc_udp_start(&options);
  uint32_t number;
  uint16_t ports[SOCKETS], busy;
  int small, large;
  assert(udp != NULL && rc_udp_bind(udp, "127.0.0.1", 0, 1 << 22, &number, &busy, &large) == 0);
  for (int i = 0; i < SOCKETS; i++) assert(rc_udp_bind(udp, "127.0.0.1", 0, 1 << 17, &number, &ports[i], &small) == 0);
  /* As the machine lets it hold. */
  uint32_t of_one = large >= 1 << 22 ? 5000 : 100;
  for (uint32_t i = 0; i < of_one; i++) send_to(busy, &i, sizeof i);
  for (uint32_t i = 0; i < DATAGRAMS; i++)
    for (int socket = 0; socket < SOCKETS; socket++) send_to(ports[socket], &i, sizeof i);
  size_t wanted = SOCKETS * DATAGRAMS + of_one;
  assert(read_some(udp, wanted, ignored) == wanted);
  rc_udp_stop(udp);
}

/* Of many sockets: what came first is read first, to the datagram. */
static double last_arrival;
static uint32_t last_value;
static void by_arrival(const uint8_t *record) {
  double arrival;
  memcpy(&arrival, record + 8, sizeof arrival);
  assert(arrival >= last_arrival);
  assert(u32_at(record + RC_UDP_HEAD_BYTES) == last_value + 1);
  last_arrival = arrival;
  last_value++;
}

static void sorts_across_sockets(rc_udp *udp) {
  enum { SOCKETS = 50, DATAGRAMS = 20000 };
  uint32_t numbers[SOCKETS];
  uint16_t ports[SOCKETS];
  int granted;
  for (int i = 0; i < SOCKETS; i++) assert(rc_udp_bind(udp, "127.0.0.1", 0, 1 << 20, &numbers[i], &ports[i], &granted) == 0);
  last_arrival = 0;
  last_value = UINT32_MAX;
  size_t read = 0;
  for (uint32_t i = 0; i < DATAGRAMS; i++) {
    send_to(ports[(i * 2654435761u >> 16) % SOCKETS], &i, sizeof i);
    if (i % 500 == 499) read += read_some(udp, 400, by_arrival);
  }
  read += read_some(udp, DATAGRAMS - read, by_arrival);
  assert(read == DATAGRAMS);
  for (int i = 0; i < SOCKETS; i++) assert(rc_udp_close(udp, numbers[i]) == 0);
}

static void starts_and_stops(int times) {
  for (int i = 0; i < times; i++) {
    rc_udp_options options = {.interval_us = 1000, .ring_bytes = 1 << 18, .notify = count_notice};
    rc_udp *udp = rc_udp_start(&options);
    uint32_t number;
    uint16_t port;
    int granted;
    assert(udp != NULL && rc_udp_bind(udp, "127.0.0.1", 0, 4096, &number, &port, &granted) == 0);
    send_to(port, "x", 1);
    rc_udp_stop(udp);
  }
}

int main(void) {
  sender = socket(AF_INET, SOCK_DGRAM, 0);
  rc_udp_options options = {.interval_us = 2000, .ring_bytes = 1 << 22, .notify = count_notice};
  rc_udp *udp = rc_udp_start(&options);
  assert(udp != NULL);
  takes_in_order(udp);
  refuses_what_it_cannot_bind(udp);
  takes_every_length(udp);
  for (int i = 0; i < 100; i++) takes_in_order(udp);
  sorts_across_sockets(udp);
  rc_udp_stop(udp);
  empties_all_sockets();
  stays_whole_when_full();
  starts_and_stops(1000);
  close(sender);
  puts("udp: ok");
  return 0;
}
