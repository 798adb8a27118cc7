// POSIX access control lists (Linux: fs/posix_acl.c): who may do what with a file beyond its nine mode bits.
//
// A list never changes once it is made, so that inodes share it. In memory it has the form of the attribute's value: the entries of
// linux/posix_acl_xattr.h, { u16 tag, u16 permissions, u32 id }, in the order of their tags.

import { EACCES, EINVAL, EIO, EOPNOTSUPP } from "../abi/errno.ts";
import {
  ACL_GROUP,
  ACL_GROUP_OBJ,
  ACL_MASK,
  ACL_OTHER,
  ACL_USER,
  ACL_USER_OBJ,
  POSIX_ACL_XATTR_VERSION,
} from "../abi/xattr.ts";
import { Credentials } from "../auth/credentials.ts";
import { duplicate, equal } from "../lib/bytes.ts";
import { RefCounted } from "../lib/ref-counted.ts";
import { errorOf, isError } from "../lib/result.ts";

const HEADER_BYTES: u32 = 4;
const ENTRY_BYTES: u32 = 8;
const NOBODY: u32 = 0xffffffff;

@final
export class Acl extends RefCounted {
  private readonly entries: usize;

  /** Copies the entries at `entries`. */
  constructor(
    entries: usize,
    readonly count: u32,
  ) {
    super();
    this.entries = duplicate(entries, count * ENTRY_BYTES);
  }

  destroy(): void {
    heap.free(this.entries);
  }

  private at(index: u32): usize {
    return this.entries + <usize>(index * ENTRY_BYTES);
  }
  tag(index: u32): u32 {
    return load<u16>(this.at(index));
  }
  permissions(index: u32): u32 {
    return load<u16>(this.at(index), 2);
  }
  private setPermissions(index: u32, bits: u32): void {
    store<u16>(this.at(index), <u16>bits, 2);
  }
  id(index: u32): u32 {
    return load<u32>(this.at(index), 4);
  }

  /** The length of the attribute's value. */
  get size(): u32 {
    return HEADER_BYTES + this.count * ENTRY_BYTES;
  }

  /** Writes the attribute's value, `size` bytes, to `out`. */
  encode(out: usize): void {
    store<u32>(out, POSIX_ACL_XATTR_VERSION);
    memory.copy(out + HEADER_BYTES, this.entries, <usize>(this.count * ENTRY_BYTES));
    // Linux keeps no id for an entry that names nobody.
    for (let i: u32 = 0; i < this.count; i++) {
      if (!isNamed(this.tag(i))) store<u32>(out + HEADER_BYTES + <usize>(i * ENTRY_BYTES), NOBODY, 4);
    }
  }

  /** Whether the attribute's value `value` says the same. */
  isValue(value: usize, length: u32): bool {
    const bytes = this.count * ENTRY_BYTES;
    return length == this.size && equal(value + HEADER_BYTES, this.entries, bytes);
  }

  /** The index of the entry with `tag`, which is there at most once, or -1. */
  private find(tag: u32): i32 {
    for (let i: u32 = 0; i < this.count; i++) if (this.tag(i) == tag) return i;
    return -1;
  }

  /** The entry that the mode's group bits show: the mask, or else the owning group's. Every valid list has the latter. */
  private get groupClass(): u32 {
    const mask = this.find(ACL_MASK);
    return <u32>(mask >= 0 ? mask : this.find(ACL_GROUP_OBJ));
  }

  /** Whether the list says no more than nine mode bits do. */
  get isMinimal(): bool {
    return this.count == 3;
  }

  /** The nine mode bits that the list shows as (Linux: posix_acl_equiv_mode()). */
  get modeBits(): u32 {
    const owner = this.permissions(<u32>this.find(ACL_USER_OBJ));
    const other = this.permissions(<u32>this.find(ACL_OTHER));
    return (owner << 6) | (this.permissions(this.groupClass) << 3) | other;
  }

  /** The list after a chmod to `mode` (Linux: __posix_acl_chmod_masq()). */
  withMode(mode: u32): Acl {
    const acl = new Acl(this.entries, this.count);
    acl.setPermissions(<u32>acl.find(ACL_USER_OBJ), (mode >> 6) & 7);
    acl.setPermissions(acl.groupClass, (mode >> 3) & 7);
    acl.setPermissions(<u32>acl.find(ACL_OTHER), mode & 7);
    return acl;
  }

  /**
   * The list of a file that is made with `mode` in a directory whose default list this is: both keep what both have (Linux:
   * posix_acl_create_masq()). Its modeBits are the new file's.
   */
  forNewFile(mode: u32): Acl {
    return this.withMode(this.modeBits & mode);
  }

  /**
   * Whether `cred` may do what `want` (MAY_* bits) says with a file of `uid` and `gid`: 0 or -EACCES (Linux:
   * posix_acl_permission()).
   */
  check(cred: Credentials, uid: u32, gid: u32, want: u32): i32 {
    let inSomeGroup = false;
    for (let i: u32 = 0; i < this.count; i++) {
      const tag = this.tag(i);
      const bits = this.permissions(i);
      if (tag == ACL_USER_OBJ) {
        if (cred.fsuid == uid) return want & ~bits ? -EACCES : 0;
      } else if (tag == ACL_USER) {
        if (cred.fsuid == this.id(i)) return this.checkMasked(bits, want);
      } else if (tag == ACL_GROUP_OBJ || tag == ACL_GROUP) {
        if (!cred.inGroup(tag == ACL_GROUP ? this.id(i) : gid)) continue;
        inSomeGroup = true;
        if ((want & ~bits) == 0) return this.checkMasked(bits, want);
      } else if (tag == ACL_OTHER) {
        return inSomeGroup || want & ~bits ? -EACCES : 0;
      }
    }
    return -EIO;
  }

  private checkMasked(bits: u32, want: u32): i32 {
    const mask = this.find(ACL_MASK);
    const granted = mask < 0 ? bits : bits & this.permissions(<u32>mask);
    return want & ~granted ? -EACCES : 0;
  }
}

/** The list that says what the nine bits of `mode` do. */
export function minimalAcl(mode: u32): Acl {
  const entries = heap.alloc(3 * ENTRY_BYTES);
  putEntry(entries, ACL_USER_OBJ, (mode >> 6) & 7);
  putEntry(entries + ENTRY_BYTES, ACL_GROUP_OBJ, (mode >> 3) & 7);
  putEntry(entries + 2 * ENTRY_BYTES, ACL_OTHER, mode & 7);
  const acl = new Acl(entries, 3);
  heap.free(entries);
  return acl;
}

function putEntry(at: usize, tag: u32, permissions: u32): void {
  store<u16>(at, <u16>tag);
  store<u16>(at, <u16>permissions, 2);
  store<u32>(at, NOBODY, 4);
}

/** Whether entries of `tag` have an id. */
function isNamed(tag: u32): bool {
  return tag == ACL_USER || tag == ACL_GROUP;
}

/**
 * The list that an attribute's value says: an Acl with one reference, 0 for a value without entries, or an error. Errors: EINVAL,
 * EOPNOTSUPP for another version (Linux: posix_acl_from_xattr()). Whether the list makes sense is checkAcl()'s to say.
 */
export function decodeAcl(value: usize, length: u32): usize {
  return decode(value, length, false);
}

/**
 * The list that a server of files holds, which is one that makes sense; but it may name users and groups that there are not here, as
 * nobody. An Acl with one reference or an error: EINVAL, EOPNOTSUPP.
 */
export function decodeStoredAcl(value: usize, length: u32): usize {
  const decoded = decode(value, length, true);
  if (isError(decoded)) return decoded;
  if (decoded == 0) return errorOf(-EINVAL);
  const acl = changetype<Acl>(decoded);
  const result = checkAcl(acl);
  if (result == 0) return decoded;
  acl.decRef();
  return errorOf(result);
}

function decode(value: usize, length: u32, takesNobody: bool): usize {
  if (length < HEADER_BYTES) return errorOf(-EINVAL);
  if (load<u32>(value) != POSIX_ACL_XATTR_VERSION) return errorOf(-EOPNOTSUPP);
  const bytes = length - HEADER_BYTES;
  if (bytes % ENTRY_BYTES) return errorOf(-EINVAL);
  if (bytes == 0) return 0;
  const first = value + HEADER_BYTES;
  for (let at = first; at < first + bytes; at += ENTRY_BYTES) {
    const tag: u32 = load<u16>(at);
    const known = tag == ACL_USER_OBJ || tag == ACL_GROUP_OBJ || tag == ACL_MASK || tag == ACL_OTHER;
    if (isNamed(tag) ? !takesNobody && load<u32>(at, 4) == NOBODY : !known) return errorOf(-EINVAL);
  }
  return changetype<usize>(new Acl(first, bytes / ENTRY_BYTES));
}

/** Whether the entries stand in order and none is missing or twice: 0 or -EINVAL (Linux: posix_acl_valid()). */
export function checkAcl(acl: Acl): i32 {
  // The tags that may come next; they are bits.
  let next: u32 = ACL_USER_OBJ;
  let needsMask = false;
  for (let i: u32 = 0; i < acl.count; i++) {
    const tag = acl.tag(i);
    if (acl.permissions(i) & ~(<u32>7) || !(tag & next)) return -EINVAL;
    if (isNamed(tag)) needsMask = true;
    switch (tag) {
      case ACL_USER_OBJ:
        next = ACL_USER | ACL_GROUP_OBJ;
        break;
      case ACL_GROUP_OBJ:
        next = ACL_GROUP | ACL_MASK | (needsMask ? 0 : ACL_OTHER);
        break;
      case ACL_GROUP:
        next = ACL_GROUP | ACL_MASK;
        break;
      case ACL_MASK:
        next = ACL_OTHER;
        break;
      case ACL_OTHER:
        next = 0;
        break;
      default:
        break;
    }
  }
  return next == 0 && acl.count > 0 ? 0 : -EINVAL;
}
