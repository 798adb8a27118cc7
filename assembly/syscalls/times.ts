// Calls that set times: utimensat(2), futimesat(2), utimes(2), utime(2).
//
// Deviation: times are kept as nanoseconds in 64 bits, so that seconds outside the years 1677 to 2262 become the nearest ones
// inside.

import { EFAULT, EINVAL } from "../abi/errno.ts";
import { AT_FDCWD } from "../abi/fcntl.ts";
import { UTIME_NOW, UTIME_OMIT } from "../abi/stat.ts";
import { Task } from "../kernel/task.ts";
import { free } from "../lib/ref-counted.ts";
import { ATTR_ATIME, ATTR_ATIME_SET, ATTR_MTIME, ATTR_MTIME_SET, Attributes } from "../vfs/attributes.ts";
import { isMemory } from "./arguments.ts";
import { changeAt, changeOpen } from "./attributes.ts";

const SECOND: i64 = 1_000_000_000;
const SECONDS_MAX: i64 = 9_223_372_035;

function nanoseconds(seconds: i64, rest: i64): i64 {
  return min(max(seconds, -SECONDS_MAX), SECONDS_MAX) * SECOND + rest;
}

/** Both times become now. */
function touch(): Attributes {
  const a = new Attributes();
  a.valid = ATTR_ATIME | ATTR_MTIME;
  return a;
}

function setTimes(atime: i64, mtime: i64): Attributes {
  const a = touch();
  a.valid |= ATTR_ATIME_SET | ATTR_MTIME_SET;
  a.atime = atime;
  a.mtime = mtime;
  return a;
}

function isSpecial(rest: i64): bool {
  return rest == <i64>UTIME_NOW || rest == <i64>UTIME_OMIT;
}

function isValid(rest: i64): bool {
  return (rest >= 0 && rest < SECOND) || isSpecial(rest);
}

/** The change that two struct timespec ask for. */
function changeOf(times: usize): Attributes {
  const atimeRest = load<i64>(times, 8);
  const mtimeRest = load<i64>(times, 24);
  const a = setTimes(nanoseconds(load<i64>(times), atimeRest), nanoseconds(load<i64>(times, 16), mtimeRest));
  if (atimeRest == <i64>UTIME_OMIT) a.valid &= ~(ATTR_ATIME | ATTR_ATIME_SET);
  if (mtimeRest == <i64>UTIME_OMIT) a.valid &= ~(ATTR_MTIME | ATTR_MTIME_SET);
  if (atimeRest == <i64>UTIME_NOW) a.valid &= ~ATTR_ATIME_SET;
  if (mtimeRest == <i64>UTIME_NOW) a.valid &= ~ATTR_MTIME_SET;
  return a;
}

/**
 * Without a path the descriptor itself; without times both become now. Errors: EFAULT for the times; none at all when both are
 * UTIME_OMIT; EINVAL for unknown flags, the path's, EINVAL for nanoseconds, EROFS, EACCES, EPERM (fs/utimes.c).
 * @flags AT_EMPTY_PATH AT_SYMLINK_NOFOLLOW UTIME_NOW UTIME_OMIT
 */
export function utimensat(task: Task, dirFd: i32, path: usize, times: usize, flags: u32): i64 {
  if (!times) return change(task, dirFd, path, touch(), flags, 0);
  if (!isMemory(times, 32)) return -EFAULT;
  const atimeRest = load<i64>(times, 8);
  const mtimeRest = load<i64>(times, 24);
  if (atimeRest == <i64>UTIME_OMIT && mtimeRest == <i64>UTIME_OMIT) return 0;
  const wrong = isValid(atimeRest) && isValid(mtimeRest) ? 0 : -EINVAL;
  return change(task, dirFd, path, changeOf(times), flags, wrong);
}

/** As utimensat() with microseconds. Errors: EFAULT and EINVAL for the times come before the path's. */
export function futimesat(task: Task, dirFd: i32, path: usize, times: usize): i64 {
  if (!times) return change(task, dirFd, path, touch(), 0, 0);
  if (!isMemory(times, 32)) return -EFAULT;
  const atimeRest = load<i64>(times, 8);
  const mtimeRest = load<i64>(times, 24);
  if (atimeRest < 0 || atimeRest >= 1_000_000 || mtimeRest < 0 || mtimeRest >= 1_000_000) return -EINVAL;
  const atime = nanoseconds(load<i64>(times), atimeRest * 1000);
  const mtime = nanoseconds(load<i64>(times, 16), mtimeRest * 1000);
  return change(task, dirFd, path, setTimes(atime, mtime), 0, 0);
}

export function utimes(task: Task, path: usize, times: usize): i64 {
  return futimesat(task, AT_FDCWD, path, times);
}

/** A struct utimbuf has whole seconds. */
export function utime(task: Task, path: usize, times: usize): i64 {
  if (!times) return change(task, AT_FDCWD, path, touch(), 0, 0);
  if (!isMemory(times, 16)) return -EFAULT;
  const a = setTimes(nanoseconds(load<i64>(times), 0), nanoseconds(load<i64>(times, 8), 0));
  return change(task, AT_FDCWD, path, a, 0, 0);
}

function change(task: Task, dirFd: i32, path: usize, a: Attributes, flags: u32, wrong: i32): i64 {
  if (path != 0 || dirFd == AT_FDCWD) return changeAt(task, dirFd, path, a, flags, wrong);
  if (!flags) return changeOpen(task, dirFd, a, wrong);
  free(a);
  return -EINVAL;
}
