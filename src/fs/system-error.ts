// Errors of system calls as node:fs throws them: code, errno, syscall, path, dest, and libuv's text.

import { errnoName } from "../common/errors.ts";

/** uv_strerror() for what a file system can answer. */
const MESSAGES: Readonly<Record<string, string>> = {
  E2BIG: "argument list too long",
  EACCES: "permission denied",
  EAGAIN: "resource temporarily unavailable",
  EBADF: "bad file descriptor",
  EBUSY: "resource busy or locked",
  ECANCELED: "operation canceled",
  EEXIST: "file already exists",
  EFAULT: "bad address in system call argument",
  EFBIG: "file too large",
  EILSEQ: "illegal byte sequence",
  EINTR: "interrupted system call",
  EINVAL: "invalid argument",
  EIO: "i/o error",
  EISDIR: "illegal operation on a directory",
  ELOOP: "too many symbolic links encountered",
  EMFILE: "too many open files",
  EMLINK: "too many links",
  ENAMETOOLONG: "name too long",
  ENFILE: "file table overflow",
  ENODATA: "no data available",
  ENODEV: "no such device",
  ENOENT: "no such file or directory",
  ENOMEM: "not enough memory",
  ENOSPC: "no space left on device",
  ENOSYS: "function not implemented",
  ENOTDIR: "not a directory",
  ENOTEMPTY: "directory not empty",
  ENOTSUP: "operation not supported on socket",
  ENOTTY: "inappropriate ioctl for device",
  ENXIO: "no such device or address",
  EOVERFLOW: "value too large for defined data type",
  EPERM: "operation not permitted",
  EPIPE: "broken pipe",
  EROFS: "read-only file system",
  ESPIPE: "invalid seek",
  ESRCH: "no such process",
  ETIMEDOUT: "connection timed out",
  ETXTBSY: "text file is busy",
  EXDEV: "cross-device link not permitted",
};

export interface SystemError extends Error {
  errno: number;
  code: string;
  syscall: string;
  path?: string;
  dest?: string;
}

/** A path as an error shows it. */
export type ErrorPath = string | Uint8Array | undefined;

function shown(path: ErrorPath): string | undefined {
  return path === undefined || typeof path === "string" ? path : new TextDecoder().decode(path);
}

/** `errno` is positive. */
export function systemError(
  errno: number,
  syscall: string,
  pathOrBytes?: ErrorPath,
  destOrBytes?: ErrorPath,
): SystemError {
  const name = errnoName(errno);
  const code = name === "EOPNOTSUPP" ? "ENOTSUP" : name;
  const path = shown(pathOrBytes);
  const dest = shown(destOrBytes);
  let message = `${code}: ${MESSAGES[code] ?? `unknown error ${errno}`}, ${syscall}`;
  if (path !== undefined) message += ` '${path}'`;
  if (dest !== undefined) message += ` -> '${dest}'`;
  const error = new Error(message) as SystemError;
  error.errno = -errno;
  error.code = code;
  error.syscall = syscall;
  if (path !== undefined) error.path = path;
  if (dest !== undefined) error.dest = dest;
  return error;
}
