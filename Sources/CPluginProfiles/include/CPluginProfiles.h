// What a process gives up for good before it runs a plugin's code: calls of the kernel (seccomp, by
// libseccomp) and access to files and other processes (Landlock).
#ifndef C_PLUGIN_PROFILES_H
#define C_PLUGIN_PROFILES_H

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#ifdef __cplusplus
extern "C" {
#endif

// Parts of a profile.
enum plugin_profile_part {
  // Nothing that looks into other processes or changes the system.
  PLUGIN_PROFILE_BASE = 1,
  // No sockets.
  PLUGIN_PROFILE_NO_NETWORK = 2,
  // No file is written, made, removed, or given other owners or modes.
  PLUGIN_PROFILE_READ_ONLY_FILES = 4
};

// What the kernel has.
enum plugin_facility {
  // Filters of system calls.
  PLUGIN_FACILITY_FILTER = 1,
  // Landlock: access to files can be given up, truncating them included.
  PLUGIN_FACILITY_FILES = 2,
  // Landlock: signals reach only processes that have given up as much.
  PLUGIN_FACILITY_SIGNALS = 4
};
// Answers those that are there, or-ed.
uint32_t plugin_facilities(void);

// A filter of system calls, ready to be applied.
struct plugin_filter {
  void *instructions; // of malloc; NULL where there is none
  uint16_t count;
};

// Makes the filter of a profile.
//
// `protected`: processes that signals are not to reach, where Landlock cannot tell. Answers 0, or an errno.
int plugin_make_filter(uint32_t parts, const pid_t *protected, size_t count, struct plugin_filter *filter);

// Binds the calling thread, and all that it makes, for good: first to Landlock as far as `facilities` says
// that it is there, then to the filter. It must have no new privileges. Answers 0, or an errno.
int plugin_apply_profile(uint32_t parts, uint32_t facilities, const struct plugin_filter *filter);

#ifdef __cplusplus
}
#endif

#endif
