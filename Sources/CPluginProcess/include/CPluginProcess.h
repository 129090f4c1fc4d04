// What child processes of plugins need of the system, and Swift cannot reach: messages with descriptors,
// fork, and the handler of fatal signals.
#ifndef C_PLUGIN_PROCESS_H
#define C_PLUGIN_PROCESS_H

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#ifdef __cplusplus
extern "C" {
#endif

// MARK: Messages

// Sends one message on a SOCK_SEQPACKET socket, with an open file or -1. Answers as sendmsg(2), without
// SIGPIPE. `waits`: whether the thread waits for room; else EAGAIN.
ssize_t plugin_send(int socket, const void *bytes, size_t count, int file, int waits);

// Receives one message; waits for it if `waits`. A file that came with it is put into `file` and is
// close-on-exec; -1 where none came. Answers 0 at the end of the connection, -1 with errno (EMSGSIZE for a
// message that is longer than `capacity`, or has more than one file).
ssize_t plugin_receive(int socket, void *bytes, size_t capacity, int *file, int waits);

// The longest message of frames.
enum { PLUGIN_MESSAGE_LIMIT = 64 * 1024 };

// A message that is being put together: this kind, then frames, each with its length of 4 bytes before it.
enum { PLUGIN_FRAMES_MESSAGE = 1 };
struct plugin_outgoing {
  size_t count; // bytes; 0 while there is no frame
  unsigned char bytes[PLUGIN_MESSAGE_LIMIT];
};
// Where the bytes begin in it.
static const size_t plugin_outgoing_bytes = offsetof(struct plugin_outgoing, bytes);
// Adds a frame. Answers 0 where it does not fit. One thread at a time; a crash meanwhile finds the message as
// it was before.
int plugin_add_frame(struct plugin_outgoing *message, const void *frame, size_t count);

// MARK: Shared memory

// Makes memory that can be sent: a file with no name. -1 with errno as memfd_create(2).
int plugin_shared_memory(void);
// From now on nobody can write, shorten or lengthen it.
int plugin_seal_shared(int file);
// Whether it is sealed like that.
int plugin_is_sealed(int file);

// Makes memory that is written again and again through the mapping at `place`, and by nothing else: the file has
// its size for good, all its pages are there, and whoever gets it can only read. -1 with errno; EINVAL where
// the kernel is older than 5.1.
int plugin_lent_memory(size_t size, void **place);
// Whether a file is sealed like that.
int plugin_is_lent(int file);

// Makes memory of this process alone; NULL where there is none.
void *plugin_own_memory(size_t size);

// A counter that is readable when it is not zero; see eventfd(2). Neither blocks nor is inherited.
int plugin_event(void);

// MARK: Processes

// Runs a program with `control` as its descriptor 3 and nothing else but standard error of ours open, in a
// session of its own. Answers its process id, or -1 with errno.
pid_t plugin_spawn(const char *program, int control);

// Whether a directory of control groups has systemd's mark that it is left to the service in it.
int plugin_is_delegated(const char *directory);

// fork(2), which Swift hides. For processes of one thread.
pid_t plugin_fork(void);

// A descriptor that is readable when a child has ended. Blocks SIGCHLD. -1 with errno.
int plugin_child_signals(void);

// Ends this process when its parent does, by whatever cause. Answers whether the parent, `expected`, lives.
int plugin_die_with_parent(pid_t expected);

// From now on processes whose parents end become children of this one.
int plugin_adopt_orphans(void);

// The first steps of a child after the fork: `channel` becomes descriptor 3, all others but 0 to 2 are
// closed, a process group of its own, no new privileges, signals as a new program has them.
int plugin_begin_child(int channel);

// Parts of the system that a process can be kept from taking more of.
enum plugin_resource {
  PLUGIN_CORE_FILE = 0,
  PLUGIN_MEMORY = 1,
  PLUGIN_CPU_SECONDS = 2,
  PLUGIN_OPEN_FILES = 3,
  PLUGIN_PROCESSES = 4
};
// Binds the calling process to a limit, for good; see setrlimit(2).
int plugin_limit(uint32_t resource, uint64_t limit);

// MARK: Crashes

// What a process says of itself when a fatal signal comes, as one message.
struct plugin_crash {
  uint8_t kind; // PLUGIN_CRASH_MESSAGE
  uint8_t reserved[3];
  int32_t signal;
  int32_t code;         // si_code
  uint32_t text_length; // bytes of `text`
  uint64_t address;     // what was touched, for SIGSEGV and SIGBUS; else the instruction
  uint64_t call;        // of the thread, as `plugin_set_call` has set it; 0 where there is none
  char text[6144];      // the stack, a frame a line, innermost first
};
enum { PLUGIN_CRASH_MESSAGE = 0xC0 };
// Where the text begins in the message.
static const size_t plugin_crash_text = offsetof(struct plugin_crash, text);

// From now on fatal signals are told of on a channel, before they end the process.
// What has not been sent goes first: calls that have ended must not fail with the one that crashes.
void plugin_install_crash_handler(int channel, const struct plugin_outgoing *unsent);

// Gives the calling thread a stack for the handler: one that has overflowed cannot run it. Answers 0, or -1
// where there is no memory. Freed with the thread's end by `plugin_leave_thread`.
int plugin_enter_thread(void);
void plugin_leave_thread(void);

// Notes which call the calling thread works for. Answers the one before.
uint64_t plugin_set_call(uint64_t call);

#ifdef __cplusplus
}
#endif

#endif
