// Listings of merged directories.

import { O_DIRECTORY, O_RDONLY } from "../../../assembly/abi/fcntl.ts";
import { free } from "../../../assembly/lib/ref-counted.ts";
import { DirectorySink } from "../../../assembly/vfs/directory-sink.ts";
import { FileDescription } from "../../../assembly/vfs/file-description.ts";
import { check, makeWorld, Tree, World } from "./world.ts";

/** "/d/f" and four digits. Allocates nothing: the text is static and written over. */
function numbered(tree: Tree, path: string, index: i32): i32 {
  const digits = changetype<usize>(path) + ((path.length - 4) << 1);
  store<u16>(digits, <u16>(0x30 + ((index / 1000) % 10)));
  store<u16>(digits, <u16>(0x30 + ((index / 100) % 10)), 2);
  store<u16>(digits, <u16>(0x30 + ((index / 10) % 10)), 4);
  store<u16>(digits, <u16>(0x30 + (index % 10)), 6);
  return tree.mknod(path, 0o100644, 0);
}

/** Names 0 to 1999 in the upper layer, 1000 to 2999 in the lower one: more than one table and one chunk hold. */
function fill(w: World): void {
  w.upper.mkdir("/d");
  w.lower.mkdir("/d");
  for (let i = 0; i < 2000; i++) {
    check(numbered(w.upper, "/d/f0000", i) == 0, "made");
    check(numbered(w.lower, "/d/f0000", i + 1000) == 0, "made");
  }
}

export function largeDirectoriesAreMergedWithoutDuplicates(): void {
  const w = makeWorld();
  fill(w);
  check(w.top.count("/d", "f1500", 7) == 3002, "3,000 names and the dots, a few at a time");
  check(w.top.count("/d", "f2999", 100000) == 3002, "or all at once");
  check(w.top.listedIno("/d", "f1999") == w.top.inode("/d/f1999").ino, "with the upper file's number");
  w.end();
}

/** Takes a given number of entries. */
@final
class Taker extends DirectorySink {
  taken: u32 = 0;
  next: u64 = 0;
  constructor(private room: u32) {
    super();
  }
  emit(_name: usize, _length: u32, _ino: u64, _type: u32, next: u64): bool {
    if (this.taken == this.room) return false;
    this.taken++;
    this.next = next;
    return true;
  }
}

function take(directory: FileDescription, cookie: u64, room: u32): Taker {
  const taker = new Taker(room);
  check(directory.iterate(taker, cookie) >= 0, "the directory can be listed");
  return taker;
}

export function aListingIsStableWhileNamesComeAndGo(): void {
  const w = makeWorld();
  w.lower.write("/a", "");
  w.lower.write("/b", "");
  w.lower.write("/c", "");
  w.upper.write("/d", "");
  const opened = w.top.open("/", <u32>O_RDONLY | <u32>O_DIRECTORY);
  const directory = changetype<FileDescription>(opened);
  const first = take(directory, 0, 4);
  check(
    w.top.unlink("/a") == 0 && w.top.unlink("/d") == 0 && w.top.write("/e", "") == 0,
    "names come and go",
  );
  const rest = take(directory, first.next, 100);
  check(rest.taken == 2, "the rest of the six is listed, nothing is skipped");
  const again = take(directory, 0, 100);
  check(again.taken == 5, "from the start, the listing is new: b, c, e and the dots");
  free(first);
  free(rest);
  free(again);
  directory.decRef();
  w.end();
}

export function aDirectoryOfOneLayerIsListedWithoutASnapshot(): void {
  const w = makeWorld();
  w.lower.mkdir("/d");
  for (let i = 0; i < 300; i++) numbered(w.lower, "/d/g0000", i);
  w.lower.whiteout("/d/w");
  check(w.top.count("/d", "g0007", 11) == 303, "more than one batch, as the layer has it");
  check(w.top.listedIno("/d", "g0299") == w.top.inode("/d/g0299").ino, "numbers agree with stat's");
  check(w.top.listedIno("/d", ".") == w.top.inode("/d").ino, "the directory's own");
  check(w.top.listedIno("/d", "..") == w.top.inode("/").ino, "and its parent's");
  w.end();
}

export function theDotsOfAMergedDirectoryHaveTheirNumbers(): void {
  const w = makeWorld();
  w.upper.mkdir("/d");
  w.lower.mkdir("/d");
  check(w.top.listedIno("/d", ".") == w.top.inode("/d").ino, "its own");
  check(w.top.listedIno("/d", "..") == w.top.inode("/").ino, "its parent's");
  check(w.top.inode("/d").nlink == 1, "and a merged directory has one link, as on Linux");
  w.end();
}
