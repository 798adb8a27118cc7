// Sockets that listen: for a server that anybody may connect to. They are made by the command line and given to the gofer,
// which accepts and does nothing else with them.

#include "args.h"
#include "memory.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <sys/un.h>
#include <unistd.h>

/** Connections that wait to be accepted. */
enum { BACKLOG = 64 };

/** Not blocking: a client that has gone again must not leave accept() waiting for the next one. */
enum { LISTENER = SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK };

union address {
  struct sockaddr any;
  struct sockaddr_un un;
  struct sockaddr_in in;
  struct sockaddr_in6 in6;
};

/** A listening socket at `address`, or -errno. */
static int64_t listen_at(const union address *address, socklen_t length) {
  int fd = socket(address->any.sa_family, LISTENER, 0);
  if (fd < 0) return -errno;
  int on = 1;
  bool is_tcp = address->any.sa_family != AF_UNIX;
  // Accepted sockets have what the listening one has.
  if (is_tcp) setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
  if (is_tcp) setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
  if (bind(fd, &address->any, length) < 0 || listen(fd, BACKLOG) < 0) {
    int error = errno;
    close(fd);
    return -error;
  }
  return fd;
}

/** Whether a socket that nobody listens on any more is at `address`. */
static bool is_abandoned(const union address *address, socklen_t length) {
  struct stat status;
  if (lstat(address->un.sun_path, &status) < 0 || !S_ISSOCK(status.st_mode)) return false;
  int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
  if (fd < 0) return false;
  bool refused = connect(fd, &address->any, length) < 0 && errno == ECONNREFUSED;
  close(fd);
  return refused;
}

/** listenUnix(slot, path) */
static int64_t call_listen_unix(napi_env env, const int64_t *arg) {
  char path[MAX_NAME_BYTES + 1];
  int error = memory_name(env, arg[0], arg[1], path);
  if (error < 0) return error;
  union address address = {.un = {.sun_family = AF_UNIX}};
  if (strlen(path) >= sizeof address.un.sun_path) return -ENAMETOOLONG;
  strcpy(address.un.sun_path, path);
  int64_t fd = listen_at(&address, sizeof address.un);
  if (fd != -EADDRINUSE || !is_abandoned(&address, sizeof address.un)) return fd;
  if (unlink(path) < 0) return -errno;
  return listen_at(&address, sizeof address.un);
}

/** listenTcp(slot, host, port) */
static int64_t call_listen_tcp(napi_env env, const int64_t *arg) {
  char host[MAX_NAME_BYTES + 1];
  int error = memory_name(env, arg[0], arg[1], host);
  if (error < 0) return error;
  if (arg[2] < 0 || arg[2] > UINT16_MAX) return -EINVAL;
  in_port_t port = htons((uint16_t)arg[2]);
  union address address = {.in = {.sin_family = AF_INET, .sin_port = port}};
  if (inet_pton(AF_INET, host, &address.in.sin_addr) == 1) return listen_at(&address, sizeof address.in);
  address = (union address){.in6 = {.sin6_family = AF_INET6, .sin6_port = port}};
  if (inet_pton(AF_INET6, host, &address.in6.sin6_addr) == 1) return listen_at(&address, sizeof address.in6);
  return -EINVAL;
}

/** localPort(fd) */
static int64_t call_local_port(napi_env env, const int64_t *arg) {
  (void)env;
  union address address = {0};
  socklen_t length = sizeof address;
  if (getsockname((int)arg[0], &address.any, &length) < 0) return -errno;
  if (address.any.sa_family == AF_INET) return ntohs(address.in.sin_port);
  return address.any.sa_family == AF_INET6 ? ntohs(address.in6.sin6_port) : -EAFNOSUPPORT;
}

/** accept(fd) */
static int64_t call_accept(napi_env env, const int64_t *arg) {
  (void)env;
  return RETRY(accept4((int)arg[0], NULL, NULL, SOCK_CLOEXEC));
}

/** receiveTimeout(fd, milliseconds) */
static int64_t call_receive_timeout(napi_env env, const int64_t *arg) {
  (void)env;
  if (arg[1] <= 0) return -EINVAL;
  struct timeval timeout = {.tv_sec = arg[1] / 1000, .tv_usec = arg[1] % 1000 * 1000};
  return result_of(setsockopt((int)arg[0], SOL_SOCKET, SO_RCVTIMEO, &timeout, sizeof timeout));
}

const struct call listen_calls[] = {
    {"listenUnix", "in", call_listen_unix},
    {"listenTcp", "ini", call_listen_tcp},
    {"localPort", "d", call_local_port},
    {"accept", "d", call_accept},
    {"receiveTimeout", "di", call_receive_timeout},
    {NULL, NULL, NULL},
};
