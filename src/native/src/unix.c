// Unix sockets that have a name among the host's files, and those that were given: what they are, and connections to them.

#include "args.h"

#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

static int64_t socket_option(int fd, int name) {
  int value = 0;
  socklen_t length = sizeof value;
  return getsockopt(fd, SOL_SOCKET, name, &value, &length) < 0 ? -errno : value;
}

/** checkUnixStream(fd) */
static int64_t call_check_unix_stream(napi_env env, const int64_t *arg) {
  (void)env;
  int fd = (int)arg[0];
  struct sockaddr_un peer;
  socklen_t length = sizeof peer;
  int64_t family = socket_option(fd, SO_DOMAIN);
  int64_t type = socket_option(fd, SO_TYPE);
  if (family < 0) return family;
  if (family != AF_UNIX) return -EAFNOSUPPORT;
  if (type != SOCK_STREAM) return type < 0 ? type : -EPROTOTYPE;
  return getpeername(fd, (struct sockaddr *)&peer, &length) < 0 ? -errno : 0;
}

const struct call unix_calls[] = {
    {"checkUnixStream", "d", call_check_unix_stream},
    {NULL, NULL, NULL},
};
