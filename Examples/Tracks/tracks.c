#include "tracks.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

struct track {
  struct track_point *points;
  size_t count, room;
};

double track_distance(struct track_point a, struct track_point b) { return hypot(a.x - b.x, a.y - b.y); }

track *track_new(void) { return calloc(1, sizeof(track)); }

void track_free(track *track) {
  if (track) free(track->points);
  free(track);
}

int track_add(track *track, struct track_point point) {
  if (track->count == track->room) {
    const size_t room = track->room ? 2 * track->room : 16;
    struct track_point *points = realloc(track->points, room * sizeof *points);
    if (!points) return -1;
    track->points = points;
    track->room = room;
  }
  track->points[track->count++] = point;
  return 0;
}

size_t track_count(const track *track) { return track->count; }

double track_length(const track *track) {
  double length = 0;
  for (size_t index = 1; index < track->count; index++)
    length += track_distance(track->points[index - 1], track->points[index]);
  return length;
}

int track_bounds(const track *track, struct track_box *box) {
  if (track->count == 0) {
    errno = ENODATA;
    return -1;
  }
  *box = (struct track_box){track->points[0], track->points[0]};
  for (size_t index = 1; index < track->count; index++) {
    const struct track_point point = track->points[index];
    box->low = (struct track_point){fmin(box->low.x, point.x), fmin(box->low.y, point.y)};
    box->high = (struct track_point){fmax(box->high.x, point.x), fmax(box->high.y, point.y)};
  }
  return 0;
}

void track_grow(struct track_box *box, double by) {
  box->low = (struct track_point){box->low.x - by, box->low.y - by};
  box->high = (struct track_point){box->high.x + by, box->high.y + by};
}

int track_coordinates(const track *track, double *numbers, size_t *count) {
  if (*count < 2 * track->count) {
    errno = ERANGE;
    return -1;
  }
  *count = 2 * track->count;
  for (size_t index = 0; index < track->count; index++) {
    numbers[2 * index] = track->points[index].x;
    numbers[2 * index + 1] = track->points[index].y;
  }
  return 0;
}

int64_t track_simplify(track *track, double tolerance, track_report *report, void *context) {
  if (track->count == 0) return 0;
  struct track_point *kept = malloc(track->count * sizeof *kept);
  if (!kept) return -1;
  size_t count = 0;
  for (size_t index = 0; index < track->count; index++) {
    if (report && report(context, (double)index / (double)track->count)) {
      free(kept);
      return -1;
    }
    if (count == 0 || track_distance(kept[count - 1], track->points[index]) >= tolerance)
      kept[count++] = track->points[index];
  }
  const int64_t left_out = (int64_t)(track->count - count);
  memcpy(track->points, kept, count * sizeof *kept);
  track->count = count;
  free(kept);
  return left_out;
}

void track_sort(double *numbers, size_t count, int (*order)(const void *, const void *)) {
  qsort(numbers, count, sizeof *numbers, order);
}
