/*
 * Sends RTP to legs of calls on this machine, each for as long as it is asked to: PCMU of 20 ms, speech from a file, each leg a source of its
 * own, all from one socket. Legs come and go while it runs. With a burst, so many packets of a leg leave in one call, which the kernel cuts up
 * (UDP_SEGMENT). Loopback only. Linux; built by `npm run bench` into a temporary folder.
 *
 *     call-sender VOICE_FILE BURST      VOICE_FILE: frames of 160 bytes
 *
 * Takes lines: "+ PORT FRAMES" begins a leg, "-" ends them all, "?" asks. Answers "?" and the end of its standard input, which ends it, with
 * {"legs":…,"sent":…,"unsent":…,"lateMs":…,"cpuSeconds":…}; legs are those that still send, lateMs is how late the one in a hundred that was
 * latest was, at least.
 */
#include <arpa/inet.h>
#include <fcntl.h>
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

enum { MOST_LEGS = 65536, AT_ONCE = 64, RTP_HEAD = 12, PAYLOAD = 160, PACKET = RTP_HEAD + PAYLOAD, MOST_BURST = 16, LATE_MS = 1000, LINES = 65536 };

struct leg {
  double due;
  uint32_t source, next, end;
  uint16_t port;
};

/* In the order in which they are due: each goes to the back for another period. */
static struct leg legs[MOST_LEGS];
static uint32_t first_leg, leg_count, legs_begun;
static struct sockaddr_in targets[AT_ONCE];
static struct mmsghdr messages[AT_ONCE];
static struct iovec vectors[AT_ONCE];
static unsigned char bytes[AT_ONCE][MOST_BURST * PACKET];
static unsigned char controls[AT_ONCE][CMSG_SPACE(sizeof(uint16_t))];
static unsigned char *voice;
static uint32_t voice_frames;
static unsigned long long sent, unsent, turns, late[LATE_MS];

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

static void write_packet(unsigned char *at, const struct leg *leg, uint32_t number) {
  at[0] = 0x80;
  at[1] = 0;
  put16(at + 2, number);
  put32(at + 4, number * PAYLOAD);
  put32(at + 8, leg->source);
  /* Each leg is somewhere else in what is said. */
  memcpy(at + RTP_HEAD, voice + (size_t)((leg->source * 37 + number) % voice_frames) * PAYLOAD, PAYLOAD);
}

static int read_voice(const char *path) {
  FILE *file = fopen(path, "rb");
  if (file == NULL || fseek(file, 0, SEEK_END) != 0) return 0;
  voice_frames = (uint32_t)(ftell(file) / PAYLOAD);
  rewind(file);
  voice = malloc((size_t)voice_frames * PAYLOAD + 1);
  int whole = voice != NULL && voice_frames > 0 && fread(voice, PAYLOAD, voice_frames, file) == voice_frames;
  fclose(file);
  return whole;
}

static void begin_leg(int port, long frames) {
  if (port <= 0 || port > 65535 || frames <= 0 || leg_count == MOST_LEGS) return;
  double due = leg_count == 0 ? now() : legs[(first_leg + leg_count - 1) % MOST_LEGS].due;
  struct leg leg = {.due = due, .source = 0x1000 + legs_begun++, .end = (uint32_t)frames, .port = (uint16_t)port};
  legs[(first_leg + leg_count++) % MOST_LEGS] = leg;
}

static void tell(void) {
  struct rusage use;
  getrusage(RUSAGE_SELF, &use);
  unsigned long long behind = turns - turns / 100;
  int ms = 0;
  for (unsigned long long seen = late[0]; seen < behind && ms < LATE_MS - 1; seen += late[ms]) ms++;
  double cpu = (double)(use.ru_utime.tv_sec + use.ru_stime.tv_sec) + (double)(use.ru_utime.tv_usec + use.ru_stime.tv_usec) / 1e6;
  printf("{\"legs\":%u,\"sent\":%llu,\"unsent\":%llu,\"lateMs\":%d,\"cpuSeconds\":%.3f}\n", leg_count, sent, unsent, ms, cpu);
  fflush(stdout);
}

/* False at the end of standard input. */
static int take_lines(void) {
  static char text[LINES];
  static size_t kept;
  ssize_t taken = read(STDIN_FILENO, text + kept, sizeof text - kept);
  if (taken == 0) return 0;
  if (taken < 0) return 1;
  kept += (size_t)taken;
  char *line = text, *end;
  while ((end = memchr(line, '\n', kept - (size_t)(line - text))) != NULL) {
    char *rest = line + 1;
    if (*line == '+') {
      long port = strtol(rest, &rest, 10);
      begin_leg((int)port, strtol(rest, NULL, 10));
    } else if (*line == '-') leg_count = 0;
    else if (*line == '?') tell();
    line = end + 1;
  }
  kept -= (size_t)(line - text);
  memmove(text, line, kept);
  return 1;
}

static void prepare(int burst) {
  for (int i = 0; i < AT_ONCE; i++) {
    struct msghdr *head = &messages[i].msg_hdr;
    *head = (struct msghdr){.msg_name = &targets[i], .msg_namelen = sizeof targets[0], .msg_iov = &vectors[i], .msg_iovlen = 1};
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

/* @returns how many legs were due, AT_ONCE at most. */
static int send_due(int out, uint32_t burst) {
  uint32_t packets[AT_ONCE];
  double time = now();
  int ready = 0;
  for (; ready < AT_ONCE && leg_count > 0 && legs[first_leg].due <= time; ready++) {
    struct leg leg = legs[first_leg];
    first_leg = (first_leg + 1) % MOST_LEGS;
    leg_count--;
    uint32_t count = leg.end - leg.next < burst ? leg.end - leg.next : burst;
    for (uint32_t i = 0; i < count; i++) write_packet(bytes[ready] + i * PACKET, &leg, leg.next + i);
    vectors[ready] = (struct iovec){bytes[ready], count * PACKET};
    targets[ready] = (struct sockaddr_in){.sin_family = AF_INET, .sin_port = htons(leg.port)};
    targets[ready].sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    packets[ready] = count;
    double ms = (time - leg.due) * 1e3;
    late[ms >= LATE_MS ? LATE_MS - 1 : (int)ms]++;
    turns++;
    leg.next += count;
    leg.due += 0.02 * burst;
    if (leg.next < leg.end) legs[(first_leg + leg_count++) % MOST_LEGS] = leg;
  }
  for (int done = 0; done < ready;) {
    int taken = sendmmsg(out, messages + done, (unsigned)(ready - done), 0);
    int end = done + (taken > 0 ? taken : 1);
    for (; done < end; done++) *(taken > 0 ? &sent : &unsent) += packets[done];
  }
  return ready;
}

int main(int count, char **words) {
  if (count != 3) return fprintf(stderr, "call-sender VOICE_FILE BURST\n"), 2;
  int burst = atoi(words[2]), out = socket(AF_INET, SOCK_DGRAM, 0), room = 4 << 20;
  if (!read_voice(words[1]) || burst < 1 || burst > MOST_BURST || out < 0) return fprintf(stderr, "nothing to send\n"), 2;
  setsockopt(out, SOL_SOCKET, SO_SNDBUF, &room, sizeof room);
  fcntl(STDIN_FILENO, F_SETFL, fcntl(STDIN_FILENO, F_GETFL) | O_NONBLOCK);
  prepare(burst);
  while (take_lines()) {
    if (send_due(out, (uint32_t)burst) < AT_ONCE) nanosleep(&(struct timespec){.tv_nsec = 500000}, NULL);
  }
  tell();
  return 0;
}
