// What a Linux program may do with files, in a directory that the kernel under it has mounted: `exercise DIRECTORY SECOND
// CACHE`, where SECOND is the same tree, mounted once more by a client of its own, and CACHE the first mount's cache mode.
// Prints "PASS name" or "FAIL name: why" for each exercise; exits 1 when one has failed.

#define _GNU_SOURCE
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/sendfile.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/statfs.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <sys/xattr.h>
#include <time.h>
#include <unistd.h>

enum { NAMES = 1000, OPEN_FILES = 1000, WRITERS = 8, ROUNDS = 50, KILLS = 60, DEPTH = 30, NOBODY = 1000 };

static const char *second;
static bool loose;
static char why[512];

static bool complain(int line, const char *what) {
  snprintf(why, sizeof why, "line %d: %s (%s)", line, what, strerror(errno));
  return false;
}

/** Ends an exercise, and says where, if `expression` is not so. */
#define NEED(expression) \
  do { \
    errno = 0; \
    if (!(expression)) return complain(__LINE__, #expression); \
  } while (0)
/** The same for a call that has to fail with `number`. */
#define REFUSED(number, expression) NEED((expression) == -1 && errno == (number))

static uint8_t pattern(uint64_t offset, uint32_t seed) {
  uint64_t x = (offset + 1) * 0x9e3779b97f4a7c15u + seed * 0xbf58476d1ce4e5b9u;
  x ^= x >> 29;
  return (uint8_t)(x * 0x94d049bb133111ebu >> 56);
}

static void fill(uint8_t *bytes, size_t length, uint64_t offset, uint32_t seed) {
  for (size_t i = 0; i < length; i++) bytes[i] = pattern(offset + i, seed);
}

static bool isFilled(const uint8_t *bytes, size_t length, uint64_t offset, uint32_t seed) {
  for (size_t i = 0; i < length; i++) {
    if (bytes[i] != pattern(offset + i, seed)) return false;
  }
  return true;
}

/** Makes the file `name` with `text` in it. */
static bool put(const char *name, const char *text) {
  int fd = open(name, O_WRONLY | O_CREAT | O_TRUNC, 0644);
  NEED(fd >= 0);
  NEED(write(fd, text, strlen(text)) == (ssize_t)strlen(text));
  NEED(close(fd) == 0);
  return true;
}

static bool holds(const char *name, const char *text) {
  char bytes[256];
  int fd = open(name, O_RDONLY);
  NEED(fd >= 0);
  ssize_t length = read(fd, bytes, sizeof bytes);
  NEED(length == (ssize_t)strlen(text));
  NEED(memcmp(bytes, text, length) == 0);
  NEED(close(fd) == 0);
  return true;
}

static void forgetCaches(void) {
  int fd = open("/proc/sys/vm/drop_caches", O_WRONLY);
  if (fd < 0 || write(fd, "3", 1) != 1) perror("drop_caches");
  close(fd);
}

/** Whether the process ends by exit(0). */
static bool childSucceeded(pid_t pid) {
  int status;
  NEED(pid > 0);
  NEED(waitpid(pid, &status, 0) == pid);
  NEED(WIFEXITED(status) && WEXITSTATUS(status) == 0);
  return true;
}

static bool dataComesBack(void) {
  static uint8_t bytes[3 << 20];
  const size_t sizes[] = {1, 4095, 4096, 4097, 131072 - 24, 131072 - 23, 131072, 131073, sizeof bytes - 7};
  for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
    fill(bytes, sizes[i], 0, i);
    int fd = open("data", O_RDWR | O_CREAT | O_TRUNC, 0644);
    NEED(fd >= 0);
    for (size_t at = 0, step = 1; at < sizes[i]; step = step * 3 + 1) {
      size_t length = step % 300000 < sizes[i] - at ? step % 300000 : sizes[i] - at;
      ssize_t written = write(fd, bytes + at, length);
      NEED(written > 0 || length == 0);
      at += written;
    }
    NEED(fsync(fd) == 0 && fdatasync(fd) == 0 && close(fd) == 0);
    forgetCaches();
    memset(bytes, 0, sizeof bytes);
    NEED((fd = open("data", O_RDONLY)) >= 0);
    size_t at = 0;
    for (ssize_t length; (length = read(fd, bytes + at, sizeof bytes - at)) > 0;) at += length;
    NEED(at == sizes[i]);
    NEED(isFilled(bytes, at, 0, i));
    NEED(close(fd) == 0);
  }
  return true;
}

static bool offsetsAreLarge(void) {
  const off_t far = (5LL << 30) + 3;
  int fd = open("sparse", O_RDWR | O_CREAT, 0644);
  char text[8] = {0};
  struct stat stat;
  NEED(fd >= 0);
  NEED(pwrite(fd, "end", 3, far) == 3);
  NEED(fsync(fd) == 0);
  NEED(fstat(fd, &stat) == 0 && stat.st_size == far + 3);
  // What it does not ask the server for, the client reckons from the size.
  NEED(loose || stat.st_blocks < 10000);
  NEED(pread(fd, text, 8, far) == 3 && memcmp(text, "end", 3) == 0);
  NEED(pread(fd, text, 8, far - 10) == 8 && memcmp(text, "\0\0\0\0\0\0\0\0", 8) == 0);
  NEED(lseek(fd, 0, SEEK_END) == far + 3);
  NEED(pread(fd, text, 8, far + 3) == 0 && pread(fd, text, 8, far + 100) == 0);
  NEED(close(fd) == 0 && unlink("sparse") == 0);
  return true;
}

static bool appendsGoToTheEnd(void) {
  NEED(put("log", ""));
  int a = open("log", O_WRONLY | O_APPEND), b = open("log", O_WRONLY | O_APPEND);
  NEED(a >= 0 && b >= 0);
  // Two clients' caches know nothing of each other: in one process they are one file.
  for (int i = 0; i < 20; i++) NEED(write(i % 2 ? b : a, i % 2 ? "b" : "a", 1) == 1);
  NEED(close(a) == 0 && close(b) == 0);
  return holds("log", "abababababababababab");
}

static bool sizesChange(void) {
  char text[16];
  struct stat stat;
  NEED(put("size", "0123456789"));
  int fd = open("size", O_RDWR);
  NEED(fd >= 0);
  NEED(ftruncate(fd, 4) == 0 && pread(fd, text, 16, 0) == 4);
  NEED(ftruncate(fd, 8) == 0 && pread(fd, text, 16, 0) == 8 && memcmp(text, "0123\0\0\0\0", 8) == 0);
  NEED(close(fd) == 0);
  NEED(truncate("size", 1000000) == 0 && lstat("size", &stat) == 0 && stat.st_size == 1000000);
  NEED(truncate("size", 0) == 0 && lstat("size", &stat) == 0 && stat.st_size == 0);
  NEED(put("size", "again") && (fd = open("size", O_RDWR | O_TRUNC)) >= 0);
  NEED(fstat(fd, &stat) == 0 && stat.st_size == 0 && close(fd) == 0);
  REFUSED(EINVAL, truncate("size", -1));
  REFUSED(EISDIR, truncate(".", 0));
  return true;
}

static bool namesMove(void) {
  NEED(put("one", "one") && put("two", "two"));
  int fd = open("one", O_RDWR);
  NEED(fd >= 0);
  NEED(rename("one", "two") == 0 && holds("two", "one"));
  REFUSED(ENOENT, access("one", F_OK));
  NEED(pwrite(fd, "ONE", 3, 0) == 3 && close(fd) == 0 && holds("two", "ONE"));
  NEED(mkdir("empty", 0755) == 0 && mkdir("full", 0755) == 0 && put("full/x", "x"));
  REFUSED(EISDIR, rename("two", "full"));
  REFUSED(ENOTDIR, rename("full", "two"));
  NEED(rename("empty", "full") == -1 && (errno == ENOTEMPTY || errno == EEXIST));
  NEED(rename("full", "empty") == 0 && holds("empty/x", "x"));
  REFUSED(EINVAL, rename("empty", "empty/below"));
  REFUSED(ENOENT, rename("none", "other"));
  return true;
}

/** A directory is moved while it is somebody's working directory, and while files below it are open. */
static bool directoriesMoveWithWhatIsBelow(void) {
  struct stat here, above;
  char path[PATH_MAX];
  NEED(mkdir("m", 0755) == 0 && mkdir("m/a", 0755) == 0 && mkdir("m/a/b", 0755) == 0 && mkdir("n", 0755) == 0);
  NEED(put("m/a/b/file", "below"));
  int fd = open("m/a/b/file", O_RDONLY), start = open(".", O_RDONLY | O_DIRECTORY);
  NEED(fd >= 0 && start >= 0 && chdir("m/a/b") == 0);
  NEED(renameat(start, "m", start, "n/moved") == 0);
  NEED(holds("file", "below") && put("new", "new"));
  NEED(getcwd(path, sizeof path) != NULL && strstr(path, "/n/moved/a/b") != NULL);
  NEED(stat("..", &above) == 0 && fstatat(start, "n/moved/a", &here, 0) == 0 && above.st_ino == here.st_ino);
  NEED(read(fd, path, 10) == 5 && close(fd) == 0);
  NEED(renameat(start, "n/moved/a/b", start, "b") == 0 && put("newer", "newer"));
  NEED(stat("..", &above) == 0 && fstat(start, &here) == 0 && above.st_ino == here.st_ino);
  NEED(fchdir(start) == 0 && close(start) == 0);
  return holds("b/new", "new") && holds("b/newer", "newer");
}

static bool filesHaveSeveralNames(void) {
  struct stat one, two;
  NEED(put("l1", "linked") && link("l1", "l2") == 0);
  NEED(stat("l1", &one) == 0 && stat("l2", &two) == 0);
  NEED(one.st_ino == two.st_ino && two.st_nlink == 2);
  REFUSED(EEXIST, link("l1", "l2"));
  NEED(unlink("l1") == 0 && holds("l2", "linked"));
  NEED(stat("l2", &two) == 0 && two.st_nlink == 1);
  NEED(link(".", "l3") == -1 && errno == EPERM);
  return true;
}

static bool linksLead(void) {
  char target[PATH_MAX], text[PATH_MAX];
  NEED(put("there", "there") && symlink("there", "s") == 0 && holds("s", "there"));
  NEED(readlink("s", text, sizeof text) == 5 && memcmp(text, "there", 5) == 0);
  memset(target, 'x', sizeof target);
  target[3999] = '\0';
  NEED(symlink(target, "long") == 0 && readlink("long", text, sizeof text) == 3999);
  NEED(symlink("none", "dangling") == 0);
  REFUSED(ENOENT, open("dangling", O_RDONLY));
  REFUSED(ELOOP, open("s", O_RDONLY | O_NOFOLLOW));
  NEED(symlink("loop", "loop") == 0);
  REFUSED(ELOOP, open("loop", O_RDONLY));
  // Resolved by the client: what is outside of the served directory is the guest's own.
  NEED(symlink("/proc/version", "outward") == 0);
  int fd = open("outward", O_RDONLY);
  NEED(fd >= 0 && read(fd, text, 5) == 5 && memcmp(text, "Linux", 5) == 0 && close(fd) == 0);
  return true;
}

static bool directoriesNest(void) {
  char path[PATH_MAX] = "deep";
  struct stat stat;
  for (int depth = 0; depth < DEPTH; depth++) {
    NEED(mkdir(path, 0755) == 0);
    strcat(path, "/directory");
  }
  NEED(mkdir(path, 0755) == 0 && lstat(path, &stat) == 0 && S_ISDIR(stat.st_mode));
  NEED(rmdir("deep") == -1 && errno == ENOTEMPTY);
  REFUSED(EISDIR, unlink("deep"));
  for (int depth = 0; depth <= DEPTH; depth++) {
    NEED(rmdir(path) == 0);
    char *end = strrchr(path, '/');
    if (end != NULL) *end = '\0';
  }
  REFUSED(ENOENT, access("deep", F_OK));
  NEED(put("plain", ""));
  REFUSED(ENOTDIR, rmdir("plain"));
  REFUSED(ENOTDIR, mkdir("plain/x", 0755));
  return true;
}

static int entriesOf(DIR *directory, bool seen[NAMES]) {
  int count = 0;
  for (struct dirent *entry; (entry = readdir(directory)) != NULL;) {
    int number = -1;
    if (sscanf(entry->d_name, "name-with-some-length-%d", &number) != 1) continue;
    if (number < 0 || number >= NAMES || seen[number] || entry->d_type != DT_REG) return -1;
    seen[number] = true;
    count++;
  }
  return count;
}

static bool aThousandNamesAreListed(void) {
  bool seen[NAMES] = {false};
  char name[64];
  NEED(mkdir("many", 0755) == 0);
  for (int i = 0; i < NAMES; i++) {
    sprintf(name, "many/name-with-some-length-%d", i);
    NEED(put(name, ""));
  }
  DIR *directory = opendir("many");
  NEED(directory != NULL);
  NEED(entriesOf(directory, seen) == NAMES);
  rewinddir(directory);
  for (int i = 0; i < 300; i++) NEED(readdir(directory) != NULL);
  long place = telldir(directory);
  struct dirent *entry = readdir(directory);
  NEED(entry != NULL);
  strcpy(name, entry->d_name);
  // To the end: before, the client goes on with what it has, wherever it is told to seek (v9fs_dir_readdir_dotl).
  while (readdir(directory) != NULL) continue;
  seekdir(directory, place);
  NEED((entry = readdir(directory)) != NULL && strcmp(entry->d_name, name) == 0);
  while (readdir(directory) != NULL) continue;
  // As rm -r does it: what is listed goes while the listing goes on.
  rewinddir(directory);
  int removed = 0;
  while ((entry = readdir(directory)) != NULL) {
    if (entry->d_name[0] == '.') continue;
    NEED(unlinkat(dirfd(directory), entry->d_name, 0) == 0);
    removed++;
  }
  NEED(removed == NAMES && closedir(directory) == 0 && rmdir("many") == 0);
  return true;
}

static bool attributesChange(void) {
  struct stat stat;
  // Whole seconds: the client cuts off what is below (s_time_gran).
  const struct timespec times[] = {{.tv_sec = 1000000001}, {.tv_sec = 5}};
  const struct timespec omitted[] = {{.tv_nsec = UTIME_OMIT}, {.tv_sec = 7}};
  const struct timespec now[] = {{.tv_nsec = UTIME_NOW}, {.tv_nsec = UTIME_NOW}};
  NEED(put("attr", "x"));
  NEED(chmod("attr", 07641) == 0 && lstat("attr", &stat) == 0 && (stat.st_mode & 07777) == 07641);
  NEED(chown("attr", 12, 34) == 0 && lstat("attr", &stat) == 0 && stat.st_uid == 12 && stat.st_gid == 34);
  NEED(chown("attr", -1, 56) == 0 && lstat("attr", &stat) == 0 && stat.st_uid == 12 && stat.st_gid == 56);
  NEED(utimensat(AT_FDCWD, "attr", times, 0) == 0 && lstat("attr", &stat) == 0);
  NEED(stat.st_atim.tv_sec == 1000000001 && stat.st_atim.tv_nsec == 0);
  NEED(stat.st_mtim.tv_sec == 5 && stat.st_mtim.tv_nsec == 0);
  NEED(utimensat(AT_FDCWD, "attr", omitted, 0) == 0 && lstat("attr", &stat) == 0);
  NEED(stat.st_atim.tv_sec == 1000000001 && stat.st_mtim.tv_sec == 7);
  NEED(utimensat(AT_FDCWD, "attr", now, 0) == 0 && lstat("attr", &stat) == 0 && stat.st_mtim.tv_sec > 1000);
  NEED(symlink("attr", "attr-link") == 0);
  NEED(lchown("attr-link", 3, 4) == 0 && lstat("attr-link", &stat) == 0 && stat.st_uid == 3);
  NEED(lstat("attr", &stat) == 0 && stat.st_uid == 12);
  return true;
}

static bool extendedAttributesAreKept(void) {
  static char value[2000], back[4000];
  memset(value, 'v', sizeof value);
  NEED(put("x", "x"));
  REFUSED(ENODATA, getxattr("x", "user.a", back, sizeof back));
  NEED(setxattr("x", "user.a", value, sizeof value, 0) == 0);
  NEED(getxattr("x", "user.a", NULL, 0) == sizeof value);
  NEED(getxattr("x", "user.a", back, sizeof back) == sizeof value && memcmp(value, back, sizeof value) == 0);
  REFUSED(ERANGE, getxattr("x", "user.a", back, 10));
  REFUSED(EEXIST, setxattr("x", "user.a", "y", 1, XATTR_CREATE));
  REFUSED(ENODATA, setxattr("x", "user.b", "y", 1, XATTR_REPLACE));
  NEED(setxattr("x", "user.empty", "", 0, XATTR_CREATE) == 0 && getxattr("x", "user.empty", back, 10) == 0);
  ssize_t length = listxattr("x", back, sizeof back);
  NEED(length > 0 && memmem(back, length, "user.a", 7) != NULL && memmem(back, length, "user.empty", 11) != NULL);
  NEED(removexattr("x", "user.a") == 0);
  REFUSED(ENODATA, removexattr("x", "user.a"));
  NEED(setxattr(".", "user.directory", "d", 1, 0) == 0 && getxattr(".", "user.directory", back, 10) == 1);
  NEED(removexattr(".", "user.directory") == 0);
  return true;
}

static bool fileSystemHasASize(void) {
  struct statfs statfs_;
  NEED(statfs(".", &statfs_) == 0);
  NEED(statfs_.f_blocks > 0 && statfs_.f_bavail <= statfs_.f_blocks && statfs_.f_bsize > 0);
  NEED(statfs_.f_namelen == NAME_MAX);
  return true;
}

static bool removedFilesStayOpen(void) {
  char text[16] = {0};
  struct stat stat;
  NEED(put("gone", "still here"));
  int fd = open("gone", O_RDWR);
  NEED(fd >= 0 && unlink("gone") == 0);
  REFUSED(ENOENT, access("gone", F_OK));
  NEED(pread(fd, text, 16, 0) == 10 && pwrite(fd, "STILL", 5, 0) == 5);
  NEED(pread(fd, text, 16, 0) == 10 && memcmp(text, "STILL here", 10) == 0);
  NEED(fstat(fd, &stat) == 0 && stat.st_size == 10 && ftruncate(fd, 3) == 0);
  NEED(fstat(fd, &stat) == 0 && stat.st_size == 3);
  // Its name may be another one's at once, which is another file.
  NEED(put("gone", "new") && pread(fd, text, 16, 0) == 3 && memcmp(text, "STI", 3) == 0);
  NEED(close(fd) == 0 && holds("gone", "new"));
  NEED(mkdir("gone-directory", 0755) == 0 && (fd = open("gone-directory", O_RDONLY | O_DIRECTORY)) >= 0);
  NEED(rmdir("gone-directory") == 0);
  NEED(openat(fd, "x", O_WRONLY | O_CREAT, 0644) == -1 && errno == ENOENT && close(fd) == 0);
  return true;
}

static bool flagsOfOpenHold(void) {
  struct stat stat;
  int fd = open("excl", O_RDWR | O_CREAT | O_EXCL, 0600);
  NEED(fd >= 0 && close(fd) == 0);
  REFUSED(EEXIST, open("excl", O_RDWR | O_CREAT | O_EXCL, 0600));
  NEED((fd = open("excl", O_RDWR | O_CREAT, 0644)) >= 0 && fstat(fd, &stat) == 0 && (stat.st_mode & 0777) == 0600);
  NEED(close(fd) == 0);
  REFUSED(ENOTDIR, open("excl", O_RDONLY | O_DIRECTORY));
  REFUSED(EISDIR, open(".", O_RDWR));
  NEED((fd = open("excl", O_RDONLY)) >= 0);
  REFUSED(EBADF, write(fd, "x", 1));
  NEED(close(fd) == 0 && (fd = open("excl", O_WRONLY)) >= 0);
  char byte;
  REFUSED(EBADF, read(fd, &byte, 1));
  NEED(close(fd) == 0);
  mode_t mask = umask(027);
  NEED((fd = open("masked", O_RDWR | O_CREAT, 0666)) >= 0 && fstat(fd, &stat) == 0);
  NEED((stat.st_mode & 0777) == 0640 && close(fd) == 0);
  umask(mask);
  return true;
}

static bool specialFilesAreTheClients(void) {
  struct stat stat;
  NEED(mkfifo("fifo", 0600) == 0 && lstat("fifo", &stat) == 0 && S_ISFIFO(stat.st_mode));
  pid_t pid = fork();
  if (pid == 0) {
    int out = open("fifo", O_WRONLY);
    _exit(out >= 0 && write(out, "through", 7) == 7 ? 0 : 1);
  }
  int fd = open("fifo", O_RDONLY);
  char text[8];
  NEED(fd >= 0 && read(fd, text, 8) == 7 && close(fd) == 0 && childSucceeded(pid));
  struct sockaddr_un address = {.sun_family = AF_UNIX, .sun_path = "socket"};
  int listener = socket(AF_UNIX, SOCK_STREAM, 0), client = socket(AF_UNIX, SOCK_STREAM, 0);
  NEED(bind(listener, (void *)&address, sizeof address) == 0 && listen(listener, 1) == 0);
  NEED(connect(client, (void *)&address, sizeof address) == 0);
  NEED(close(client) == 0 && close(listener) == 0);
  // A device node on the host's disk would be a door to the host's drivers.
  REFUSED(EPERM, mknod("device", S_IFCHR | 0600, (1 << 8) | 3));
  return true;
}

static bool namesAreBytes(void) {
  char longest[NAME_MAX + 2];
  memset(longest, 'n', sizeof longest);
  longest[NAME_MAX] = '\0';
  NEED(put(longest, "long") && holds(longest, "long") && unlink(longest) == 0);
  longest[NAME_MAX] = 'n';
  longest[NAME_MAX + 1] = '\0';
  REFUSED(ENAMETOOLONG, open(longest, O_RDWR | O_CREAT, 0644));
  const char *const names[] = {"\xff\xfe", "new\nline", " ", "\xc3\xa4\xe2\x82\xac", "...", "back\\slash", "\x01"};
  for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
    NEED(put(names[i], "odd") && holds(names[i], "odd"));
    DIR *directory = opendir(".");
    bool found = false;
    NEED(directory != NULL);
    for (struct dirent *entry; (entry = readdir(directory)) != NULL;) found |= strcmp(entry->d_name, names[i]) == 0;
    NEED(closedir(directory) == 0 && found && unlink(names[i]) == 0);
  }
  return true;
}

static bool memoryIsMapped(const char *cache) {
  const size_t size = 5 * 4096 + 100;
  static uint8_t bytes[6 * 4096];
  int fd = open("mapped", O_RDWR | O_CREAT, 0644);
  NEED(fd >= 0);
  fill(bytes, size, 0, 9);
  NEED(write(fd, bytes, size) == (ssize_t)size);
  uint8_t *private = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE, fd, 0);
  NEED(private != MAP_FAILED && isFilled(private, size, 0, 9));
  private[0] ^= 1;
  NEED(munmap(private, size) == 0 && pread(fd, bytes, 1, 0) == 1 && bytes[0] == pattern(0, 9));
  uint8_t *shared = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
  if (strcmp(cache, "none") == 0 && shared == MAP_FAILED) return close(fd) == 0;
  NEED(shared != MAP_FAILED);
  fill(shared, size, 0, 10);
  NEED(msync(shared, size, MS_SYNC) == 0 && munmap(shared, size) == 0 && close(fd) == 0);
  forgetCaches();
  char path[PATH_MAX];
  snprintf(path, sizeof path, "%s/mapped", second);
  NEED((fd = open(path, O_RDONLY)) >= 0 && read(fd, bytes, sizeof bytes) == (ssize_t)size);
  NEED(isFilled(bytes, size, 0, 10) && close(fd) == 0);
  return true;
}

static int setLock(int fd, short type, off_t start, off_t length, int command) {
  struct flock lock = {.l_type = type, .l_whence = SEEK_SET, .l_start = start, .l_len = length};
  return fcntl(fd, command, &lock);
}

/** Opens `name` in a process of its own and tries to lock its bytes 10 to 19: 0, or the errno. */
static int tryLock(const char *name) {
  pid_t pid = fork();
  if (pid == 0) {
    int fd = open(name, O_RDWR);
    _exit(fd < 0 ? 200 : setLock(fd, F_WRLCK, 10, 10, F_SETLK) == 0 ? 0 : errno);
  }
  int status;
  return waitpid(pid, &status, 0) == pid && WIFEXITED(status) ? WEXITSTATUS(status) : 201;
}

static bool locksExclude(void) {
  char elsewhere[PATH_MAX];
  snprintf(elsewhere, sizeof elsewhere, "%s/lock", second);
  NEED(put("lock", "0123456789012345678901234567890"));
  int fd = open("lock", O_RDWR);
  NEED(fd >= 0 && tryLock("lock") == 0 && tryLock(elsewhere) == 0);
  NEED(setLock(fd, F_WRLCK, 15, 100, F_SETLK) == 0);
  NEED(tryLock("lock") == EAGAIN);
  NEED(tryLock(elsewhere) == EAGAIN);
  NEED(setLock(fd, F_UNLCK, 15, 5, F_SETLK) == 0);
  NEED(tryLock("lock") == 0 && tryLock(elsewhere) == 0);
  NEED(setLock(fd, F_RDLCK, 0, 0, F_SETLK) == 0 && tryLock(elsewhere) == EAGAIN);
  int other = open(elsewhere, O_RDWR);
  struct flock lock = {.l_type = F_WRLCK, .l_whence = SEEK_SET};
  NEED(other >= 0 && fcntl(other, F_GETLK, &lock) == 0 && lock.l_type == F_RDLCK);
  NEED(close(fd) == 0 && tryLock(elsewhere) == 0);
  NEED(flock(other, LOCK_EX) == 0 && (fd = open("lock", O_RDWR)) >= 0);
  REFUSED(EWOULDBLOCK, flock(fd, LOCK_EX | LOCK_NB));
  NEED(flock(other, LOCK_UN) == 0 && flock(fd, LOCK_EX | LOCK_NB) == 0);
  NEED(close(fd) == 0 && close(other) == 0);
  return true;
}

/** A lock that is waited for is had when its owner ends, however it ends. */
static bool locksEndWithTheirOwner(void) {
  char elsewhere[PATH_MAX];
  int ready[2];
  char byte;
  snprintf(elsewhere, sizeof elsewhere, "%s/waited", second);
  NEED(put("waited", "x") && pipe(ready) == 0);
  pid_t pid = fork();
  if (pid == 0) {
    int fd = open("waited", O_RDWR);
    if (fd < 0 || setLock(fd, F_WRLCK, 0, 0, F_SETLK) != 0 || write(ready[1], "", 1) != 1) _exit(1);
    pause();
  }
  NEED(read(ready[0], &byte, 1) == 1);
  int fd = open(elsewhere, O_RDWR);
  NEED(fd >= 0);
  NEED(setLock(fd, F_WRLCK, 0, 0, F_SETLK) == -1 && errno == EAGAIN);
  NEED(kill(pid, SIGKILL) == 0 && setLock(fd, F_WRLCK, 0, 0, F_SETLKW) == 0);
  NEED(waitpid(pid, NULL, 0) == pid && close(fd) == 0 && close(ready[0]) == 0 && close(ready[1]) == 0);
  return true;
}

/** Requests are given up in the middle: the client flushes them, and the connection goes on. */
static bool killedProcessesLeaveNothing(void) {
  static uint8_t bytes[1 << 20];
  fill(bytes, sizeof bytes, 0, 1);
  int fd = open("busy", O_RDWR | O_CREAT, 0644);
  NEED(fd >= 0 && write(fd, bytes, sizeof bytes) == sizeof bytes && close(fd) == 0);
  for (int i = 0; i < KILLS; i++) {
    pid_t pid = fork();
    NEED(pid >= 0);
    if (pid == 0) {
      char name[32];
      for (unsigned round = 0;; round++) {
        int in = open("busy", O_RDWR | O_DIRECT);
        if (pread(in, bytes, sizeof bytes, 0) < 0 || pwrite(in, bytes, sizeof bytes, 0) < 0) _exit(1);
        close(in);
        sprintf(name, "killed-%d", getpid());
        close(open(name, O_RDWR | O_CREAT, 0644));
        unlink(name);
      }
    }
    usleep(500 + i * 701 % 20000);
    NEED(kill(pid, SIGKILL) == 0 && waitpid(pid, NULL, 0) == pid);
    NEED(access("busy", R_OK) == 0);
  }
  NEED((fd = open("busy", O_RDONLY)) >= 0 && read(fd, bytes, sizeof bytes) == sizeof bytes);
  NEED(isFilled(bytes, sizeof bytes, 0, 1) && close(fd) == 0);
  return true;
}

static bool manyFilesAreOpen(void) {
  static int open_[OPEN_FILES];
  char name[32];
  NEED(mkdir("open", 0755) == 0);
  for (int i = 0; i < OPEN_FILES; i++) {
    sprintf(name, "open/%d", i);
    NEED((open_[i] = open(name, O_RDWR | O_CREAT | O_EXCL, 0644)) >= 0);
    NEED(write(open_[i], name, strlen(name)) == (ssize_t)strlen(name));
  }
  for (int i = OPEN_FILES - 1; i >= 0; i--) {
    char text[32];
    sprintf(name, "open/%d", i);
    NEED(pread(open_[i], text, sizeof text, 0) == (ssize_t)strlen(name));
    NEED(memcmp(text, name, strlen(name)) == 0 && close(open_[i]) == 0 && unlink(name) == 0);
  }
  NEED(rmdir("open") == 0);
  return true;
}

static int writeAndRead(int writer) {
  static uint8_t bytes[70000], back[70000];
  char name[32], moved[32];
  for (int round = 0; round < ROUNDS; round++) {
    size_t size = (size_t)(writer * 7919 + round * 1301) % sizeof bytes;
    sprintf(name, "shared/%d-%d", writer, round % 3);
    sprintf(moved, "shared/%d-moved", writer);
    fill(bytes, size, 0, writer * ROUNDS + round);
    int fd = open(name, O_RDWR | O_CREAT | O_TRUNC, 0644);
    if (fd < 0 || write(fd, bytes, size) != (ssize_t)size || close(fd) != 0) return 1;
    if (rename(name, moved) != 0 || (fd = open(moved, O_RDONLY)) < 0) return 2;
    if (read(fd, back, sizeof back) != (ssize_t)size || memcmp(bytes, back, size) != 0) return 3;
    if (close(fd) != 0 || unlink(moved) != 0) return 4;
  }
  return 0;
}

static bool processesWorkAtOnce(void) {
  pid_t pids[WRITERS];
  NEED(mkdir("shared", 0755) == 0);
  for (int i = 0; i < WRITERS; i++) {
    if ((pids[i] = fork()) == 0) _exit(writeAndRead(i));
  }
  for (int i = 0; i < WRITERS; i++) {
    if (!childSucceeded(pids[i])) return false;
  }
  NEED(rmdir("shared") == 0);
  return true;
}

/** What one client makes, another one sees. */
static bool clientsSeeEachOther(void) {
  char path[PATH_MAX];
  struct stat stat;
  snprintf(path, sizeof path, "%s/told", second);
  NEED(put("told", "first"));
  // What is in a loose cache is nobody else's until it is written.
  sync();
  NEED(holds(path, "first"));
  NEED(put(path, "second one"));
  if (!loose) NEED(holds("told", "second one"));
  NEED(unlink(path) == 0);
  if (!loose) NEED(lstat("told", &stat) == -1 && errno == ENOENT);
  return true;
}

static bool dataIsMovedByTheKernel(void) {
  char text[16];
  NEED(put("from", "0123456789"));
  int in = open("from", O_RDONLY), out = open("to", O_RDWR | O_CREAT, 0644), ends[2];
  NEED(in >= 0 && out >= 0 && pipe(ends) == 0);
  NEED(sendfile(out, in, NULL, 5) == 5);
  NEED(splice(in, NULL, ends[1], NULL, 5, 0) == 5 && splice(ends[0], NULL, out, NULL, 5, 0) == 5);
  NEED(pread(out, text, 16, 0) == 10 && memcmp(text, "0123456789", 10) == 0);
  loff_t from = 0, to = 10;
  NEED(copy_file_range(in, &from, out, &to, 10, 0) == 10 && pread(out, text, 16, 10) == 10);
  NEED(close(in) == 0 && close(out) == 0 && close(ends[0]) == 0 && close(ends[1]) == 0);
  return true;
}

/** Another user of the client: the client checks what modes say; what it makes is that user's. */
static bool usersAreApart(void) {
  struct stat stat;
  NEED(put("private", "secret") && chmod("private", 0600) == 0);
  NEED(mkdir("public", 0) == 0 && chmod("public", 01777) == 0);
  pid_t pid = fork();
  if (pid == 0) {
    if (setgid(NOBODY) != 0 || setuid(NOBODY) != 0) _exit(1);
    if (open("private", O_RDONLY) != -1 || errno != EACCES) _exit(2);
    if (open("not-mine", O_RDWR | O_CREAT, 0644) != -1 || errno != EACCES) _exit(3);
    if (!put("public/mine", "mine") || chmod("public/mine", 0600) != 0) _exit(4);
    if (mkdir("public/d", 0755) != 0 || symlink("x", "public/s") != 0) _exit(5);
    if (chown("public/mine", 0, 0) != -1 || errno != EPERM) _exit(6);
    _exit(0);
  }
  int status;
  NEED(waitpid(pid, &status, 0) == pid && WIFEXITED(status));
  errno = WEXITSTATUS(status);
  NEED(errno == 0 || !complain(__LINE__, "the other user's step that is told as an errno"));
  const char *const made[] = {"public/mine", "public/d", "public/s"};
  for (int i = 0; i < 3; i++) NEED(lstat(made[i], &stat) == 0 && stat.st_uid == NOBODY && stat.st_gid == NOBODY);
  return true;
}

static bool programsRun(void) {
  pid_t pid = fork();
  if (pid == 0) {
    execl("./program", "echo", "-n", "", NULL);
    _exit(1);
  }
  return childSucceeded(pid);
}

int main(int argc, char **argv) {
  if (argc != 4 || chdir(argv[1]) != 0) return 2;
  second = argv[2];
  const char *cache = argv[3];
  loose = strcmp(cache, "loose") == 0;
  umask(022);
  setvbuf(stdout, NULL, _IONBF, 0);
  const struct {
    const char *name;
    bool (*run)(void);
  } exercises[] = {
      {"data comes back", dataComesBack},
      {"offsets are large", offsetsAreLarge},
      {"appends go to the end", appendsGoToTheEnd},
      {"sizes change", sizesChange},
      {"names move", namesMove},
      {"directories move with what is below", directoriesMoveWithWhatIsBelow},
      {"files have several names", filesHaveSeveralNames},
      {"links lead", linksLead},
      {"directories nest", directoriesNest},
      {"a thousand names are listed", aThousandNamesAreListed},
      {"attributes change", attributesChange},
      {"extended attributes are kept", extendedAttributesAreKept},
      {"the file system has a size", fileSystemHasASize},
      {"removed files stay open", removedFilesStayOpen},
      {"flags of open hold", flagsOfOpenHold},
      {"special files are the client's", specialFilesAreTheClients},
      {"names are bytes", namesAreBytes},
      {"locks exclude", locksExclude},
      {"locks end with their owner", locksEndWithTheirOwner},
      {"killed processes leave nothing", killedProcessesLeaveNothing},
      {"many files are open", manyFilesAreOpen},
      {"processes work at once", processesWorkAtOnce},
      {"clients see each other", clientsSeeEachOther},
      {"data is moved by the kernel", dataIsMovedByTheKernel},
      {"users are apart", usersAreApart},
      {"programs run", programsRun},
  };
  int failed = 0;
  for (size_t i = 0; i < sizeof exercises / sizeof *exercises; i++) {
    bool passed = exercises[i].run();
    if (passed) printf("PASS %s\n", exercises[i].name);
    else printf("FAIL %s: %s\n", exercises[i].name, why);
    failed += !passed;
  }
  bool passed = memoryIsMapped(cache);
  printf(passed ? "PASS memory is mapped\n" : "FAIL memory is mapped: %s\n", why);
  return failed + !passed != 0;
}
