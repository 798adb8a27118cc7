// Unix sockets that have a name among the host's files, and those that were given: what they are, and connections to them.

#include "args.h"
#include "descriptor.h"

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

/** connectUnix(fd, type) */
static int64_t call_connect_unix(napi_env env, const int64_t *arg) {
  (void)env;
  int64_t type = arg[1];
  if (type != SOCK_STREAM && type != SOCK_DGRAM && type != SOCK_SEQPACKET) return -EPROTOTYPE;
  struct sockaddr_un address = {.sun_family = AF_UNIX};
  descriptor_path_buffer path;
  strcpy(address.sun_path, descriptor_path(path, arg[0]));
  int fd = socket(AF_UNIX, (int)type | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
  if (fd < 0) return -errno;
  int64_t status = RETRY(connect(fd, (struct sockaddr *)&address, sizeof address));
  if (status == 0) return fd;
  close(fd);
  return status;
}

const struct call unix_calls[] = {
    {"checkUnixStream", "d", call_check_unix_stream},
    {"connectUnix", "di", call_connect_unix},
    {NULL, NULL, NULL},
};
