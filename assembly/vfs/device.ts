// Character devices: what an open of a device node leads to, by its number (Linux: fs/char_dev.c).

import { ENXIO } from "../abi/errno.ts";
import { ROOT_DEVICES } from "../abi/kernel-layout.ts";
import { errorOf } from "../lib/result.ts";
import { Dentry } from "./dentry.ts";
import { Mount } from "./mount.ts";

/** A driver: makes file descriptions for the device numbers that it was registered with. */
export abstract class DeviceDriver {
  next: DeviceDriver | null = null;
  rdev: u32 = 0;
  abstract open(mount: Mount, dentry: Dentry, flags: u32): usize;
}

/** A device number as stat(2) and mknod(2) have it: major in bits 8..19, minor in bits 0..7 and 20..31 (Linux: new_encode_dev()). */
export function makeDevice(major: u32, minor: u32): u32 {
  return (minor & 0xff) | (major << 8) | ((minor & ~(<u32>0xff)) << 12);
}

export function majorOf(device: u32): u32 {
  return (device >> 8) & 0xfff;
}

export function minorOf(device: u32): u32 {
  return (device & 0xff) | ((device >> 12) & 0xfff00);
}

/** Registers for the life of the kernel. */
export function registerDevice(rdev: u32, driver: DeviceDriver): void {
  driver.rdev = rdev;
  driver.next = changetype<DeviceDriver | null>(<usize>load<u32>(ROOT_DEVICES));
  store<u32>(ROOT_DEVICES, <u32>changetype<usize>(driver));
}

/** A FileDescription, or ENXIO when nothing answers to that number. */
export function openDevice(rdev: u32, mount: Mount, dentry: Dentry, flags: u32): usize {
  let at = changetype<DeviceDriver | null>(<usize>load<u32>(ROOT_DEVICES));
  while (at !== null) {
    if (at.rdev == rdev) return at.open(mount, dentry, flags);
    at = at.next;
  }
  return errorOf(-ENXIO);
}
