// lseek(2).

import { SEEK_HOLE } from "../abi/data.ts";
import { EINVAL } from "../abi/errno.ts";
import { Task } from "../kernel/task.ts";
import { isError } from "../lib/result.ts";
import { FileDescription } from "../vfs/file-description.ts";
import { fileOf } from "./arguments.ts";

/**
 * Errors: EBADF, EINVAL for an unknown whence, ESPIPE, then the file's: EINVAL, ENXIO.
 * @flags SEEK_SET SEEK_CUR SEEK_END SEEK_DATA SEEK_HOLE
 */
export function lseek(task: Task, fd: i32, offset: i64, whence: u32): i64 {
  const found = fileOf(task, fd);
  if (isError(found)) return <i32>found;
  const file = changetype<FileDescription>(found);
  if (whence > <u32>SEEK_HOLE) return -EINVAL;
  return file.seek(offset, whence);
}
