// A guest takes all the memory that it can get: what it is told is an errno, and the kernel's reserve holds.

import {
  allocDataPages,
  allocPages,
  freePages,
  initPages,
  memoryIsShort,
  pagesMax,
  pagesUsed,
} from "mm/page";
import { ENOMEM, ENOSPC } from "../../../assembly/abi/errno.ts";
import { isError } from "../../../assembly/lib/result.ts";
import { dropDentries, initDcache } from "../../../assembly/vfs/dcache.ts";
import { Dentry } from "../../../assembly/vfs/dentry.ts";
import { lookupOne } from "../../../assembly/vfs/lookup.ts";
import { Tree } from "../support/tree.ts";

const NAME_LENGTH: u32 = 255;
const MEMORY: u32 = 128 << 20;
/** Blocks of 4 MiB that something else took of the reserve of 64 MiB, so that a short chain meets its end. */
const TAKEN_BLOCKS: u32 = 8;

function longName(): usize {
  const name = heap.alloc(NAME_LENGTH);
  memory.fill(name, 0x61, NAME_LENGTH);
  return name;
}

/** Makes directories, each in the one before, until there is no room; returns how many. */
function fillDown(tree: Tree, name: usize): u32 {
  let at = tree.cwd;
  at.incRef();
  let made: u32 = 0;
  while (true) {
    const found = lookupOne(at, name, NAME_LENGTH);
    if (isError(found)) {
      assert(<i32>found == -ENOMEM, "a lookup ends in ENOMEM");
      break;
    }
    const child = changetype<Dentry>(found);
    const result = at.file.mkdir(child, 0o755, 0, 0);
    at.decRef();
    at = child;
    if (result < 0) {
      assert(result == -ENOSPC, "making a directory ends in ENOSPC");
      break;
    }
    made++;
  }
  at.decRef();
  return made;
}

export function aChainOfDentriesThatIsHeldStopsBeforeTheReserveIsGone(): void {
  initPages(MEMORY);
  initDcache();
  const tree = Tree.tmpfs();
  const name = longName();
  const made = fillDown(tree, name);
  assert(made > 40000, "there are many");
  dropDentries(tree.cwd.fs);
  // As texts of symbolic links and file data: what the dentries gave back is gone too.
  for (let i: u32 = 0; i < made; i++) heap.alloc(NAME_LENGTH);
  let data: usize = 0;
  while (true) {
    const page = allocDataPages(0);
    if (!page) break;
    store<u32>(page, <u32>data);
    data = page;
  }
  assert(memoryIsShort(), "memory is short");
  for (let i: u32 = 0; i < TAKEN_BLOCKS; i++) allocPages(10);
  let at = tree.cwd;
  at.incRef();
  let error: i32 = 0;
  for (let i: u32 = 0; i < made; i++) {
    const found = lookupOne(at, name, NAME_LENGTH);
    if (isError(found)) {
      error = <i32>found;
      break;
    }
    at.decRef();
    at = changetype<Dentry>(found);
  }
  assert(error == -ENOMEM, "the walk down ends in ENOMEM");
  assert(pagesUsed() + 1024 < pagesMax(), "some of the reserve is left");
  at.decRef();
  while (data) {
    const next = <usize>load<u32>(data);
    freePages(data);
    data = next;
  }
  const again = lookupOne(tree.cwd, name, 1);
  assert(!isError(again), "lookups go on when memory is back");
  changetype<Dentry>(again).decRef();
}
