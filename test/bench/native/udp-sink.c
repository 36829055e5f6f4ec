/*
 * The least that a program can do with datagrams: takes them out of its sockets by recvmmsg, every so often, and counts them. What our
 * receiver is held against. Linux; built by `npm run bench` into a temporary folder.
 *
 *     udp-sink HOST PORTS GATHER_US BUFFER_BYTES
 *
 * Says {"ports":[…]} when it listens; answers a line with {"packets":…,"cpuSeconds":…}, since its start; ends with its standard input.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum { AT_ONCE = 64, DATAGRAM = 2048, READY = 1024 };

static struct mmsghdr messages[AT_ONCE];
static struct iovec vectors[AT_ONCE];
static unsigned char bytes[AT_ONCE][DATAGRAM];

static int fail(const char *what) {
  fprintf(stderr, "%s: %s\n", what, strerror(errno));
  return 1;
}

static double seconds(struct timeval time) { return (double)time.tv_sec + (double)time.tv_usec / 1e6; }

static void tell(unsigned long long packets) {
  struct rusage use;
  getrusage(RUSAGE_SELF, &use);
  printf("{\"packets\":%llu,\"cpuSeconds\":%.6f}\n", packets, seconds(use.ru_utime) + seconds(use.ru_stime));
  fflush(stdout);
}

static int listen_on(const char *host, int epoll, int buffer) {
  struct sockaddr_in address = {.sin_family = AF_INET};
  int socket_ = socket(AF_INET, SOCK_DGRAM | SOCK_NONBLOCK, 0);
  if (socket_ < 0 || inet_pton(AF_INET, host, &address.sin_addr) != 1) return -1;
  setsockopt(socket_, SOL_SOCKET, SO_RCVBUF, &buffer, sizeof buffer);
  if (bind(socket_, (struct sockaddr *)&address, sizeof address) != 0) return -1;
  socklen_t length = sizeof address;
  if (getsockname(socket_, (struct sockaddr *)&address, &length) != 0) return -1;
  struct epoll_event event = {.events = EPOLLIN, .data.fd = socket_};
  if (epoll_ctl(epoll, EPOLL_CTL_ADD, socket_, &event) != 0) return -1;
  return ntohs(address.sin_port);
}

static unsigned long long drain(int socket_) {
  unsigned long long packets = 0;
  for (;;) {
    int taken = recvmmsg(socket_, messages, AT_ONCE, MSG_DONTWAIT, NULL);
    if (taken <= 0) return packets;
    packets += (unsigned long long)taken;
    if (taken < AT_ONCE) return packets;
  }
}

int main(int count, char **words) {
  if (count != 5) return fprintf(stderr, "udp-sink HOST PORTS GATHER_US BUFFER_BYTES\n"), 2;
  int ports = atoi(words[2]), buffer = atoi(words[4]);
  struct timespec gather = {.tv_nsec = atol(words[3]) * 1000};
  int epoll = epoll_create1(0);
  struct epoll_event asked = {.events = EPOLLIN, .data.fd = STDIN_FILENO}, ready[READY];
  if (epoll < 0 || epoll_ctl(epoll, EPOLL_CTL_ADD, STDIN_FILENO, &asked) != 0) return fail("epoll");
  for (int i = 0; i < AT_ONCE; i++) {
    vectors[i] = (struct iovec){bytes[i], DATAGRAM};
    messages[i].msg_hdr = (struct msghdr){.msg_iov = &vectors[i], .msg_iovlen = 1};
  }
  printf("{\"ports\":[");
  for (int i = 0; i < ports; i++) {
    int port = listen_on(words[1], epoll, buffer);
    if (port < 0) return fail("a socket");
    printf(i == 0 ? "%d" : ",%d", port);
  }
  printf("]}\n");
  fflush(stdout);
  unsigned long long packets = 0;
  for (;;) {
    int any = epoll_wait(epoll, ready, 1, -1);
    if (any < 0 && errno != EINTR) return fail("epoll_wait");
    if (any <= 0) continue;
    nanosleep(&gather, NULL);
    /* Level-triggered and round robin: a socket that was emptied is not told of again before it has some. */
    while ((any = epoll_wait(epoll, ready, READY, 0)) > 0) {
      for (int i = 0; i < any; i++) {
        if (ready[i].data.fd != STDIN_FILENO) {
          packets += drain(ready[i].data.fd);
          continue;
        }
        char line[64];
        if (read(STDIN_FILENO, line, sizeof line) <= 0) return 0;
        tell(packets);
      }
      if (any < READY) break;
    }
  }
}
