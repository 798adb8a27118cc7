// Copy-up: what a change of a lower layer's file leaves in the layers, and what programs see of it.

import { ENOENT, ENOSPC } from "../../../assembly/abi/errno.ts";
import { O_APPEND, O_RDONLY, O_RDWR, O_WRONLY } from "../../../assembly/abi/fcntl.ts";
import { mountTmpfs } from "../../../assembly/fs/tmpfs/tmpfs.ts";
import { free } from "../../../assembly/lib/ref-counted.ts";
import { isError } from "../../../assembly/lib/result.ts";
import { ATTR_MODE, Attributes } from "../../../assembly/vfs/attributes.ts";
import { FileDescription } from "../../../assembly/vfs/file-description.ts";
import { Mount } from "../../../assembly/vfs/mount.ts";
import { check, makeWorld, Tree } from "./world.ts";

export function writingCopiesUpAndLeavesTheLowerFileAlone(): void {
  const w = makeWorld();
  w.base.mkdir("/d");
  w.base.mkdir("/d/e");
  w.base.write("/d/e/f", "before");
  w.base.chmod("/d", 0o711);
  w.base.chmod("/d/e", 0o1750);
  check(w.top.exists("/d/e/f") == 0, "it is there");
  const opened = w.top.open("/d/e/f", <u32>O_RDWR);
  check(!isError(opened), "it can be opened for writing");
  const file = changetype<FileDescription>(opened);
  check(w.top.writeTo(file, "AF", 2) == 2, "it can be written");
  check(w.top.readsFrom(file, "beAFre", 0), "the rest of its data came along");
  file.decRef();
  check(w.top.reads("/d/e/f", "beAFre"), "a new open sees it");
  check(w.upper.reads("/d/e/f", "beAFre"), "it is in the upper layer");
  check(w.base.reads("/d/e/f", "before"), "the base has what it had");
  check(w.upper.inode("/d").mode == 0o40711, "directories keep their mode");
  check(w.upper.inode("/d/e").mode == 0o41750, "with the sticky bit");
  check(w.upper.count("/") == 3 && w.upper.count("/d/e") == 3, "no work file stays behind");
  w.end();
}

export function modeOwnerAndTimesAreKept(): void {
  const w = makeWorld();
  w.base.mkdir("/d");
  w.base.write("/d/f", "text");
  w.base.inode("/d/f").uid = 7;
  w.base.inode("/d/f").gid = 8;
  w.base.chmod("/d/f", 0o6751);
  w.base.setTimes("/d/f", 111, 222);
  w.base.setTimes("/d", 333, 444);
  check(w.top.chmod("/d/f", 0o6700) == 0, "chmod copies up");
  const copy = w.upper.inode("/d/f");
  check(copy.uid == 7 && copy.gid == 8, "the owner");
  check(copy.mode == 0o106700, "set-id bits survive the copy");
  check(copy.atime == 111 && copy.mtime == 222, "the times");
  const directory = w.top.inode("/d");
  check(
    directory.atime == 333 && directory.mtime == 444,
    "those of the directory, though a file was made in it",
  );
  check(w.upper.reads("/d/f", "text"), "the data");
  w.end();
}

export function largeFilesAreCopiedWhole(): void {
  const w = makeWorld();
  w.base.write("/f", "start");
  const opened = w.base.open("/f", <u32>O_WRONLY);
  w.base.writeTo(changetype<FileDescription>(opened), "middle", 65533);
  w.base.writeTo(changetype<FileDescription>(opened), "end", 300000);
  changetype<FileDescription>(opened).decRef();
  const top = w.top.open("/f", <u32>O_WRONLY | <u32>O_APPEND);
  const file = changetype<FileDescription>(top);
  check(w.top.writeTo(file, "more", -1) == 4, "it can be appended to");
  check(file.offset == 300007, "and the offset is behind what was appended");
  file.decRef();
  const again = w.top.open("/f", <u32>O_RDONLY);
  check(w.top.readsFrom(changetype<FileDescription>(again), "start", 0), "the start");
  check(w.top.readsFrom(changetype<FileDescription>(again), "middle", 65533), "across two chunks");
  check(w.top.readsFrom(changetype<FileDescription>(again), "endmore", 300000), "the end");
  changetype<FileDescription>(again).decRef();
  w.end();
}

export function truncationCopiesOnlyWhatRemains(): void {
  const w = makeWorld();
  w.base.write("/a", "longer text");
  w.base.write("/b", "longer text");
  w.base.write("/c", "longer text");
  check(w.top.truncate("/a", 6) == 0 && w.top.reads("/a", "longer"), "cut to six bytes");
  check(w.top.truncate("/b", 0) == 0 && w.top.reads("/b", ""), "cut to none");
  check(w.top.write("/c", "new") == 0 && w.top.reads("/c", "new"), "O_TRUNC");
  check(w.base.reads("/a", "longer text") && w.base.reads("/c", "longer text"), "the base has what it had");
  w.end();
}

export function readersThatWereThereBeforeSeeTheNewData(): void {
  const w = makeWorld();
  w.lower.write("/f", "old data");
  const opened = w.top.open("/f", <u32>O_RDONLY);
  const reader = changetype<FileDescription>(opened);
  check(w.top.readsFrom(reader, "old", 0), "from the lower layer");
  check(w.top.write("/f", "new data") == 0, "another writes");
  check(w.top.readsFrom(reader, "new data", 0), "from the upper layer now");
  check(reader.endOffset() == 8, "with its size");
  reader.decRef();
  w.end();
}

export function inodeNumbersStayTheSameAcrossACopyUpAndEviction(): void {
  const w = makeWorld();
  w.base.write("/x", "");
  w.base.mkdir("/d");
  w.base.write("/d/f", "text");
  const file = w.top.inode("/d/f").ino;
  const directory = w.top.inode("/d").ino;
  check(w.top.chmod("/d/f", 0o600) == 0, "copied up");
  check(w.top.inode("/d/f").ino == file, "the file's is the same");
  check(w.top.inode("/d").ino == directory, "the directory's is the same");
  w.unmount();
  check(w.top.inode("/d/f").ino == file, "the file's is kept in the upper layer");
  check(w.top.inode("/d").ino == directory, "the directory's comes from the lower one");
  check(w.top.listedIno("/d", "f") == file, "and listings say the same");
  check(w.top.listedIno("/", "d") == directory, "of directories too");
  check(w.top.rename("/d/f", "/g") == 0, "renamed");
  check(w.top.inode("/g").ino == file && w.top.listedIno("/", "g") == file, "it stays with the file");
  w.end();
}

export function hardLinksOfALowerLayerBecomeFilesOfTheirOwn(): void {
  const w = makeWorld();
  w.lower.write("/a", "both");
  w.lower.link("/a", "/b");
  check(w.top.inode("/a").ino == w.top.inode("/b").ino, "one file so far");
  check(w.top.write("/a", "one") == 0, "one name is written");
  check(w.top.reads("/a", "one") && w.top.reads("/b", "both"), "the other keeps its data");
  check(w.top.inode("/a").ino != w.top.inode("/b").ino, "so they are two files");
  w.end();
}

export function linkCopiesUpAndBothNamesAreOneFile(): void {
  const w = makeWorld();
  w.base.mkdir("/d");
  w.base.write("/f", "text");
  check(w.top.link("/f", "/d/g") == 0, "linked");
  check(w.top.inode("/f").nlink == 2, "two names");
  check(w.top.inode("/f") === w.top.inode("/d/g"), "of one inode");
  check(w.top.write("/d/g", "new") == 0 && w.top.reads("/f", "new"), "with the same data");
  check(w.top.chmod("/f", 0o600) == 0 && w.top.inode("/d/g").mode == 0o100600, "and attributes");
  check(w.top.listedIno("/d", "g") == w.top.inode("/f").ino, "and number");
  check(w.top.rename("/f", "/d/g") == 0 && w.top.exists("/f") == 0, "a rename to itself does nothing");
  check(w.top.unlink("/f") == 0 && w.top.reads("/d/g", "new"), "one name may go");
  check(w.top.link("/d/g", "/h") == 0 && w.top.reads("/h", "new"), "and another come");
  w.end();
}

export function aFileThatWasRemovedWhileOpenStaysAsItIs(): void {
  const w = makeWorld();
  w.base.mkdir("/d");
  w.base.write("/d/f", "text");
  const opened = w.top.open("/d/f", <u32>O_RDONLY);
  const file = changetype<FileDescription>(opened);
  check(w.top.unlink("/d/f") == 0 && w.top.rmdir("/d") == 0, "the file and its directory go");
  check(file.inode.getAttributes() == 0 && file.inode.nlink == 1, "its layer still has its name");
  check(w.top.readsFrom(file, "text", 0), "it can be read");
  check(changeMode(file, 0o640) == -ENOENT, "but not changed, for there is no place for a copy");
  check(w.top.readsFrom(file, "text", 0), "it can still be read");
  check(w.top.exists("/d") == -ENOENT && w.top.count("/") == 2, "and nothing came back");
  file.decRef();
  w.end();
}

function changeMode(file: FileDescription, mode: u32): i32 {
  const a = new Attributes();
  a.valid = ATTR_MODE;
  a.mode = mode;
  const locked = file.inode.lock.acquire();
  const result = locked < 0 ? locked : file.inode.setAttributes(a);
  file.inode.lock.release();
  free(a);
  return result;
}

export function aCopyUpThatFailsLeavesNothing(): void {
  const w = makeWorld();
  w.base.mkdir("/d");
  w.base.write("/d/f", "text");
  const opened = w.base.open("/d/f", <u32>O_WRONLY);
  for (let page = 0; page < 100; page++)
    w.base.writeTo(changetype<FileDescription>(opened), "data", page * 4096);
  changetype<FileDescription>(opened).decRef();
  // An upper layer of 256 KiB, to which the file's 400 do not go.
  const small = new Tree(new Mount(mountTmpfs(262144, 0o755, 0, 0), 0));
  const overlay = w.mount(small.root);
  check(overlay.chmod("/d/f", 0o600) == -ENOSPC, "no space");
  check(overlay.inode("/d/f").mode == 0o100644, "the file is as it was");
  check(overlay.reads("/d/f", "x") == false && overlay.count("/d", "f") == 3, "and where it was");
  check(small.count("/d") == 2, "no part of a copy stays");
  check(overlay.write("/d/g", "small") == 0, "and the space is free again");
  overlay.destroy();
  small.destroy();
  w.end();
}

export function symbolicLinksAndSpecialFilesAreCopiedUp(): void {
  const w = makeWorld();
  w.base.symlink("to/where", "/link");
  w.base.mknod("/fifo", 0o010644, 0);
  check(w.top.rename("/link", "/moved") == 0, "a link is renamed");
  check(w.top.linkIs("/moved", "to/where") && w.upper.linkIs("/moved", "to/where"), "with its text");
  check(w.top.chmod("/fifo", 0o600) == 0 && w.upper.inode("/fifo").mode == 0o010600, "a FIFO is changed");
  w.end();
}

// V21-19, V21-20
export function aSingleFileCanBeTheWholeTree(): void {
  const w = makeWorld();
  w.base.write("/hosts", "127.0.0.1");
  w.base.write("/other", "");
  const found = w.base.open("/hosts", <u32>O_RDONLY);
  const file = changetype<FileDescription>(found);
  const overlay = w.mountFile(w.upper.root, file.dentry);
  file.decRef();
  check(overlay.root.file.isRegular && overlay.root.file.getAttributes() == 0, "its root is the file");
  check(overlay.root.file.size == 9, "of that size");
  const number = overlay.root.file.ino;
  const opened = overlay.root.file.open(changetype<usize>(overlay.mount), overlay.root, <u32>O_RDWR);
  check(!isError(opened), "it can be opened for writing");
  const description = changetype<FileDescription>(opened);
  check(overlay.writeTo(description, "::1", 0) == 3, "and written");
  check(overlay.readsFrom(description, "::1.0.0.1", 0), "and read");
  description.decRef();
  overlay.destroy();
  check(w.upper.reads("/file", "::1.0.0.1"), "the copy is a file of the upper directory");
  check(w.base.reads("/hosts", "127.0.0.1"), "the lower file is as it was");
  const again = w.base.open("/hosts", <u32>O_RDONLY);
  const remounted = w.mountFile(w.upper.root, changetype<FileDescription>(again).dentry);
  changetype<FileDescription>(again).decRef();
  check(remounted.root.file.ino == number, "mounted again, it has the same number");
  const copy = remounted.root.file.open(changetype<usize>(remounted.mount), remounted.root, <u32>O_RDONLY);
  check(remounted.readsFrom(changetype<FileDescription>(copy), "::1.0.0.1", 0), "and shows the copy");
  changetype<FileDescription>(copy).decRef();
  remounted.destroy();
  w.end();
}
