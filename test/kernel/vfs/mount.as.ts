import { EBUSY, EINVAL, ENOTDIR, EROFS } from "../../../assembly/abi/errno.ts";
import { O_CREAT, O_RDONLY, O_WRONLY } from "../../../assembly/abi/fcntl.ts";
import { mountTmpfs } from "../../../assembly/fs/tmpfs/tmpfs.ts";
import { Dentry } from "../../../assembly/vfs/dentry.ts";
import { FileDescription } from "../../../assembly/vfs/file-description.ts";
import { findMount, MNT_READONLY, Mount } from "../../../assembly/vfs/mount.ts";
import { MountNamespace } from "../../../assembly/vfs/mount-namespace.ts";
import { WALK_FOLLOW } from "../../../assembly/vfs/path-walk.ts";
import { beginVfs, end } from "../support/leak-check.ts";
import { Tree } from "../support/tree.ts";

function small(): Dentry {
  return mountTmpfs(1 << 20, 0o755, 0, 0);
}

/** The mount that a path leads into; borrowed. */
function mountAt(t: Tree, path: string): Mount {
  assert(t.resolve(path, WALK_FOLLOW) == 0, "the path is there");
  const mount = t.walk.resultMount;
  t.walk.release();
  return mount;
}

export function aMountIsSeenInItsParentOnly(): void {
  beginVfs();
  const t = Tree.tmpfs();
  t.mkdir("/d");
  assert(t.mount(small(), "/d") == 0, "mounted");
  const root = t.namespace.root;
  const inner = mountAt(t, "/d");
  assert(inner !== root && inner.parent === root, "another mount");
  const point = inner.mountPoint!;
  assert(findMount(root, point) === inner && findMount(inner, point) === null, "seen from its parent");
  t.destroy();
  end();
}

export function oneTreeMayBeMountedTwice(): void {
  beginVfs();
  const t = Tree.tmpfs();
  t.mkdir("/a");
  t.mkdir("/b");
  const shared = small();
  shared.incRef();
  assert(t.mount(shared, "/a") == 0 && t.mount(shared, "/b") == 0, "mounted");
  t.make("/a/f");
  assert(t.inode("/b/f").ino == t.inode("/a/f").ino, "one tree");
  assert(
    t.inode("/a/..").ino == t.inode("/").ino && t.inode("/b/..").ino == t.inode("/").ino,
    "two ways out",
  );
  assert(t.rename("/a/f", "/b/g") < 0, "but a rename does not cross from mount to mount");
  t.destroy();
  end();
}

export function aFileIsMountedOnAFileOnly(): void {
  beginVfs();
  const t = Tree.tmpfs();
  t.make("/f");
  t.mkdir("/d");
  assert(t.mount(small(), "/f") == -ENOTDIR, "a directory on a file");
  assert(t.mount(small(), "/no") < 0, "on nothing");
  assert(t.resolve("/f", 0) == 0, "a file");
  const file = t.walk.result;
  file.incRef();
  t.walk.release();
  file.incRef();
  assert(t.mount(file, "/d") == -ENOTDIR, "a file on a directory");
  t.make("/other");
  assert(t.mount(file, "/other") == 0, "a file on a file");
  assert(t.inode("/other").ino == t.inode("/f").ino, "is that file");
  t.destroy();
  end();
}

export function detachingUncoversWhatWasThere(): void {
  beginVfs();
  const t = Tree.tmpfs();
  t.mkdir("/d");
  t.make("/d/under");
  t.mount(small(), "/d");
  t.make("/d/over");
  assert(t.namespace.detach(mountAt(t, "/d")) == 0, "detached");
  assert(t.exists("/d/under") && !t.exists("/d/over"), "what was covered");
  assert(t.unlink("/d/under") == 0 && t.rmdir("/d") == 0, "and the directory is an ordinary one");
  t.destroy();
  end();
}

export function aMountInUseIsBusy(): void {
  beginVfs();
  const t = Tree.tmpfs();
  t.mkdir("/d");
  t.mount(small(), "/d");
  t.mkdir("/d/e");
  t.make("/d/f");
  const file = changetype<FileDescription>(t.open("/d/f", O_RDONLY));
  assert(t.namespace.detach(mountAt(t, "/d")) == -EBUSY, "a file in it is open");
  file.decRef();
  t.mount(small(), "/d/e");
  assert(t.namespace.detach(mountAt(t, "/d")) == -EBUSY, "something is mounted below");
  assert(t.namespace.detach(mountAt(t, "/d/e")) == 0, "the inner first");
  assert(t.namespace.detach(mountAt(t, "/d")) == 0, "then the outer");
  assert(t.namespace.detach(t.namespace.root) == -EINVAL, "never the root");
  t.destroy();
  end();
}

export function aMountPointIsNeitherRemovedNorMoved(): void {
  beginVfs();
  const t = Tree.tmpfs();
  t.mkdir("/d");
  t.mkdir("/e");
  t.mount(small(), "/d");
  assert(t.rmdir("/d") == -EBUSY, "not removed");
  assert(t.rename("/d", "/x") == -EBUSY && t.rename("/e", "/d") == -EBUSY, "not moved, not replaced");
  t.destroy();
  end();
}

export function aNamespaceEndsInnermostFirst(): void {
  beginVfs();
  const t = Tree.tmpfs();
  t.mkdir("/a");
  t.mount(small(), "/a");
  t.mkdir("/a/b");
  t.mount(small(), "/a/b");
  t.mkdir("/a/b/c");
  t.mount(small(), "/a/b/c");
  t.make("/a/b/c/f");
  t.mount(small(), "/a");
  t.destroy();
  end();
}

export function anOpenFileOutlivesItsNamespace(): void {
  beginVfs();
  const t = Tree.tmpfs();
  t.mkdir("/a");
  t.mount(small(), "/a");
  const file = changetype<FileDescription>(t.open("/a/f", <u32>(O_CREAT | O_WRONLY)));
  t.destroy();
  assert(file.inode.isRegular && file.inode.nlink == 1, "still a file");
  file.decRef();
  end();
}

export function mountsAreListedInTheirOrder(): void {
  beginVfs();
  const t = Tree.tmpfs();
  t.mkdir("/a");
  t.mkdir("/b");
  t.mount(small(), "/a");
  t.mount(small(), "/b");
  const first = t.namespace.next(null)!;
  const second = t.namespace.next(first)!;
  const third = t.namespace.next(second)!;
  assert(first === t.namespace.root && second === mountAt(t, "/a") && third === mountAt(t, "/b"), "in order");
  assert(t.namespace.next(third) === null, "and no more");
  assert(first.id < second.id && second.id < third.id, "with rising numbers");
  t.destroy();
  end();
}

export function aReadOnlyMountTakesNoChange(): void {
  beginVfs();
  const t = Tree.tmpfs();
  t.mkdir("/a");
  t.mkdir("/b");
  const shared = small();
  shared.incRef();
  t.mount(shared, "/a");
  t.mount(shared, "/b", MNT_READONLY);
  t.make("/a/f");
  t.mkdir("/a/d");
  assert(t.tryOpen("/b/f", O_RDONLY) == 0, "read");
  assert(t.tryOpen("/b/f", O_WRONLY) == -EROFS, "not written");
  assert(t.make("/b/g") == -EROFS && t.mkdir("/b/g") == -EROFS && t.symlink("x", "/b/g") == -EROFS, "made");
  assert(t.unlink("/b/f") == -EROFS && t.rmdir("/b/d") == -EROFS, "removed");
  assert(t.rename("/b/f", "/b/g") == -EROFS && t.link("/b/f", "/b/g") == -EROFS, "renamed, linked");
  assert(t.make("/a/g") == 0, "the other mount of the same tree is writable");
  t.destroy();
  end();
}

export function aNamespaceWithoutFurtherMountsIsItsRoot(): void {
  beginVfs();
  const namespace = new MountNamespace(new Mount(small(), 0));
  assert(namespace.next(null) === namespace.root && namespace.next(namespace.root) === null, "one mount");
  namespace.decRef();
  end();
}
