// The kernel's innermost loops, compiled as the kernel is: see bench/kernel.mjs.

import { initPages } from "mm/page";
import { Credentials } from "../../assembly/auth/credentials.ts";
import { mountTmpfs } from "../../assembly/fs/tmpfs/tmpfs.ts";
import { mkdirAt } from "../../assembly/vfs/create.ts";
import { initDcache } from "../../assembly/vfs/dcache.ts";
import { Dentry } from "../../assembly/vfs/dentry.ts";
import { lookupOne } from "../../assembly/vfs/lookup.ts";
import { Mount } from "../../assembly/vfs/mount.ts";
import { PathWalk, WALK_FOLLOW } from "../../assembly/vfs/path-walk.ts";
import { moveTreeGeneration } from "../../assembly/vfs/tree-generation.ts";

const MEMORY_MAX: u32 = 0x7fff0000;
/** Other names in the cache, as a program's tree has them. */
const NAMES: i32 = 20_000;
const SMALL: usize = 48;

let root: usize = 0;
let credentials: usize = 0;
let walk: usize = 0;
const text: usize = memory.data(256);

function theWalk(): PathWalk {
  return changetype<PathWalk>(walk);
}

function begin(): void {
  const mount = changetype<Mount>(root);
  theWalk().begin(mount, mount.root, mount, mount.root, changetype<Credentials>(credentials));
}

/** Puts a path into the walk; returns its length. */
function put(path: string): u32 {
  for (let i = 0; i < path.length; i++) store<u8>(theWalk().path + i, <u8>path.charCodeAt(i));
  return <u32>path.length;
}

function make(path: string): void {
  begin();
  assert(mkdirAt(theWalk(), put(path), 0o755, 0) == 0, "the directory is made");
  theWalk().release();
}

export function setUp(): void {
  initPages(MEMORY_MAX);
  initDcache();
  root = changetype<usize>(new Mount(mountTmpfs(0, 0o755, 0, 0), 0));
  credentials = changetype<usize>(new Credentials(0, 0, 0));
  walk = changetype<usize>(new PathWalk());
  make("usr");
  make("usr/local");
  make("usr/local/lib");
  make("usr/local/lib/node");
  make("usr/local/lib/node/bin");
  for (let i = 0; i < NAMES; i++) make("usr/" + i.toString());
}

/** One warm name in one directory. */
export function lookupComponent(rounds: i32): void {
  begin();
  theWalk().run(put("usr"), WALK_FOLLOW);
  const directory = theWalk().result;
  store<u64>(text, 0x6c61636f6c); // "local"
  for (let i = 0; i < rounds; i++) changetype<Dentry>(lookupOne(directory, text, 5)).decRef();
  theWalk().release();
}

/** Five warm names, each looked up. */
export function walkFive(rounds: i32): void {
  const length = put("usr/local/lib/node/bin");
  for (let i = 0; i < rounds; i++) {
    moveTreeGeneration();
    begin();
    theWalk().run(length, WALK_FOLLOW);
    theWalk().release();
  }
}

/** The same path, remembered (vfs/path-cache.ts). */
export function walkFiveRemembered(rounds: i32): void {
  const length = put("usr/local/lib/node/bin");
  for (let i = 0; i < rounds; i++) {
    begin();
    theWalk().run(length, WALK_FOLLOW);
    theWalk().release();
  }
}

/** An object of 48 bytes, made and freed. */
export function slabObject(rounds: i32): void {
  for (let i = 0; i < rounds; i++) heap.free(heap.alloc(SMALL));
}

/** The loop of the others. */
export function nothing(rounds: i32): void {
  for (let i = 0; i < rounds; i++) store<i32>(text, i);
}
