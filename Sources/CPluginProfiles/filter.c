// Sources: seccomp(2), seccomp_rule_add(3), seccomp_export_bpf(3).
#define _GNU_SOURCE
#include "internal.h"

#include <errno.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sched.h>
#include <seccomp.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <unistd.h>

// Names that this libseccomp does not know are left out: its kernel is as old.
static int refuse(scmp_filter_ctx filter, uint32_t action, const char *const *names) {
  for (; *names; names++) {
    const int call = seccomp_syscall_resolve_name(*names);
    if (call == __NR_SCMP_ERROR) continue;
    const int fault = seccomp_rule_add(filter, action, call, 0);
    if (fault != 0) return -fault;
  }
  return 0;
}

// What looks into other processes, changes the system or reaches parts of the kernel that ordinary code
// has no use for.
static const char *const intrusions[] = {
    "ptrace", "process_vm_readv", "process_vm_writev", "process_madvise", "pidfd_getfd", "kcmp",
    "mount", "umount", "umount2", "pivot_root", "chroot", "move_mount", "open_tree", "fsopen", "fsconfig",
    "fsmount", "fspick", "mount_setattr", "setns", "unshare",
    "kexec_load", "kexec_file_load", "init_module", "finit_module", "delete_module", "create_module",
    "keyctl", "add_key", "request_key", "bpf", "perf_event_open", "userfaultfd", "fanotify_init",
    "open_by_handle_at", "lookup_dcookie", "swapon", "swapoff", "reboot", "acct", "quotactl", "quotactl_fd",
    "iopl", "ioperm", "syslog", "vhangup", "nfsservctl", "settimeofday", "clock_settime", "stime",
    "sethostname", "setdomainname", NULL};

// Who uses these has another way where they are not there. Whatever they do is hidden from filters.
static const char *const opaque[] = {"io_uring_setup", "io_uring_enter", "io_uring_register", "clone3",
                                     NULL};

// What Landlock does not know of.
static const char *const file_changes[] = {
    "chmod", "fchmod", "fchmodat", "fchmodat2", "chown", "fchown", "lchown", "fchownat", "setxattr",
    "lsetxattr", "fsetxattr", "setxattrat", "removexattr", "lremovexattr", "fremovexattr", "removexattrat",
    "utime", "utimes", "utimensat", "futimesat", NULL};

static const char *const sockets[] = {"socket", NULL};

// An argument is a number of 32 bits, whatever its other half holds.
static struct scmp_arg_cmp is(unsigned argument, uint32_t number) {
  return (struct scmp_arg_cmp){argument, SCMP_CMP_MASKED_EQ, 0xffffffff, number};
}

static struct scmp_arg_cmp has(unsigned argument, uint64_t bit) {
  return (struct scmp_arg_cmp){argument, SCMP_CMP_MASKED_EQ, bit, bit};
}

static int refuse_where(scmp_filter_ctx filter, const char *name, struct scmp_arg_cmp condition) {
  const int call = seccomp_syscall_resolve_name(name);
  if (call == __NR_SCMP_ERROR) return 0;
  return -seccomp_rule_add_array(filter, SCMP_ACT_ERRNO(EPERM), call, 1, &condition);
}

// A namespace of one's own makes one root in it, with all of the kernel that root may reach.
static int refuse_namespaces(scmp_filter_ctx filter) {
  static const uint64_t flags[] = {CLONE_NEWUSER, CLONE_NEWNS,  CLONE_NEWPID,   CLONE_NEWNET,
                                   CLONE_NEWIPC,  CLONE_NEWUTS, CLONE_NEWCGROUP};
  for (size_t index = 0; index < sizeof flags / sizeof *flags; index++) {
    const int fault = refuse_where(filter, "clone", has(0, flags[index]));
    if (fault != 0) return fault;
  }
  return 0;
}

static int refuse_signals(scmp_filter_ctx filter, pid_t process) {
  static const char *const calls[] = {"kill", "tkill", "tgkill", "rt_sigqueueinfo", "rt_tgsigqueueinfo",
                                      "pidfd_open", NULL};
  for (const char *const *call = calls; *call; call++) {
    const int fault = refuse_where(filter, *call, is(0, (uint32_t)process));
    if (fault != 0) return fault;
  }
  // Its group.
  return refuse_where(filter, "kill", is(0, (uint32_t)-process));
}

static int add_rules(scmp_filter_ctx filter, uint32_t parts, const pid_t *protected, size_t count) {
  int fault = 0;
  if (parts & PLUGIN_PROFILE_BASE) {
    fault = refuse(filter, SCMP_ACT_ERRNO(EPERM), intrusions);
    if (fault == 0) fault = refuse(filter, SCMP_ACT_ERRNO(ENOSYS), opaque);
    if (fault == 0) fault = refuse_namespaces(filter);
    // Everybody.
    if (fault == 0) fault = refuse_where(filter, "kill", is(0, (uint32_t)-1));
    for (size_t index = 0; fault == 0 && index < count; index++)
      fault = refuse_signals(filter, protected[index]);
    // Keys typed for whoever reads the terminal.
    if (fault == 0) fault = refuse_where(filter, "ioctl", is(1, TIOCSTI));
  }
  if (fault == 0 && parts & PLUGIN_PROFILE_NO_NETWORK)
    fault = refuse(filter, SCMP_ACT_ERRNO(EPERM), sockets);
  if (fault == 0 && parts & PLUGIN_PROFILE_READ_ONLY_FILES)
    fault = refuse(filter, SCMP_ACT_ERRNO(EPERM), file_changes);
  return fault;
}

// The instructions of a filter, by way of a file in memory.
static int take_instructions(scmp_filter_ctx context, struct plugin_filter *filter) {
  const int file = memfd_create("filter", MFD_CLOEXEC);
  if (file < 0) return errno;
  int fault = -seccomp_export_bpf(context, file);
  struct stat status;
  if (fault == 0 && fstat(file, &status) != 0) fault = errno;
  if (fault == 0) {
    filter->instructions = malloc((size_t)status.st_size);
    filter->count = (uint16_t)((size_t)status.st_size / sizeof(struct sock_filter));
    if (!filter->instructions)
      fault = ENOMEM;
    else if (pread(file, filter->instructions, (size_t)status.st_size, 0) != status.st_size)
      fault = EIO;
  }
  close(file);
  return fault;
}

int plugin_make_filter(uint32_t parts, const pid_t *protected, size_t count, struct plugin_filter *filter) {
  *filter = (struct plugin_filter){NULL, 0};
  scmp_filter_ctx context = seccomp_init(SCMP_ACT_ALLOW);
  if (!context) return ENOMEM;
  // A search in a tree, not a list: every call of the kernel goes through it.
  int fault = -seccomp_attr_set(context, SCMP_FLTATR_CTL_OPTIMIZE, 2);
  if (fault == 0) fault = add_rules(context, parts, protected, count);
  if (fault == 0) fault = take_instructions(context, filter);
  if (fault != 0) {
    free(filter->instructions);
    *filter = (struct plugin_filter){NULL, 0};
  }
  seccomp_release(context);
  return fault;
}

int plugin_install_filter(const struct plugin_filter *filter) {
  const struct sock_fprog program = {.len = filter->count, .filter = filter->instructions};
  return prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program, 0, 0) == 0 ? 0 : errno;
}

int plugin_has_filters(void) {
  // The kernel looks whether it knows the mode before it looks at the filter.
  return prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, NULL, 0, 0) != 0 && errno == EFAULT;
}
