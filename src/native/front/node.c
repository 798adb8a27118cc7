// Everything that lies beside the program: Node, what Node runs, and files that are printed as they are.

#include "front.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

extern char **environ;

enum { PRESERVED_MAX = 64 };

/** Where Node is: what the build put beside us, else where systems have it. Nobody's PATH is asked. */
static const char *const system_nodes[] = {"/usr/local/bin/node", "/usr/bin/node"};

/** What the CLI has a use for. NODE_OPTIONS, LD_PRELOAD and their like would change a process that everybody trusts. */
static const char *const kept[] = {"HOME", "LANG", "LC_ALL", "PATH", "TERM", "TMPDIR", "TZ", "XDG_RUNTIME_DIR"};

/** `do` is a tool of the very user whose environment this is, and can give any of it to the program. */
static const char *const dropped[] = {"GCONV_", "GLIBC_", "ICU_", "LD_", "MALLOC_", "NODE_", "OPENSSL_", "SSL_", "UV_", "V8_"};

static void built_path(char *path, size_t size, const char *name) {
  char self[PATH_MAX];
  ssize_t length = readlink("/proc/self/exe", self, sizeof self - 1);
  if (length < 0) fail_errno("/proc/self/exe");
  self[length] = '\0';
  *strrchr(self, '/') = '\0';
  if ((size_t)snprintf(path, size, "%s/%s", self, name) >= size) fail("%s: its path is too long", name);
}

int open_built(const char *name) {
  char path[PATH_MAX];
  built_path(path, sizeof path, name);
  int fd = open(path, O_RDONLY | O_CLOEXEC);
  if (fd < 0) fail_errno(path);
  return fd;
}

static bool has_name(const char *variable, const char *name) {
  size_t length = strlen(name);
  return strncmp(variable, name, length) == 0 && variable[length] == '=';
}

static bool is_kept(const char *variable) {
  for (size_t index = 0; index < sizeof kept / sizeof *kept; index++) {
    if (has_name(variable, kept[index])) return true;
  }
  return false;
}

static bool is_dropped(const char *variable) {
  for (size_t index = 0; index < sizeof dropped / sizeof *dropped; index++) {
    if (strncmp(variable, dropped[index], strlen(dropped[index])) == 0) return true;
  }
  return false;
}

static void scrub_environment(bool is_do) {
  char **to = environ;
  for (char **from = environ; *from != NULL; from++) {
    if (is_do ? !is_dropped(*from) : is_kept(*from)) *to++ = *from;
  }
  *to = NULL;
}

/** What the caller left open: Node's own descriptors come between, and only now can the two be told apart (preserved-fds.ts). */
static void tell_open_descriptors(void) {
  char number[NUMBER_MAX];
  int count = 0;
  while (count < PRESERVED_MAX) {
    int flags = fcntl(STDERR_FILENO + 1 + count, F_GETFD);
    if (flags < 0 || (flags & FD_CLOEXEC) != 0) break;
    count++;
  }
  snprintf(number, sizeof number, "%d", count);
  if (setenv("WVISOR_OPEN_FDS", number, 1) < 0) fail_errno("environment");
}

void become_node(char **arguments) {
  static char cli[PATH_MAX];
  static char node[PATH_MAX];
  static char warnings[] = "--no-warnings";
  size_t count = 0;
  while (arguments[count] != NULL) count++;
  built_path(cli, sizeof cli, "cli.js");
  built_path(node, sizeof node, "node");
  char **command = calloc(count + 4, sizeof *command);
  if (command == NULL) fail_errno("arguments");
  command[0] = node;
  command[1] = warnings;
  command[2] = cli;
  for (size_t index = 0; index < count; index++) command[3 + index] = arguments[index];
  scrub_environment(count > 0 && strcmp(arguments[0], "do") == 0);
  tell_open_descriptors();
  execv(node, command);
  if (errno != ENOENT) fail_errno(node);
  for (size_t index = 0; index < sizeof system_nodes / sizeof *system_nodes; index++) {
    execv(system_nodes[index], command);
    if (errno != ENOENT) fail_errno(system_nodes[index]);
  }
  fail("no node: expected a link to it as %s; 'wvisor install-runtime DIR' makes a copy that has one", node);
}
