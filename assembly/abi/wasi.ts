// WASI preview1 (wasi_snapshot_preview1): errno, file types, rights, flags, clocks, events.

export const WASI_ESUCCESS = 0;
export const WASI_E2BIG = 1;
export const WASI_EACCES = 2;
export const WASI_EAGAIN = 6;
export const WASI_EBADF = 8;
export const WASI_EBUSY = 10;
export const WASI_ECANCELED = 11;
export const WASI_ECHILD = 12;
export const WASI_ECONNRESET = 15;
export const WASI_EDEADLK = 16;
export const WASI_EDOM = 18;
export const WASI_EDQUOT = 19;
export const WASI_EEXIST = 20;
export const WASI_EFAULT = 21;
export const WASI_EFBIG = 22;
export const WASI_EILSEQ = 25;
export const WASI_EINTR = 27;
export const WASI_EINVAL = 28;
export const WASI_EIO = 29;
export const WASI_EISDIR = 31;
export const WASI_ELOOP = 32;
export const WASI_EMFILE = 33;
export const WASI_EMLINK = 34;
export const WASI_EMSGSIZE = 35;
export const WASI_ENAMETOOLONG = 37;
export const WASI_ENFILE = 41;
export const WASI_ENOBUFS = 42;
export const WASI_ENODEV = 43;
export const WASI_ENOENT = 44;
export const WASI_ENOEXEC = 45;
export const WASI_ENOLCK = 46;
export const WASI_ENOMEM = 48;
export const WASI_ENOSPC = 51;
export const WASI_ENOSYS = 52;
export const WASI_ENOTCONN = 53;
export const WASI_ENOTDIR = 54;
export const WASI_ENOTEMPTY = 55;
export const WASI_ENOTSOCK = 57;
export const WASI_ENOTSUP = 58;
export const WASI_ENOTTY = 59;
export const WASI_ENXIO = 60;
export const WASI_EOVERFLOW = 61;
export const WASI_EPERM = 63;
export const WASI_EPIPE = 64;
export const WASI_EPROTO = 65;
export const WASI_ERANGE = 68;
export const WASI_EROFS = 69;
export const WASI_ESPIPE = 70;
export const WASI_ESRCH = 71;
export const WASI_ESTALE = 72;
export const WASI_ETIMEDOUT = 73;
export const WASI_ETXTBSY = 74;
export const WASI_EXDEV = 75;
export const WASI_ENOTCAPABLE = 76;

export const FILETYPE_UNKNOWN = 0;
export const FILETYPE_BLOCK_DEVICE = 1;
export const FILETYPE_CHARACTER_DEVICE = 2;
export const FILETYPE_DIRECTORY = 3;
export const FILETYPE_REGULAR_FILE = 4;
export const FILETYPE_SOCKET_DGRAM = 5;
export const FILETYPE_SOCKET_STREAM = 6;
export const FILETYPE_SYMBOLIC_LINK = 7;

export const RIGHT_FD_DATASYNC = 0x1;
export const RIGHT_FD_READ = 0x2;
export const RIGHT_FD_SEEK = 0x4;
export const RIGHT_FD_FDSTAT_SET_FLAGS = 0x8;
export const RIGHT_FD_SYNC = 0x10;
export const RIGHT_FD_TELL = 0x20;
export const RIGHT_FD_WRITE = 0x40;
export const RIGHT_FD_ADVISE = 0x80;
export const RIGHT_FD_ALLOCATE = 0x100;
export const RIGHT_PATH_CREATE_DIRECTORY = 0x200;
export const RIGHT_PATH_CREATE_FILE = 0x400;
export const RIGHT_PATH_LINK_SOURCE = 0x800;
export const RIGHT_PATH_LINK_TARGET = 0x1000;
export const RIGHT_PATH_OPEN = 0x2000;
export const RIGHT_FD_READDIR = 0x4000;
export const RIGHT_PATH_READLINK = 0x8000;
export const RIGHT_PATH_RENAME_SOURCE = 0x10000;
export const RIGHT_PATH_RENAME_TARGET = 0x20000;
export const RIGHT_PATH_FILESTAT_GET = 0x40000;
export const RIGHT_PATH_FILESTAT_SET_SIZE = 0x80000;
export const RIGHT_PATH_FILESTAT_SET_TIMES = 0x100000;
export const RIGHT_FD_FILESTAT_GET = 0x200000;
export const RIGHT_FD_FILESTAT_SET_SIZE = 0x400000;
export const RIGHT_FD_FILESTAT_SET_TIMES = 0x800000;
export const RIGHT_PATH_SYMLINK = 0x1000000;
export const RIGHT_PATH_REMOVE_DIRECTORY = 0x2000000;
export const RIGHT_PATH_UNLINK_FILE = 0x4000000;
export const RIGHT_POLL_FD_READWRITE = 0x8000000;
export const RIGHT_SOCK_SHUTDOWN = 0x10000000;
export const RIGHT_SOCK_ACCEPT = 0x20000000;
export const RIGHTS_ALL = 0x3fffffff;

export const OFLAGS_CREAT = 1;
export const OFLAGS_DIRECTORY = 2;
export const OFLAGS_EXCL = 4;
export const OFLAGS_TRUNC = 8;
export const OFLAGS_ALL = 15;

export const FDFLAGS_APPEND = 1;
export const FDFLAGS_DSYNC = 2;
export const FDFLAGS_NONBLOCK = 4;
export const FDFLAGS_RSYNC = 8;
export const FDFLAGS_SYNC = 16;
export const FDFLAGS_ALL = 31;

export const LOOKUP_SYMLINK_FOLLOW = 1;

export const FSTFLAGS_ATIM = 1;
export const FSTFLAGS_ATIM_NOW = 2;
export const FSTFLAGS_MTIM = 4;
export const FSTFLAGS_MTIM_NOW = 8;
export const FSTFLAGS_ALL = 15;

export const WHENCE_SET = 0;
export const WHENCE_CUR = 1;
export const WHENCE_END = 2;

export const CLOCK_REALTIME = 0;
export const CLOCK_MONOTONIC = 1;
export const CLOCK_PROCESS_CPUTIME_ID = 2;
export const CLOCK_THREAD_CPUTIME_ID = 3;

export const EVENTTYPE_CLOCK = 0;
export const EVENTTYPE_FD_READ = 1;
export const EVENTTYPE_FD_WRITE = 2;
export const EVENTRWFLAGS_FD_READWRITE_HANGUP = 1;
export const SUBCLOCKFLAGS_ABSTIME = 1;

export const PREOPENTYPE_DIR = 0;
/** Ours, of what is open at the start and no directory: libc passes over types that it does not know and looks at the next. */
export const PREOPENTYPE_STREAM = 1;

export const SIZEOF_PRESTAT = 8;
export const SIZEOF_FDSTAT = 24;
export const SIZEOF_FILESTAT = 64;
export const SIZEOF_DIRENT = 24;
export const SIZEOF_SUBSCRIPTION = 48;
export const SIZEOF_EVENT = 32;
export const SIZEOF_IOVEC = 8;
