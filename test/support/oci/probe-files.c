// What test/guests/probe-files.ts does, on Linux.

#define _GNU_SOURCE
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static void say_outcome(int result) { puts(result < 0 ? strerrorname_np(errno) + 1 : "ok"); }

static void say_read(const char *path) {
  char text[65] = "";
  int fd = open(path, O_RDONLY);
  ssize_t count = fd < 0 ? -1 : read(fd, text, sizeof text - 1);
  if (count < 0) {
    say_outcome(-1);
  } else {
    printf("\"%s\"\n", text);
  }
  if (fd >= 0) close(fd);
}

static void say_write(const char *path) {
  int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0666);
  say_outcome(fd < 0 || write(fd, "written", 7) != 7 ? -1 : 0);
  if (fd >= 0) close(fd);
}

static int is_named(const struct dirent *entry) {
  return strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0;
}

static int compare(const struct dirent **a, const struct dirent **b) { return strcmp((*a)->d_name, (*b)->d_name); }

static void say_list(const char *path) {
  struct dirent **entries;
  int count = scandir(path, &entries, is_named, compare);
  if (count < 0) {
    say_outcome(-1);
    return;
  }
  for (int index = 0; index < count; index++) printf("%s%s", index == 0 ? "" : " ", entries[index]->d_name);
  puts("");
}

static void say_kind(const char *path) {
  struct stat status;
  if (stat(path, &status) < 0) {
    say_outcome(-1);
  } else {
    puts(S_ISDIR(status.st_mode) ? "directory" : S_ISREG(status.st_mode) ? "file" : "other");
  }
}

int main(int argc, char **argv) {
  for (int index = 1; index < argc; index++) {
    const char *colon = strchr(argv[index], ':');
    if (colon == NULL) return 99;
    const char *path = colon + 1;
    printf("%s ", argv[index]);
    if (strncmp(argv[index], "read:", 5) == 0) say_read(path);
    if (strncmp(argv[index], "write:", 6) == 0) say_write(path);
    if (strncmp(argv[index], "list:", 5) == 0) say_list(path);
    if (strncmp(argv[index], "mkdir:", 6) == 0) say_outcome(mkdir(path, 0777));
    if (strncmp(argv[index], "kind:", 5) == 0) say_kind(path);
  }
  return 0;
}
