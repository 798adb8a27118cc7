// rename in an overlay.

import { EINVAL, EISDIR, ENOENT, ENOTDIR, ENOTEMPTY, EXDEV } from "../../../assembly/abi/errno.ts";
import { O_RDONLY, RENAME_EXCHANGE, RENAME_NOREPLACE, RENAME_WHITEOUT } from "../../../assembly/abi/fcntl.ts";
import { S_IFCHR } from "../../../assembly/abi/stat.ts";
import { FileDescription } from "../../../assembly/vfs/file-description.ts";
import { check, makeWorld } from "./world.ts";

export function aLowerFileIsCopiedUpAndLeavesAWhiteout(): void {
  const w = makeWorld();
  w.base.mkdir("/d");
  w.base.mkdir("/e");
  w.base.write("/d/f", "text");
  check(w.top.rename("/d/f", "/e/g") == 0, "renamed");
  check(w.top.exists("/d/f") == -ENOENT && w.top.reads("/e/g", "text"), "it moved");
  check(w.top.count("/d") == 2 && w.top.count("/e", "g") == 3, "listings say so");
  check(
    w.upper.inode("/d/f").mode == <u32>S_IFCHR && w.upper.reads("/e/g", "text"),
    "a whiteout, and the file",
  );
  check(w.upper.count("/d") == 3 && w.upper.count("/e") == 3, "no work file stays");
  check(w.top.rename("/e/g", "/d/f") == 0, "back over its whiteout");
  check(w.top.reads("/d/f", "text") && w.top.exists("/e/g") == -ENOENT, "it is back");
  check(w.upper.count("/e") == 2, "what has no lower file needs no whiteout");
  check(w.base.reads("/d/f", "text"), "the base has what it had");
  w.end();
}

export function aFileReplacesAnother(): void {
  const w = makeWorld();
  w.base.write("/lower", "lower");
  w.base.write("/target", "target");
  w.top.write("/upper", "upper");
  const opened = w.top.open("/target", <u32>O_RDONLY);
  const replaced = changetype<FileDescription>(opened);
  check(w.top.rename("/upper", "/target") == 0 && w.top.reads("/target", "upper"), "over a lower file");
  check(w.top.readsFrom(replaced, "target", 0), "which who had it open still reads");
  check(replaced.inode.getAttributes() == 0 && replaced.inode.nlink == 1, "its layer still has its name");
  replaced.decRef();
  check(
    w.top.rename("/lower", "/target") == 0 && w.top.reads("/target", "lower"),
    "a lower file over an upper one",
  );
  check(w.top.rename("/target", "/target") == 0 && w.top.reads("/target", "lower"), "to itself");
  check(w.top.unlink("/target") == 0 && w.top.exists("/target") == -ENOENT, "nothing comes back after it");
  check(w.top.count("/") == 2, "the tree is empty");
  w.end();
}

export function directoriesOfTheUpperLayerAloneAreRenamed(): void {
  const w = makeWorld();
  w.base.mkdir("/lower");
  w.base.mkdir("/lower/sub");
  w.base.write("/lower/sub/f", "base");
  w.base.write("/lower/sub/g", "base");
  w.top.mkdir("/new");
  w.top.write("/new/f", "upper");
  check(w.top.rename("/lower", "/other") == -EXDEV, "a lower directory is not");
  check(w.top.chmod("/lower", 0o700) == 0 && w.top.rename("/lower", "/other") == -EXDEV, "nor a merged one");
  check(w.top.rename("/new", "/lower/new") == 0 && w.top.reads("/lower/new/f", "upper"), "into a merged one");
  check(w.top.rename("/lower/new", "/lower/sub") == -ENOTEMPTY, "not over a full one");
  check(w.top.unlink("/lower/sub/g") == 0, "one of its two files goes");
  check(
    w.top.unlink("/lower/sub/f") == 0 && w.top.rename("/lower/new", "/lower/sub") == 0,
    "but over an empty one",
  );
  check(
    w.top.reads("/lower/sub/f", "upper") && w.top.count("/lower/sub") == 3,
    "of which nothing shows through",
  );
  w.unmount();
  check(w.top.reads("/lower/sub/f", "upper") && w.top.count("/lower/sub") == 3, "also when mounted again");
  w.end();
}

export function aDirectoryTakesTheNameOfOneThatWasRemoved(): void {
  const w = makeWorld();
  w.base.mkdir("/d");
  w.base.write("/d/f", "base");
  w.top.mkdir("/new");
  check(w.top.unlink("/d/f") == 0 && w.top.rmdir("/d") == 0, "removed");
  check(w.top.rename("/new", "/d") == 0, "renamed over the whiteout");
  check(w.top.count("/d") == 2 && w.top.exists("/d/f") == -ENOENT, "nothing of the lower one shows");
  check(w.top.rename("/d", "/e") == 0 && w.top.exists("/d") == -ENOENT, "and away: a whiteout again");
  check(w.upper.count("/") == 4, "no work file stays");
  w.unmount();
  check(w.top.exists("/d") == -ENOENT && w.top.exists("/e") == 0, "also when mounted again");
  w.end();
}

export function typesMustAgreeAndFlagsAreHonoured(): void {
  const w = makeWorld();
  w.base.mkdir("/d");
  w.base.write("/f", "f");
  w.base.write("/g", "g");
  check(w.top.rename("/f", "/d") == -EISDIR, "a file over a directory");
  check(w.top.mkdir("/e") == 0 && w.top.rename("/e", "/f") == -ENOTDIR, "a directory over a file");
  check(w.top.rename("/f", "/g", <u32>RENAME_NOREPLACE) == -17, "RENAME_NOREPLACE");
  check(w.top.rename("/f", "/h", <u32>RENAME_NOREPLACE) == 0 && w.top.reads("/h", "f"), "where nothing is");
  check(w.top.rename("/h", "/g", <u32>RENAME_EXCHANGE) == 0 && w.top.reads("/g", "f"), "RENAME_EXCHANGE");
  check(w.top.rename("/h", "/g", <u32>RENAME_WHITEOUT) == -EINVAL, "RENAME_WHITEOUT is for layers");
  w.end();
}
