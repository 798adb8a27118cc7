// Linux errno -> WASI errno: the one place where they meet.

import * as linux from "../abi/errno.ts";
import * as wasi from "../abi/wasi.ts";

/** `result` is >= 0 (success) or -errno. */
export function wasiErrno(result: i32): u32 {
  if (result >= 0) return wasi.WASI_ESUCCESS;
  switch (-result) {
    case linux.EPERM:
      return wasi.WASI_EPERM;
    case linux.ENOENT:
      return wasi.WASI_ENOENT;
    case linux.ESRCH:
      return wasi.WASI_ESRCH;
    case linux.EINTR:
      return wasi.WASI_EINTR;
    case linux.EIO:
      return wasi.WASI_EIO;
    case linux.ENXIO:
      return wasi.WASI_ENXIO;
    case linux.E2BIG:
      return wasi.WASI_E2BIG;
    case linux.ENOEXEC:
      return wasi.WASI_ENOEXEC;
    case linux.EBADF:
      return wasi.WASI_EBADF;
    case linux.ECHILD:
      return wasi.WASI_ECHILD;
    case linux.EAGAIN:
      return wasi.WASI_EAGAIN;
    case linux.ENOMEM:
      return wasi.WASI_ENOMEM;
    case linux.EACCES:
      return wasi.WASI_EACCES;
    case linux.EFAULT:
      return wasi.WASI_EFAULT;
    case linux.EBUSY:
      return wasi.WASI_EBUSY;
    case linux.EEXIST:
      return wasi.WASI_EEXIST;
    case linux.EXDEV:
      return wasi.WASI_EXDEV;
    case linux.ENODEV:
      return wasi.WASI_ENODEV;
    case linux.ENOTDIR:
      return wasi.WASI_ENOTDIR;
    case linux.EISDIR:
      return wasi.WASI_EISDIR;
    case linux.EINVAL:
      return wasi.WASI_EINVAL;
    case linux.ENFILE:
      return wasi.WASI_ENFILE;
    case linux.EMFILE:
      return wasi.WASI_EMFILE;
    case linux.ENOTTY:
      return wasi.WASI_ENOTTY;
    case linux.ETXTBSY:
      return wasi.WASI_ETXTBSY;
    case linux.EFBIG:
      return wasi.WASI_EFBIG;
    case linux.ENOSPC:
      return wasi.WASI_ENOSPC;
    case linux.ESPIPE:
      return wasi.WASI_ESPIPE;
    case linux.EROFS:
      return wasi.WASI_EROFS;
    case linux.EMLINK:
      return wasi.WASI_EMLINK;
    case linux.EPIPE:
      return wasi.WASI_EPIPE;
    case linux.EDOM:
      return wasi.WASI_EDOM;
    case linux.ERANGE:
      return wasi.WASI_ERANGE;
    case linux.EDEADLK:
      return wasi.WASI_EDEADLK;
    case linux.ENAMETOOLONG:
      return wasi.WASI_ENAMETOOLONG;
    case linux.ENOLCK:
      return wasi.WASI_ENOLCK;
    case linux.ENOSYS:
      return wasi.WASI_ENOSYS;
    case linux.ENOTEMPTY:
      return wasi.WASI_ENOTEMPTY;
    case linux.ELOOP:
      return wasi.WASI_ELOOP;
    case linux.EPROTO:
      return wasi.WASI_EPROTO;
    case linux.EOVERFLOW:
      return wasi.WASI_EOVERFLOW;
    case linux.EILSEQ:
      return wasi.WASI_EILSEQ;
    case linux.ENOTSOCK:
      return wasi.WASI_ENOTSOCK;
    case linux.EMSGSIZE:
      return wasi.WASI_EMSGSIZE;
    case linux.EOPNOTSUPP:
      return wasi.WASI_ENOTSUP;
    case linux.ENOBUFS:
      return wasi.WASI_ENOBUFS;
    case linux.ENOTCONN:
      return wasi.WASI_ENOTCONN;
    case linux.ECONNRESET:
      return wasi.WASI_ECONNRESET;
    case linux.ETIMEDOUT:
      return wasi.WASI_ETIMEDOUT;
    case linux.ESTALE:
      return wasi.WASI_ESTALE;
    case linux.EDQUOT:
      return wasi.WASI_EDQUOT;
    case linux.ECANCELED:
      return wasi.WASI_ECANCELED;
    default:
      return wasi.WASI_EIO;
  }
}
