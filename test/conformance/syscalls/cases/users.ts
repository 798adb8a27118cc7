// Who a process is, and what it may do with files as that.

import { describe, expect, test } from "vitest";
import {
  _LINUX_CAPABILITY_VERSION_3,
  CAP_CHOWN,
  CAP_DAC_OVERRIDE,
  CAP_FOWNER,
  CAP_MKNOD,
  CAP_SETUID,
} from "../../../../assembly/abi/capability.ts";
import { EACCES, EFAULT, EINVAL, EPERM } from "../../../../assembly/abi/errno.ts";
import { O_CREAT, O_RDONLY, O_RDWR } from "../../../../assembly/abi/fcntl.ts";
import * as nr from "../../../../assembly/abi/syscall.ts";
import { Calls } from "../../../support/sys/calls.ts";
import type { Process, Target } from "../../../support/sys/target.ts";

const USER = 1000;
const OTHER = 2000;
/** An address that no process has. */
const BAD = 1;

function ids(process: Process, number: number): number[] {
  const three = [new Uint8Array(4), new Uint8Array(4), new Uint8Array(4)];
  expect(process.syscall(number, three[0]!, three[1]!, three[2]!)).toBe(0);
  return three.map((bytes) => Buffer.from(bytes.buffer).readUInt32LE(0));
}

/** Real, effective and saved user ids, and the fs id. */
function users(process: Process): number[] {
  return [...ids(process, nr.SYS_getresuid), process.syscall(nr.SYS_setfsuid, -1)];
}

function groups(process: Process): number[] {
  return [...ids(process, nr.SYS_getresgid), process.syscall(nr.SYS_setfsgid, -1)];
}

interface Capabilities {
  readonly effective: bigint;
  readonly permitted: bigint;
  readonly inheritable: bigint;
}

function header(version = _LINUX_CAPABILITY_VERSION_3, pid = 0): Buffer {
  const bytes = Buffer.alloc(8);
  bytes.writeUInt32LE(version, 0);
  bytes.writeInt32LE(pid, 4);
  return bytes;
}

function capget(process: Process): Capabilities {
  const data = Buffer.alloc(24);
  expect(process.syscall(nr.SYS_capget, header(), data)).toBe(0);
  const word = (at: number) => BigInt(data.readUInt32LE(at)) | (BigInt(data.readUInt32LE(at + 12)) << 32n);
  return { effective: word(0), permitted: word(4), inheritable: word(8) };
}

function capset(process: Process, { effective, permitted, inheritable }: Capabilities): number {
  const data = Buffer.alloc(24);
  [effective, permitted, inheritable].forEach((set, index) => {
    data.writeUInt32LE(Number(set & 0xffffffffn), index * 4);
    data.writeUInt32LE(Number(set >> 32n), index * 4 + 12);
  });
  return process.syscall(nr.SYS_capset, header(), data);
}

const bit = (capability: number): bigint => 1n << BigInt(capability);

function list(...gids: number[]): Uint8Array {
  return new Uint8Array(Uint32Array.from(gids).buffer);
}

export function userCases(make: () => Target): void {
  function run(name: string, body: (process: Process, sys: Calls, target: Target) => void): void {
    test(name, () => {
      const target = make();
      const process = target.process();
      body(process, new Calls(process), target);
      target.end();
    });
  }

  describe("user ids", () => {
    run("are four, and setuid of a capable process sets all", (process) => {
      expect(users(process)).toEqual([0, 0, 0, 0]);
      expect(process.syscall(nr.SYS_setuid, USER)).toBe(0);
      expect(users(process)).toEqual([USER, USER, USER, USER]);
      expect(process.syscall(nr.SYS_getuid)).toBe(USER);
      expect(process.syscall(nr.SYS_geteuid)).toBe(USER);
    });
    run("cannot be left for others without the capability", (process) => {
      expect(process.syscall(nr.SYS_setuid, USER)).toBe(0);
      expect(process.syscall(nr.SYS_setuid, 0)).toBe(-EPERM);
      expect(process.syscall(nr.SYS_setuid, USER)).toBe(0);
      expect(process.syscall(nr.SYS_setreuid, -1, OTHER)).toBe(-EPERM);
      expect(process.syscall(nr.SYS_setreuid, OTHER, -1)).toBe(-EPERM);
      expect(process.syscall(nr.SYS_setresuid, -1, -1, OTHER)).toBe(-EPERM);
    });
    run("of -1 are refused by setuid and left alone by the others", (process) => {
      expect(process.syscall(nr.SYS_setuid, -1)).toBe(-EINVAL);
      expect(process.syscall(nr.SYS_setgid, -1)).toBe(-EINVAL);
      expect(process.syscall(nr.SYS_setreuid, -1, -1)).toBe(0);
      expect(process.syscall(nr.SYS_setresuid, -1, -1, -1)).toBe(0);
      expect(users(process)).toEqual([0, 0, 0, 0]);
    });
    run("go back and forth between real, effective and saved ones", (process) => {
      expect(process.syscall(nr.SYS_setresuid, USER, OTHER, 3000)).toBe(0);
      expect(users(process)).toEqual([USER, OTHER, 3000, OTHER]);
      expect(process.syscall(nr.SYS_setresuid, 3000, USER, -1)).toBe(0);
      expect(users(process)).toEqual([3000, USER, 3000, USER]);
      expect(process.syscall(nr.SYS_setuid, 3000)).toBe(0);
      expect(users(process)).toEqual([3000, 3000, 3000, 3000]);
    });
    run("setreuid moves the saved one with the effective one", (process) => {
      expect(process.syscall(nr.SYS_setreuid, USER, OTHER)).toBe(0);
      expect(users(process)).toEqual([USER, OTHER, OTHER, OTHER]);
      expect(process.syscall(nr.SYS_setreuid, -1, USER)).toBe(0);
      expect(users(process)).toEqual([USER, USER, OTHER, USER]);
      expect(process.syscall(nr.SYS_setreuid, OTHER, -1)).toBe(-EPERM);
      expect(process.syscall(nr.SYS_setreuid, -1, OTHER)).toBe(0);
      expect(users(process)).toEqual([USER, OTHER, OTHER, OTHER]);
    });
    run("setfsuid tells the old one and changes it if it may", (process) => {
      expect(process.syscall(nr.SYS_setresuid, USER, OTHER, 0)).toBe(0);
      expect(process.syscall(nr.SYS_setfsuid, USER)).toBe(OTHER);
      expect(process.syscall(nr.SYS_setfsuid, 4000)).toBe(USER);
      expect(process.syscall(nr.SYS_setfsuid, 0)).toBe(USER);
      expect(users(process)).toEqual([USER, OTHER, 0, 0]);
    });
    run("are given by getresuid only to addresses that there are", (process) => {
      const room = new Uint8Array(4);
      expect(process.syscall(nr.SYS_getresuid, BAD, room, room)).toBe(-EFAULT);
      expect(process.syscall(nr.SYS_getresuid, room, room, BAD)).toBe(-EFAULT);
      expect(process.syscall(nr.SYS_getresgid, room, BAD, room)).toBe(-EFAULT);
    });
  });

  describe("group ids", () => {
    run("setgid of a capable process sets all", (process) => {
      expect(process.syscall(nr.SYS_setgid, USER)).toBe(0);
      expect(groups(process)).toEqual([USER, USER, USER, USER]);
      expect(process.syscall(nr.SYS_getgid)).toBe(USER);
      expect(process.syscall(nr.SYS_getegid)).toBe(USER);
    });
    run("setresgid, setregid and setfsgid follow the rules of users", (process) => {
      expect(process.syscall(nr.SYS_setresgid, USER, OTHER, 3000)).toBe(0);
      expect(process.syscall(nr.SYS_setfsgid, 5)).toBe(OTHER);
      expect(groups(process)).toEqual([USER, OTHER, 3000, 5]);
      expect(process.syscall(nr.SYS_setuid, USER)).toBe(0);
      expect(process.syscall(nr.SYS_setresgid, 5, -1, -1)).toBe(-EPERM);
      expect(process.syscall(nr.SYS_setregid, 3000, -1)).toBe(-EPERM);
      expect(process.syscall(nr.SYS_setregid, -1, 3000)).toBe(0);
      expect(groups(process)).toEqual([USER, 3000, 3000, 3000]);
      expect(process.syscall(nr.SYS_setgid, OTHER)).toBe(-EPERM);
      expect(process.syscall(nr.SYS_setgid, USER)).toBe(0);
      expect(groups(process)).toEqual([USER, USER, 3000, USER]);
      expect(process.syscall(nr.SYS_setfsgid, 9)).toBe(USER);
      expect(process.syscall(nr.SYS_setfsgid, 3000)).toBe(USER);
      expect(groups(process)).toEqual([USER, USER, 3000, 3000]);
    });
    run("supplementary ones come back sorted", (process) => {
      expect(process.syscall(nr.SYS_setgroups, 3, list(30, 10, 20))).toBe(0);
      expect(process.syscall(nr.SYS_getgroups, 0, null)).toBe(3);
      const out = new Uint8Array(16);
      expect(process.syscall(nr.SYS_getgroups, 4, out)).toBe(3);
      expect([...new Uint32Array(out.buffer)]).toEqual([10, 20, 30, 0]);
      expect(process.syscall(nr.SYS_getgroups, 2, out)).toBe(-EINVAL);
      expect(process.syscall(nr.SYS_getgroups, -1, out)).toBe(-EINVAL);
      expect(process.syscall(nr.SYS_getgroups, 3, BAD)).toBe(-EFAULT);
    });
    run("supplementary ones may be none, equal ones, and 65536, but not more", (process) => {
      expect(process.syscall(nr.SYS_setgroups, 2, list(7, 7))).toBe(0);
      expect(process.syscall(nr.SYS_getgroups, 0, null)).toBe(2);
      expect(process.syscall(nr.SYS_setgroups, 65536, list(...Array(65536).keys()))).toBe(0);
      expect(process.syscall(nr.SYS_getgroups, 0, null)).toBe(65536);
      expect(process.syscall(nr.SYS_setgroups, 65537, BAD)).toBe(-EINVAL);
      expect(process.syscall(nr.SYS_setgroups, 0, null)).toBe(0);
      expect(process.syscall(nr.SYS_getgroups, 0, null)).toBe(0);
    });
    run("setgroups looks at the capability, the count, the address, the groups", (process) => {
      expect(process.syscall(nr.SYS_setgroups, 1, BAD)).toBe(-EFAULT);
      expect(process.syscall(nr.SYS_setgroups, -1, BAD)).toBe(-EINVAL);
      expect(process.syscall(nr.SYS_setgroups, 2, list(1, 0xffffffff))).toBe(-EINVAL);
      expect(process.syscall(nr.SYS_setuid, USER)).toBe(0);
      expect(process.syscall(nr.SYS_setgroups, -1, BAD)).toBe(-EPERM);
    });
  });

  describe("capabilities", () => {
    run("go for good when all ids leave 0", (process) => {
      expect(process.syscall(nr.SYS_setresuid, USER, USER, USER)).toBe(0);
      expect(capget(process)).toEqual({ effective: 0n, permitted: 0n, inheritable: 0n });
    });
    run("leave the effective set with the effective id, and come back with it", (process) => {
      const { permitted } = capget(process);
      expect(process.syscall(nr.SYS_setresuid, -1, USER, -1)).toBe(0);
      expect(capget(process)).toMatchObject({ effective: 0n, permitted });
      expect(process.syscall(nr.SYS_setresuid, -1, 0, -1)).toBe(0);
      expect(capget(process)).toMatchObject({ effective: permitted, permitted });
    });
    run("about files go and come with the fs id", (process) => {
      const before = capget(process);
      const files = 0x10800021fn & before.permitted;
      expect(process.syscall(nr.SYS_setfsuid, USER)).toBe(0);
      expect(capget(process)).toEqual({ ...before, effective: before.effective & ~files });
      expect(process.syscall(nr.SYS_setfsuid, 0)).toBe(USER);
      expect(capget(process)).toEqual(before);
    });
    run("a user with CAP_SETUID in its permitted set may raise it", (process) => {
      expect(process.syscall(nr.SYS_setresuid, USER, USER, 0)).toBe(0);
      const { permitted, inheritable } = capget(process);
      expect(process.syscall(nr.SYS_setresuid, OTHER, -1, -1)).toBe(-EPERM);
      expect(capset(process, { effective: bit(CAP_SETUID), permitted, inheritable })).toBe(0);
      expect(process.syscall(nr.SYS_setresuid, OTHER, -1, -1)).toBe(0);
    });
    run("capset takes away and gives back no more than is permitted", (process) => {
      const none = { effective: 0n, permitted: 0n, inheritable: 0n };
      const some = bit(CAP_CHOWN) | bit(CAP_FOWNER);
      expect(capset(process, { ...none, permitted: some })).toBe(0);
      expect(capset(process, { ...none, permitted: some, effective: bit(CAP_MKNOD) })).toBe(-EPERM);
      expect(capset(process, { ...none, permitted: some | bit(CAP_MKNOD) })).toBe(-EPERM);
      expect(capset(process, { ...none, permitted: some, inheritable: bit(CAP_MKNOD) })).toBe(-EPERM);
      const given = { permitted: some, effective: bit(CAP_CHOWN), inheritable: bit(CAP_FOWNER) };
      expect(capset(process, given)).toBe(0);
      expect(capget(process)).toEqual(given);
    });
    run("capget and capset look at the version first, and tell the one they prefer", (process) => {
      const wrong = header(7);
      const data = new Uint8Array(24);
      expect(process.syscall(nr.SYS_capget, wrong, data)).toBe(-EINVAL);
      expect(wrong.readUInt32LE(0)).toBe(_LINUX_CAPABILITY_VERSION_3);
      expect(process.syscall(nr.SYS_capget, header(7), null)).toBe(0);
      expect(process.syscall(nr.SYS_capget, header(), null)).toBe(0);
      expect(process.syscall(nr.SYS_capset, header(7), data)).toBe(-EINVAL);
      expect(process.syscall(nr.SYS_capget, BAD, data)).toBe(-EFAULT);
      expect(process.syscall(nr.SYS_capget, header(), BAD)).toBe(-EFAULT);
      expect(process.syscall(nr.SYS_capset, header(), BAD)).toBe(-EFAULT);
      expect(process.syscall(nr.SYS_capget, header(undefined, -1), data)).toBe(-EINVAL);
      expect(process.syscall(nr.SYS_capset, header(undefined, 99999999), data)).toBe(-EPERM);
    });
  });

  describe("files", () => {
    run("are made by the fs ids, and looked at as them", (process, sys) => {
      sys.open("secret", O_CREAT, 0o600);
      process.syscall(nr.SYS_setfsgid, OTHER);
      process.syscall(nr.SYS_setfsuid, USER);
      expect(sys.open("secret", O_RDONLY)).toBe(-EACCES);
      expect(sys.open("mine", O_CREAT, 0o600)).toBeGreaterThanOrEqual(0);
      expect(sys.stat("mine")).toMatchObject({ uid: USER, gid: OTHER });
      process.syscall(nr.SYS_setfsuid, 0);
      expect(sys.open("secret", O_RDONLY)).toBeGreaterThanOrEqual(0);
    });
    run("of a supplementary group are the group's", (_, sys, target) => {
      sys.open("file", O_CREAT, 0o060);
      const member = target.process({ uid: USER, gid: USER, groups: [5, 0] });
      const stranger = target.process({ uid: USER, gid: USER, groups: [5] });
      expect(new Calls(member).open("file", O_RDWR)).toBeGreaterThanOrEqual(0);
      expect(new Calls(stranger).open("file", O_RDONLY)).toBe(-EACCES);
    });
    run("open to CAP_DAC_OVERRIDE, but only from the effective set", (process, sys) => {
      sys.open("file", O_CREAT, 0);
      process.syscall(nr.SYS_setfsuid, USER);
      expect(sys.open("file", O_RDWR)).toBe(-EACCES);
      const { permitted, inheritable } = capget(process);
      expect(capset(process, { effective: bit(CAP_DAC_OVERRIDE), permitted, inheritable })).toBe(0);
      expect(sys.open("file", O_RDWR)).toBeGreaterThanOrEqual(0);
    });
  });
}
