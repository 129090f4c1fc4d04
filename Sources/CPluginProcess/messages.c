#define _GNU_SOURCE
#include "CPluginProcess.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

// Room for one descriptor, and for one more to notice that there is one too many.
union control {
  struct cmsghdr header;
  char bytes[CMSG_SPACE(2 * sizeof(int))];
};

ssize_t plugin_send(int socket, const void *bytes, size_t count, int file, int waits) {
  struct iovec part = {.iov_base = (void *)bytes, .iov_len = count};
  struct msghdr message = {.msg_iov = &part, .msg_iovlen = 1};
  union control control;
  if (file >= 0) {
    memset(&control, 0, sizeof control);
    message.msg_control = control.bytes;
    message.msg_controllen = CMSG_SPACE(sizeof(int));
    struct cmsghdr *header = CMSG_FIRSTHDR(&message);
    header->cmsg_level = SOL_SOCKET;
    header->cmsg_type = SCM_RIGHTS;
    header->cmsg_len = CMSG_LEN(sizeof(int));
    memcpy(CMSG_DATA(header), &file, sizeof file);
  }
  ssize_t sent;
  do {
    sent = sendmsg(socket, &message, MSG_NOSIGNAL | (waits ? 0 : MSG_DONTWAIT));
  } while (sent < 0 && errno == EINTR);
  return sent;
}

// Takes the descriptors of a message. Answers how many there were; only the first is kept.
static int take_files(struct msghdr *message, int *file) {
  int count = 0;
  for (struct cmsghdr *header = CMSG_FIRSTHDR(message); header; header = CMSG_NXTHDR(message, header)) {
    if (header->cmsg_level != SOL_SOCKET || header->cmsg_type != SCM_RIGHTS) continue;
    const size_t files = (header->cmsg_len - CMSG_LEN(0)) / sizeof(int);
    for (size_t index = 0; index < files; index++) {
      int number;
      memcpy(&number, CMSG_DATA(header) + index * sizeof number, sizeof number);
      if (count++ == 0)
        *file = number;
      else
        close(number);
    }
  }
  return count;
}

ssize_t plugin_receive(int socket, void *bytes, size_t capacity, int *file, int waits) {
  struct iovec part = {.iov_base = bytes, .iov_len = capacity};
  union control control;
  struct msghdr message = {
      .msg_iov = &part, .msg_iovlen = 1, .msg_control = control.bytes, .msg_controllen = sizeof control};
  *file = -1;
  ssize_t count;
  do {
    count = recvmsg(socket, &message, MSG_CMSG_CLOEXEC | (waits ? 0 : MSG_DONTWAIT));
  } while (count < 0 && errno == EINTR);
  if (count < 0) return -1;
  const int files = take_files(&message, file);
  if (files > 1 || message.msg_flags & (MSG_TRUNC | MSG_CTRUNC)) {
    if (*file >= 0) close(*file);
    *file = -1;
    errno = EMSGSIZE;
    return -1;
  }
  return count;
}

int plugin_add_frame(struct plugin_outgoing *message, const void *frame, size_t count) {
  const uint32_t length = (uint32_t)count;
  const size_t before = message->count ? message->count : 1;
  if (count > sizeof message->bytes - before - sizeof length) return 0;
  message->bytes[0] = PLUGIN_FRAMES_MESSAGE;
  for (size_t index = 0; index < sizeof length; index++)
    message->bytes[before + index] = (unsigned char)(length >> 8 * index);
  memcpy(message->bytes + before + sizeof length, frame, count);
  __atomic_store_n(&message->count, before + sizeof length + count, __ATOMIC_RELEASE);
  return 1;
}

int plugin_shared_memory(void) {
  // Older kernels do not have the flag, and hardened ones demand it.
  const unsigned not_executable = 0x8;
  const unsigned flags = MFD_CLOEXEC | MFD_ALLOW_SEALING;
  const int file = memfd_create("values", flags | not_executable);
  return file < 0 && errno == EINVAL ? memfd_create("values", flags) : file;
}

int plugin_event(void) { return eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK); }

enum { seals = F_SEAL_SEAL | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE };

int plugin_seal_shared(int file) { return fcntl(file, F_ADD_SEALS, seals); }

int plugin_is_sealed(int file) {
  const int found = fcntl(file, F_GET_SEALS);
  return found >= 0 && (found & seals) == seals;
}

// Of Linux 5.1; newer than the headers of some systems.
enum { future_write = 0x10, lent_seals = F_SEAL_SEAL | F_SEAL_SHRINK | F_SEAL_GROW | future_write };

int plugin_lent_memory(size_t size, void **place) {
  const int file = plugin_shared_memory();
  if (file < 0) return -1;
  int fault = 0;
  void *memory = MAP_FAILED;
  if (ftruncate(file, (off_t)size) == 0)
    memory = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_POPULATE, file, 0);
  // Only from now on nobody can write: this mapping stays as it is.
  if (memory != MAP_FAILED && fcntl(file, F_ADD_SEALS, lent_seals) == 0) {
    *place = memory;
    return file;
  }
  fault = errno;
  if (memory != MAP_FAILED) munmap(memory, size);
  close(file);
  errno = fault;
  return -1;
}

int plugin_is_lent(int file) {
  const int found = fcntl(file, F_GET_SEALS);
  return found >= 0 && (found & lent_seals) == lent_seals;
}

void *plugin_own_memory(size_t size) {
  void *memory = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (memory == MAP_FAILED) return NULL;
  // Few large pages are had sooner than many small ones.
  madvise(memory, size, MADV_HUGEPAGE);
  return memory;
}
