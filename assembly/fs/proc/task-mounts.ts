// /proc/PID/mounts, mountinfo and mountstats (Linux: fs/proc_namespace.c): the mounts of the task's namespace that it can reach.

import { PATH_MAX } from "../../abi/limits.ts";
import { Task } from "../../kernel/task.ts";
import { filesystemName } from "../../vfs/filesystem-type.ts";
import {
  MNT_NOATIME,
  MNT_NODEV,
  MNT_NODIRATIME,
  MNT_NOEXEC,
  MNT_NOSUID,
  MNT_NOSYMFOLLOW,
  MNT_READONLY,
  MNT_RELATIME,
  Mount,
} from "../../vfs/mount.ts";
import { isReachable, pathInFilesystem, pathOf } from "../../vfs/pathname.ts";
import { dominatingId } from "../../vfs/propagation.ts";
import { Text } from "../../vfs/text.ts";

/** Lines of one kind: what each listing writes for a mount. */
type ShowMount = (task: Task, mount: Mount, path: usize, out: Text) => void;

/** Calls `show` for each mount that the task reaches; `path` is scratch memory of PATH_MAX bytes. */
function eachMount(task: Task, out: Text, show: ShowMount): void {
  const path = heap.alloc(PATH_MAX);
  let mount = task.namespace.next(null);
  while (mount !== null) {
    mount.isShown = isReachable(mount, mount.root, task.rootMount, task.rootDentry);
    mount = task.namespace.next(mount);
  }
  mount = task.namespace.next(null);
  while (mount !== null && !out.failed) {
    if (mount.isShown) show(task, mount, path, out);
    mount = task.namespace.next(mount);
  }
  heap.free(path);
}

function showMountPoint(task: Task, mount: Mount, path: usize, out: Text): void {
  const length = pathOf(mount, mount.root, task.rootMount, task.rootDentry, path, PATH_MAX);
  if (length > 0) out.path(path, length);
}

function showSource(mount: Mount, out: Text): void {
  if (mount.sourceLength) out.path(mount.source, mount.sourceLength);
  else out.text("none");
}

/** The mount's own flags, as in both listings behind "rw" or "ro" (Linux: show_mnt_opts()). */
function showFlags(mount: Mount, out: Text): void {
  const flags = mount.flags;
  if (flags & MNT_NOSUID) out.text(",nosuid");
  if (flags & MNT_NODEV) out.text(",nodev");
  if (flags & MNT_NOEXEC) out.text(",noexec");
  if (flags & MNT_NOATIME) out.text(",noatime");
  if (flags & MNT_NODIRATIME) out.text(",nodiratime");
  if (flags & MNT_RELATIME) out.text(",relatime");
  if (flags & MNT_NOSYMFOLLOW) out.text(",nosymfollow");
}

/** The optional fields (Linux: show_mountinfo()). */
function showPropagation(mount: Mount, task: Task, out: Text): void {
  const group = mount.group;
  const master = mount.master;
  if (group !== null) out.text(" shared:").decimal(group.id);
  if (master !== null) {
    out.text(" master:").decimal(master.id);
    const from = dominatingId(mount, task.namespace);
    if (from && from != master.id) out.text(" propagate_from:").decimal(from);
  }
  if (mount.isUnbindable) out.text(" unbindable");
}

function mountsLine(task: Task, mount: Mount, path: usize, out: Text): void {
  showSource(mount, out);
  out.byte(0x20);
  showMountPoint(task, mount, path, out);
  out.byte(0x20).text(filesystemName(mount.root.fs.typeId()));
  out.text(mount.isReadonly ? " ro" : " rw");
  showFlags(mount, out);
  mount.root.fs.showOptions(out);
  out.text(" 0 0\n");
}

export function showMounts(task: Task, out: Text): void {
  eachMount(task, out, mountsLine);
}

/** The numbers, the root in its file system, the place, flags, and behind a dash what the file system says. */
function mountinfoLine(task: Task, mount: Mount, path: usize, out: Text): void {
  const fs = mount.root.fs;
  const parent = mount.parent;
  out
    .decimal(mount.id)
    .byte(0x20)
    .decimal(parent === null ? mount.id : parent.id);
  out.text(" 0:").decimal(fs.device).byte(0x20);
  const length = pathInFilesystem(mount.root, path, PATH_MAX);
  if (length > 0) out.path(path, length);
  out.byte(0x20);
  showMountPoint(task, mount, path, out);
  out.text(mount.flags & MNT_READONLY ? " ro" : " rw");
  showFlags(mount, out);
  showPropagation(mount, task, out);
  out.text(" - ").text(filesystemName(fs.typeId())).byte(0x20);
  showSource(mount, out);
  out.text(fs.readonly ? " ro" : " rw");
  fs.showOptions(out);
  out.byte(0x0a);
}

export function showMountinfo(task: Task, out: Text): void {
  eachMount(task, out, mountinfoLine);
}

function mountstatsLine(task: Task, mount: Mount, path: usize, out: Text): void {
  out.text("device ");
  showSource(mount, out);
  out.text(" mounted on ");
  showMountPoint(task, mount, path, out);
  out.text(" with fstype ").text(filesystemName(mount.root.fs.typeId())).byte(0x0a);
}

export function showMountstats(task: Task, out: Text): void {
  eachMount(task, out, mountstatsLine);
}
