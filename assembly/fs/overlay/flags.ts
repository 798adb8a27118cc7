// The options of an overlay that are no layers, as flags (Linux: fs/overlayfs/params.c).

import { EINVAL } from "../../abi/errno.ts";
import {
  OVL_DEFAULT_PERMISSIONS,
  OVL_INDEX,
  OVL_NO_FOLLOW,
  OVL_REDIRECT,
  OVL_USERXATTR,
  OVL_UUID_NULL,
  OVL_UUID_OFF,
  OVL_VOLATILE,
  OVL_XINO_AUTO,
  OVL_XINO_ON,
} from "./filesystem.ts";

const COMMA: u8 = 0x2c;
const EQUALS: u8 = 0x3d;

/** Whether the bytes are that text, ASCII. */
export function is(at: usize, length: u32, text: string): bool {
  if (<u32>text.length != length) return false;
  for (let i: u32 = 0; i < length; i++) {
    if (<u32>load<u8>(at + i) != <u32>text.charCodeAt(i)) return false;
  }
  return true;
}

/** `flags` with what one option says, OVL_*; or EINVAL for an option or a value that there is not. */
export function withOption(flags: u32, key: usize, keyLength: u32, value: usize, length: u32): i32 {
  if (is(key, keyLength, "redirect_dir")) return withRedirect(flags, value, length);
  if (is(key, keyLength, "index")) return withIndex(flags, value, length);
  if (is(key, keyLength, "uuid")) return withUuid(flags, value, length);
  if (is(key, keyLength, "xino")) return withXino(flags, value, length);
  if (is(key, keyLength, "default_permissions")) return <i32>(flags | OVL_DEFAULT_PERMISSIONS);
  if (is(key, keyLength, "userxattr")) return <i32>withUserNames(flags);
  const isVolatile = is(key, keyLength, "fsync") && is(value, length, "volatile");
  if (isVolatile || is(key, keyLength, "volatile")) return <i32>(flags | OVL_VOLATILE);
  return isTurnedOff(key, keyLength, value, length) ? <i32>flags : -EINVAL;
}

/** Whoever owns a file may change its user attributes: no redirect is believed (Linux: ovl_fs_params_verify()). */
export function withUserNames(flags: u32): u32 {
  return (flags & ~OVL_REDIRECT) | OVL_NO_FOLLOW | OVL_USERXATTR;
}

function withRedirect(flags: u32, value: usize, length: u32): i32 {
  const others = flags & ~(OVL_REDIRECT | OVL_NO_FOLLOW);
  if (is(value, length, "on")) return <i32>(others | OVL_REDIRECT);
  if (is(value, length, "nofollow")) return <i32>(others | OVL_NO_FOLLOW);
  return is(value, length, "off") || is(value, length, "follow") ? <i32>others : -EINVAL;
}

function withIndex(flags: u32, value: usize, length: u32): i32 {
  if (is(value, length, "on")) return <i32>(flags | OVL_INDEX);
  return is(value, length, "off") ? <i32>(flags & ~OVL_INDEX) : -EINVAL;
}

/** Which number statfs(2) shows for the file system: here always the upper layer's. */
function withUuid(flags: u32, value: usize, length: u32): i32 {
  const others = flags & ~(OVL_UUID_OFF | OVL_UUID_NULL);
  if (is(value, length, "off")) return <i32>(others | OVL_UUID_OFF);
  if (is(value, length, "null")) return <i32>(others | OVL_UUID_NULL);
  return is(value, length, "on") || is(value, length, "auto") ? <i32>others : -EINVAL;
}

/** Inode numbers are always as with xino=on. */
function withXino(flags: u32, value: usize, length: u32): i32 {
  const others = flags & ~(OVL_XINO_ON | OVL_XINO_AUTO);
  if (is(value, length, "on")) return <i32>(others | OVL_XINO_ON);
  if (is(value, length, "auto")) return <i32>(others | OVL_XINO_AUTO);
  return is(value, length, "off") ? <i32>others : -EINVAL;
}

/** What is not to be had here, asked not to be there. */
function isTurnedOff(key: usize, keyLength: u32, value: usize, length: u32): bool {
  if (!is(value, length, "off")) return false;
  return is(key, keyLength, "metacopy") || is(key, keyLength, "nfs_export") || is(key, keyLength, "verity");
}

/** `flags` with what a text of options says, none of which names a layer. Errors: EINVAL. */
export function withOptions(flags: u32, text: usize, length: u32): i32 {
  const end = text + length;
  let result = <i32>flags;
  let at = text;
  while (at < end && result >= 0) {
    let stop = at;
    while (stop < end && load<u8>(stop) != COMMA) stop++;
    let equals = at;
    while (equals < stop && load<u8>(equals) != EQUALS) equals++;
    const value = min(equals + 1, stop);
    if (stop > at) result = withOption(<u32>result, at, <u32>(equals - at), value, <u32>(stop - value));
    at = stop + 1;
  }
  return result;
}
