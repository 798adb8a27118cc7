// Listing a directory in the form of 9P's Rreaddir: one call for a message, where its fields one by one would take longer than
// the host needs for the directory.
//
// An entry is qid[13] offset[8] type[1] name[s]. Its offset is the host's d_off, so that the descriptor stands where the last entry
// says; the qid's path is the inode number with its upper 16 bits exchanged, by what the caller knows about them.

#include "args.h"
#include "memory.h"

#include <dirent.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

enum {
  ENTRY_HEAD = 24,
  QTDIR = 0x80,
  QTSYMLINK = 0x02,
  /** Of struct linux_dirent64: a name of 255 bytes, its NUL, and up to the next multiple of eight. */
  LONGEST_RECORD = 280,
  RECORDS = 65536,
  /** An inode's upper 16 bits begin here. */
  TOP = 48,
};

struct record {
  uint64_t inode;
  int64_t offset;
  uint16_t length;
  uint8_t type;
  char name[];
};
_Static_assert(offsetof(struct record, name) == 19, "struct linux_dirent64");

/** What the caller says and is told, at (slot, listing). */
struct listing {
  /** Where the descriptor stands: behind the last entry. */
  int64_t cookie;
  /** What ".." is when `is_root`: the parent of a tree's root is nobody's business. */
  uint64_t root_inode;
  uint32_t is_root;
  /** The upper 16 bits that `pattern` is for. Set to those of the next entry where it has others. */
  uint32_t top;
  /** What the upper half of the path is, exclusive or the 16 bits of the inode below its top. */
  uint32_t pattern;
  uint32_t unused;
};

struct output {
  uint8_t *at;
  size_t room;
};

static bool is_parent(const struct record *record) {
  return record->name[0] == '.' && record->name[1] == '.' && record->name[2] == '\0';
}

/** A file system that does not say in its records what a file is has it in the file. */
static uint8_t type_of(int fd, const struct record *record) {
  struct statx status;
  if (record->type != DT_UNKNOWN) return record->type;
  if (statx(fd, record->name, AT_SYMLINK_NOFOLLOW | AT_NO_AUTOMOUNT, STATX_TYPE, &status) < 0) return DT_UNKNOWN;
  return (uint8_t)IFTODT(status.stx_mode);
}

static uint8_t *put(uint8_t *to, const void *value, size_t size) {
  memcpy(to, value, size);
  return to + size;
}

/** Appends the entry. Returns 0; -ENOSPC when it does not fit; -EXDEV when the listing's pattern is not for it. */
static int put_entry(int fd, struct listing *listing, const struct record *record, struct output *output) {
  uint64_t inode = listing->is_root && is_parent(record) ? listing->root_inode : record->inode;
  uint16_t name_length = (uint16_t)strlen(record->name);
  if (output->room < (size_t)ENTRY_HEAD + name_length) return -ENOSPC;
  if (inode >> TOP != listing->top) {
    listing->top = (uint32_t)(inode >> TOP);
    return -EXDEV;
  }
  uint64_t path = (inode & ((UINT64_C(1) << TOP) - 1)) ^ (uint64_t)listing->pattern << 32;
  uint8_t type = type_of(fd, record);
  uint8_t head[5] = {type == DT_DIR ? QTDIR : type == DT_LNK ? QTSYMLINK : 0};
  uint8_t *at = put(output->at, head, sizeof head);
  at = put(at, &path, sizeof path);
  at = put(at, &record->offset, sizeof record->offset);
  at = put(at, &type, sizeof type);
  at = put(at, &name_length, sizeof name_length);
  at = put(at, record->name, name_length);
  output->room -= (size_t)(at - output->at);
  output->at = at;
  listing->cookie = record->offset;
  return 0;
}

/**
 * How many bytes of records to ask for, so that their entries fit: an entry is longer than its record by a sixth at most (28
 * to 24 bytes, for a name of four). Where it is about a single one, it is looked at whether it fits.
 */
static size_t records_for(size_t room) {
  size_t wanted = room - room / 7;
  if (wanted < LONGEST_RECORD) return LONGEST_RECORD;
  return wanted < RECORDS ? wanted : RECORDS;
}

/** Appends entries until the end, or the first that cannot be. Returns 0, or why it stopped; the descriptor stands at the cookie. */
static int64_t list(int fd, struct listing *listing, struct output *output) {
  _Alignas(struct record) uint8_t records[RECORDS];
  for (;;) {
    int64_t length = result_of(syscall(SYS_getdents64, fd, records, records_for(output->room)));
    if (length <= 0) return length;
    for (int64_t at = 0; at < length;) {
      const struct record *record = (const struct record *)(const void *)(records + at);
      int stopped = put_entry(fd, listing, record, output);
      if (stopped < 0) {
        int64_t reached = result_of(lseek(fd, listing->cookie, SEEK_SET));
        return reached < 0 ? reached : stopped;
      }
      at += record->length;
    }
    // The few entries that might still fit are not worth a call: the client asks again anyway.
    if (output->room < LONGEST_RECORD) return 0;
  }
}

/** listDirectory(fd, slot, out, capacity, listing) */
static int64_t call_list_directory(napi_env env, const int64_t *arg) {
  uint8_t *out = NULL;
  uint8_t *told = NULL;
  struct listing listing;
  int error = memory_span(env, arg[1], arg[2], arg[3], &out);
  if (error == 0) error = memory_span(env, arg[1], arg[4], sizeof listing, &told);
  if (error < 0) return error;
  memcpy(&listing, told, sizeof listing);
  struct output output = {.at = out, .room = (size_t)arg[3]};
  int64_t status = list((int)arg[0], &listing, &output);
  memcpy(told, &listing, sizeof listing);
  if (output.at > out || status == -EXDEV) return output.at - out;
  return status == -ENOSPC ? -EINVAL : status;
}

const struct call directory_calls[] = {
    {"listDirectory", "diooo", call_list_directory},
    {NULL, NULL, NULL},
};
