// Source: https://docs.kernel.org/userspace-api/landlock.html. Neither glibc nor the headers of older
// kernels know all of it.
#define _GNU_SOURCE
#include "internal.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/syscall.h>
#include <unistd.h>

enum { create_ruleset = 444, add_rule = 445, restrict_self = 446 };

struct ruleset {
  uint64_t files;
  uint64_t network;
  uint64_t scoped;
};

struct __attribute__((packed)) path_rule {
  uint64_t allowed;
  int32_t parent;
};

enum { path_beneath = 1, tell_version = 1 };

// What may be done to files, as bits of the kernel's.
enum {
  write_file = 1 << 1,
  remove_directory = 1 << 4,
  remove_file = 1 << 5,
  make_device = 1 << 6,
  make_directory = 1 << 7,
  make_file = 1 << 8,
  make_socket = 1 << 9,
  make_pipe = 1 << 10,
  make_block_device = 1 << 11,
  make_link = 1 << 12,
  refer = 1 << 13,
  truncate_file = 1 << 14,
  all_writes = write_file | remove_directory | remove_file | make_device | make_directory | make_file |
               make_socket | make_pipe | make_block_device | make_link | refer | truncate_file
};

static const uint64_t scope_signals = 1 << 1;

// Versions of the kernel's interface from which on something is there.
enum { truncate_version = 3, scope_version = 6 };

uint32_t plugin_facilities(void) {
  uint32_t found = plugin_has_filters() ? PLUGIN_FACILITY_FILTER : 0;
  const long version = syscall(create_ruleset, NULL, 0, tell_version);
  if (version >= truncate_version) found |= PLUGIN_FACILITY_FILES;
  if (version >= scope_version) found |= PLUGIN_FACILITY_SIGNALS;
  return found;
}

// What is written there goes nowhere.
static int allow_null_devices(int ruleset) {
  static const char *const devices[] = {"/dev/null", "/dev/zero", "/dev/full", NULL};
  for (const char *const *device = devices; *device; device++) {
    const int file = open(*device, O_PATH | O_CLOEXEC);
    if (file < 0) continue;
    const struct path_rule rule = {.allowed = write_file | truncate_file, .parent = file};
    const long result = syscall(add_rule, ruleset, path_beneath, &rule, 0);
    const int fault = errno;
    close(file);
    if (result != 0) return fault;
  }
  return 0;
}

static int restrict_thread(uint32_t parts, uint32_t facilities) {
  struct ruleset rules = {0, 0, 0};
  if (parts & PLUGIN_PROFILE_READ_ONLY_FILES && facilities & PLUGIN_FACILITY_FILES) rules.files = all_writes;
  if (parts & PLUGIN_PROFILE_BASE && facilities & PLUGIN_FACILITY_SIGNALS) rules.scoped = scope_signals;
  if (rules.files == 0 && rules.scoped == 0) return 0;
  // An older kernel does not know the struct's end, and refuses it if it holds something.
  const long ruleset = syscall(create_ruleset, &rules, sizeof rules, 0);
  if (ruleset < 0) return errno;
  int fault = rules.files != 0 ? allow_null_devices((int)ruleset) : 0;
  if (fault == 0 && syscall(restrict_self, ruleset, 0) != 0) fault = errno;
  close((int)ruleset);
  return fault;
}

int plugin_apply_profile(uint32_t parts, uint32_t facilities, const struct plugin_filter *filter) {
  const int fault = restrict_thread(parts, facilities);
  if (fault != 0) return fault;
  return filter->instructions ? plugin_install_filter(filter) : 0;
}
