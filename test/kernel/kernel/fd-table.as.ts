import { EBADF, EMFILE } from "../../../assembly/abi/errno.ts";
import { O_RDONLY } from "../../../assembly/abi/fcntl.ts";
import { FD_MAX } from "../../../assembly/abi/limits.ts";
import { FdTable } from "../../../assembly/kernel/fd-table.ts";
import { free } from "../../../assembly/lib/ref-counted.ts";
import { FileDescription } from "../../../assembly/vfs/file-description.ts";
import { beginVfs, end } from "../support/leak-check.ts";
import { isText, putText } from "../support/text.ts";
import { Tree } from "../support/tree.ts";

const NAME: usize = memory.data(16);

@final
class World {
  readonly tree: Tree = Tree.tmpfs();
  readonly table: FdTable = new FdTable();

  /** A description of the root directory, with one reference. */
  file(): FileDescription {
    return changetype<FileDescription>(this.tree.open("/", O_RDONLY));
  }

  open(least: u32 = 0): i32 {
    return this.table.install(this.file(), least);
  }

  isOpen(fd: u32): bool {
    return this.table.peek(fd) !== null;
  }

  finish(): void {
    this.table.closeAll();
    this.table.destroy();
    free(this.table);
    this.tree.destroy();
    free(this);
    end();
  }
}

export function theLowestFreeDescriptorIsTaken(): void {
  beginVfs();
  const w = new World();
  for (let fd = 0; fd < 10; fd++) assert(w.open() == fd, "in order");
  assert(w.table.close(3) == 0 && w.table.close(7) == 0, "two holes");
  assert(w.open() == 3 && w.open() == 7 && w.open() == 10, "holes first, from below");
  w.finish();
}

export function theLeastDescriptorBoundsTheSearch(): void {
  beginVfs();
  const w = new World();
  assert(w.open(3) == 3 && w.open(3) == 4, "from three on");
  assert(w.open() == 0 && w.open() == 1 && w.open() == 2 && w.open() == 5, "the others are still free");
  assert(w.open(100) == 100, "far above");
  w.finish();
}

export function theTableGrows(): void {
  beginVfs();
  const w = new World();
  for (let fd = 0; fd < 1000; fd++) assert(w.open() == fd, "one after the other");
  for (let fd: u32 = 0; fd < 1000; fd++) assert(w.isOpen(fd), "all are there");
  assert(!w.isOpen(1000) && !w.isOpen(u32.MAX_VALUE), "others are not");
  w.finish();
}

export function aFullTableIsEMFILE(): void {
  beginVfs();
  const w = new World();
  const file = w.file();
  for (let fd = 0; fd < FD_MAX; fd++) {
    file.incRef();
    assert(w.table.install(file, 0) == fd, "room");
  }
  const before = file.refs;
  file.incRef();
  assert(w.table.install(file, 0) == -EMFILE && file.refs == before, "none left; the reference is dropped");
  file.incRef();
  assert(w.table.install(file, FD_MAX) == -EMFILE && file.refs == before, "none above");
  file.incRef();
  assert(w.table.installAt(FD_MAX, file) == -EBADF && file.refs == before, "nor at a number that cannot be");
  assert(w.table.close(17) == 0 && file.refs == before - 1, "one closed");
  file.incRef();
  assert(w.table.install(file, 0) == 17, "and used again");
  file.decRef();
  w.finish();
}

export function closingWhatIsNotOpenIsEBADF(): void {
  beginVfs();
  const w = new World();
  const fd = w.open();
  assert(w.table.close(fd) == 0 && w.table.close(fd) == -EBADF, "twice");
  assert(w.table.close(31) == -EBADF && w.table.close(5000) == -EBADF, "never open");
  assert(w.table.close(u32.MAX_VALUE) == -EBADF, "no number of a descriptor");
  w.finish();
}

export function installingAtADescriptorClosesWhatWasThere(): void {
  beginVfs();
  const w = new World();
  const fd = w.open();
  const before = w.table.peek(fd)!.description;
  before.incRef();
  assert(w.table.installAt(fd, w.file()) == 0, "replaced");
  assert(before.refs == 1 && w.table.peek(fd)!.description !== before, "the other was closed");
  before.decRef();
  assert(w.table.installAt(200, w.file()) == 0 && w.isOpen(200) && !w.isOpen(199), "beyond the end");
  assert(w.open() == 1, "the search goes on from the bottom");
  w.finish();
}

export function renumberingMovesADescriptor(): void {
  beginVfs();
  const w = new World();
  const a = w.open();
  const b = w.open();
  const file = w.table.peek(a)!.description;
  const other = w.table.peek(b)!.description;
  other.incRef();
  w.table.peek(a)!.rights = 77;
  w.table.renumber(a, b);
  assert(
    !w.isOpen(a) && w.table.peek(b)!.description === file && w.table.peek(b)!.rights == 77,
    "moved whole",
  );
  assert(other.refs == 1, "what was there is closed");
  other.decRef();
  assert(w.open() == a, "the old number is free");
  w.table.renumber(b, b);
  assert(w.table.peek(b)!.description === file && file.refs == 1, "onto itself nothing happens");
  w.finish();
}

export function preopensKeepTheirNames(): void {
  beginVfs();
  const w = new World();
  const fd = w.open();
  w.table.setPreopen(fd, NAME, putText(NAME, "/data"));
  const entry = w.table.peek(fd)!;
  assert(entry.preopened != 0 && isText(entry.preopenName, entry.preopenLength, "/data"), "the name");
  const to = w.open();
  w.table.renumber(fd, to);
  const moved = w.table.peek(to)!;
  assert(moved.preopened != 0 && isText(moved.preopenName, moved.preopenLength, "/data"), "moves along");
  w.table.close(to);
  assert(w.open() == fd && w.table.peek(fd)!.preopened == 0, "a number that is used again has none");
  w.finish();
}
