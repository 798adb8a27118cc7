import { EACCES, ELOOP, ENAMETOOLONG, ENOENT, ENOTDIR, EXDEV } from "../../../assembly/abi/errno.ts";
import { mountTmpfs } from "../../../assembly/fs/tmpfs/tmpfs.ts";
import {
  LAST_DOT,
  LAST_DOTDOT,
  LAST_NORM,
  LAST_ROOT,
  WALK_BENEATH,
  WALK_DIRECTORY,
  WALK_FOLLOW,
  WALK_NO_SYMLINKS,
  WALK_PARENT,
  WALK_STRICT_ROOT,
} from "../../../assembly/vfs/path-walk.ts";
import { beginVfs, end } from "../support/leak-check.ts";
import { isText } from "../support/text.ts";
import { Tree } from "../support/tree.ts";

/** /d/e/ and /d/e/f, /g */
function smallTree(): Tree {
  const tree = Tree.tmpfs();
  tree.mkdir("/d");
  tree.mkdir("/d/e");
  tree.make("/d/e/f");
  tree.make("/g");
  return tree;
}

function finish(tree: Tree): void {
  tree.destroy();
  end();
}

export function slashesAndDotsDoNotMatter(): void {
  beginVfs();
  const t = smallTree();
  const ino = t.inode("/d/e/f").ino;
  assert(t.inode("//d///e////f").ino == ino, "more slashes");
  assert(t.inode("/./d/./e/./f").ino == ino, "dots");
  assert(t.inode("d/e/../e/f").ino == ino, "up and down");
  assert(t.inode("/d/e/../../d/e/f").ino == ino, "twice");
  finish(t);
}

export function dotDotAtTheRootStays(): void {
  beginVfs();
  const t = smallTree();
  const root = t.inode("/").ino;
  assert(t.inode("/..").ino == root && t.inode("/../../..").ino == root, "the root");
  assert(t.inode("/../g").ino == t.inode("/g").ino, "and on from there");
  assert(t.inode("/d/../../../g").ino == t.inode("/g").ino, "from below");
  finish(t);
}

export function anEmptyPathIsNoFile(): void {
  beginVfs();
  const t = smallTree();
  assert(t.resolve("", 0) == -ENOENT && t.resolve("", WALK_PARENT) == -ENOENT, "ENOENT");
  finish(t);
}

export function whatIsMissingIsENOENT(): void {
  beginVfs();
  const t = smallTree();
  assert(t.resolve("/no", 0) == -ENOENT, "at the end");
  assert(t.resolve("/no/x", 0) == -ENOENT, "on the way");
  assert(t.resolve("/no/..", 0) == -ENOENT, "also when .. would lead back");
  assert(t.resolve("/no", 0) == -ENOENT, "from the cache as well");
  finish(t);
}

export function aFileOnTheWayIsENOTDIR(): void {
  beginVfs();
  const t = smallTree();
  assert(t.resolve("/g/x", 0) == -ENOTDIR && t.resolve("/g/..", 0) == -ENOTDIR, "a name, and ..");
  assert(t.resolve("/g/.", 0) == -ENOTDIR && t.resolve("/g/", 0) == -ENOTDIR, "a dot, and a slash");
  assert(t.resolve("/g", WALK_DIRECTORY) == -ENOTDIR, "asked for");
  assert(t.resolve("/d/", 0) == 0 && t.resolve("/d/.", 0) == 0, "a directory is fine");
  finish(t);
}

export function aTrailingSlashFollowsALink(): void {
  beginVfs();
  const t = smallTree();
  t.symlink("d/e", "/to-directory");
  t.symlink("g", "/to-file");
  assert(t.resolve("/to-directory", 0) == 0 && t.walk.result.file.isSymlink, "the link itself");
  assert(t.resolve("/to-directory/", 0) == 0 && t.walk.result.file.isDirectory, "what it points to");
  assert(t.resolve("/to-file/", 0) == -ENOTDIR, "which must be a directory");
  finish(t);
}

export function aSlashBehindALinksTextAsksForADirectory(): void {
  beginVfs();
  const t = smallTree();
  t.symlink("g/", "/file-slash");
  t.symlink("d/e///", "/directory-slash");
  assert(t.resolve("/file-slash", WALK_FOLLOW) == -ENOTDIR, "a file");
  assert(t.resolve("/file-slash", 0) == 0, "not followed, not asked");
  assert(t.resolve("/directory-slash", WALK_FOLLOW) == 0, "a directory");
  assert(t.resolve("/directory-slash/f", WALK_FOLLOW) == 0, "in the middle it says nothing new");
  finish(t);
}

export function linksAreRelativeToWhereTheyLie(): void {
  beginVfs();
  const t = smallTree();
  t.symlink("../g", "/d/up");
  t.symlink("/d/e", "/d/absolute");
  assert(t.inode("/d/up").ino == t.inode("/g").ino, "relative");
  assert(t.inode("/d/absolute/f").ino == t.inode("/d/e/f").ino, "absolute");
  assert(t.inode("/d/absolute/../up").ino == t.inode("/g").ino, ".. is of where the link led");
  finish(t);
}

/** l0 -> l1 -> ... -> l<count - 1> -> g */
function chain(t: Tree, count: i32): void {
  t.symlink("g", "/l" + (count - 1).toString());
  for (let i = count - 2; i >= 0; i--) t.symlink("l" + (i + 1).toString(), "/l" + i.toString());
}

/** The strings that a chain is made of stay on the heap: nothing collects them. So no leak check here. */
export function fortyLinksAreFollowedAndNoMore(): void {
  beginVfs();
  const t = smallTree();
  chain(t, 41);
  assert(t.resolve("/l1", WALK_FOLLOW) == 0, "forty");
  assert(t.resolve("/l0", WALK_FOLLOW) == -ELOOP, "forty-one");
  t.destroy();
}

// ND-04
export function theBudgetOfLinksIsOneForTheWholePath(): void {
  beginVfs();
  const t = smallTree();
  t.symlink(".", "/dot");
  const twenty = "dot/dot/dot/dot/dot/dot/dot/dot/dot/dot/dot/dot/dot/dot/dot/dot/dot/dot/dot/dot/";
  assert(t.resolve(twenty + twenty + "g", WALK_FOLLOW) == 0, "forty in one path");
  assert(t.resolve(twenty + twenty + "dot/g", WALK_FOLLOW) == -ELOOP, "one more");
  t.symlink(twenty + "g", "/half");
  assert(t.resolve(twenty.substring(4) + "half", WALK_FOLLOW) == 0, "nineteen, one, and its twenty");
  assert(t.resolve(twenty + "half", WALK_FOLLOW) == -ELOOP, "twenty, one, and its twenty");
  t.destroy();
}

export function aLoopIsELOOP(): void {
  beginVfs();
  const t = smallTree();
  t.symlink("b", "/a");
  t.symlink("a", "/b");
  t.symlink("self", "/self");
  t.symlink("grow/x", "/grow");
  assert(t.resolve("/a", WALK_FOLLOW) == -ELOOP && t.resolve("/self", WALK_FOLLOW) == -ELOOP, "loops");
  assert(t.resolve("/self/x", 0) == -ELOOP, "on the way");
  assert(t.resolve("/grow", WALK_FOLLOW) == -ELOOP, "one that grows with every turn");
  assert(t.resolve("/a", 0) == 0, "not followed");
  finish(t);
}

export function noSymlinksMeansNone(): void {
  beginVfs();
  const t = smallTree();
  t.symlink("d", "/l");
  assert(t.resolve("/l/e", WALK_NO_SYMLINKS) == -ELOOP, "on the way");
  assert(t.resolve("/l", WALK_NO_SYMLINKS) == 0, "the link itself is no use of it");
  assert(t.resolve("/l", WALK_NO_SYMLINKS | WALK_FOLLOW) == -ELOOP, "followed");
  finish(t);
}

export function namesHaveAtMost255Bytes(): void {
  beginVfs();
  const t = smallTree();
  const name = "n".repeat(255);
  assert(t.resolve("/" + name, 0) == -ENOENT, "255");
  assert(t.resolve("/" + name + "n", 0) == -ENAMETOOLONG, "256");
  assert(t.resolve("/" + name + "n/x", 0) == -ENAMETOOLONG, "on the way");
  assert(t.resolve("/g/" + name + "n", 0) == -ENOTDIR, "below a file that is found first");
  assert(t.resolve("/no/" + name + "n", 0) == -ENOENT, "so is what is missing");
  assert(
    t.resolve("/" + name + "n", WALK_PARENT) == 0,
    "the directory of what is to be made is found all the same",
  );
  t.walk.release();
  assert(t.mkdir("/" + name + "n") == -ENAMETOOLONG, "it is the making that is refused");
  t.destroy();
}

export function pathsHaveAtMost4095Bytes(): void {
  beginVfs();
  const t = smallTree();
  const length = t.begin("g");
  memory.fill(t.walk.path + length, 0, 1);
  assert(t.walk.run(4096, 0) == -ENAMETOOLONG, "4,096, whatever they are");
  t.begin("g");
  memory.fill(t.walk.path, 0x2f, 4094);
  store<u8>(t.walk.path + 4094, 0x67);
  assert(t.walk.run(4095, 0) == 0, "4,095");
  finish(t);
}

export function theParentWalkStopsBeforeTheLastName(): void {
  beginVfs();
  const t = smallTree();
  const parent = t.inode("/d/e").ino;
  assert(t.resolve("/d/e/new", WALK_PARENT) == 0, "which need not exist");
  assert(t.walk.result.file.ino == parent && t.walk.lastType == LAST_NORM, "a name");
  assert(isText(t.walk.lastName, t.walk.lastLength, "new") && !t.walk.lastSlash, "its text");
  assert(t.resolve("/d/e/new///", WALK_PARENT) == 0 && t.walk.lastSlash, "with slashes");
  assert(isText(t.walk.lastName, t.walk.lastLength, "new"), "which are not part of it");
  assert(t.resolve("/d/.", WALK_PARENT) == 0 && t.walk.lastType == LAST_DOT, "a dot");
  assert(t.resolve("/d/..", WALK_PARENT) == 0 && t.walk.lastType == LAST_DOTDOT, "two dots");
  assert(t.resolve("///", WALK_PARENT) == 0 && t.walk.lastType == LAST_ROOT, "no name at all");
  assert(t.resolve("/d/...", WALK_PARENT) == 0 && t.walk.lastType == LAST_NORM, "three dots are a name");
  assert(t.resolve("/g/x", WALK_PARENT) == -ENOTDIR, "in a file");
  finish(t);
}

export function beneathNeverLeavesTheStart(): void {
  beginVfs();
  const t = smallTree();
  t.symlink("/g", "/d/absolute");
  t.symlink("../g", "/d/up");
  t.symlink("e/../e", "/d/within");
  assert(t.resolve("/d", 0) == 0, "the start");
  t.cwd = t.walk.result;
  t.cwd.incRef();
  assert(t.resolve("e/f", WALK_BENEATH) == 0 && !t.walk.escaped, "below");
  assert(t.resolve("e/../e/f", WALK_BENEATH) == 0, "up again, but not out");
  assert(t.resolve("e/..", WALK_BENEATH) == 0, "the start itself");
  assert(t.resolve("..", WALK_BENEATH) == -EXDEV && t.walk.escaped, "out");
  assert(t.resolve("../d/e", WALK_BENEATH) == -EXDEV, "out and back in");
  assert(t.resolve("e/../../d", WALK_BENEATH) == -EXDEV, "further on");
  assert(t.resolve("/d/e", WALK_BENEATH) == -EXDEV && t.walk.escaped, "an absolute path");
  assert(t.resolve("absolute", WALK_BENEATH | WALK_FOLLOW) == -EXDEV, "an absolute link");
  assert(t.resolve("up", WALK_BENEATH | WALK_FOLLOW) == -EXDEV, "a link that leads up");
  assert(t.resolve("within", WALK_BENEATH | WALK_FOLLOW) == 0, "a link that stays");
  assert(t.resolve("up", WALK_BENEATH) == 0, "a link that is not followed");
  assert(t.resolve("e/no", WALK_BENEATH) == -ENOENT && !t.walk.escaped, "an ordinary error is no escape");
  t.cwd.decRef();
  finish(t);
}

export function theStrictRootIsNotClamped(): void {
  beginVfs();
  const t = smallTree();
  t.symlink("/g", "/d/absolute");
  assert(t.resolve("..", WALK_STRICT_ROOT) == -EXDEV && t.walk.escaped, "above the root");
  assert(t.resolve("d/../..", WALK_STRICT_ROOT) == -EXDEV, "from below");
  assert(t.resolve("/d", WALK_STRICT_ROOT) == -EXDEV, "an absolute path");
  assert(t.resolve("d/..", WALK_STRICT_ROOT) == 0, "the root itself");
  assert(t.resolve("d/absolute", WALK_STRICT_ROOT | WALK_FOLLOW) == 0, "a link's text may be absolute");
  finish(t);
}

export function everyDirectoryOnTheWayMustBeSearchable(): void {
  beginVfs();
  const t = smallTree();
  t.mkdirMode("/d/closed", 0o700);
  t.make("/d/closed/x");
  t.symlink("d/closed/x", "/into");
  t.become(1000, 0);
  assert(t.resolve("/d/closed", 0) == 0, "its name is in an open directory");
  assert(t.resolve("/d/closed/x", 0) == -EACCES, "its content is not");
  assert(t.resolve("/d/closed/no", 0) == -EACCES, "nor is what is missing in it");
  assert(t.resolve("/d/closed/..", 0) == -EACCES && t.resolve("/d/closed/.", 0) == -EACCES, "not even dots");
  assert(t.resolve("/into", WALK_FOLLOW) == -EACCES, "nor by a link");
  assert(t.resolve("/d/closed/x", WALK_PARENT) == -EACCES, "nor to make something");
  finish(t);
}

export function searchPermissionIsAskedBeforeTheNameIsLookedAt(): void {
  beginVfs();
  const t = smallTree();
  t.mkdirMode("/closed", 0o700);
  t.become(1000, 0);
  assert(t.resolve("/closed/" + "n".repeat(256), 0) == -EACCES, "a name that is too long");
  t.destroy();
}

export function mountsAreCrossedInBothDirections(): void {
  beginVfs();
  const t = smallTree();
  assert(t.mount(mountTmpfs(1 << 20, 0o755, 0, 0), "/d/e") == 0, "mounted");
  assert(t.resolve("/d/e/f", 0) == -ENOENT, "what was there is hidden");
  t.make("/d/e/inside");
  assert(t.resolve("/d/e/inside", 0) == 0 && t.walk.resultMount !== t.namespace.root, "inside");
  assert(t.resolve("/d/e/..", 0) == 0 && t.walk.resultMount === t.namespace.root, "and out again");
  assert(t.inode("/d/e/../../g").ino == t.inode("/g").ino, "up to the root");
  assert(t.inode("/d/e/../e/inside").ino == t.inode("/d/e/inside").ino, "and in again");
  finish(t);
}

export function aMountOnAMountIsCrossedAtOnce(): void {
  beginVfs();
  const t = smallTree();
  t.mount(mountTmpfs(1 << 20, 0o755, 0, 0), "/d");
  t.make("/d/first");
  t.mount(mountTmpfs(1 << 20, 0o755, 0, 0), "/d");
  t.make("/d/second");
  assert(!t.exists("/d/first") && t.exists("/d/second"), "the upper one is seen");
  assert(t.inode("/d/..").ino == t.inode("/").ino, "its .. is below both");
  finish(t);
}

export function aLinkIntoAMountLeadsIntoIt(): void {
  beginVfs();
  const t = smallTree();
  t.mount(mountTmpfs(1 << 20, 0o755, 0, 0), "/d/e");
  t.make("/d/e/inside");
  t.symlink("d/e/inside", "/in");
  t.symlink("../../g", "/d/e/out");
  assert(t.inode("/in").ino == t.inode("/d/e/inside").ino, "in");
  assert(t.inode("/d/e/out").ino == t.inode("/g").ino, "out");
  finish(t);
}

export function beneathMayCrossAMountButNotLeaveThroughIt(): void {
  beginVfs();
  const t = smallTree();
  t.mount(mountTmpfs(1 << 20, 0o755, 0, 0), "/d/e");
  t.make("/d/e/inside");
  assert(t.resolve("/d", 0) == 0, "the start");
  t.cwd = t.walk.result;
  t.cwd.incRef();
  assert(t.resolve("e/inside", WALK_BENEATH) == 0, "in");
  assert(t.resolve("e/../e/inside", WALK_BENEATH) == 0, "in and out of the mount");
  assert(t.resolve("e/../..", WALK_BENEATH) == -EXDEV, "out of the start");
  t.cwd.decRef();
  finish(t);
}
