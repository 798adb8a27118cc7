// unlink, rmdir, and what is made again under a name that was removed.

import { EEXIST, EISDIR, ENOENT, ENOTDIR, ENOTEMPTY, EPERM } from "../../../assembly/abi/errno.ts";
import { O_RDONLY } from "../../../assembly/abi/fcntl.ts";
import { S_IFCHR } from "../../../assembly/abi/stat.ts";
import { FileDescription } from "../../../assembly/vfs/file-description.ts";
import { check, makeWorld } from "./world.ts";

export function unlinkLeavesAWhiteoutOnlyWhereALowerLayerHasTheName(): void {
  const w = makeWorld();
  w.base.write("/a", "base");
  w.top.write("/b", "upper");
  check(w.top.unlink("/a") == 0 && w.top.unlink("/b") == 0, "both go");
  check(w.top.exists("/a") == -ENOENT && w.top.exists("/b") == -ENOENT, "both are gone");
  check(w.upper.inode("/a").mode == <u32>S_IFCHR && w.upper.inode("/a").rdev == 0, "one left a whiteout");
  check(w.upper.exists("/b") == -ENOENT, "the other nothing");
  check(w.base.reads("/a", "base"), "the base has what it had");
  check(w.top.count("/") == 2, "nothing is listed");
  w.unmount();
  check(w.top.exists("/a") == -ENOENT, "it stays gone when mounted again");
  w.end();
}

export function unlinkOfACopiedUpFileLeavesAWhiteoutInItsPlace(): void {
  const w = makeWorld();
  w.lower.mkdir("/d");
  w.lower.write("/d/f", "text");
  check(w.top.write("/d/f", "changed") == 0, "copied up");
  const opened = w.top.open("/d/f", <u32>O_RDONLY);
  check(w.top.unlink("/d/f") == 0, "removed");
  check(w.top.exists("/d/f") == -ENOENT && w.top.count("/d") == 2, "gone");
  check(
    w.upper.inode("/d/f").mode == <u32>S_IFCHR && w.upper.count("/d") == 3,
    "a whiteout, and no work file",
  );
  check(w.top.readsFrom(changetype<FileDescription>(opened), "changed", 0), "who had it open reads on");
  changetype<FileDescription>(opened).decRef();
  check(w.top.unlink("/d/f") == -ENOENT, "it cannot be removed twice");
  w.end();
}

export function aNameCanBeUsedAgain(): void {
  const w = makeWorld();
  w.base.write("/f", "old");
  w.base.write("/g", "old");
  w.base.write("/h", "old");
  for (let i = 0; i < 3; i++) {
    check(w.top.unlink("/f") == 0 && w.top.write("/f", "new") == 0, "a file again");
    check(w.top.reads("/f", "new"), "with its own data");
  }
  check(
    w.top.unlink("/g") == 0 && w.top.symlink("x", "/g") == 0 && w.top.linkIs("/g", "x"),
    "a link instead",
  );
  check(
    w.top.unlink("/h") == 0 && w.top.link("/f", "/h") == 0 && w.top.reads("/h", "new"),
    "another name instead",
  );
  check(w.upper.count("/") == 5, "f, g and h, no work files");
  w.end();
}

export function aDirectoryOverAWhiteoutIsOpaque(): void {
  const w = makeWorld();
  w.lower.mkdir("/d");
  w.lower.write("/d/f", "lower");
  w.base.mkdir("/d");
  w.base.write("/d/g", "base");
  check(w.top.unlink("/d/f") == 0 && w.top.unlink("/d/g") == 0, "emptied");
  check(w.top.rmdir("/d") == 0 && w.top.exists("/d") == -ENOENT, "removed");
  check(w.top.mkdir("/d") == 0, "made again");
  check(w.top.count("/d") == 2 && w.top.exists("/d/f") == -ENOENT, "it is empty");
  check(w.top.write("/d/f", "new") == 0 && w.top.reads("/d/f", "new"), "and can be filled");
  const number = w.top.inode("/d").ino;
  check(w.top.listedIno("/", "d") == number, "listed with its number");
  w.unmount();
  check(w.top.exists("/d/g") == -ENOENT && w.top.count("/d") == 3, "it stays opaque when mounted again");
  check(w.top.inode("/d").ino == number && w.top.listedIno("/", "d") == number, "and keeps its number");
  w.end();
}

export function aFileOverTheWhiteoutOfADirectoryHidesIt(): void {
  const w = makeWorld();
  w.base.mkdir("/d");
  check(w.top.rmdir("/d") == 0 && w.top.write("/d", "file") == 0, "a file in the directory's place");
  check(w.top.reads("/d", "file") && w.top.rmdir("/d") == -ENOTDIR, "it is a file");
  check(w.top.unlink("/d") == 0 && w.top.exists("/d") == -ENOENT, "whose removal brings nothing back");
  w.end();
}

// OV-23
export function rmdirLooksAtAllLayers(): void {
  const w = makeWorld();
  w.base.mkdir("/d");
  w.base.write("/d/f", "");
  w.top.write("/d/g", "");
  check(w.top.rmdir("/d") == -ENOTEMPTY, "two files");
  check(w.top.unlink("/d/g") == 0 && w.top.rmdir("/d") == -ENOTEMPTY, "one in the base");
  check(w.top.unlink("/d") == -EISDIR, "unlink does not remove directories");
  check(w.top.unlink("/d/f") == 0 && w.top.rmdir("/d") == 0, "none but whiteouts");
  check(
    w.top.exists("/d") == -ENOENT && w.upper.inode("/d").mode == <u32>S_IFCHR,
    "a whiteout took its place",
  );
  check(w.upper.count("/") == 3, "and no work file stays");
  w.end();
}

export function aDirectoryThatWasRemovedIsDead(): void {
  const w = makeWorld();
  w.base.mkdir("/d");
  const opened = w.top.open("/d", <u32>O_RDONLY);
  const directory = changetype<FileDescription>(opened);
  check(w.top.rmdir("/d") == 0, "removed");
  check(
    directory.inode.dead && directory.inode.getAttributes() == 0 && directory.inode.nlink == 2,
    "and has the links of the lower layer's",
  );
  directory.decRef();
  w.end();
}

export function guestsCannotMakeWhiteoutsOrWorkNames(): void {
  const w = makeWorld();
  check(w.top.whiteout("/w") == -EPERM, "a character device 0:0");
  check(w.top.mknod("/c", <u32>S_IFCHR | 0o600, 0x103) == 0, "others may be made");
  check(w.top.write("/.wvisor-0123456789abcdef", "x") == -EPERM, "a work name");
  check(w.top.write("/.wvisor-0123456789abcdeg", "x") == 0, "what only looks like one is free");
  check(
    w.top.write("/f", "x") == 0 && w.top.rename("/f", "/.wvisor-0123456789abcdef") == -EPERM,
    "nor by renaming",
  );
  check(w.top.mkdir("/c") == -EEXIST, "and what exists, exists");
  w.end();
}
