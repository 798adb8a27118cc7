import { DirectoryIndex, FIRST_COOKIE } from "../../../../assembly/fs/tmpfs/directory-index.ts";
import { TmpfsRegularFile } from "../../../../assembly/fs/tmpfs/regular-file.ts";
import { mountTmpfs, TmpfsFilesystem } from "../../../../assembly/fs/tmpfs/tmpfs.ts";
import { free } from "../../../../assembly/lib/ref-counted.ts";
import { Dentry, Inode } from "../../../../assembly/vfs/dentry.ts";
import { beginVfs, end } from "../../support/leak-check.ts";

const NAME: usize = memory.data(8);

function makeFile(root: Dentry, ino: u64): Inode {
  const fs = changetype<TmpfsFilesystem>(root.fs);
  fs.limits.takeInode();
  return new TmpfsRegularFile(fs, fs.limits, ino, 0o100644, 0, 0);
}

/** An index whose names are numbers, all of one file. */
@final
class World {
  readonly root: Dentry;
  readonly inode: Inode;
  readonly index: DirectoryIndex = new DirectoryIndex();

  constructor() {
    const root = mountTmpfs(1 << 20, 0o755, 0, 0);
    this.root = root;
    this.inode = makeFile(root, 99);
  }

  add(number: u32): void {
    store<u32>(NAME, number);
    this.index.add(NAME, 4, this.inode);
  }

  has(number: u32): bool {
    store<u32>(NAME, number);
    return this.index.find(NAME, 4) !== null;
  }

  remove(number: u32): void {
    store<u32>(NAME, number);
    this.index.remove(this.index.find(NAME, 4)!);
  }

  /** The number in the first name from `cookie` on, or -1; the cookie behind it goes to `after`. */
  next(cookie: u64): i32 {
    const entry = this.index.firstFrom(cookie);
    if (entry === null) return -1;
    after = entry.cookie + 1;
    return load<i32>(entry.name);
  }

  finish(): void {
    let last = this.index.takeLast();
    while (last !== null) {
      last.decRef();
      last = this.index.takeLast();
    }
    this.index.destroy();
    assert(this.inode.refs == 1, "no name holds the file any more");
    this.inode.decRef();
    this.root.decRef();
    free(this);
    end();
  }
}

let after: u64 = 0;

export function namesAreFound(): void {
  beginVfs();
  const w = new World();
  for (let i: u32 = 0; i < 5000; i++) w.add(i);
  for (let i: u32 = 0; i < 5000; i++) assert(w.has(i), "found");
  assert(!w.has(5000), "what was not added");
  for (let i: u32 = 0; i < 5000; i += 2) w.remove(i);
  for (let i: u32 = 0; i < 5000; i++) assert(w.has(i) == ((i & 1) == 1), "what was removed is gone");
  assert(w.index.count == 2500, "counted");
  w.finish();
}

export function theOrderIsThatOfMaking(): void {
  beginVfs();
  const w = new World();
  for (let i: u32 = 0; i < 100; i++) w.add(i * 7);
  let cookie = FIRST_COOKIE;
  for (let i = 0; i < 100; i++) {
    assert(w.next(cookie) == i * 7, "in order");
    cookie = after;
  }
  assert(w.next(cookie) == -1, "and no more");
  w.finish();
}

export function cookiesStayWhileEntriesComeAndGo(): void {
  beginVfs();
  const w = new World();
  for (let i: u32 = 0; i < 1000; i++) w.add(i);
  // A listing that has read 500 entries, while others are removed around it, also its last one, and many are made.
  let cookie = FIRST_COOKIE;
  for (let i = 0; i < 500; i++) {
    w.next(cookie);
    cookie = after;
  }
  for (let i: u32 = 0; i < 1000; i++) if (i % 10 != 3) w.remove(i);
  for (let i: u32 = 0; i < 300; i++) w.add(5000 + i);
  let seen = 0;
  let expected = 503;
  while (true) {
    const number = w.next(cookie);
    if (number < 0 || number >= 5000) break;
    assert(number == expected, "each that stayed, once");
    expected += 10;
    seen++;
    cookie = after;
  }
  assert(seen == 50, "all that stayed");
  for (let i = 0; i < 300; i++) {
    assert(w.next(cookie) == 5000 + i, "then what was made meanwhile");
    cookie = after;
  }
  assert(w.next(cookie) == -1, "and no more");
  w.finish();
}

export function holesLeadToTheNextEntryWhateverWayTheyWereMade(): void {
  beginVfs();
  const w = new World();
  // From the front, from the back and from the middle, with a look from the start and new names after each removal.
  const count = 600;
  for (let i = 0; i < count; i++) w.add(i);
  let low = 0;
  let high = count;
  let made = count;
  while (high - low > 200) {
    w.remove(low++);
    assert(w.next(FIRST_COOKIE) == low, "the first that is left");
    w.remove(--high);
    const middle = (low + high) >> 1;
    if (w.has(middle)) w.remove(middle);
    w.add(made++);
    assert(w.next(FIRST_COOKIE + high) == count, "and the first of those that were added");
  }
  let cookie = FIRST_COOKIE;
  let seen: u32 = 0;
  let last = -1;
  for (let number = w.next(cookie); number >= 0; number = w.next(cookie)) {
    assert(number > last && w.has(number), "each once, in order");
    last = number;
    cookie = after;
    seen++;
  }
  assert(seen == w.index.count, "all of them");
  w.finish();
}

export function aRemovedAndRemadeNameComesLater(): void {
  beginVfs();
  const w = new World();
  w.add(1);
  w.add(2);
  w.next(FIRST_COOKIE);
  const cookie = after;
  w.remove(1);
  w.add(1);
  assert(w.next(cookie) == 2, "the other first");
  assert(w.next(after) == 1, "then the new entry of the old name");
  w.finish();
}

export function everyRemovalOrderLeavesTheRestInOrder(): void {
  beginVfs();
  const w = new World();
  // A fixed walk through all residues: removes in a scattered order and checks the whole listing as it goes.
  for (let i: u32 = 0; i < 128; i++) w.add(i);
  for (let step: u32 = 0; step < 128; step++) {
    w.remove((step * 53 + 17) & 127);
    let last = -1;
    let count: u32 = 0;
    let cookie = FIRST_COOKIE;
    while (true) {
      const number = w.next(cookie);
      if (number < 0) break;
      assert(number > last && w.has(number), "ascending, and there");
      last = number;
      count++;
      cookie = after;
    }
    assert(count == 127 - step, "none is missing");
  }
  w.finish();
}

export function churnDoesNotMakeTheOrderGrow(): void {
  beginVfs();
  const w = new World();
  for (let i: u32 = 0; i < 20; i++) w.add(i);
  for (let i: u32 = 20; i < 20000; i++) {
    w.add(i);
    w.remove(i - 20);
  }
  assert(w.index.length <= 64, "holes are closed up");
  w.finish();
}

export function replacingKeepsNameAndPlace(): void {
  beginVfs();
  const w = new World();
  const other = makeFile(w.root, 100);
  w.add(1);
  w.add(2);
  store<u32>(NAME, 1);
  w.index.replace(w.index.find(NAME, 4)!, other);
  assert(w.index.firstFrom(FIRST_COOKIE)!.inode === other && w.next(FIRST_COOKIE) == 1, "the first still");
  assert(w.inode.refs == 2 && other.refs == 2, "references moved");
  other.decRef();
  w.finish();
}
