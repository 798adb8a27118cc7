// When the kernel's memory is short, what a guest can make more of is refused, one by one: none of it reaches the reserve's end.

import { allocDataPages, initPages, memoryIsShort } from "mm/page";
import { ENOSPC } from "../../../assembly/abi/errno.ts";
import { RENAME_WHITEOUT } from "../../../assembly/abi/fcntl.ts";
import {
  ACL_GROUP_OBJ,
  ACL_MASK,
  ACL_OTHER,
  ACL_USER,
  ACL_USER_OBJ,
  POSIX_ACL_XATTR_VERSION,
} from "../../../assembly/abi/xattr.ts";
import { isError } from "../../../assembly/lib/result.ts";
import { initDcache, moveDentry } from "../../../assembly/vfs/dcache.ts";
import { Dentry } from "../../../assembly/vfs/dentry.ts";
import { lookupOne } from "../../../assembly/vfs/lookup.ts";
import { setXattr } from "../../../assembly/vfs/xattr.ts";
import { putText } from "../support/text.ts";
import { Tree } from "../support/tree.ts";

const MEMORY: u32 = 128 << 20;
const FILES: u32 = 1500;
const WHITEOUTS: u32 = 2000;
/** Whiteouts that are made before the memory becomes short; the directory's tables have room for some more. */
const BEFORE: u32 = 1000;
/** A list of nearly XATTR_SIZE_MAX bytes. */
const USERS: u32 = 8000;
const ENTRY: usize = 8;

function fillMemory(): void {
  while (allocDataPages(0)) {}
  assert(memoryIsShort(), "memory is short");
}

function nameOf(tree: Tree, index: u32): Dentry {
  const text = heap.alloc(8);
  store<u64>(text, 0x6161616161616161 + ((<u64>(index & 0xff)) << 56) + ((<u64>index >> 8) << 24));
  for (let i: usize = 0; i < 8; i++) {
    if (load<u8>(text + i) == 0x2f || load<u8>(text + i) == 0) store<u8>(text + i, 0x7e);
  }
  const found = lookupOne(tree.cwd, text, 8);
  heap.free(text);
  assert(!isError(found), "the name is looked up");
  return changetype<Dentry>(found);
}

function putEntry(at: usize, tag: u32, id: u32): usize {
  store<u16>(at, <u16>tag);
  store<u16>(at, 4, 2);
  store<u32>(at, id, 4);
  return at + ENTRY;
}

/** The value of a list of many users; returns its length. */
function putList(value: usize): u32 {
  store<u32>(value, POSIX_ACL_XATTR_VERSION);
  let at = putEntry(value + 4, ACL_USER_OBJ, u32.MAX_VALUE);
  for (let i: u32 = 0; i < USERS; i++) at = putEntry(at, ACL_USER, i);
  at = putEntry(at, ACL_GROUP_OBJ, u32.MAX_VALUE);
  at = putEntry(at, ACL_MASK, u32.MAX_VALUE);
  at = putEntry(at, ACL_OTHER, u32.MAX_VALUE);
  return <u32>(at - value);
}

export function accessListsAreRefused(): void {
  initPages(MEMORY);
  initDcache();
  const tree = Tree.tmpfs();
  for (let i: u32 = 0; i < FILES; i++) {
    const file = nameOf(tree, i);
    if (file.isNegative) assert(tree.cwd.file.create(file, 0o644, 0, 0) == 0, "a file");
    file.decRef();
  }
  const value = heap.alloc(65536);
  const length = putList(value);
  const name = heap.alloc(64);
  const nameLength = putText(name, "system.posix_acl_access");
  fillMemory();
  for (let i: u32 = 0; i < FILES; i++) {
    const file = nameOf(tree, i);
    const result = setXattr(file, tree.cred, name, nameLength, value, length, 0);
    assert(result == -ENOSPC, "a list that nothing bounds is refused");
    file.decRef();
  }
}

export function whiteoutsAreRefused(): void {
  initPages(MEMORY);
  initDcache();
  const tree = Tree.tmpfs();
  const directory = tree.cwd.file;
  const first = nameOf(tree, 0);
  assert(directory.create(first, 0o644, 0, 0) == 0, "a file");
  const moved = first;
  let result = 0;
  let made: u32 = 0;
  while (result == 0 && made < WHITEOUTS) {
    if (made == BEFORE) fillMemory();
    const next = nameOf(tree, ++made);
    if (next.isNegative) {
      result = directory.rename(moved, directory, next, <u32>RENAME_WHITEOUT, 0, 0);
      if (result == 0) moveDentry(moved, next);
    }
    next.decRef();
  }
  assert(result == -ENOSPC, "a whiteout is refused");
  assert(made <= BEFORE + 4, "the first one after the memory became short");
  moved.decRef();
}
