// Why a call was refused: what the kernel notes of a traced task's last refusal, for its host to read.
//
// The record lies in kernel memory where trace_begin() says. The host clears REFUSAL_REASON before each call; what it finds there
// afterwards is of that call.

/** u32: a REFUSED_* number, 0 for none. */
export const REFUSAL_REASON = 0;
/** i32: the Linux errno that the refusal was; 0: the call's own (WASI has some that Linux has not). */
export const REFUSAL_ERRNO = 4;
/** u32: the id of the mount that it was about, as in mountinfo; 0: none, or not known. */
export const REFUSAL_MOUNT = 8;
/** u32: the mode of the file that refused, its owner, and its group. */
export const REFUSAL_MODE = 12;
export const REFUSAL_UID = 16;
export const REFUSAL_GID = 20;
/** u32: whom it refused. */
export const REFUSAL_FSUID = 24;
export const REFUSAL_FSGID = 28;
/** u64: what the reason says. */
export const REFUSAL_VALUE = 32;
/** u32: bytes of the path of the file that refused, and the bytes; 0: none. */
export const REFUSAL_PATH_LENGTH = 40;
export const REFUSAL_PATH = 48;
/** Where trace_fd_path() leaves its answer. */
export const REFUSAL_FD_PATH = 4144;
export const SIZEOF_REFUSAL = 8240;

/** The mode of a file; the value has the MAY_* bits that were asked for. */
export const REFUSED_BY_MODE = 1;
/** The file's access control list; otherwise the same. */
export const REFUSED_BY_ACL = 2;
/** The mount is read-only. */
export const REFUSED_READONLY_MOUNT = 3;
/** What is mounted is read-only. */
export const REFUSED_READONLY_FILESYSTEM = 4;
/** The path left the directory that the descriptor confines it to. The value of the five: 1 where that is the root. */
export const REFUSED_ESCAPE_DOTDOT = 5;
/** It begins with a slash. */
export const REFUSED_ESCAPE_ABSOLUTE = 6;
/** A symbolic link's text does. */
export const REFUSED_ESCAPE_LINK = 7;
/** A magic link jumps. */
export const REFUSED_ESCAPE_JUMP = 8;
/** The directory that it was in was moved meanwhile. */
export const REFUSED_ESCAPE_MOVED = 9;
/** The descriptor lacks the rights in the value. */
export const REFUSED_RIGHTS = 10;
/** The new descriptor was to have the rights in the value, which the directory does not hand on. */
export const REFUSED_INHERITING = 11;
/** The file is not open for reading. */
export const REFUSED_NOT_READABLE = 12;
/** The file is not open for writing. */
export const REFUSED_NOT_WRITABLE = 13;
/** RLIMIT_NOFILE, which is the value. */
export const REFUSED_OPEN_FILES = 14;
/** RLIMIT_FSIZE, which is the value, in bytes. */
export const REFUSED_FILE_SIZE = 15;
/** The option size= of a tmpfs: the value, in bytes. */
export const REFUSED_TMPFS_SIZE = 16;
/** The option nr_inodes= of a tmpfs: the value. */
export const REFUSED_TMPFS_INODES = 17;
/** A directory has as many names as it can. */
export const REFUSED_DIRECTORY_FULL = 18;
/** The kernel's own memory is used up, or nearly. */
export const REFUSED_KERNEL_MEMORY = 19;
/** The sticky bit of the directory whose mode and owner are told; the value is the owner of the file. */
export const REFUSED_STICKY = 20;
/** Only the file's owner may, or who has the capability whose number is the value. */
export const REFUSED_NOT_OWNER = 21;
/** Something is mounted there, or what is mounted begins there. */
export const REFUSED_MOUNT_POINT = 22;
/** The two paths are of different mounts. */
export const REFUSED_TWO_MOUNTS = 23;
/** The two paths are of different file systems. */
export const REFUSED_TWO_FILESYSTEMS = 24;
/** A directory of a lower layer, and the overlay makes no redirects. */
export const REFUSED_NO_REDIRECT = 25;
/** A name that layers of images use for whiteouts. */
export const REFUSED_WHITEOUT_NAME = 26;
/** Another name for a file that is not the caller's (fs.protected_hardlinks). */
export const REFUSED_PROTECTED_LINK = 27;
/** Another name for a directory. */
export const REFUSED_DIRECTORY_LINK = 28;
/** WASI makes no symbolic link whose text begins with a slash. */
export const REFUSED_LINK_TEXT = 29;
/** Files of that type do not do that. */
export const REFUSED_BY_TYPE = 30;
/** The mount has nodev. */
export const REFUSED_NODEV = 31;
/** The mount has nosymfollow. */
export const REFUSED_NOSYMFOLLOW = 32;
/** More symbolic links than the value on the way. */
export const REFUSED_TOO_MANY_LINKS = 33;
/** A symbolic link that was not to be followed. */
export const REFUSED_NOT_FOLLOWED = 34;
/** The host refused it to the gofer. */
export const REFUSED_BY_HOST = 35;
/** The gofer is gone, or said what cannot be. */
export const REFUSED_GOFER_GONE = 36;
/** What all file systems in memory may have together: bytes, or inodes. */
export const REFUSED_DISK_SPACE = 37;
