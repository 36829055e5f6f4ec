/*
 * Sends RTP to many ports of this machine at a steady pace: PCMU of 20 ms, each port a source of its own, from one socket. Ports have their
 * turns one after another, evenly spread. With a burst, so many packets of a port leave in one call, which the kernel cuts up (UDP_SEGMENT):
 * a pace that one packet a call can't reach. Loopback only. Linux; built by `npm run bench` into a temporary folder.
 *
 *     rtp-sender PORTS_FILE PER_SECOND BURST SECONDS      PER_SECOND: packets to each port
 *
 * Says {"sent":…,"unsent":…,"seconds":…,"lateMs":…,"cpuSeconds":…}; lateMs is how late the one in a hundred that was latest was, at least.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/udp.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#ifndef UDP_SEGMENT
#define UDP_SEGMENT 103
#endif

enum { MOST_PORTS = 65536, AT_ONCE = 64, RTP_HEAD = 12, PAYLOAD = 160, PACKET = RTP_HEAD + PAYLOAD, MOST_BURST = 64, LATE_MS = 1000 };

static struct sockaddr_in targets[MOST_PORTS];
static struct mmsghdr messages[AT_ONCE];
static struct iovec vectors[AT_ONCE];
static unsigned char bytes[AT_ONCE][MOST_BURST * PACKET];
static unsigned char controls[AT_ONCE][CMSG_SPACE(sizeof(uint16_t))];
static unsigned long long late[LATE_MS];

static double now(void) {
  struct timespec time;
  clock_gettime(CLOCK_MONOTONIC, &time);
  return (double)time.tv_sec + (double)time.tv_nsec / 1e9;
}

static void put16(unsigned char *at, uint32_t value) {
  at[0] = (unsigned char)(value >> 8);
  at[1] = (unsigned char)value;
}

static void put32(unsigned char *at, uint32_t value) {
  put16(at, value >> 16);
  put16(at + 2, value);
}

/* Packet `number` of a port: timestamps go with the clock, however few packets a second there are. */
static void write_packet(unsigned char *at, uint32_t port, uint32_t number, double ticks) {
  at[0] = 0x80;
  at[1] = 0;
  put16(at + 2, number);
  put32(at + 4, (uint32_t)(unsigned long long)(number * ticks));
  put32(at + 8, 0x1000 + port);
  memset(at + RTP_HEAD, (int)(0x80 | (number * 7 + port) % 0x70), PAYLOAD);
}

static int read_ports(const char *path) {
  FILE *file = fopen(path, "r");
  int ports = 0, port;
  while (file != NULL && ports < MOST_PORTS && fscanf(file, "%d", &port) == 1) {
    targets[ports] = (struct sockaddr_in){.sin_family = AF_INET, .sin_port = htons((uint16_t)port)};
    targets[ports++].sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  }
  if (file != NULL) fclose(file);
  return ports;
}

static void prepare(int burst) {
  for (int i = 0; i < AT_ONCE; i++) {
    vectors[i] = (struct iovec){bytes[i], (size_t)burst * PACKET};
    struct msghdr *head = &messages[i].msg_hdr;
    *head = (struct msghdr){.msg_namelen = sizeof targets[0], .msg_iov = &vectors[i], .msg_iovlen = 1};
    if (burst == 1) continue;
    head->msg_control = controls[i];
    head->msg_controllen = sizeof controls[i];
    struct cmsghdr *control = CMSG_FIRSTHDR(head);
    control->cmsg_level = SOL_UDP;
    control->cmsg_type = UDP_SEGMENT;
    control->cmsg_len = CMSG_LEN(sizeof(uint16_t));
    uint16_t size = PACKET;
    memcpy(CMSG_DATA(control), &size, sizeof size);
  }
}

int main(int count, char **words) {
  if (count != 5) return fprintf(stderr, "rtp-sender PORTS_FILE PER_SECOND BURST SECONDS\n"), 2;
  int ports = read_ports(words[1]), burst = atoi(words[3]), out = socket(AF_INET, SOCK_DGRAM, 0), room = 4 << 20;
  double per_second = atof(words[2]), length = atof(words[4]);
  if (ports == 0 || burst < 1 || burst > MOST_BURST || per_second <= 0 || out < 0) return fprintf(stderr, "nothing to send\n"), 2;
  setsockopt(out, SOL_SOCKET, SO_SNDBUF, &room, sizeof room);
  prepare(burst);
  double ticks = 8000 / per_second, turn = burst / (per_second * ports), began = now();
  unsigned long long turns = (unsigned long long)(length / turn + 1e-6), next = 0, sent = 0, unsent = 0;
  if (turns < (unsigned long long)ports) turns = (unsigned long long)ports;
  while (next < turns) {
    double passed = now() - began;
    int ready = 0;
    for (; ready < AT_ONCE && next < turns && (double)next * turn <= passed; ready++, next++) {
      uint32_t port = (uint32_t)(next % (unsigned)ports), first = (uint32_t)(next / (unsigned)ports) * (uint32_t)burst;
      for (int i = 0; i < burst; i++) write_packet(bytes[ready] + i * PACKET, port, first + (uint32_t)i, ticks);
      messages[ready].msg_hdr.msg_name = &targets[port];
      double ms = (passed - (double)next * turn) * 1e3;
      late[ms >= LATE_MS ? LATE_MS - 1 : (int)ms]++;
    }
    for (int done = 0; done < ready;) {
      int taken = sendmmsg(out, messages + done, (unsigned)(ready - done), 0);
      if (taken > 0) {
        sent += (unsigned long long)taken * (unsigned)burst;
        done += taken;
      } else {
        unsent += (unsigned)burst;
        done++;
      }
    }
    if (ready < AT_ONCE) nanosleep(&(struct timespec){.tv_nsec = 500000}, NULL);
  }
  struct rusage use;
  getrusage(RUSAGE_SELF, &use);
  unsigned long long behind = turns - turns / 100;
  int ms = 0;
  for (unsigned long long seen = late[0]; seen < behind && ms < LATE_MS - 1; seen += late[ms]) ms++;
  double cpu = (double)(use.ru_utime.tv_sec + use.ru_stime.tv_sec) + (double)(use.ru_utime.tv_usec + use.ru_stime.tv_usec) / 1e6;
  printf("{\"sent\":%llu,\"unsent\":%llu,\"seconds\":%.3f,\"lateMs\":%d,\"cpuSeconds\":%.3f}\n", sent, unsent, now() - began, ms, cpu);
  return 0;
}
