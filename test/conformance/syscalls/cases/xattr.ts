// Extended attributes: names, sizes, the rules of each namespace, file capabilities, access control lists.

import { describe, expect, test as vitest } from "vitest";
import {
  E2BIG,
  EACCES,
  EBADF,
  EEXIST,
  EFAULT,
  EINVAL,
  ENODATA,
  ENOENT,
  EOPNOTSUPP,
  EPERM,
  ERANGE,
} from "../../../../assembly/abi/errno.ts";
import { O_CREAT, O_PATH, O_RDWR, O_WRONLY } from "../../../../assembly/abi/fcntl.ts";
import * as nr from "../../../../assembly/abi/syscall.ts";
import { XATTR_CREATE, XATTR_REPLACE } from "../../../../assembly/abi/xattr.ts";
import { Calls } from "../../../support/sys/calls.ts";
import { type Capability, skipWithout, type Target } from "../../../support/sys/target.ts";

const USER = { uid: 1000, gid: 1000 };
const OTHER = { uid: 2000, gid: 2000 };

const ACCESS = "system.posix_acl_access";
const DEFAULT = "system.posix_acl_default";
const [USER_OBJ, NAMED_USER, GROUP_OBJ, NAMED_GROUP, MASK, OTHERS] = [1, 2, 4, 8, 0x10, 0x20] as const;

/** The value of an access control list: [tag, permissions, id] each. */
function acl(...entries: readonly (readonly [tag: number, bits: number, id?: number])[]): Buffer {
  const bytes = Buffer.alloc(4 + entries.length * 8);
  bytes.writeUInt32LE(2, 0);
  for (const [index, [tag, bits, id = 0xffffffff]] of entries.entries()) {
    bytes.writeUInt16LE(tag, 4 + index * 8);
    bytes.writeUInt16LE(bits, 6 + index * 8);
    bytes.writeUInt32LE(id, 8 + index * 8);
  }
  return bytes;
}

/** The value of security.capability: 2 with CAP_NET_BIND_SERVICE, or 3 with a root of its own. */
function capability(revision: 2 | 3, rootid = 0): Buffer {
  const bytes = Buffer.alloc(revision === 2 ? 20 : 24);
  bytes.writeUInt32LE(((revision << 24) | 1) >>> 0, 0);
  bytes.writeUInt32LE(1 << 10, 4);
  if (revision === 3) bytes.writeUInt32LE(rootid, 20);
  return bytes;
}

/** A list that gives user 1000 what `bits` say, under a mask of everything. */
const forUser = (bits: number, mask = 7) =>
  acl([USER_OBJ, 6], [NAMED_USER, bits, 1000], [GROUP_OBJ, 4], [MASK, mask], [OTHERS, 0]);

function modeOf(sys: Calls, path: string): number {
  const found = sys.stat(path);
  return typeof found === "number" ? found : found.mode & 0o7777;
}

const chmod = (sys: Calls, path: string, mode: number) => sys.process.syscall(nr.SYS_chmod, path, mode);
const chown = (sys: Calls, path: string, uid: number, gid: number) =>
  sys.process.syscall(nr.SYS_chown, path, uid, gid);

export function xattrCases(make: () => Target): void {
  /** A case on a tree with attributes: root's calls, and a way to get calls of others. */
  const test = (
    name: string,
    run: (sys: Calls, as: (who: typeof USER) => Calls) => void,
    needed: Capability = "extended attributes",
  ) =>
    vitest(name, (context) => {
      const target = make();
      skipWithout(target, needed, context);
      const sys = new Calls(target.process());
      sys.close(sys.open("file", O_CREAT | O_RDWR, 0o644));
      try {
        run(sys, (who) => new Calls(target.process(who)));
      } finally {
        target.end();
      }
    });

  describe("an extended attribute", () => {
    test("has the value that it was given, by path and by descriptor", (sys) => {
      expect(sys.setxattr("file", "user.one", "value")).toBe(0);
      expect(sys.getxattr("file", "user.one")).toEqual(Buffer.from("value"));
      const fd = sys.open("file");
      expect(sys.getxattr(fd, "user.one")).toEqual(Buffer.from("value"));
      expect(sys.setxattr(fd, "user.one", "another")).toBe(0);
      expect(sys.getxattr("file", "user.one", 0)).toBe(7);
      expect(sys.setxattr("file", "user.empty", "")).toBe(0);
      expect(sys.getxattr("file", "user.empty")).toEqual(Buffer.alloc(0));
      expect(sys.removexattr(fd, "user.one")).toBe(0);
      expect(sys.removexattr(fd, "user.one")).toBe(-ENODATA);
      expect(sys.getxattr("file", "user.one")).toBe(-ENODATA);
    });

    test("is made and replaced as the flags say", (sys) => {
      expect(sys.setxattr("file", "user.a", "1", XATTR_REPLACE)).toBe(-ENODATA);
      expect(sys.setxattr("file", "user.a", "1", XATTR_CREATE)).toBe(0);
      expect(sys.setxattr("file", "user.a", "2", XATTR_CREATE)).toBe(-EEXIST);
      expect(sys.setxattr("file", "user.a", "3", XATTR_REPLACE)).toBe(0);
      expect(sys.setxattr("file", "user.b", "3", XATTR_REPLACE | XATTR_CREATE)).toBe(-ENODATA);
      expect(sys.setxattr("file", "user.a", "3", 4)).toBe(-EINVAL);
      expect(sys.getxattr("file", "user.a")).toEqual(Buffer.from("3"));
    });

    test("that does not fit the buffer is ERANGE", (sys) => {
      sys.setxattr("file", "user.a", "12345");
      expect(sys.getxattr("file", "user.a", 4)).toBe(-ERANGE);
      expect(sys.getxattr("file", "user.a", 5)).toEqual(Buffer.from("12345"));
    });

    test("has a name of at most 255 bytes and a value of at most 65536", (sys) => {
      expect(sys.setxattr("file", "", "x")).toBe(-ERANGE);
      expect(sys.setxattr("file", `user.${"n".repeat(250)}`, "x")).toBe(0);
      expect(sys.setxattr("file", `user.${"n".repeat(251)}`, "x")).toBe(-ERANGE);
      expect(sys.getxattr("file", `user.${"n".repeat(251)}`)).toBe(-ERANGE);
      expect(sys.removexattr("file", "")).toBe(-ERANGE);
      expect(sys.setxattr("file", "user.a", Buffer.alloc(65537))).toBe(-E2BIG);
    });

    test("needs a namespace that there is, and a name in it (TM-04)", (sys) => {
      for (const name of ["user", "user.", "trusted.", "security."]) {
        const expected = name === "user" ? -EOPNOTSUPP : -EINVAL;
        expect([name, sys.setxattr("file", name, "x")]).toEqual([name, expected]);
        expect([name, sys.removexattr("file", name)]).toEqual([name, expected]);
        expect([name, sys.getxattr("file", name)]).toEqual([name, expected]);
      }
      for (const name of ["other.name", "x", "system.name"]) {
        expect([name, sys.setxattr("file", name, "x")]).toEqual([name, -EOPNOTSUPP]);
        expect([name, sys.getxattr("file", name)]).toEqual([name, -EOPNOTSUPP]);
      }
    });

    test("of a wrong argument tells errors in Linux's order", (sys) => {
      const call = (...args: (number | string | null | Uint8Array)[]) =>
        sys.process.syscall(nr.SYS_setxattr, ...args);
      expect(call("missing", "user.a", "x", 1, 8)).toBe(-EINVAL);
      expect(call("missing", "", "x", 1, 0)).toBe(-ERANGE);
      expect(call("missing", "user.a", "x", 65537, 0)).toBe(-E2BIG);
      expect(call("missing", "user.a", null, 1, 0)).toBe(-EFAULT);
      expect(call("missing", "user.a", null, 0, 0)).toBe(-ENOENT);
      expect(call("file", null, "x", 1, 0)).toBe(-EFAULT);
      expect(sys.process.syscall(nr.SYS_fsetxattr, 999, "", "x", 1, 0)).toBe(-ERANGE);
      expect(sys.setxattr(999, "user.a", "x")).toBe(-EBADF);
      expect(sys.process.syscall(nr.SYS_getxattr, "missing", "", null, 0)).toBe(-ERANGE);
      expect(sys.process.syscall(nr.SYS_getxattr, "file", "user.a", null, 4)).toBe(-ENODATA);
      sys.setxattr("file", "user.a", "1");
      expect(sys.process.syscall(nr.SYS_getxattr, "file", "user.a", null, 4)).toBe(-EFAULT);
      expect(sys.process.syscall(nr.SYS_listxattr, "file", null, 100)).toBe(-EFAULT);
    });

    test("cannot be reached by a descriptor that is a mere place", (sys) => {
      const fd = sys.open("file", O_PATH);
      expect(sys.setxattr(fd, "user.a", "x")).toBe(-EBADF);
      expect(sys.getxattr(fd, "user.a")).toBe(-EBADF);
      expect(sys.listxattr(fd)).toBe(-EBADF);
      expect(sys.removexattr(fd, "user.a")).toBe(-EBADF);
    });

    test("is listed with its NUL, and changes ctime alone", (sys) => {
      expect(sys.listxattr("file")).toEqual([]);
      const before = sys.stat("file");
      sys.setxattr("file", "user.bb", "x");
      sys.setxattr("file", "user.a", "x");
      sys.setxattr("file", "trusted.t", "x");
      expect(sys.listxattr("file")).toEqual(["trusted.t", "user.a", "user.bb"]);
      expect(sys.listxattr("file", 7)).toBe(-ERANGE);
      expect(sys.listxattr(sys.open("file"))).toHaveLength(3);
      const after = sys.stat("file");
      if (typeof before === "number" || typeof after === "number") throw new Error("stat");
      expect(after.mtime).toBe(before.mtime);
      expect(after.ctime).toBeGreaterThanOrEqual(before.ctime);
    });

    test("stays with the file through rename and link, and goes with it", (sys) => {
      sys.setxattr("file", "user.a", "x");
      sys.link("file", "other");
      sys.rename("file", "moved");
      expect(sys.listxattr("other")).toEqual(["user.a"]);
      sys.unlink("moved");
      sys.unlink("other");
      sys.close(sys.open("other", O_CREAT));
      expect(sys.listxattr("other")).toEqual([]);
    });
  });

  describe("the namespace", () => {
    test("user follows the file's permissions", (sys, as) => {
      const user = as(USER);
      expect(user.setxattr("file", "user.a", "x")).toBe(-EACCES);
      expect(sys.setxattr("file", "user.a", "x")).toBe(0);
      expect(user.getxattr("file", "user.a")).toEqual(Buffer.from("x"));
      chmod(sys, "file", 0o600);
      expect(user.getxattr("file", "user.a")).toBe(-EACCES);
      expect(user.getxattr("file", "user.missing")).toBe(-EACCES);
      expect(user.listxattr("file")).toEqual(["user.a"]);
      expect(user.removexattr("file", "user.a")).toBe(-EACCES);
    });

    test("user is for files and directories, not for links", (sys) => {
      sys.symlink("file", "link");
      expect(sys.setxattr("link", "user.a", "x", 0, false)).toBe(-EPERM);
      expect(sys.getxattr("link", "user.a", 10, false)).toBe(-ENODATA);
      expect(sys.removexattr("link", "user.a", false)).toBe(-EPERM);
      expect(sys.setxattr("link", "user.a", "x")).toBe(0);
      expect(sys.getxattr("file", "user.a")).toEqual(Buffer.from("x"));
      expect(sys.setxattr("link", "trusted.a", "x", 0, false)).toBe(0);
      expect(sys.listxattr("link", 100, false)).toEqual(["trusted.a"]);
      expect(sys.removexattr("link", "trusted.a", false)).toBe(0);
      sys.mkdir("directory");
      expect(sys.setxattr("directory", "user.a", "x")).toBe(0);
    });

    test("user in a sticky directory is its owner's", (sys, as) => {
      sys.mkdir("sticky", 0o1777);
      sys.mkdir("open", 0o777);
      chmod(sys, "sticky", 0o1777);
      chmod(sys, "open", 0o777);
      const user = as(USER);
      expect(user.setxattr("open", "user.a", "x")).toBe(0);
      expect(user.setxattr("sticky", "user.a", "x")).toBe(-EPERM);
      expect(user.removexattr("sticky", "user.a")).toBe(-EPERM);
      expect(sys.setxattr("sticky", "user.a", "x")).toBe(0);
      expect(user.getxattr("sticky", "user.a")).toEqual(Buffer.from("x"));
    });

    test(
      "a name is hidden from the length of the list, too",
      (sys, as) => {
        const user = as(USER);
        expect(user.listxattr("file", 0)).toBe(0);
        sys.setxattr("file", "trusted.a", "x");
        expect(user.listxattr("file", 0)).toBe(0);
        expect(sys.listxattr("file", 0)).toBe(10);
        sys.setxattr("file", "user.bb", "x");
        expect(user.listxattr("file", 0)).toBe(8);
        expect(sys.listxattr("file", 0)).toBe(18);
        expect(sys.listxattr("file", 17)).toBe(-ERANGE);
        expect(sys.listxattr("file", 18)).toHaveLength(2);
      },
      "exact lengths of attribute lists",
    );

    test("trusted is the administrator's alone", (sys, as) => {
      const user = as(USER);
      chmod(sys, "file", 0o666);
      expect(user.setxattr("file", "trusted.a", "x")).toBe(-EPERM);
      expect(sys.setxattr("file", "trusted.a", "x")).toBe(0);
      expect(user.getxattr("file", "trusted.a")).toBe(-ENODATA);
      expect(user.removexattr("file", "trusted.a")).toBe(-EPERM);
      expect(user.listxattr("file")).toEqual([]);
      expect(sys.listxattr("file")).toEqual(["trusted.a"]);
    });

    test("security is to be read by all and changed by the administrator", (sys, as) => {
      const user = as(USER);
      expect(user.setxattr("file", "security.a", "x")).toBe(-EPERM);
      expect(sys.setxattr("file", "security.a", "x")).toBe(0);
      chmod(sys, "file", 0o600);
      expect(user.getxattr("file", "security.a")).toEqual(Buffer.from("x"));
      expect(user.removexattr("file", "security.a")).toBe(-EPERM);
      expect(sys.removexattr("file", "security.a")).toBe(0);
    });

    test("of security asks nobody who may on what is no file of a tree", (_sys, as) => {
      const user = as(USER);
      const counter = user.process.syscall(nr.SYS_eventfd2, 0, 0);
      expect(user.setxattr(counter, "security.x", "v")).toBe(-EOPNOTSUPP);
      expect(user.removexattr(counter, "security.capability")).toBe(-EOPNOTSUPP);
      expect(user.setxattr(counter, "trusted.x", "v")).toBe(-EPERM);
    });
  });

  describe("security.capability", () => {
    const NAME = "security.capability";

    test("has one of two forms, and the second is shown for a root that is ours", (sys) => {
      expect(sys.setxattr("file", NAME, "x")).toBe(-EINVAL);
      expect(sys.setxattr("file", NAME, capability(3).subarray(0, 20))).toBe(-EINVAL);
      expect(sys.setxattr("file", NAME, Buffer.concat([capability(2), Buffer.alloc(4)]))).toBe(-EINVAL);
      expect(sys.getxattr("file", NAME)).toBe(-ENODATA);
      expect(sys.setxattr("file", NAME, capability(2))).toBe(0);
      expect(sys.getxattr("file", NAME)).toEqual(capability(2));
      expect(sys.getxattr("file", NAME, 0)).toBe(20);
      expect(sys.getxattr("file", NAME, 8)).toBe(-ERANGE);
      expect(sys.setxattr("file", NAME, capability(3))).toBe(0);
      expect(sys.getxattr("file", NAME)).toEqual(capability(2));
      expect(sys.setxattr("file", NAME, capability(3, 1234))).toBe(0);
      expect(sys.getxattr("file", NAME)).toEqual(capability(3, 1234));
      expect(sys.listxattr("file")).toEqual([NAME]);
    });

    test("needs CAP_SETFCAP, not ownership", (sys, as) => {
      const user = as(USER);
      chown(sys, "file", 1000, 1000);
      expect(user.setxattr("file", NAME, "x")).toBe(-EINVAL);
      expect(user.setxattr("file", NAME, capability(2))).toBe(-EPERM);
      expect(sys.setxattr("file", NAME, capability(2))).toBe(0);
      expect(user.removexattr("file", NAME)).toBe(-EPERM);
      expect(sys.removexattr("file", NAME)).toBe(0);
    });

    test("stays when it is empty, which gives nothing", (sys) => {
      expect(sys.setxattr("file", NAME, "")).toBe(0);
      expect(sys.getxattr("file", NAME)).toBe(-EINVAL);
      expect(sys.process.syscall(nr.SYS_truncate, "file", 0)).toBe(0);
      chown(sys, "file", 0, 0);
      expect(sys.listxattr("file")).toEqual([NAME]);
    });

    test("goes when the file is written, truncated or given away", (sys) => {
      const set = () => expect(sys.setxattr("file", NAME, capability(2))).toBe(0);
      const fd = sys.open("file", O_RDWR);
      set();
      expect(sys.write(fd, "x")).toBe(1);
      expect(sys.getxattr("file", NAME)).toBe(-ENODATA);
      set();
      expect(sys.process.syscall(nr.SYS_ftruncate, fd, 0)).toBe(0);
      expect(sys.getxattr("file", NAME)).toBe(-ENODATA);
      set();
      expect(sys.process.syscall(nr.SYS_truncate, "file", 5)).toBe(0);
      expect(sys.getxattr("file", NAME)).toBe(-ENODATA);
      set();
      expect(chown(sys, "file", 5, 5)).toBe(0);
      expect(sys.getxattr("file", NAME)).toBe(-ENODATA);
      // To nobody else, with and without other privileges that go too.
      for (const mode of [0o755, 0o4755]) {
        expect(chmod(sys, "file", mode)).toBe(0);
        set();
        expect(chown(sys, "file", -1, -1)).toBe(0);
        expect(sys.getxattr("file", NAME)).toBe(-ENODATA);
        expect(modeOf(sys, "file")).toBe(0o755);
      }
      set();
      expect(chmod(sys, "file", 0o755)).toBe(0);
      expect(sys.read(fd, 1)).toHaveLength(1);
      expect(sys.getxattr("file", NAME)).toEqual(capability(2));
    });
  });

  describe("an access control list", () => {
    test("that says no more than the mode sets the mode and is none", (sys) => {
      expect(sys.setxattr("file", ACCESS, acl([USER_OBJ, 7], [GROUP_OBJ, 5], [OTHERS, 1]))).toBe(0);
      expect(modeOf(sys, "file")).toBe(0o751);
      expect(sys.getxattr("file", ACCESS)).toBe(-ENODATA);
      expect(sys.listxattr("file")).toEqual([]);
    });

    test("gives a named user what its mask lets through", (sys, as) => {
      const user = as(USER);
      chmod(sys, "file", 0o600);
      expect(user.open("file")).toBe(-EACCES);
      expect(sys.setxattr("file", ACCESS, forUser(6))).toBe(0);
      expect(modeOf(sys, "file")).toBe(0o670);
      expect(user.open("file", O_RDWR)).toBeGreaterThanOrEqual(0);
      expect(as(OTHER).open("file")).toBe(-EACCES);
      expect(sys.setxattr("file", ACCESS, forUser(6, 4))).toBe(0);
      expect(user.open("file")).toBeGreaterThanOrEqual(0);
      expect(user.open("file", O_WRONLY)).toBe(-EACCES);
      expect(sys.getxattr("file", ACCESS)).toEqual(forUser(6, 4));
      expect(sys.getxattr("file", ACCESS, 10)).toBe(-ERANGE);
      expect(sys.listxattr("file")).toEqual([ACCESS]);
    });

    test("gives groups what any of them has", (sys, as) => {
      const member = as({ uid: 1000, gid: 50, groups: [60] } as typeof USER);
      const list = acl(
        [USER_OBJ, 6],
        [GROUP_OBJ, 0],
        [NAMED_GROUP, 4, 50],
        [NAMED_GROUP, 2, 60],
        [MASK, 7],
        [OTHERS, 7],
      );
      expect(sys.setxattr("file", ACCESS, list)).toBe(0);
      expect(member.open("file")).toBeGreaterThanOrEqual(0);
      expect(member.open("file", O_WRONLY)).toBeGreaterThanOrEqual(0);
      expect(member.open("file", O_RDWR)).toBe(-EACCES);
      expect(as(OTHER).open("file", O_RDWR)).toBeGreaterThanOrEqual(0);
    });

    test("follows chmod, whose group bits are its mask", (sys, as) => {
      sys.setxattr("file", ACCESS, forUser(6));
      expect(chmod(sys, "file", 0o640)).toBe(0);
      expect(sys.getxattr("file", ACCESS)).toEqual(
        acl([USER_OBJ, 6], [NAMED_USER, 6, 1000], [GROUP_OBJ, 4], [MASK, 4], [OTHERS, 0]),
      );
      expect(as(USER).open("file", O_WRONLY)).toBe(-EACCES);
      // Group bits of nothing: the list is not looked at, and others' bits count.
      expect(chmod(sys, "file", 0o604)).toBe(0);
      expect(as(USER).open("file")).toBeGreaterThanOrEqual(0);
    });

    test("that makes no sense is refused", (sys) => {
      const set = (value: Uint8Array) => sys.setxattr("file", ACCESS, value);
      expect(set(Buffer.from([1]))).toBe(-EINVAL);
      expect(set(Buffer.from([1, 0, 0, 0]))).toBe(-EOPNOTSUPP);
      expect(set(forUser(6).subarray(0, 13))).toBe(-EINVAL);
      expect(set(acl([USER_OBJ, 6], [GROUP_OBJ, 4]))).toBe(-EINVAL);
      expect(set(acl([USER_OBJ, 6], [NAMED_USER, 6, 1000], [GROUP_OBJ, 4], [OTHERS, 0]))).toBe(-EINVAL);
      expect(set(acl([GROUP_OBJ, 6], [USER_OBJ, 4], [OTHERS, 0]))).toBe(-EINVAL);
      expect(set(acl([USER_OBJ, 8], [GROUP_OBJ, 4], [OTHERS, 0]))).toBe(-EINVAL);
      expect(set(acl([USER_OBJ, 7], [3, 7], [GROUP_OBJ, 4], [OTHERS, 0]))).toBe(-EINVAL);
      expect(
        set(acl([USER_OBJ, 7], [NAMED_USER, 7, 0xffffffff], [GROUP_OBJ, 4], [MASK, 7], [OTHERS, 0])),
      ).toBe(-EINVAL);
      expect(modeOf(sys, "file")).toBe(0o644);
    });

    test("is removed by an empty value and by removexattr, and the mode stays", (sys) => {
      for (const remove of [
        () => sys.setxattr("file", ACCESS, ""),
        () => sys.setxattr("file", ACCESS, Buffer.from([2, 0, 0, 0])),
        () => sys.removexattr("file", ACCESS),
      ]) {
        sys.setxattr("file", ACCESS, forUser(6));
        expect(remove()).toBe(0);
        expect(sys.getxattr("file", ACCESS)).toBe(-ENODATA);
        expect(modeOf(sys, "file")).toBe(0o670);
      }
      expect(sys.removexattr("file", ACCESS)).toBe(0);
    });

    test("takes set-group-id from a file of another's group", (sys, as) => {
      chown(sys, "file", 1000, 2000);
      chmod(sys, "file", 0o2755);
      expect(as(USER).setxattr("file", ACCESS, forUser(5))).toBe(0);
      expect(modeOf(sys, "file") & 0o7000).toBe(0);
      expect(chmod(sys, "file", 0o2755)).toBe(0);
      expect(sys.setxattr("file", ACCESS, forUser(4))).toBe(0);
      expect(modeOf(sys, "file") & 0o7000).toBe(0o2000);
    });

    test("is the owner's to change, and of no link", (sys, as) => {
      expect(as(USER).setxattr("file", ACCESS, forUser(6))).toBe(-EPERM);
      expect(as(USER).removexattr("file", ACCESS)).toBe(-EPERM);
      chown(sys, "file", 1000, 1000);
      expect(as(USER).setxattr("file", ACCESS, forUser(6))).toBe(0);
      sys.symlink("file", "link");
      expect(sys.setxattr("link", ACCESS, forUser(6), 0, false)).toBe(-EOPNOTSUPP);
      expect(sys.getxattr("link", ACCESS, 0, false)).toBe(-EOPNOTSUPP);
    });
  });

  describe("a directory's default list", () => {
    const list = forUser(7, 7);

    test("is for directories", (sys) => {
      expect(sys.setxattr("file", DEFAULT, list)).toBe(-EACCES);
      expect(sys.setxattr("file", DEFAULT, "")).toBe(0);
      expect(sys.getxattr("file", DEFAULT)).toBe(-ENODATA);
      sys.mkdir("directory");
      expect(sys.setxattr("directory", DEFAULT, list)).toBe(0);
      expect(sys.getxattr("directory", DEFAULT)).toEqual(list);
      expect(sys.listxattr("directory")).toEqual([DEFAULT]);
      expect(modeOf(sys, "directory")).toBe(0o755);
    });

    test("takes the umask's place for what is made there", (sys) => {
      sys.mkdir("directory");
      sys.setxattr("directory", DEFAULT, list);
      sys.process.syscall(nr.SYS_umask, 0o077);
      sys.close(sys.open("directory/file", O_CREAT, 0o664));
      expect(modeOf(sys, "directory/file")).toBe(0o660);
      expect(sys.getxattr("directory/file", ACCESS)).toEqual(
        acl([USER_OBJ, 6], [NAMED_USER, 7, 1000], [GROUP_OBJ, 4], [MASK, 6], [OTHERS, 0]),
      );
      expect(sys.getxattr("directory/file", DEFAULT)).toBe(-ENODATA);
      sys.mkdir("directory/below", 0o755);
      expect(modeOf(sys, "directory/below")).toBe(0o650);
      expect(sys.getxattr("directory/below", DEFAULT)).toEqual(list);
      sys.symlink("x", "directory/link");
      expect(sys.listxattr("directory/link", 100, false)).toEqual([]);
      sys.close(sys.open("outside", O_CREAT, 0o664));
      expect(modeOf(sys, "outside")).toBe(0o600);
    });

    test("leaves set-id bits to what anybody makes there", (sys, as) => {
      sys.mkdir("directory");
      chmod(sys, "directory", 0o777);
      sys.setxattr("directory", DEFAULT, acl([USER_OBJ, 7], [GROUP_OBJ, 5], [OTHERS, 0]));
      const user = as(USER);
      user.close(user.open("directory/file", O_CREAT, 0o6777));
      expect(modeOf(sys, "directory/file")).toBe(0o6750);
      expect(user.process.syscall(nr.SYS_mknodat, -100, "directory/pipe", 0o014777, 0)).toBe(0);
      expect(modeOf(sys, "directory/pipe")).toBe(0o4750);
    });

    test("of three entries gives a mode and no list", (sys) => {
      sys.mkdir("directory");
      sys.setxattr("directory", DEFAULT, acl([USER_OBJ, 7], [GROUP_OBJ, 5], [OTHERS, 4]));
      sys.process.syscall(nr.SYS_umask, 0o077);
      sys.close(sys.open("directory/file", O_CREAT, 0o666));
      expect(modeOf(sys, "directory/file")).toBe(0o644);
      expect(sys.listxattr("directory/file")).toEqual([]);
    });
  });
}
