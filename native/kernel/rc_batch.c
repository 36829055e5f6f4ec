#include "rc_batch.h"

#include <stdlib.h>
#include <string.h>

#define LONGEST_RECORD (40 + 65535 + 8)
/* What one system call may bring. */
#define MOST_AT_ONCE 64
#define FIRST_BYTES (256 * 1024)
#define FIRST_MARKS 1024
#define BUCKETS 256

void rc_batch_open(rc_batch *batch, size_t most) {
  memset(batch, 0, sizeof *batch);
  batch->most = most;
}

void rc_batch_close(rc_batch *batch) {
  if (batch->bytes != NULL) memset(batch->bytes, 0, batch->used);
  free(batch->bytes);
  free(batch->marks);
  free(batch->sorted);
  memset(batch, 0, sizeof *batch);
}

int rc_batch_has_room(const rc_batch *batch) { return batch->used + (size_t)MOST_AT_ONCE * LONGEST_RECORD <= batch->most; }

static int grow_bytes(rc_batch *batch, size_t wanted) {
  if (wanted <= batch->room) return 1;
  size_t room = batch->room == 0 ? FIRST_BYTES : batch->room;
  while (room < wanted) room *= 2;
  /* Not realloc: it would leave a copy behind. */
  uint8_t *bytes = malloc(room);
  if (bytes == NULL) return 0;
  if (batch->used > 0) {
    memcpy(bytes, batch->bytes, batch->used);
    memset(batch->bytes, 0, batch->used);
  }
  free(batch->bytes);
  batch->bytes = bytes;
  batch->room = room;
  return 1;
}

static int grow_marks(rc_batch *batch) {
  if (batch->count < batch->mark_room) return 1;
  size_t room = batch->mark_room == 0 ? FIRST_MARKS : 2 * batch->mark_room;
  rc_mark *marks = realloc(batch->marks, room * sizeof *marks);
  if (marks == NULL) return 0;
  batch->marks = marks;
  rc_mark *sorted = realloc(batch->sorted, room * sizeof *sorted);
  if (sorted == NULL) return 0;
  batch->sorted = sorted;
  batch->mark_room = room;
  return 1;
}

uint8_t *rc_batch_add(rc_batch *batch, uint32_t bytes, double arrival) {
  if (batch->used + bytes > batch->most || !grow_bytes(batch, batch->used + bytes) || !grow_marks(batch)) return NULL;
  batch->marks[batch->count++] = (rc_mark){.arrival = arrival, .at = batch->used, .bytes = bytes};
  uint8_t *record = batch->bytes + batch->used;
  batch->used += bytes;
  return record;
}

/* By buckets first, which leaves little to do: a round's arrivals lie close together and evenly. Stable. */
static void sort(rc_batch *batch) {
  size_t count = batch->count;
  double first = batch->marks[0].arrival;
  double last = first;
  int is_sorted = 1;
  for (size_t i = 1; i < count; i++) {
    double arrival = batch->marks[i].arrival;
    if (arrival < batch->marks[i - 1].arrival) is_sorted = 0;
    if (arrival < first) first = arrival;
    if (arrival > last) last = arrival;
  }
  if (is_sorted) return;
  size_t starts[BUCKETS + 1] = {0};
  double scale = (BUCKETS - 1) / (last - first);
  for (size_t i = 0; i < count; i++) starts[(size_t)((batch->marks[i].arrival - first) * scale) + 1]++;
  for (size_t bucket = 1; bucket <= BUCKETS; bucket++) starts[bucket] += starts[bucket - 1];
  for (size_t i = 0; i < count; i++)
    batch->sorted[starts[(size_t)((batch->marks[i].arrival - first) * scale)]++] = batch->marks[i];
  for (size_t i = 1; i < count; i++) {
    rc_mark mark = batch->sorted[i];
    size_t at = i;
    for (; at > 0 && batch->sorted[at - 1].arrival > mark.arrival; at--) batch->sorted[at] = batch->sorted[at - 1];
    batch->sorted[at] = mark;
  }
  rc_mark *swapped = batch->marks;
  batch->marks = batch->sorted;
  batch->sorted = swapped;
}

static int by_place(const void *one, const void *other) {
  size_t a = ((const rc_mark *)one)->at;
  size_t b = ((const rc_mark *)other)->at;
  return a < b ? -1 : a > b;
}

/* Closes the gaps that the released ones left; what stays keeps the order in which it was taken. */
static void compact(rc_batch *batch, size_t released) {
  size_t kept = batch->count - released;
  memmove(batch->marks, batch->marks + released, kept * sizeof *batch->marks);
  batch->count = kept;
  qsort(batch->marks, kept, sizeof *batch->marks, by_place);
  size_t to = 0;
  for (size_t i = 0; i < kept; i++) {
    rc_mark *mark = &batch->marks[i];
    memmove(batch->bytes + to, batch->bytes + mark->at, mark->bytes);
    mark->at = to;
    to += mark->bytes;
  }
  memset(batch->bytes + to, 0, batch->used - to);
  batch->used = to;
}

int rc_batch_release(rc_batch *batch, double until, rc_ring *ring) {
  if (batch->count == 0) return 1;
  sort(batch);
  size_t released = 0;
  int has_room = 1;
  for (; released < batch->count; released++) {
    const rc_mark *mark = &batch->marks[released];
    if (mark->arrival > until) break;
    uint8_t *record = rc_ring_reserve(ring, mark->bytes);
    if (record == NULL) {
      has_room = 0;
      break;
    }
    memcpy(record, batch->bytes + mark->at, mark->bytes);
    rc_ring_commit(ring, mark->bytes);
  }
  compact(batch, released);
  return has_room;
}
