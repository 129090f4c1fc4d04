#define _GNU_SOURCE
#include "grpc.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <time.h>
#include <unistd.h>

struct connection **connections;
size_t connection_count;

static int epoll = -1;
static int server_port;
static char authority[32];
// Connections with something to send.
static struct connection **dirty;
static size_t dirty_count;

uint64_t now_ns(void) {
  struct timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  return (uint64_t)now.tv_sec * 1000000000 + (uint64_t)now.tv_nsec;
}

double cpu_seconds(void) {
  struct timespec used;
  clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &used);
  return (double)used.tv_sec + (double)used.tv_nsec / 1e9;
}

static void mark_dirty(struct connection *connection) {
  if (connection->is_dirty || connection->fd < 0) return;
  connection->is_dirty = true;
  dirty[dirty_count++] = connection;
}

static void watch_socket(struct connection *connection) {
  struct epoll_event event = {.data.ptr = connection};
  if (!connection->is_stalled) event.events |= EPOLLIN;
  if (connection->waits_to_write) event.events |= EPOLLOUT;
  epoll_ctl(epoll, EPOLL_CTL_MOD, connection->fd, &event);
}

// ---------------------------------------------------------------------------------------------
// Calls

static void end_call(struct call *call, int status) {
  if (call->previous) {
    call->previous->next = call->next;
  } else {
    call->connection->calls = call->next;
  }
  if (call->next) call->next->previous = call->previous;
  buffer_free(&call->request);
  buffer_free(&call->response);
  call->end(call, status);
}

static ssize_t read_request(nghttp2_session *session, int32_t stream, uint8_t *target,
                            size_t length, uint32_t *flags, nghttp2_data_source *source,
                            void *context) {
  (void)session, (void)stream, (void)context;
  struct call *call = source->ptr;
  size_t count = call->request.length - call->sent;
  if (count > length) count = length;
  memcpy(target, call->request.bytes + call->sent, count);
  call->sent += count;
  if (call->sent == call->request.length) *flags |= NGHTTP2_DATA_FLAG_EOF;
  return (ssize_t)count;
}

static nghttp2_nv header(const char *name, const char *value) {
  return (nghttp2_nv){(uint8_t *)name, (uint8_t *)value, strlen(name), strlen(value), 0};
}

void grpc_start(struct connection *connection, struct call *call, const char *path,
                const uint8_t *request, size_t length) {
  call->connection = connection;
  call->status = -1;
  call->sent = 0;
  call->request = call->response = (struct buffer){0};
  uint8_t prefix[5] = {0, (uint8_t)(length >> 24), (uint8_t)(length >> 16),
                       (uint8_t)(length >> 8), (uint8_t)length};
  buffer_append(&call->request, prefix, sizeof prefix);
  buffer_append(&call->request, request, length);
  call->previous = NULL;
  call->next = connection->calls;
  if (call->next) call->next->previous = call;
  connection->calls = call;
  if (connection->fd < 0) {
    end_call(call, -1);
    return;
  }
  nghttp2_nv headers[] = {
      header(":method", "POST"), header(":scheme", "http"), header(":path", path),
      header(":authority", authority), header("content-type", "application/grpc"),
      header("te", "trailers")};
  nghttp2_data_provider body = {.source.ptr = call, .read_callback = read_request};
  call->stream = nghttp2_submit_request(
      connection->session, NULL, headers, sizeof headers / sizeof *headers, &body, call);
  if (call->stream < 0) {
    end_call(call, -1);
    return;
  }
  mark_dirty(connection);
}

void grpc_cancel(struct call *call) {
  nghttp2_submit_rst_stream(call->connection->session, 0, call->stream, NGHTTP2_CANCEL);
  mark_dirty(call->connection);
}

static uint32_t message_length(const uint8_t *prefix) {
  return (uint32_t)prefix[1] << 24 | (uint32_t)prefix[2] << 16 | (uint32_t)prefix[3] << 8 |
         prefix[4];
}

// Hands over the whole messages at the front, and answers how many bytes they took.
static size_t take_messages(struct call *call, const uint8_t *bytes, size_t length) {
  size_t taken = 0;
  while (length - taken >= 5) {
    uint32_t size = message_length(bytes + taken);
    if (length - taken - 5 < size) break;
    call->message(call, bytes + taken + 5, size);
    taken += 5 + (size_t)size;
  }
  return taken;
}

static int on_data(nghttp2_session *session, uint8_t flags, int32_t stream, const uint8_t *bytes,
                   size_t length, void *context) {
  (void)flags, (void)context;
  struct call *call = nghttp2_session_get_stream_user_data(session, stream);
  if (!call) return 0;
  if (call->response.length == 0) {
    size_t taken = take_messages(call, bytes, length);
    buffer_append(&call->response, bytes + taken, length - taken);
    return 0;
  }
  buffer_append(&call->response, bytes, length);
  size_t taken = take_messages(call, call->response.bytes, call->response.length);
  call->response.length -= taken;
  memmove(call->response.bytes, call->response.bytes + taken, call->response.length);
  return 0;
}

static int on_header(nghttp2_session *session, const nghttp2_frame *frame, const uint8_t *name,
                     size_t name_length, const uint8_t *value, size_t length, uint8_t flags,
                     void *context) {
  (void)flags, (void)context;
  if (name_length != 11 || memcmp(name, "grpc-status", 11)) return 0;
  struct call *call = nghttp2_session_get_stream_user_data(session, frame->hd.stream_id);
  if (!call) return 0;
  call->status = 0;
  for (size_t i = 0; i < length; i++) call->status = call->status * 10 + value[i] - '0';
  return 0;
}

static int on_frame(nghttp2_session *session, const nghttp2_frame *frame, void *context) {
  (void)session;
  struct connection *connection = context;
  if (frame->hd.type == NGHTTP2_SETTINGS && !(frame->hd.flags & NGHTTP2_FLAG_ACK)) {
    connection->is_ready = true;
  }
  return 0;
}

static int on_stream_close(nghttp2_session *session, int32_t stream, uint32_t error,
                           void *context) {
  (void)context;
  struct call *call = nghttp2_session_get_stream_user_data(session, stream);
  if (!call) return 0;
  // Half a message at the end is not an answer.
  bool is_whole = error == NGHTTP2_NO_ERROR && call->response.length == 0;
  end_call(call, is_whole ? call->status : -1);
  return 0;
}

// ---------------------------------------------------------------------------------------------
// Connections

void grpc_set_port(int port) {
  server_port = port;
  snprintf(authority, sizeof authority, "127.0.0.1:%d", port);
  epoll = epoll_create1(EPOLL_CLOEXEC);
}

static struct connection *open_connection(uint32_t window) {
  struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons((uint16_t)server_port)};
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  if (fd < 0 || connect(fd, (struct sockaddr *)&address, sizeof address) < 0) {
    if (fd >= 0) close(fd);
    return NULL;
  }
  int on = 1;
  setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
  fcntl(fd, F_SETFL, fcntl(fd, F_GETFL) | O_NONBLOCK);

  struct connection *connection = calloc(1, sizeof *connection);
  connection->fd = fd;
  nghttp2_session_callbacks *callbacks;
  nghttp2_session_callbacks_new(&callbacks);
  nghttp2_session_callbacks_set_on_data_chunk_recv_callback(callbacks, on_data);
  nghttp2_session_callbacks_set_on_header_callback(callbacks, on_header);
  nghttp2_session_callbacks_set_on_frame_recv_callback(callbacks, on_frame);
  nghttp2_session_callbacks_set_on_stream_close_callback(callbacks, on_stream_close);
  nghttp2_session_client_new(&connection->session, callbacks, connection);
  nghttp2_session_callbacks_del(callbacks);
  nghttp2_settings_entry settings[] = {
      {NGHTTP2_SETTINGS_ENABLE_PUSH, 0}, {NGHTTP2_SETTINGS_INITIAL_WINDOW_SIZE, window}};
  nghttp2_submit_settings(connection->session, 0, settings, 2);
  nghttp2_session_set_local_window_size(connection->session, 0, 0, INT32_MAX);
  struct epoll_event event = {.events = EPOLLIN, .data.ptr = connection};
  epoll_ctl(epoll, EPOLL_CTL_ADD, fd, &event);
  return connection;
}

bool grpc_connect(size_t count, uint32_t window) {
  size_t first = connection_count;
  connections = realloc(connections, (first + count) * sizeof *connections);
  dirty = realloc(dirty, (first + count) * sizeof *dirty);
  for (size_t i = 0; i < count; i++) {
    struct connection *connection = open_connection(window);
    if (!connection) return false;
    connections[connection_count++] = connection;
    mark_dirty(connection);
  }
  uint64_t deadline = now_ns() + 30000000000;
  for (size_t i = first; i < connection_count; i++) {
    while (!connections[i]->is_ready) {
      if (connections[i]->fd < 0 || now_ns() > deadline) return false;
      grpc_turn(100000000);
    }
  }
  return true;
}

void grpc_close(struct connection *connection, bool reset) {
  if (connection->fd < 0) return;
  if (reset) {
    struct linger linger = {.l_onoff = 1, .l_linger = 0};
    setsockopt(connection->fd, SOL_SOCKET, SO_LINGER, &linger, sizeof linger);
  }
  close(connection->fd);
  connection->fd = -1;
  while (connection->calls) end_call(connection->calls, -1);
}

void grpc_stall(struct connection *connection) {
  if (connection->fd < 0) return;
  connection->is_stalled = true;
  watch_socket(connection);
}

void grpc_resume(struct connection *connection) {
  if (connection->fd < 0) return;
  connection->is_stalled = false;
  watch_socket(connection);
}

static void flush(struct connection *connection) {
  connection->is_dirty = false;
  if (connection->fd < 0) return;
  struct buffer *output = &connection->output;
  const uint8_t *bytes;
  ssize_t length;
  while ((length = nghttp2_session_mem_send(connection->session, &bytes)) > 0) {
    buffer_append(output, bytes, (size_t)length);
  }
  while (connection->written < output->length) {
    ssize_t count = write(connection->fd, output->bytes + connection->written,
                          output->length - connection->written);
    if (count < 0) {
      if (errno == EAGAIN) break;
      grpc_close(connection, false);
      return;
    }
    connection->written += (size_t)count;
  }
  bool waits = connection->written < output->length;
  if (!waits) connection->written = output->length = 0;
  if (waits != connection->waits_to_write) {
    connection->waits_to_write = waits;
    watch_socket(connection);
  }
}

static void read_from(struct connection *connection) {
  static uint8_t bytes[256 * 1024];
  ssize_t count = read(connection->fd, bytes, sizeof bytes);
  if (count < 0 && (errno == EAGAIN || errno == EINTR)) return;
  if (count <= 0 || nghttp2_session_mem_recv(connection->session, bytes, (size_t)count) < 0) {
    grpc_close(connection, false);
    return;
  }
  mark_dirty(connection);
}

void grpc_turn(uint64_t nanoseconds) {
  while (dirty_count) flush(dirty[--dirty_count]);
  struct epoll_event events[256];
  struct timespec timeout = {(time_t)(nanoseconds / 1000000000), (long)(nanoseconds % 1000000000)};
  int count = epoll_pwait2(epoll, events, 256, &timeout, NULL);
  for (int i = 0; i < count; i++) {
    struct connection *connection = events[i].data.ptr;
    if (connection->fd < 0) continue;
    if (events[i].events & (EPOLLIN | EPOLLHUP | EPOLLERR)) {
      if (connection->is_stalled) {
        // A stalled connection hears of nothing but its end.
        grpc_close(connection, false);
        continue;
      }
      read_from(connection);
    }
    if (events[i].events & EPOLLOUT) mark_dirty(connection);
  }
}
