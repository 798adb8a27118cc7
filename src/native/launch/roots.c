// Opens directories and files of the host for the caged program, which sees none of them, before it serves anybody; and later for our
// parent, which gives it more of them while it runs.
//
// Messages, each with size[4] type[1] tag[2] as those of 9P, little endian
//   ROOT     flags[1] path[]        answered by error[4] and, when that is 0, a descriptor: a mount of `path` of its own, with
//                                   what is mounted below it, above which there is nothing. ROOT_READONLY makes all of it so.
//   NO_PROC                         not answered, since it takes Linux a while: /proc goes, or the program is killed
// The program closes the socket when it needs no more; what it asks is believed until then. Whatever is no message ends the
// conversation. Our parent has ROOT only.
//
// Links in a path are followed, with the rights of the user who started this. In a user namespace this process becomes a member
// of the program's, with all mounts of the host in a mount namespace of its own: there it may make mounts.

#include "../shared/root_mount.h"
#include "launch.h"

#include <endian.h>
#include <errno.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

extern int umount2(const char *target, int flags);

enum { HEAD = 7, MAX_PATH = 4096, MAX_MESSAGE = HEAD + 1 + MAX_PATH, REPLY = HEAD + 4, DETACH = 2 };
enum { TYPE_AT = 4, FLAGS_AT = HEAD, PATH_AT = HEAD + 1 };
enum { MESSAGE_ROOT = 1, MESSAGE_NO_PROC = 2, ROOT_READONLY = 1 };

static bool receive(int socket, uint8_t *data, size_t length) {
  while (length > 0) {
    ssize_t got = TEMP_FAILURE_RETRY(recv(socket, data, length, 0));
    if (got <= 0) return false;
    data += got;
    length -= (size_t)got;
  }
  return true;
}

/** The length of the next message in `message`, 0 at the end. */
static size_t next_message(int socket, uint8_t *message) {
  uint32_t size;
  if (!receive(socket, message, sizeof size)) return 0;
  memcpy(&size, message, sizeof size);
  size = le32toh(size);
  if (size < HEAD || size > MAX_MESSAGE) return 0;
  return receive(socket, message + sizeof size, size - sizeof size) ? size : 0;
}

static bool answer(int socket, int error, int fd) {
  uint8_t reply[REPLY] = {REPLY, [TYPE_AT] = MESSAGE_ROOT, [HEAD] = (uint8_t)error, (uint8_t)(error >> 8)};
  union {
    struct cmsghdr header;
    uint8_t bytes[CMSG_SPACE(sizeof(int))];
  } control = {0};
  struct iovec span = {.iov_base = reply, .iov_len = sizeof reply};
  struct msghdr message = {.msg_iov = &span, .msg_iovlen = 1};
  if (fd >= 0) {
    message.msg_control = control.bytes;
    message.msg_controllen = sizeof control.bytes;
    control.header = (struct cmsghdr){.cmsg_level = SOL_SOCKET, .cmsg_type = SCM_RIGHTS, .cmsg_len = CMSG_LEN(sizeof fd)};
    memcpy(CMSG_DATA(&control.header), &fd, sizeof fd);
  }
  return TEMP_FAILURE_RETRY(sendmsg(socket, &message, MSG_NOSIGNAL)) == REPLY;
}

static bool answer_root(int socket, const uint8_t *message, size_t size) {
  char path[MAX_PATH + 1];
  if (size <= PATH_AT) return false;
  memcpy(path, message + PATH_AT, size - PATH_AT);
  path[size - PATH_AT] = '\0';
  int fd = open_root_mount(path, (message[FLAGS_AT] & ROOT_READONLY) != 0);
  bool sent = answer(socket, fd < 0 ? errno : 0, fd);
  if (fd >= 0) close(fd);
  return sent;
}

/** By a process of its own: the way back out of the program's mounts would lead to the top of ours, wherever this root is. */
static bool remove_proc(const struct caged *caged) {
  int status = 0;
  pid_t pid = fork();
  if (pid == 0) {
    if (setns(caged->pidfd, CLONE_NEWNS) == 0 && umount2("/proc", DETACH) == 0) _exit(0);
    _exit(errno == ESRCH ? 0 : 1);
  }
  bool waited = pid > 0 && TEMP_FAILURE_RETRY(waitpid(pid, &status, 0)) == pid;
  if (waited && status == 0) return true;
  kill(caged->pid, SIGKILL);
  return false;
}

/** False when the program has already ended. */
static bool enter_namespaces(const struct options *options, const struct caged *caged) {
  if (!caged->user_namespace) return true;
  if (setns(caged->pidfd, CLONE_NEWUSER) < 0) {
    if (errno == ESRCH) return false;
    fail_errno("setns");
  }
  if (unshare(CLONE_NEWNS) < 0) fail_errno("unshare");
  // Linux forgets it where a process gains capabilities.
  follow_parent(options);
  return true;
}

void serve_roots(const struct options *options, const struct caged *caged) {
  uint8_t message[MAX_MESSAGE];
  if (!enter_namespaces(options, caged)) return;
  for (;;) {
    size_t size = next_message(caged->socket, message);
    if (size == 0) break;
    uint8_t type = message[TYPE_AT];
    bool more = type == MESSAGE_ROOT      ? answer_root(caged->socket, message, size)
                : type == MESSAGE_NO_PROC ? remove_proc(caged)
                                          : false;
    if (!more) break;
  }
}

/** Waits until our parent says something; false when the program ends first. */
static bool await_parent_message(const struct caged *caged) {
  struct pollfd fds[] = {{.fd = caged->pidfd, .events = POLLIN}, {.fd = caged->parent_socket, .events = POLLIN}};
  if (TEMP_FAILURE_RETRY(poll(fds, sizeof fds / sizeof *fds, -1)) < 0) fail_errno("poll");
  return fds[0].revents == 0;
}

void serve_parent(const struct caged *caged) {
  uint8_t message[MAX_MESSAGE];
  while (await_parent_message(caged)) {
    size_t size = next_message(caged->parent_socket, message);
    if (size == 0 || message[TYPE_AT] != MESSAGE_ROOT) break;
    if (!answer_root(caged->parent_socket, message, size)) break;
  }
}
