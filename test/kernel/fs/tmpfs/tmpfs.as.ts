import { allocDataPages, initPages } from "mm/page";
import { EEXIST, EFBIG, EINVAL, ENOENT, ENOSPC, ENOTEMPTY } from "../../../../assembly/abi/errno.ts";
import {
  O_CREAT,
  O_RDWR,
  RENAME_EXCHANGE,
  RENAME_NOREPLACE,
  RENAME_WHITEOUT,
} from "../../../../assembly/abi/fcntl.ts";
import { S_IFCHR, S_IFMT } from "../../../../assembly/abi/stat.ts";
import { TmpfsDirectory } from "../../../../assembly/fs/tmpfs/directory.ts";
import { TmpfsLimits } from "../../../../assembly/fs/tmpfs/limits.ts";
import { mountTmpfs, mountTmpfsFile, TmpfsFilesystem } from "../../../../assembly/fs/tmpfs/tmpfs.ts";
import { free } from "../../../../assembly/lib/ref-counted.ts";
import { lockKernel, unlockKernel } from "../../../../assembly/sched/kernel-lock.ts";
import { StatFs } from "../../../../assembly/vfs/attributes.ts";
import { initDcache, makeRootDentry } from "../../../../assembly/vfs/dcache.ts";
import { FileDescription } from "../../../../assembly/vfs/file-description.ts";
import { beginVfs, end } from "../../support/leak-check.ts";
import { Tree } from "../../support/tree.ts";

const DATA: usize = memory.data(8192);
const BACK: usize = memory.data(8192);
/** The largest size of a file. */
const LARGEST: i64 = i64.MAX_VALUE;

function fill(seed: u32): void {
  for (let i: u32 = 0; i < 8192; i++) store<u8>(DATA + i, <u8>(i * 13 + seed + (i >> 8)));
}

function isZero(at: usize, length: u32): bool {
  for (let i: u32 = 0; i < length; i++) if (load<u8>(at + i)) return false;
  return true;
}

function limitsOf(t: Tree): TmpfsLimits {
  return changetype<TmpfsFilesystem>(t.namespace.root.root.fs).limits;
}

/** A tmpfs with a bound on its files, the root included. */
function withInodes(count: u64): Tree {
  const limits = new TmpfsLimits(1024, count);
  const fs = new TmpfsFilesystem(limits);
  limits.takeInode();
  const root = makeRootDentry(fs, new TmpfsDirectory(fs, limits, fs.nextIno(), 0o040755, 0, 0));
  fs.decRef();
  return new Tree(root);
}

function openFile(t: Tree, path: string): FileDescription {
  return changetype<FileDescription>(t.open(path, <u32>(O_CREAT | O_RDWR)));
}

export function aHoleReadsAsZerosAndTakesNoPages(): void {
  beginVfs();
  const t = Tree.tmpfs();
  fill(1);
  const file = openFile(t, "/f");
  assert(t.writeTo(file, DATA, 10, 1 << 40) == 10, "far behind everything");
  assert(file.inode.size == (1 << 40) + 10, "the size says so");
  assert(limitsOf(t).pagesUsed == 1 && file.inode.blocks == 8, "one page");
  memory.fill(BACK, 0xff, 8192);
  assert(t.readFrom(file, BACK, 8192, 123456) == 8192 && isZero(BACK, 8192), "zeros");
  assert(t.readFrom(file, BACK, 20, (1 << 40) - 5) == 15, "up to the end");
  assert(isZero(BACK, 5) && memory.compare(BACK + 5, DATA, 10) == 0, "zeros, then what was written");
  file.decRef();
  t.destroy();
  end();
}

export function filesTakeThePagesThatWereWritten(): void {
  beginVfs();
  const t = Tree.tmpfs();
  assert(t.write("/f", DATA, 1, 0) == 1 && limitsOf(t).pagesUsed == 1, "one byte, one page");
  assert(t.write("/f", DATA, 1, 65535) == 1 && limitsOf(t).pagesUsed == 2, "another");
  assert(t.write("/f", DATA, 1, 65536) == 1 && limitsOf(t).pagesUsed == 3, "and the next");
  t.unlink("/f");
  assert(limitsOf(t).pagesUsed == 0, "all given back");
  t.destroy();
  end();
}

export function whatATruncationCutsOffReadsAsZeros(): void {
  beginVfs();
  const t = Tree.tmpfs();
  const file = openFile(t, "/f");
  fill(2);
  // Around the bounds of small pages, of the first large block and of the second.
  const cuts = memory.data<u32>([0, 1, 4095, 4096, 4097, 65535, 65536, 65537, 131071, 131072, 131073]);
  for (let c: usize = 0; c < 11; c++) {
    const cut: i64 = load<u32>(cuts + (c << 2));
    for (let at: i64 = 0; at < 140000; at += 8192) t.writeTo(file, DATA, 8192, at);
    assert(file.truncate(cut) == 0 && file.inode.size == cut, "cut");
    assert(file.truncate(140000) == 0, "extended");
    for (let at: i64 = cut; at < 140000; at += 8192) {
      const length = t.readFrom(file, BACK, 8192, at);
      assert(length > 0 && isZero(BACK, <u32>length), "zeros");
    }
    if (cut) {
      assert(t.readFrom(file, BACK, 1, cut - 1) == 1, "the last byte before");
      assert(load<u8>(BACK) == load<u8>(DATA + (<usize>(cut - 1) & 8191)), "is what it was");
    }
  }
  assert(file.truncate(0) == 0 && limitsOf(t).pagesUsed == 0, "nothing is stored");
  file.decRef();
  t.destroy();
  end();
}

export function aPageThatWasAnothersShowsNothingOfIt(): void {
  beginVfs();
  const t = Tree.tmpfs();
  memory.fill(DATA, 0xee, 8192);
  for (let round = 0; round < 2; round++) {
    // Of the second round's file every page is one that the first round's gave back.
    for (let at: i64 = 0; at < 196608; at += 8192) t.write("/full", DATA, 8192, at);
    t.unlink("/full");
    for (let at: i64 = 0; at < 196608; at += 8192) t.write("/sparse", DATA, 1, at + 5000);
    for (let at: i64 = 0; at < 188416; at += 8192) {
      assert(t.read("/sparse", BACK, 8192, at) == 8192, "there");
      assert(
        isZero(BACK, 5000) && load<u8>(BACK + 5000) == 0xee && isZero(BACK + 5001, 3191),
        "only its own",
      );
    }
    t.unlink("/sparse");
  }
  t.destroy();
  end();
}

export function truncatingFarFilesGivesEverythingBack(): void {
  beginVfs();
  const t = Tree.tmpfs();
  const file = openFile(t, "/f");
  for (let round: i64 = 1; round < 50; round++) {
    assert(t.writeTo(file, DATA, 1, round * 0x123456789a) == 1, "far away");
    assert(file.truncate(0) == 0, "cut");
  }
  file.decRef();
  t.unlink("/f");
  assert(limitsOf(t).pagesUsed == 0, "no pages");
  t.destroy();
  end();
}

export function writesBeyondTheLargestSizeAreRefused(): void {
  beginVfs();
  const t = Tree.tmpfs();
  const file = openFile(t, "/f");
  assert(
    t.writeTo(file, DATA, 10, LARGEST - 5) == 5 && file.inode.size == LARGEST,
    "cut to the largest size",
  );
  assert(t.writeTo(file, DATA, 1, LARGEST) == -EFBIG, "and there is nothing behind");
  assert(
    limitsOf(t).pagesUsed == 1 && file.truncate(0) == 0 && limitsOf(t).pagesUsed == 0,
    "the last page goes",
  );
  assert(file.truncate(-1) == -EINVAL, "no such size");
  assert(file.truncate(LARGEST) == 0 && file.inode.size == LARGEST, "the largest");
  assert(t.readFrom(file, BACK, 8, LARGEST - 4) == 4 && isZero(BACK, 4), "and its end");
  assert(t.writeTo(file, DATA, 4, LARGEST - 4) == 4, "which can be written");
  assert(file.truncate(0) == 0, "back");
  file.decRef();
  t.destroy();
  end();
}

export function aFullFileSystemTakesWhatFits(): void {
  beginVfs();
  const t = new Tree(mountTmpfs(3 * 4096, 0o755, 0, 0));
  const file = openFile(t, "/f");
  assert(t.writeTo(file, DATA, 8192, 0) == 8192, "two pages");
  assert(t.writeTo(file, DATA, 8192, 8192) == 4096, "half of two more");
  assert(t.writeTo(file, DATA, 1, 12288) == -ENOSPC, "and no more");
  assert(t.writeTo(file, DATA, 8192, 0) == 8192, "what is there can be overwritten");
  assert(file.inode.size == 12288, "the size is what was written");
  assert(file.truncate(4096) == 0 && t.writeTo(file, DATA, 4096, 4096) == 4096, "room again");
  assert(t.make("/g") == 0 && t.mkdir("/d") == 0, "names are not counted in pages");
  assert(t.write("/g", DATA, 4096, 0) == 4096 && t.write("/g", DATA, 1, 4096) == -ENOSPC, "shared by all");
  file.decRef();
  t.destroy();
  end();
}

export function allocatingMoreThanCouldEverFitIsRefused(): void {
  beginVfs();
  const t = new Tree(mountTmpfs(1 << 20, 0o755, 0, 0));
  const file = openFile(t, "/f");
  assert(file.allocate(0, 0, 100) == 0 && file.inode.size == 100, "extends");
  assert(file.allocate(0, 0, 50) == 0 && file.inode.size == 100, "never shortens");
  assert(file.allocate(0, 0, 2 << 20) == -ENOSPC, "larger than the file system");
  assert(file.allocate(0, i64.MAX_VALUE, 1) == -EFBIG, "larger than any");
  file.decRef();
  t.destroy();
  end();
}

// TM-06
export function aFileSystemMayBeOneFileOrOneLink(): void {
  beginVfs();
  const file = mountTmpfsFile(0, 0o100640, 5, 6, 0, 0);
  assert(
    file.file.isRegular && file.file.mode == 0o100640 && file.file.uid == 5 && file.file.nlink == 1,
    "a file",
  );
  file.decRef();
  const link = mountTmpfsFile(0, 0o120777, 0, 0, DATA, 10);
  assert(link.file.isSymlink && link.file.readlink(BACK) == 10, "a link");
  link.decRef();
  end();
}

export function filesAreCounted(): void {
  beginVfs();
  const t = withInodes(4);
  assert(t.make("/a") == 0 && t.mkdir("/d") == 0 && t.symlink("x", "/l") == 0, "three besides the root");
  assert(t.make("/b") == -ENOSPC && t.mkdir("/e") == -ENOSPC && t.symlink("x", "/m") == -ENOSPC, "full");
  assert(!t.exists("/b") && t.inode("/").nlink == 3, "nothing was half made");
  assert(t.rename("/a", "/c") == 0, "a name may change");
  assert(t.unlink("/c") == 0 && t.make("/b") == 0, "room again");
  assert(t.rmdir("/d") == 0 && t.mkdir("/e") == 0, "with directories as well");
  t.destroy();
  end();
}

export function anotherNameCountsAsAFile(): void {
  beginVfs();
  const t = withInodes(4);
  t.make("/a");
  assert(t.link("/a", "/b") == 0 && t.link("/a", "/c") == 0, "two more names");
  assert(t.link("/a", "/d") == -ENOSPC && t.make("/d") == -ENOSPC, "full");
  assert(t.inode("/a").nlink == 3, "a refused link is none");
  assert(t.unlink("/a") == 0 && t.make("/d") == 0, "one name less");
  assert(t.rename("/d", "/b") == 0, "replacing a name is one less, too");
  assert(limitsOf(t).inodesUsed == 3, "the root, and two files");
  assert(t.unlink("/b") == 0 && t.unlink("/c") == 0, "the rest");
  assert(limitsOf(t).inodesUsed == 1, "the root");
  t.destroy();
  end();
}

export function anUnlinkedOpenFileStillCounts(): void {
  beginVfs();
  const t = withInodes(2);
  const file = openFile(t, "/f");
  t.unlink("/f");
  assert(t.make("/g") == -ENOSPC, "it is still there");
  file.decRef();
  assert(t.make("/g") == 0, "now it is not");
  t.destroy();
  end();
}

export function noFilesAreMadeWhenMemoryIsShort(): void {
  initPages((80 << 20) + <u32>__heap_base);
  initDcache();
  const t = Tree.tmpfs();
  t.make("/before");
  while (allocDataPages(0)) {}
  assert(t.make("/f") == -ENOSPC && t.mkdir("/d") == -ENOSPC && t.symlink("x", "/l") == -ENOSPC, "no file");
  assert(t.link("/before", "/after") == -ENOSPC, "no name");
  assert(t.exists("/before") && t.unlink("/before") == 0, "but what is there works");
  for (let i = 0; i < 100; i++) t.exists("/missing");
  assert(t.namespace.root.root.fs.dentryCount < 8, "and caches do not grow");
  t.destroy();
}

export function statfsTellsWhatIsLeft(): void {
  beginVfs();
  const t = new Tree(mountTmpfs(40960, 0o755, 0, 0));
  t.write("/f", DATA, 4097, 0);
  const s = new StatFs();
  assert(t.namespace.root.root.fs.statfs(s) == 0, "told");
  assert(s.blockSize == 4096 && s.blocks == 10 && s.free == 8 && s.available == 8, "pages");
  assert(s.files - s.filesFree == 2 && s.nameMax == 255, "files");
  free(s);
  t.destroy();
  end();
}

export function directoriesCountTheirEntries(): void {
  beginVfs();
  const t = Tree.tmpfs();
  t.mkdir("/d");
  assert(t.inode("/d").size == 40 && t.inode("/d").nlink == 2, "empty");
  t.make("/d/f");
  t.mkdir("/d/e");
  assert(t.inode("/d").size == 80 && t.inode("/d").nlink == 3, "two entries, one of them a directory");
  t.unlink("/d/f");
  t.rmdir("/d/e");
  assert(t.inode("/d").size == 40 && t.inode("/d").nlink == 2, "empty again");
  t.destroy();
  end();
}

export function renamingKeepsLinkCountsRight(): void {
  beginVfs();
  const t = Tree.tmpfs();
  t.mkdir("/a");
  t.mkdir("/b");
  t.mkdir("/a/x");
  assert(t.rename("/a/x", "/b/x") == 0, "moved");
  assert(t.inode("/a").nlink == 2 && t.inode("/b").nlink == 3, "one less, one more");
  t.mkdir("/a/x");
  assert(t.rename("/b/x", "/a/x") == 0, "onto an empty one");
  assert(t.inode("/a").nlink == 3 && t.inode("/b").nlink == 2, "one was replaced");
  t.mkdir("/a/y");
  assert(t.rename("/a/y", "/a/x") == 0 && t.inode("/a").nlink == 3, "in one directory");
  t.make("/a/x/f");
  t.mkdir("/a/y");
  assert(t.rename("/a/y", "/a/x") == -ENOTEMPTY && t.inode("/a").nlink == 4, "refused, unchanged");
  t.destroy();
  end();
}

export function exchangingSwapsAnyTwo(): void {
  beginVfs();
  const t = Tree.tmpfs();
  t.mkdir("/a");
  t.mkdir("/b");
  t.mkdir("/a/d");
  t.make("/a/d/inside");
  t.make("/b/f");
  const d = t.inode("/a/d").ino;
  const f = t.inode("/b/f").ino;
  assert(t.rename("/a/d", "/b/f", RENAME_EXCHANGE) == 0, "a directory and a file");
  assert(t.inode("/a/d").ino == f && t.inode("/b/f").ino == d && t.exists("/b/f/inside"), "swapped");
  assert(t.inode("/a").nlink == 2 && t.inode("/b").nlink == 3, "link counts");
  assert(t.inode("/b/f/..").ino == t.inode("/b").ino, "and ..");
  assert(t.rename("/a/d", "/no", RENAME_EXCHANGE) == -ENOENT, "both must be there");
  assert(t.rename("/b", "/b/f", RENAME_EXCHANGE) == -EINVAL, "not with what is below");
  assert(t.rename("/b/f", "/b", RENAME_EXCHANGE) == -EINVAL, "nor with what is above");
  assert(t.rename("/a/d", "/a/d", RENAME_EXCHANGE) == 0, "with itself");
  t.destroy();
  end();
}

export function noReplaceRefusesWhatIsThere(): void {
  beginVfs();
  const t = Tree.tmpfs();
  t.make("/a");
  t.make("/b");
  t.mkdir("/d");
  assert(t.rename("/a", "/b", RENAME_NOREPLACE) == -EEXIST, "a file");
  assert(t.rename("/a", "/a", RENAME_NOREPLACE) == -EEXIST, "itself");
  assert(t.rename("/a", "/d/..", RENAME_NOREPLACE) == -EEXIST, "dots");
  assert(t.rename("/a", "/c", RENAME_NOREPLACE) == 0 && t.exists("/c") && !t.exists("/a"), "what is free");
  t.destroy();
  end();
}

export function aWhiteoutStaysWhereTheFileWas(): void {
  beginVfs();
  const t = Tree.tmpfs();
  t.make("/a");
  assert(t.rename("/a", "/b", RENAME_WHITEOUT) == 0 && t.exists("/b"), "moved");
  const left = t.inode("/a");
  assert((left.mode & <u32>S_IFMT) == <u32>S_IFCHR && left.rdev == 0, "a device 0:0 is left");
  assert(limitsOf(t).inodesUsed == 3, "and counted");
  assert(t.unlink("/a") == 0 && limitsOf(t).inodesUsed == 2, "and given back");
  t.destroy();
  end();
}

export function replacedAndRemovedFilesGiveTheirPagesBack(): void {
  beginVfs();
  const t = Tree.tmpfs();
  t.write("/a", DATA, 8192, 0);
  t.write("/b", DATA, 8192, 100000);
  t.rename("/a", "/b");
  assert(limitsOf(t).pagesUsed == 2, "the replaced one's are back");
  const file = openFile(t, "/b");
  t.unlink("/b");
  assert(limitsOf(t).pagesUsed == 2 && t.readFrom(file, BACK, 100, 0) == 100, "open files keep theirs");
  file.decRef();
  assert(limitsOf(t).pagesUsed == 0, "until they are closed");
  t.destroy();
  end();
}

export function symbolicLinksKeepTheirText(): void {
  beginVfs();
  const t = Tree.tmpfs();
  t.symlink("some/where", "/l");
  assert(t.linkIs("/l", "some/where") && t.inode("/").size == 60, "its text");
  t.rename("/l", "/m");
  assert(t.linkIs("/m", "some/where"), "also elsewhere");
  t.destroy();
  end();
}

export function readingMovesAtimeOnlyWhenItIsBehind(): void {
  beginVfs();
  const t = Tree.tmpfs();
  t.write("/f", DATA, 10, 0);
  const inode = t.inode("/f");
  inode.atime = inode.mtime - 5;
  timePasses();
  t.read("/f", BACK, 10, 0);
  const read = inode.atime;
  assert(read > inode.mtime, "read after it was written");
  t.read("/f", BACK, 10, 0);
  assert(inode.atime == read, "once is enough");
  const day: i64 = 86_400_000_000_000;
  inode.mtime = 0;
  inode.ctime = 0;
  inode.atime -= day;
  timePasses();
  t.read("/f", BACK, 10, 0);
  assert(inode.atime > read, "but once a day");
  t.destroy();
  end();
}

/** Time stands still while the lock is held, and what is tested here never takes it. */
function timePasses(): void {
  lockKernel();
  unlockKernel();
}
