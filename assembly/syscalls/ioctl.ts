// ioctl(2): what every descriptor can (Linux: fs/ioctl.c do_vfs_ioctl()), and else what its file makes of the request.

import { EBADF, EFAULT } from "../abi/errno.ts";
import { FD_CLOEXEC, O_NONBLOCK, O_PATH } from "../abi/fcntl.ts";
import { FIOCLEX, FIONBIO, FIONCLEX, FIONREAD } from "../abi/ioctl.ts";
import { Task } from "../kernel/task.ts";
import { FileDescription } from "../vfs/file-description.ts";
import { isMemory } from "./arguments.ts";

/** Errors: EBADF, also for O_PATH; EFAULT; ENOTTY for a request that the file does not know; and the file's own. */
export function ioctl(task: Task, fd: i32, request: u32, argument: usize): i64 {
  const entry = task.fdget(<u32>fd);
  if (entry === null) return -EBADF;
  const file = entry.description;
  if (file.flags & <u32>O_PATH) return -EBADF;
  switch (request) {
    case FIOCLEX:
      entry.flags |= <u32>FD_CLOEXEC;
      return 0;
    case FIONCLEX:
      entry.flags &= ~(<u32>FD_CLOEXEC);
      return 0;
    case FIONBIO:
      if (!isMemory(argument, 4)) return -EFAULT;
      if (load<u32>(argument)) file.flags |= <u32>O_NONBLOCK;
      else file.flags &= ~(<u32>O_NONBLOCK);
      return 0;
    case FIONREAD:
      return file.inode.isRegular ? bytesToRead(file, argument) : file.ioctl(request, argument);
    default:
      return file.ioctl(request, argument);
  }
}

/** From the position of a regular file to its end. */
function bytesToRead(file: FileDescription, out: usize): i64 {
  const result = file.inode.getAttributes();
  if (result < 0) return result;
  if (!isMemory(out, 4)) return -EFAULT;
  store<u32>(out, <u32>(file.inode.size - file.offset));
  return 0;
}
