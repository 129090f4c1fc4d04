// gRPC calls over HTTP/2 in plaintext, many at once, on one thread.
#ifndef GRPC_H
#define GRPC_H

#include <nghttp2/nghttp2.h>
#include <stdbool.h>

#include "buffer.h"

struct connection {
  int fd;
  nghttp2_session *session;
  struct buffer output;
  size_t written;
  struct call *calls;
  bool is_ready, is_dirty, waits_to_write;
  // Whether it is no longer read, though its windows are open.
  bool is_stalled;
};

// One call. Its owner embeds it, and frees it in or after `end`.
struct call {
  void (*message)(struct call *call, const uint8_t *bytes, size_t length);
  // The grpc-status, or -1 when the call ended without one.
  void (*end)(struct call *call, int status);
  struct connection *connection;
  struct call *previous, *next;
  int32_t stream;
  int status;
  // The request with its prefix, and how much of it was sent.
  struct buffer request;
  size_t sent;
  struct buffer response;
};

extern struct connection **connections;
extern size_t connection_count;

// Where `grpc_connect` connects to, on loopback. Once, before anything else.
void grpc_set_port(int port);

// Opens connections, and waits until the server's settings are in. False when that fails.
// `window` is in bytes, and is that of each stream.
bool grpc_connect(size_t count, uint32_t window);

// Closes a connection; with `reset`, by a TCP reset. Its calls end with -1.
void grpc_close(struct connection *connection, bool reset);

// Stops reading, and begins again.
void grpc_stall(struct connection *connection);
void grpc_resume(struct connection *connection);

// Starts a call with one request. `message` and `end` must be set.
void grpc_start(struct connection *connection, struct call *call, const char *path,
                const uint8_t *request, size_t length);

// Resets a call's stream; `end` follows.
void grpc_cancel(struct call *call);

// Sends what is to be sent, then waits for at most so long, and handles what has come.
void grpc_turn(uint64_t nanoseconds);

uint64_t now_ns(void);
// CPU time of this process.
double cpu_seconds(void);

#endif
