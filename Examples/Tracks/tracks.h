// Tracks of points on a plane, as a receiver of positions or a plotter makes them.
#pragma once

#include <stddef.h>
#include <stdint.h>

struct track_point {
  double x, y;
};

struct track_box {
  struct track_point low, high;
};

/// Points in the order in which they were passed.
typedef struct track track;

/// Hears how far some work is, from 0 to 1. What is not 0 ends the work.
typedef int track_report(void *context, double fraction);

/// How far two points are from each other.
double track_distance(struct track_point a, struct track_point b);

/// Makes a track without points. NULL with errno where there is no memory.
track *track_new(void);

/// Frees a track.
void track_free(track *track);

/// Adds a point at the end. -1 with errno where there is no memory.
int track_add(track *track, struct track_point point);

/// How many points there are.
size_t track_count(const track *track);

/// How long the way through all points is.
double track_length(const track *track);

/// Finds the box around all points. -1 with errno where there are none.
int track_bounds(const track *track, struct track_box *box);

/// Makes a box larger on all sides.
void track_grow(struct track_box *box, double by);

/// Writes the coordinates of all points, x and y in turn. `count` says how many numbers there is room for, and
/// then how many were written. -1 with errno where the room is too small.
int track_coordinates(const track *track, double *numbers, size_t *count);

/// Leaves out points that are nearer than `tolerance` to the one before. Returns how many it has left out, or -1
/// where `report` has ended it: the track is as it was then.
int64_t track_simplify(track *track, double tolerance, track_report *report, void *context);

/// Puts numbers into an order, as qsort(3) does.
void track_sort(double *numbers, size_t count, int (*order)(const void *, const void *));
