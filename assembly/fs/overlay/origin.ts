// Origin handles: trusted.overlay.origin of a copy names the lower file that it was made from, and an index entry's name is the
// same handle in hexadecimal (Linux: struct ovl_fb).
//
//   +0 version 0   +1 magic 0xfb   +2 length of all   +3 flags   +4 type   +5 uuid of the file system (16)   +21 file id
//
// The kernel's file ids come from the lower file system, which we cannot ask. Ours are of type FILEID_INO64_GEN, an inode number
// and a generation of 0, under a uuid of our own that tells which of the overlay's file systems is meant; the kernel takes such
// a handle for one of a file system that it does not know. Of the kernel's handles the inode number is read where the type
// tells where it stands: it serves for st_ino, never to reach a file.

import { Inode } from "../../vfs/dentry.ts";
import { OverlayFilesystem } from "./filesystem.ts";
import { getOwn, XATTR_ORIGIN, XATTR_ORIGIN_LENGTH } from "./own-xattrs.ts";

const MAGIC: u8 = 0xfb;
const HEADER: u32 = 21;
const UUID: u32 = 5;
/** 32 bits of inode number, 32 of generation; of tmpfs generation and 64 bits of inode number. */
const FILEID_INO32_GEN: u8 = 1;
const FILEID_INO64_GEN: u8 = 0x81;
/** btrfs without and with parent. */
const FILEID_BTRFS: u8 = 0x4d;
const FLAG_BIG_ENDIAN: u8 = 1;
const FLAG_PATH_UPPER: u8 = 4;
/** "wVisor": how our uuids begin. The last byte is the number of the file system. */
const OUR_UUID: u64 = 0x0000726f73695677;

/** The length of our handles. */
export const HANDLE_LENGTH: u32 = 33;
/** The longest handle that Linux makes: a length of one byte. */
export const HANDLE_MAX: u32 = 255;

/** Puts the handle of `inode`, a file of `layer`, to `out`: HANDLE_LENGTH bytes. */
export function makeHandle(fs: OverlayFilesystem, layer: u32, inode: Inode, out: usize): void {
  memory.fill(out, 0, HANDLE_LENGTH);
  store<u8>(out, MAGIC, 1);
  store<u8>(out, <u8>HANDLE_LENGTH, 2);
  store<u8>(out, FILEID_INO64_GEN, 4);
  store<u64>(out, OUR_UUID, UUID);
  store<u8>(out, <u8>fs.filesystemNumber(layer), UUID + 15);
  store<u64>(out, inode.ino, HEADER);
}

/** Notes on a copy where it comes from. 0 too when the upper layer has no attributes. */
export function setOrigin(fs: OverlayFilesystem, layer: u32, lower: Inode, copy: Inode): i32 {
  const handle = heap.alloc(HANDLE_LENGTH);
  makeHandle(fs, layer, lower, handle);
  const result = fs.setXattr(copy, XATTR_ORIGIN, XATTR_ORIGIN_LENGTH, handle, HANDLE_LENGTH);
  heap.free(handle);
  return result;
}

/** The overlay's number for the origin of a file of the upper layer, or 0 when it has none that can be understood. */
export function originIno(fs: OverlayFilesystem, inode: Inode): u64 {
  const handle = heap.alloc(HANDLE_MAX);
  const got = getOwn(inode, XATTR_ORIGIN, XATTR_ORIGIN_LENGTH, handle, HANDLE_MAX);
  const ino: u64 = got > 0 ? inoFrom(fs, handle, <u32>got) : 0;
  heap.free(handle);
  return ino;
}

function inoFrom(fs: OverlayFilesystem, handle: usize, length: u32): u64 {
  if (length <= HEADER || load<u8>(handle) != 0 || load<u8>(handle, 1) != MAGIC) return 0;
  if (load<u8>(handle, 2) > length || load<u8>(handle, 3) & (FLAG_BIG_ENDIAN | FLAG_PATH_UPPER)) return 0;
  const id = handle + HEADER;
  const idLength = length - HEADER;
  const type = load<u8>(handle, 4);
  if (load<u64>(handle, UUID) == OUR_UUID) {
    if (idLength < 8) return 0;
    return fs.inoInFilesystem(load<u8>(handle, UUID + 15), load<u64>(id));
  }
  let ino: u64 = 0;
  if (type == FILEID_INO32_GEN && idLength == 8) ino = load<u32>(id);
  else if (type == FILEID_INO32_GEN && idLength == 12) ino = load<u64>(id, 4);
  else if (type == FILEID_INO64_GEN && idLength >= 12) ino = load<u64>(id);
  else if (type == FILEID_BTRFS && idLength >= 20) ino = load<u64>(id);
  return ino ? fs.inoInFilesystem(fs.filesystemNumber(1), ino) : 0;
}
