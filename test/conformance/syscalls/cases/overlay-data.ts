// Data and attributes of an overlay's files: what moves times, and what is copied up before it is refused.

import { describe, expect, test } from "vitest";
import { EEXIST, EINVAL, ENODATA, ENOENT, ENOTDIR, EOPNOTSUPP } from "../../../../assembly/abi/errno.ts";
import { O_NOATIME, O_RDONLY, O_RDWR } from "../../../../assembly/abi/fcntl.ts";
import * as nr from "../../../../assembly/abi/syscall.ts";
import type { Stat } from "../../../support/sys/calls.ts";
import type { Target } from "../../../support/sys/target.ts";
import { Layers } from "./overlay.ts";

const ACCESS_LIST = "system.posix_acl_access";
const INDEXED = "lowerdir=/l,upperdir=/u,workdir=/w,index=on";
/** Both times are the epoch. */
const LONG_AGO = new Uint8Array(32);

export function overlayDataCases(make: () => Target): void {
  const layered = (name: string, body: (on: Layers) => void): void =>
    void test(name, () => {
      const on = new Layers(make());
      body(on);
      on.end();
    });

  const age = (on: Layers, path: string): void =>
    expect(on.raw(nr.SYS_utimensat, -100, path, LONG_AGO, 0)).toBe(0);
  const isOld = (on: Layers, path: string): boolean => on.stat(path).atime === 0n;

  describe("the access time of an overlay's file", () => {
    layered("is moved by reads of the upper layer, and not of a lower one", (on) => {
      on.file("/l/lower");
      on.file("/u/upper");
      age(on, "/l/lower");
      on.mounted();
      age(on, "/m/upper");
      expect(on.read("/m/lower")).toBe("/l/lower");
      expect(on.read("/m/upper")).toBe("/u/upper");
      expect(isOld(on, "/m/lower")).toBe(true);
      expect(isOld(on, "/m/upper")).toBe(false);
    });
    layered("stays with O_NOATIME, and for what nothing is read of", (on) => {
      on.file("/u/f");
      on.mounted();
      age(on, "/m/f");
      const quiet = on.sys.open("/m/f", O_RDONLY | O_NOATIME);
      expect(on.sys.read(quiet, 4)).toHaveLength(4);
      const fd = on.sys.open("/m/f", O_RDONLY);
      expect(on.raw(nr.SYS_read, fd, new Uint8Array(1), 0)).toBe(0);
      expect(isOld(on, "/m/f")).toBe(true);
      expect(on.sys.read(fd, 4)).toHaveLength(4);
      expect(isOld(on, "/m/f")).toBe(false);
      for (const open of [quiet, fd]) on.sys.close(open);
    });
    layered("stays when copy_file_range reads it, and moves when sendfile does", (on) => {
      on.mounted();
      on.file("/m/from", "0123456789");
      on.file("/m/to", "");
      age(on, "/m/from");
      const from = on.sys.open("/m/from", O_RDONLY);
      const to = on.sys.open("/m/to", O_RDWR);
      expect(on.raw(nr.SYS_copy_file_range, from, null, to, null, 4, 0)).toBe(4);
      expect(isOld(on, "/m/from")).toBe(true);
      expect(on.raw(nr.SYS_sendfile, to, from, null, 4)).toBe(4);
      expect(isOld(on, "/m/from")).toBe(false);
      expect(on.read("/m/to")).toBe("01234567");
      expect((on.sys.fstat(to) as Stat).size).toBe(8);
      for (const fd of [from, to]) on.sys.close(fd);
    });
    layered("moves after a copy-up for who opened the file before", (on) => {
      on.file("/l/f");
      on.mounted();
      const fd = on.sys.open("/m/f", O_RDONLY);
      on.append("/m/f", "more");
      age(on, "/m/f");
      expect(on.sys.read(fd, 100)).toEqual(Buffer.from("/l/fmore"));
      expect(isOld(on, "/m/f")).toBe(false);
      on.sys.close(fd);
    });
  });

  describe("an extended attribute of a lower layer's file", () => {
    layered("that no file system knows is refused when the file was copied up", (on) => {
      on.file("/l/f");
      on.file("/l/g");
      on.mounted();
      expect(on.sys.setxattr("/m/f", "bogus.x", "")).toBe(-EOPNOTSUPP);
      expect(on.names("/u")).toEqual(["f"]);
      expect(on.sys.setxattr("/m/g", "user.", "")).toBe(-EINVAL);
      expect(on.names("/u")).toEqual(["f", "g"]);
    });
    layered("that is not there is removed without a copy-up, a list like any other", (on) => {
      on.file("/l/f");
      on.dir("/l/d");
      on.mounted();
      expect(on.sys.removexattr("/m/f", "user.none")).toBe(-ENODATA);
      expect(on.sys.removexattr("/m/f", "bogus.x")).toBe(-EOPNOTSUPP);
      const lists = on.sys.getxattr("/m/d", ACCESS_LIST) === -ENODATA;
      for (const name of ["f", "d"]) {
        expect(on.sys.removexattr(`/m/${name}`, ACCESS_LIST)).toBe(lists ? -ENODATA : -EOPNOTSUPP);
      }
      expect(on.names("/u")).toEqual([]);
      on.file("/m/own");
      expect(on.sys.removexattr("/m/own", ACCESS_LIST)).toBe(lists ? 0 : -EOPNOTSUPP);
    });
    layered("makes the first name that it is set by, and no second one, a link to an indexed copy", (on) => {
      on.file("/l/a");
      expect(on.sys.link("/l/a", "/l/b")).toBe(0);
      expect(on.sys.link("/l/a", "/l/c")).toBe(0);
      on.mounted(INDEXED);
      expect(on.sys.setxattr("/m/b", "user.x", "1")).toBe(0);
      expect(on.sys.setxattr("/m/a", "user.x", "2")).toBe(0);
      expect(on.names("/u")).toEqual(["b"]);
      expect(on.get("/m/c", "user.x")).toBe("2");
      expect(on.raw(nr.SYS_chmod, "/m/c", 0o600)).toBe(0);
      expect(on.names("/u")).toEqual(["b", "c"]);
    });
  });

  test("a whiteout has nothing of its directory's default list", () => {
    const on = new Layers(make());
    on.dir("/l/d");
    on.file("/l/d/f");
    on.mounted();
    if (on.sys.getxattr("/m/d", ACCESS_LIST) === -ENODATA) {
      const named = Buffer.from(
        "0200000001000700ffffffff02000700e803000004000500ffffffff10000700ffffffff20000500ffffffff",
        "hex",
      );
      expect(on.sys.setxattr("/m/d", "system.posix_acl_default", named)).toBe(0);
      expect(on.sys.unlink("/m/d/f")).toBe(0);
      expect(on.isWhiteout("/u/d/f")).toBe(true);
      expect(on.sys.getxattr("/u/d/f", ACCESS_LIST)).toBe(-ENODATA);
    }
    on.end();
  });

  describe("a removed file of a lower layer", () => {
    layered("that is open stays as it is: its copy would be made for the name", (on) => {
      on.file("/l/f");
      on.dir("/l/d");
      on.mounted();
      const file = on.sys.open("/m/f");
      const directory = on.sys.open("/m/d");
      expect(on.sys.unlink("/m/f")).toBe(0);
      expect(on.sys.rmdir("/m/d")).toBe(0);
      expect(on.raw(nr.SYS_fchmod, file, 0o600)).toBe(-EEXIST);
      expect(on.raw(nr.SYS_fchown, file, 1, 1)).toBe(-EEXIST);
      expect(on.sys.setxattr(file, "user.x", "1")).toBe(-EEXIST);
      expect(on.sys.removexattr(file, "user.x")).toBe(-ENODATA);
      expect(on.raw(nr.SYS_utimensat, file, null, LONG_AGO, 0)).toBe(-EEXIST);
      expect(on.raw(nr.SYS_fchmod, directory, 0o700)).toBe(-ENOTDIR);
      expect(on.sys.fstat(file)).toMatchObject({ mode: 0o100644, uid: 0 });
      expect(on.sys.read(file, 100)).toEqual(Buffer.from("/l/f"));
      expect(on.names("/m")).toEqual([]);
      for (const fd of [file, directory]) on.sys.close(fd);
    });
    layered("has no directory for a copy when that was removed too", (on) => {
      on.dir("/l/d");
      on.file("/l/d/f");
      on.mounted();
      const file = on.sys.open("/m/d/f");
      expect(on.sys.unlink("/m/d/f")).toBe(0);
      expect(on.sys.rmdir("/m/d")).toBe(0);
      expect(on.raw(nr.SYS_fchmod, file, 0o600)).toBe(-ENOENT);
      on.sys.close(file);
    });
    layered("keeps its link count, and a directory that was merged has one link", (on) => {
      on.dir("/l/d");
      on.dir("/l/merged");
      on.dir("/u/merged");
      on.dir("/u/own");
      on.mounted();
      const names = ["d", "merged", "own"];
      const open = names.map((name) => on.sys.open(`/m/${name}`));
      const links = () => open.map((fd) => (on.sys.fstat(fd) as Stat).nlink);
      const [lower] = links();
      for (const name of names) expect(on.sys.rmdir(`/m/${name}`)).toBe(0);
      expect(links()).toEqual([lower, 1, 0]);
      for (const fd of open) on.sys.close(fd);
    });
  });
}
