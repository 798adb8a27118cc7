// The device file system of a container: a tmpfs with the nodes, links and directories that the OCI runtime specification lists
// (config-linux.md, "Default Devices" and "Default Filesystems"). A guest may make nodes of its own in it.

import { S_IFCHR } from "../abi/stat.ts";
import { Credentials } from "../auth/credentials.ts";
import { TTY_DEVICE } from "../fs/devpts/devpts.ts";
import { MEM_FULL, MEM_NULL, MEM_RANDOM, MEM_URANDOM, MEM_ZERO, memDevice } from "../fs/devtmpfs/mem.ts";
import { TmpfsOptions } from "../fs/tmpfs/options.ts";
import { mountTmpfsWith, TmpfsFilesystem } from "../fs/tmpfs/tmpfs.ts";
import { free } from "../lib/ref-counted.ts";
import { errorOf, isError } from "../lib/result.ts";
import { mkdirAll, mknodAt, symlinkAt } from "../vfs/create.ts";
import { Dentry } from "../vfs/dentry.ts";
import { MountOptions, numberFilesystem } from "../vfs/filesystem-type.ts";
import { Mount } from "../vfs/mount.ts";
import { MountNamespace } from "../vfs/mount-namespace.ts";
import { PathWalk } from "../vfs/path-walk.ts";

/** Pages that the files which a guest makes there may have. */
const PAGES: u64 = 256;

/**
 * A device file system: a tmpfs with the memory devices and links to the standard streams. The options are a tmpfs's. Its root
 * dentry, or an error: EINVAL for an option.
 */
export function makeDevtmpfs(asked: MountOptions): usize {
  const options = new TmpfsOptions();
  options.mode = 0o755;
  options.hasPages = true;
  options.pages = PAGES;
  const wrong = options.parse(asked.data, asked.dataLength);
  const made = wrong < 0 ? errorOf(wrong) : changetype<usize>(mountTmpfsWith(options));
  free(options);
  if (isError(made)) return made;
  const root = numberFilesystem(changetype<Dentry>(made));
  changetype<TmpfsFilesystem>(root.fs).hasDevices = true;
  root.incRef();
  const namespace = new MountNamespace(new Mount(root, 0));
  const cred = new Credentials(0, 0, u64.MAX_VALUE);
  const walk = new PathWalk();
  makeNode(walk, namespace.root, cred, "null", memDevice(MEM_NULL));
  makeNode(walk, namespace.root, cred, "zero", memDevice(MEM_ZERO));
  makeNode(walk, namespace.root, cred, "full", memDevice(MEM_FULL));
  makeNode(walk, namespace.root, cred, "random", memDevice(MEM_RANDOM));
  makeNode(walk, namespace.root, cred, "urandom", memDevice(MEM_URANDOM));
  makeNode(walk, namespace.root, cred, "tty", TTY_DEVICE);
  makeDirectory(walk, namespace.root, cred, "shm", 0o1777);
  makeDirectory(walk, namespace.root, cred, "pts", 0o755);
  makeLink(walk, namespace.root, cred, "fd", "/proc/self/fd");
  makeLink(walk, namespace.root, cred, "stdin", "/proc/self/fd/0");
  makeLink(walk, namespace.root, cred, "stdout", "/proc/self/fd/1");
  makeLink(walk, namespace.root, cred, "stderr", "/proc/self/fd/2");
  makeLink(walk, namespace.root, cred, "ptmx", "pts/ptmx");
  walk.destroy();
  free(walk);
  cred.decRef();
  namespace.decRef();
  return changetype<usize>(root);
}

function beginNamed(walk: PathWalk, mount: Mount, cred: Credentials, name: string): u32 {
  walk.begin(mount, mount.root, mount, mount.root, cred);
  return String.UTF8.encodeUnsafe(changetype<usize>(name), name.length, walk.path) as u32;
}

function makeNode(walk: PathWalk, mount: Mount, cred: Credentials, name: string, rdev: u32): void {
  const length = beginNamed(walk, mount, cred, name);
  mknodAt(walk, length, <u32>S_IFCHR | 0o666, rdev, 0);
}

function makeDirectory(walk: PathWalk, mount: Mount, cred: Credentials, name: string, mode: u32): void {
  const length = beginNamed(walk, mount, cred, name);
  mkdirAll(walk, mount, length, mode, cred);
}

function makeLink(walk: PathWalk, mount: Mount, cred: Credentials, name: string, target: string): void {
  const length = beginNamed(walk, mount, cred, name);
  const text = heap.alloc(target.length);
  String.UTF8.encodeUnsafe(changetype<usize>(target), target.length, text);
  symlinkAt(walk, length, text, target.length, 0);
  heap.free(text);
}
