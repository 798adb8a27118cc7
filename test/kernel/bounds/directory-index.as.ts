import { objectBytes } from "mm/slab";
import { DirectoryEntry, DirectoryIndex } from "../../../assembly/fs/tmpfs/directory-index.ts";
import { mountTmpfs } from "../../../assembly/fs/tmpfs/tmpfs.ts";
import { Inode } from "../../../assembly/vfs/dentry.ts";
import { beginVfs, end } from "../support/leak-check.ts";

const NAMES: u32 = 20000;
const NAME_LENGTH: u32 = 4;

/** The entry of name number `i`, which is there. */
function entryOf(index: DirectoryIndex, name: usize, i: u32): DirectoryEntry {
  store<u32>(name, i);
  const entry = index.find(name, NAME_LENGTH);
  assert(entry !== null, "the name is found");
  return changetype<DirectoryEntry>(changetype<usize>(entry));
}

function addAll(index: DirectoryIndex, name: usize, inode: Inode): void {
  for (let i: u32 = 0; i < NAMES; i++) {
    store<u32>(name, i);
    index.add(name, NAME_LENGTH, inode);
  }
}

function destroy(index: DirectoryIndex): void {
  let inode = index.takeLast();
  while (inode !== null) {
    inode.decRef();
    inode = index.takeLast();
  }
  index.destroy();
}

export function whatAnIndexTakesFollowsFromWhatIsInIt(): void {
  beginVfs();
  const root = mountTmpfs(4096, 0o755, 0, 0);
  const name = heap.alloc(NAME_LENGTH);
  const index = new DirectoryIndex();
  const before = objectBytes();
  for (let round = 0; round < 3; round++) {
    addAll(index, name, root.file);
    for (let i: u32 = 1; i < NAMES; i++) index.remove(entryOf(index, name, i));
    assert(objectBytes() < before + 1024, "a single name has small tables");
    index.remove(entryOf(index, name, 0));
    assert(objectBytes() < before + 128, "no name has hardly any");
  }
  destroy(index);
  heap.free(name);
  root.decRef();
  end();
}

export function namesAreFoundAndListedInOrderWhileTablesGrowAndShrink(): void {
  beginVfs();
  const root = mountTmpfs(4096, 0o755, 0, 0);
  const name = heap.alloc(NAME_LENGTH);
  const index = new DirectoryIndex();
  addAll(index, name, root.file);
  // All but every hundredth go, from the front, so that tables shrink many times on the way.
  for (let i: u32 = 0; i < NAMES; i++) {
    if (i % 100 != 0) index.remove(entryOf(index, name, i));
    if (i % 1000 == 0) entryOf(index, name, NAMES - 1);
  }
  assert(index.count == NAMES / 100, "the rest is there");
  let cookie: u64 = 0;
  for (let i: u32 = 0; i < NAMES; i += 100) {
    const entry = entryOf(index, name, i);
    assert(index.firstFrom(cookie) === entry, "and listed in the order of making");
    cookie = entry.cookie + 1;
  }
  assert(index.firstFrom(cookie) === null, "with nothing behind");
  destroy(index);
  heap.free(name);
  root.decRef();
  end();
}
