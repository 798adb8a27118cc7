// Limits of Linux (linux/limits.h, include/linux/namei.h) and ours, each with its reason where it is ours.

export const NAME_MAX = 255;
/** Includes the terminating NUL, so the longest path has 4,095 bytes. */
export const PATH_MAX = 4096;
export const MAXSYMLINKS = 40;
export const IOV_MAX = 1024;
/** RLIMIT_NOFILE of a guest. */
export const FD_MAX = 65536;
/** The largest count that one read or write moves (fs/read_write.c MAX_RW_COUNT). */
export const MAX_RW_COUNT = 0x7ffff000;
