import { ENOSPC, ENXIO } from "../../../../assembly/abi/errno.ts";
import { O_RDWR } from "../../../../assembly/abi/fcntl.ts";
import { S_IFCHR } from "../../../../assembly/abi/stat.ts";
import {
  MEM_FULL,
  MEM_NULL,
  MEM_RANDOM,
  MEM_URANDOM,
  MEM_ZERO,
  memDevice,
  registerMemDevices,
} from "../../../../assembly/fs/devtmpfs/mem.ts";
import { mknodAt } from "../../../../assembly/vfs/create.ts";
import { FileDescription } from "../../../../assembly/vfs/file-description.ts";
import { beginVfs, end, mark } from "../../support/leak-check.ts";
import { Tree } from "../../support/tree.ts";

const DATA: usize = memory.data(10000);

/** A tree with the device at /dev. */
function withDevice(rdev: u32): Tree {
  const t = Tree.tmpfs();
  mknodAt(t.walk, t.begin("/dev"), <u32>S_IFCHR | 0o666, rdev, 0);
  t.walk.release();
  return t;
}

function begin(): void {
  beginVfs();
  registerMemDevices();
  mark();
}

/** Reads 9,000 bytes of the device into DATA, which was full of 0xff; how many there were. */
function read(minor: u32): i64 {
  const t = withDevice(memDevice(minor));
  const file = changetype<FileDescription>(t.open("/dev", O_RDWR));
  memory.fill(DATA, 0xff, 10000);
  const result = t.readFrom(file, DATA, 9000, 0);
  assert(file.seek(500, 0) == 0, "there are no positions");
  file.decRef();
  t.destroy();
  return result;
}

function write(minor: u32): i64 {
  const t = withDevice(memDevice(minor));
  const file = changetype<FileDescription>(t.open("/dev", O_RDWR));
  const result = t.writeTo(file, DATA, 9000, 0);
  file.decRef();
  t.destroy();
  return result;
}

function all(value: u8): bool {
  for (let i: usize = 0; i < 9000; i++) if (load<u8>(DATA + i) != value) return false;
  return load<u8>(DATA + 9000) == 0xff;
}

export function nullIsEmptyAndTakesEverything(): void {
  begin();
  assert(read(MEM_NULL) == 0 && write(MEM_NULL) == 9000, "null");
  end();
}

export function zeroGivesZeros(): void {
  begin();
  assert(read(MEM_ZERO) == 9000 && all(0), "zeros, and no more than asked for");
  assert(write(MEM_ZERO) == 9000, "takes everything");
  end();
}

// V21-03
export function fullIsFull(): void {
  begin();
  assert(read(MEM_FULL) == 9000 && all(0), "zeros");
  assert(write(MEM_FULL) == -ENOSPC, "takes nothing");
  end();
}

export function randomGivesWhatTheHostGives(): void {
  begin();
  // The tests' host answers with 0x5a throughout.
  assert(read(MEM_RANDOM) == 9000 && all(0x5a), "random");
  assert(read(MEM_URANDOM) == 9000 && all(0x5a), "urandom");
  end();
}

export function aNumberWithoutADriverIsENXIO(): void {
  begin();
  const t = withDevice(memDevice(200));
  assert(t.tryOpen("/dev", O_RDWR) == -ENXIO, "nobody answers");
  t.destroy();
  end();
}
