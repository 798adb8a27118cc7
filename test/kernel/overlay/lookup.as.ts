// What an overlay shows of its layers.

import { ENOENT, EROFS } from "../../../assembly/abi/errno.ts";
import { check, makeWorld } from "./world.ts";

export function theTopmostFileOfANameIsTheOneShown(): void {
  const w = makeWorld();
  w.upper.write("/a", "upper");
  w.lower.write("/a", "lower");
  w.lower.write("/b", "lower");
  w.base.write("/b", "base");
  w.base.write("/c", "base");
  check(w.top.reads("/a", "upper"), "the upper file hides the lower one");
  check(w.top.reads("/b", "lower"), "the lower file hides the base one");
  check(w.top.reads("/c", "base"), "the base file is seen through both");
  check(w.top.exists("/d") == -ENOENT, "a name of no layer is not there");
  w.end();
}

export function directoriesOfAllLayersAreMerged(): void {
  const w = makeWorld();
  w.upper.mkdir("/d");
  w.upper.write("/d/1", "upper");
  w.lower.mkdir("/d");
  w.lower.write("/d/2", "lower");
  w.lower.mkdir("/d/sub");
  w.base.mkdir("/d");
  w.base.write("/d/3", "base");
  w.base.mkdir("/d/sub");
  w.base.write("/d/sub/4", "base");
  check(w.top.reads("/d/1", "upper"), "from the upper layer");
  check(w.top.reads("/d/2", "lower"), "from the lower layer");
  check(w.top.reads("/d/3", "base"), "from the base");
  check(w.top.reads("/d/sub/4", "base"), "in a directory that only the lower layers have");
  check(w.top.count("/d") == 6, "1, 2, 3, sub, . and .. are listed");
  check(w.top.count("/d", "sub") == 6, "sub is listed once");
  w.end();
}

export function aFileHidesDirectoriesBelowAndADirectoryFilesBelow(): void {
  const w = makeWorld();
  w.lower.write("/a", "file");
  w.base.mkdir("/a");
  w.base.write("/a/x", "hidden");
  w.upper.mkdir("/b");
  w.lower.write("/b", "hidden");
  w.base.mkdir("/b");
  w.base.write("/b/x", "hidden too");
  check(w.top.reads("/a", "file"), "the file is on top");
  check(w.top.count("/b") == 2, "a file ends the merge of the directories around it");
  check(w.top.exists("/b/x") == -ENOENT, "so what is below the file is not there");
  w.end();
}

export function aWhiteoutHidesAllBelowAndIsNotThereItself(): void {
  const w = makeWorld();
  w.upper.whiteout("/a");
  w.lower.write("/a", "hidden");
  w.lower.whiteout("/b");
  w.base.write("/b", "hidden");
  w.base.mkdir("/only");
  w.base.whiteout("/only/w");
  w.base.write("/only/x", "shown");
  check(w.top.exists("/a") == -ENOENT, "hidden by the upper layer");
  check(w.top.exists("/b") == -ENOENT, "hidden by a lower layer");
  check(w.top.count("/") == 3, "neither is listed, but .  .. and only");
  check(w.top.exists("/only/w") == -ENOENT, "a whiteout in a layer alone is not there either");
  check(w.top.count("/only") == 4, "but listed: nothing is merged there");
  w.end();
}

export function symbolicLinksAndSpecialFilesShowThrough(): void {
  const w = makeWorld();
  w.base.symlink("target", "/link");
  w.base.mknod("/fifo", 0o010644, 0);
  w.base.mknod("/null", 0o020666, 0x103);
  check(w.top.linkIs("/link", "target"), "the link's text");
  check(w.top.inode("/fifo").mode == 0o010644, "the FIFO's mode");
  check(w.top.inode("/null").rdev == 0x103, "the device's number");
  w.end();
}

export function withoutAnUpperLayerNothingCanBeChanged(): void {
  const w = makeWorld();
  w.lower.write("/a", "lower");
  w.base.mkdir("/d");
  const overlay = w.mount(null);
  check(overlay.reads("/a", "lower"), "reading works");
  check(overlay.count("/") == 4, "and listing");
  check(overlay.write("/a", "x") == -EROFS, "writing does not");
  check(overlay.write("/new", "x") == -EROFS, "nor making");
  check(overlay.unlink("/a") == -EROFS, "nor removing");
  check(overlay.mkdir("/d/e") == -EROFS, "nor making directories");
  check(overlay.chmod("/a", 0o600) == -EROFS, "nor changing a mode");
  overlay.destroy();
  w.end();
}

export function inodeNumbersOfSeveralFileSystemsDiffer(): void {
  const w = makeWorld();
  w.upper.write("/a", "");
  w.lower.write("/b", "");
  w.base.write("/c", "");
  const a = w.top.inode("/a").ino;
  const b = w.top.inode("/b").ino;
  const c = w.top.inode("/c").ino;
  check(a != b && b != c && a != c, "the first file of each layer has a number of its own");
  check(w.top.listedIno("/", "a") == a, "a is listed with the number that stat shows");
  check(w.top.listedIno("/", "b") == b, "b is listed with the number that stat shows");
  check(w.top.listedIno("/", "c") == c, "c is listed with the number that stat shows");
  w.end();
}
