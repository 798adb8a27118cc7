// Paths of a container that its programs may not use, or not change (OCI: linux.maskedPaths, linux.readonlyPaths; runc: maskPath(),
// readonlyPath()). What is not there needs no cover.

import { ENOENT } from "../abi/errno.ts";
import { Credentials } from "../auth/credentials.ts";
import { mountTmpfs } from "../fs/tmpfs/tmpfs.ts";
import { free } from "../lib/ref-counted.ts";
import { numberFilesystem } from "../vfs/filesystem-type.ts";
import { MNT_NODEV, MNT_NOEXEC, MNT_NOSUID, MNT_READONLY, MNT_RELATIME, Mount } from "../vfs/mount.ts";
import { MountNamespace } from "../vfs/mount-namespace.ts";
import { doBind, doSetAttributes } from "../vfs/mount-operations.ts";
import { PathWalk, WALK_FOLLOW } from "../vfs/path-walk.ts";

/** "/dev/null" */
const NULL_DEVICE: usize = memory.data<u8>([0x2f, 0x64, 0x65, 0x76, 0x2f, 0x6e, 0x75, 0x6c, 0x6c]);
const NULL_DEVICE_LENGTH: u32 = 9;
/** Of the directory that covers another one: nothing is ever put into it. */
const EMPTY_SIZE: u64 = 4096;

/**
 * Hides what is at a path: a directory behind an empty one that is read-only, anything else behind the namespace's /dev/null. 0 when
 * nothing is there. Errors: those of a walk, ENOSPC, ENOMEM.
 */
export function maskPath(namespace: MountNamespace, path: usize, length: u32, cred: Credentials): i32 {
  const target = new PathWalk();
  let result = walkTo(target, namespace, path, length, cred);
  if (result == 0) {
    result = target.result.file.isDirectory
      ? coverDirectory(namespace, target)
      : coverFile(namespace, target, cred);
  } else if (result == -ENOENT) {
    result = 0;
  }
  target.destroy();
  free(target);
  return result;
}

/** Makes what is at a path, and all that is mounted below it, read-only. As maskPath() otherwise. */
export function protectPath(namespace: MountNamespace, path: usize, length: u32, cred: Credentials): i32 {
  const target = new PathWalk();
  const from = new PathWalk();
  let result = walkTo(target, namespace, path, length, cred);
  if (result == 0) result = walkTo(from, namespace, path, length, cred);
  if (result == 0) result = doBind(target, namespace, from, true);
  // The walk now arrives on the new mount.
  if (result == 0) result = walkTo(target, namespace, path, length, cred);
  if (result == 0) result = doSetAttributes(target, namespace, 0, MNT_READONLY, 0, true);
  if (result == -ENOENT) result = 0;
  for (let i = 0; i < 2; i++) {
    const walk = i == 0 ? target : from;
    walk.destroy();
    free(walk);
  }
  return result;
}

function walkTo(walk: PathWalk, namespace: MountNamespace, path: usize, length: u32, cred: Credentials): i32 {
  const top = namespace.root;
  walk.begin(top, top.root, top, top.root, cred);
  memory.copy(walk.path, path, length);
  return walk.run(length, WALK_FOLLOW);
}

function coverDirectory(namespace: MountNamespace, target: PathWalk): i32 {
  const flags = MNT_READONLY | MNT_NOSUID | MNT_NODEV | MNT_NOEXEC | MNT_RELATIME;
  const mount = new Mount(numberFilesystem(mountTmpfs(EMPTY_SIZE, 0o755, 0, 0)), flags);
  return namespace.attach(mount, target.resultMount, target.result);
}

function coverFile(namespace: MountNamespace, target: PathWalk, cred: Credentials): i32 {
  const from = new PathWalk();
  let result = walkTo(from, namespace, NULL_DEVICE, NULL_DEVICE_LENGTH, cred);
  if (result == 0) result = doBind(target, namespace, from, false);
  from.destroy();
  free(from);
  return result;
}
