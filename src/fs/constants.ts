// fs.constants: numbers of Linux on x86-64, which is what the kernel speaks on every host.

import * as fcntl from "../../assembly/abi/fcntl.ts";
import * as stat from "../../assembly/abi/stat.ts";

export const UV_DIRENT_UNKNOWN = 0;
export const UV_DIRENT_FILE = 1;
export const UV_DIRENT_DIR = 2;
export const UV_DIRENT_LINK = 3;
export const UV_DIRENT_FIFO = 4;
export const UV_DIRENT_SOCKET = 5;
export const UV_DIRENT_CHAR = 6;
export const UV_DIRENT_BLOCK = 7;

export const F_OK = 0;
export const R_OK = 4;
export const W_OK = 2;
export const X_OK = 1;

/** In Node's order, without a prototype, as Node's. */
export const constants = Object.assign(Object.create(null) as object, {
  UV_FS_SYMLINK_DIR: 1,
  UV_FS_SYMLINK_JUNCTION: 2,
  O_RDONLY: fcntl.O_RDONLY,
  O_WRONLY: fcntl.O_WRONLY,
  O_RDWR: fcntl.O_RDWR,
  UV_DIRENT_UNKNOWN,
  UV_DIRENT_FILE,
  UV_DIRENT_DIR,
  UV_DIRENT_LINK,
  UV_DIRENT_FIFO,
  UV_DIRENT_SOCKET,
  UV_DIRENT_CHAR,
  UV_DIRENT_BLOCK,
  EXTENSIONLESS_FORMAT_JAVASCRIPT: 0,
  EXTENSIONLESS_FORMAT_WASM: 1,
  S_IFMT: stat.S_IFMT,
  S_IFREG: stat.S_IFREG,
  S_IFDIR: stat.S_IFDIR,
  S_IFCHR: stat.S_IFCHR,
  S_IFBLK: stat.S_IFBLK,
  S_IFIFO: stat.S_IFIFO,
  S_IFLNK: stat.S_IFLNK,
  S_IFSOCK: stat.S_IFSOCK,
  O_CREAT: fcntl.O_CREAT,
  O_EXCL: fcntl.O_EXCL,
  UV_FS_O_FILEMAP: 0,
  O_NOCTTY: fcntl.O_NOCTTY,
  O_TRUNC: fcntl.O_TRUNC,
  O_APPEND: fcntl.O_APPEND,
  O_DIRECTORY: fcntl.O_DIRECTORY,
  O_NOATIME: fcntl.O_NOATIME,
  O_NOFOLLOW: fcntl.O_NOFOLLOW,
  O_SYNC: fcntl.O_SYNC,
  O_DSYNC: fcntl.O_DSYNC,
  O_DIRECT: fcntl.O_DIRECT,
  O_NONBLOCK: fcntl.O_NONBLOCK,
  S_IRWXU: 0o700,
  S_IRUSR: 0o400,
  S_IWUSR: 0o200,
  S_IXUSR: 0o100,
  S_IRWXG: 0o070,
  S_IRGRP: 0o040,
  S_IWGRP: 0o020,
  S_IXGRP: 0o010,
  S_IRWXO: 0o007,
  S_IROTH: 0o004,
  S_IWOTH: 0o002,
  S_IXOTH: 0o001,
  F_OK,
  R_OK,
  W_OK,
  X_OK,
  UV_FS_COPYFILE_EXCL: 1,
  COPYFILE_EXCL: 1,
  UV_FS_COPYFILE_FICLONE: 2,
  COPYFILE_FICLONE: 2,
  UV_FS_COPYFILE_FICLONE_FORCE: 4,
  COPYFILE_FICLONE_FORCE: 4,
});
