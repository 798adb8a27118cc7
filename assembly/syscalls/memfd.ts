// memfd_create(2), and the seals of fcntl(2).

import { EFAULT, EINVAL, EPERM } from "../abi/errno.ts";
import {
  F_SEAL_EXEC,
  F_SEAL_FUTURE_WRITE,
  F_SEAL_GROW,
  F_SEAL_SEAL,
  F_SEAL_SHRINK,
  F_SEAL_WRITE,
  MFD_ALLOW_SEALING,
  MFD_CLOEXEC,
  MFD_EXEC,
  MFD_NOEXEC_SEAL,
  O_LARGEFILE,
  O_RDWR,
} from "../abi/fcntl.ts";
import { ROOT_MEMFD } from "../abi/kernel-layout.ts";
import { S_IXUGO } from "../abi/stat.ts";
import { Task } from "../kernel/task.ts";
import { isError } from "../lib/result.ts";
import { DENTRY_DEAD, Dentry, Inode } from "../vfs/dentry.ts";
import { FileDescription } from "../vfs/file-description.ts";
import { Mount } from "../vfs/mount.ts";
import { installNew, isMemory } from "./arguments.ts";

/** Bytes of a name, without the NUL (Linux: MFD_NAME_MAX_LEN). */
const NAME_MAX: u32 = 249;
/** The bytes "memfd:", before the name that /proc shows. */
const PREFIX: usize = memory.data<u8>([0x6d, 0x65, 0x6d, 0x66, 0x64, 0x3a]);
const PREFIX_LENGTH: u32 = 6;
const SEALS: u32 = <u32>(
  (F_SEAL_SEAL | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE | F_SEAL_FUTURE_WRITE | F_SEAL_EXEC)
);

/**
 * Errors: EINVAL for flags, EFAULT, EINVAL for a name that is too long, ENOSPC, EMFILE. Linux: memfd_create().
 * @flags MFD_CLOEXEC MFD_ALLOW_SEALING MFD_NOEXEC_SEAL MFD_EXEC
 */
export function memfdCreate(task: Task, name: usize, flags: u32): i64 {
  // Linux: MFD_HUGETLB too; here there are no huge pages.
  if (flags & ~(<u32>(MFD_CLOEXEC | MFD_ALLOW_SEALING | MFD_NOEXEC_SEAL | MFD_EXEC))) return -EINVAL;
  if (flags & <u32>MFD_EXEC && flags & <u32>MFD_NOEXEC_SEAL) return -EINVAL;
  const length = lengthOf(name);
  if (length < 0) return length;
  const mount = changetype<Mount>(<usize>load<u32>(ROOT_MEMFD));
  const made = makeFile(task, mount, flags);
  if (isError(made)) return <i32>made;
  const dentry = makePlace(mount, changetype<Inode>(made), name, <u32>length);
  const file = dentry.file.open(changetype<usize>(mount), dentry, <u32>(O_RDWR | O_LARGEFILE));
  dentry.decRef();
  if (isError(file)) return <i32>file;
  return installNew(task, changetype<FileDescription>(file), (flags & <u32>MFD_CLOEXEC) != 0);
}

/** Errors: EFAULT, EINVAL. */
function lengthOf(name: usize): i32 {
  for (let length: u32 = 0; length <= NAME_MAX; length++) {
    if (!isMemory(name + length, 1)) return -EFAULT;
    if (load<u8>(name + length) == 0) return <i32>length;
  }
  return -EINVAL;
}

/** The inode, with its seals: sealing is allowed where one was asked for. */
function makeFile(task: Task, mount: Mount, flags: u32): usize {
  const sealedExec = (flags & <u32>MFD_NOEXEC_SEAL) != 0;
  const mode: u32 = sealedExec ? 0o666 : 0o777;
  const made = mount.root.file.createUnnamed(mode, task.cred.fsuid, task.cred.fsgid);
  if (isError(made)) return made;
  const inode = changetype<Inode>(made);
  inode.seals = sealedExec ? <u32>F_SEAL_EXEC : flags & <u32>MFD_ALLOW_SEALING ? 0 : <u32>F_SEAL_SEAL;
  return made;
}

/** A removed name below the root of the mount: /proc shows "/memfd:name (deleted)". Takes over the reference on `inode`. */
function makePlace(mount: Mount, inode: Inode, name: usize, length: u32): Dentry {
  const text = heap.alloc(PREFIX_LENGTH + length);
  memory.copy(text, PREFIX, PREFIX_LENGTH);
  memory.copy(text + PREFIX_LENGTH, name, length);
  const dentry = new Dentry(mount.root.fs, mount.root, text, PREFIX_LENGTH + length, 0);
  heap.free(text);
  dentry.flags |= DENTRY_DEAD;
  dentry.instantiate(inode);
  return dentry;
}

/** F_ADD_SEALS. Errors: EPERM for the mode; EINVAL for other seals and other files; EPERM once F_SEAL_SEAL is set. */
export function addSeals(file: FileDescription, argument: u64): i64 {
  if (!file.canWrite) return -EPERM;
  if (argument & ~(<u64>SEALS)) return -EINVAL;
  const inode = file.inode;
  if (inode.seals == u32.MAX_VALUE) return -EINVAL;
  if (inode.seals & <u32>F_SEAL_SEAL) return -EPERM;
  let seals = <u32>argument;
  // A program that is sealed cannot be written either.
  if (seals & <u32>F_SEAL_EXEC && inode.mode & <u32>S_IXUGO)
    seals |= <u32>(F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE | F_SEAL_FUTURE_WRITE);
  inode.seals |= seals;
  return 0;
}

/** F_GET_SEALS. Errors: EINVAL for what cannot be sealed. */
export function getSeals(file: FileDescription): i64 {
  const seals = file.inode.seals;
  return seals == u32.MAX_VALUE ? -EINVAL : <i64>seals;
}
