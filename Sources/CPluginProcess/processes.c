#define _GNU_SOURCE
#include "CPluginProcess.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <sys/xattr.h>
#include <unistd.h>

extern char **environ;

pid_t plugin_spawn(const char *program, int control) {
  posix_spawn_file_actions_t files;
  posix_spawnattr_t attributes;
  posix_spawn_file_actions_init(&files);
  posix_spawnattr_init(&attributes);
  sigset_t none, all;
  sigemptyset(&none);
  sigfillset(&all);
  posix_spawnattr_setsigmask(&attributes, &none);
  posix_spawnattr_setsigdefault(&attributes, &all);
  posix_spawnattr_setflags(&attributes,
                           POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETSID);
  // Standard output is for the ready line alone: what plugins print goes to standard error.
  posix_spawn_file_actions_addopen(&files, 0, "/dev/null", O_RDONLY, 0);
  posix_spawn_file_actions_adddup2(&files, 2, 1);
  posix_spawn_file_actions_adddup2(&files, control, 3);
  posix_spawn_file_actions_addclosefrom_np(&files, 4);
  char *arguments[] = {(char *)program, NULL};
  pid_t child = -1;
  const int fault = posix_spawn(&child, program, &files, &attributes, arguments, environ);
  posix_spawn_file_actions_destroy(&files);
  posix_spawnattr_destroy(&attributes);
  if (fault == 0) return child;
  errno = fault;
  return -1;
}

int plugin_is_delegated(const char *directory) {
  // Source: systemd, docs/CGROUP_DELEGATION.md.
  char value = 0;
  return (getxattr(directory, "user.delegate", &value, 1) == 1 ||
          getxattr(directory, "trusted.delegate", &value, 1) == 1) &&
         value == '1';
}

pid_t plugin_fork(void) { return fork(); }

int plugin_child_signals(void) {
  sigset_t set;
  sigemptyset(&set);
  sigaddset(&set, SIGCHLD);
  if (sigprocmask(SIG_BLOCK, &set, NULL) != 0) return -1;
  return signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
}

int plugin_die_with_parent(pid_t expected) {
  prctl(PR_SET_PDEATHSIG, SIGKILL);
  return getppid() == expected;
}

int plugin_limit(uint32_t resource, uint64_t limit) {
  static const int resources[] = {RLIMIT_CORE, RLIMIT_DATA, RLIMIT_CPU, RLIMIT_NOFILE, RLIMIT_NPROC};
  if (resource >= sizeof resources / sizeof *resources) {
    errno = EINVAL;
    return -1;
  }
  const struct rlimit value = {.rlim_cur = limit, .rlim_max = limit};
  return setrlimit(resources[resource], &value);
}

int plugin_adopt_orphans(void) { return prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0); }

int plugin_begin_child(int channel) {
  // Out of the way of the place it is to have.
  const int moved = channel == 3 ? 3 : dup2(channel, 3);
  if (moved < 0) return -1;
  fcntl(3, F_SETFD, FD_CLOEXEC);
  if (close_range(4, ~0U, 0) != 0) return -1;
  // A group, not a session: each session gets its share of the processors for itself (sched(7), autogroups), and
  // on a busy machine a new one was seen to wait for its first for half a second.
  setpgid(0, 0);
  sigset_t none;
  sigemptyset(&none);
  sigprocmask(SIG_SETMASK, &none, NULL);
  signal(SIGPIPE, SIG_IGN);
  return prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
}
