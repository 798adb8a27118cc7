// access(2), faccessat(2), faccessat2(2): what the real user may do.

import { EACCES, EINVAL, EROFS } from "../abi/errno.ts";
import { AT_EACCESS, AT_EMPTY_PATH, AT_FDCWD, AT_SYMLINK_NOFOLLOW } from "../abi/fcntl.ts";
import { Credentials } from "../auth/credentials.ts";
import { realCredentials } from "../auth/set-ids.ts";
import { Task } from "../kernel/task.ts";
import { Inode } from "../vfs/dentry.ts";
import { MNT_NOEXEC, Mount } from "../vfs/mount.ts";
import { WALK_FOLLOW } from "../vfs/path-walk.ts";
import { checkPermission, MAY_EXEC, MAY_WRITE } from "../vfs/permission.ts";
import { walkAs } from "./arguments.ts";

/** R_OK, W_OK and X_OK have the values of MAY_*. */
const MODES: u32 = 7;

/**
 * The path is walked as the real user, too, unless AT_EACCESS is given. Errors: EINVAL for unknown modes, EINVAL for unknown flags,
 * the path's, EACCES, EROFS (fs/open.c do_faccessat()).
 * @flags AT_EACCESS AT_EMPTY_PATH AT_SYMLINK_NOFOLLOW
 */
export function faccessat2(task: Task, dirFd: i32, path: usize, mode: u32, flags: u32): i64 {
  if (mode & ~MODES) return -EINVAL;
  if (flags & ~(<u32>(AT_EACCESS | AT_SYMLINK_NOFOLLOW | AT_EMPTY_PATH))) return -EINVAL;
  const cred = flags & <u32>AT_EACCESS ? task.cred : realOf(task.cred);
  const follow = flags & <u32>AT_SYMLINK_NOFOLLOW ? 0 : WALK_FOLLOW;
  let result = walkAs(task, cred, dirFd, path, flags, follow);
  if (result == 0) {
    result = mayAccess(task.walk.resultMount, task.walk.result.file, cred, mode);
    task.walk.release();
  }
  if (cred !== task.cred) cred.decRef();
  return result;
}

/** The credentials to ask with: the task's own when the real ids make no difference, else new ones. */
function realOf(cred: Credentials): Credentials {
  const capabilities = cred.uid == 0 ? cred.permitted : 0;
  if (cred.uid == cred.fsuid && cred.gid == cred.fsgid && capabilities == cred.effective) return cred;
  return realCredentials(cred);
}

function mayAccess(mount: Mount, inode: Inode, cred: Credentials, mode: u32): i32 {
  if (mode & MAY_EXEC && inode.isRegular && mount.flags & MNT_NOEXEC) return -EACCES;
  const plain = inode.isRegular || inode.isDirectory || inode.isSymlink;
  if (mode & MAY_WRITE && plain && mount.root.fs.readonly) return -EROFS;
  const allowed = checkPermission(inode, cred, mode);
  if (allowed < 0) return allowed;
  return mode & MAY_WRITE && plain && mount.isReadonly ? -EROFS : 0;
}

export function faccessat(task: Task, dirFd: i32, path: usize, mode: u32): i64 {
  return faccessat2(task, dirFd, path, mode, 0);
}

export function access(task: Task, path: usize, mode: u32): i64 {
  return faccessat2(task, AT_FDCWD, path, mode, 0);
}
