// Names of an overlay: what the upper layer has noted of them, what is left of removed ones, whose whiteouts are.

import { describe, expect, test } from "vitest";
import { EAGAIN, ENOENT } from "../../../../assembly/abi/errno.ts";
import {
  AT_EMPTY_PATH,
  AT_FDCWD,
  AT_REMOVEDIR,
  O_DIRECTORY,
  O_NONBLOCK,
  O_RDONLY,
  O_RDWR,
} from "../../../../assembly/abi/fcntl.ts";
import { IN_ALL_EVENTS, IN_ATTRIB, IN_DELETE_SELF, IN_IGNORED } from "../../../../assembly/abi/inotify.ts";
import * as nr from "../../../../assembly/abi/syscall.ts";
import type { Stat } from "../../../support/sys/calls.ts";
import type { Target } from "../../../support/sys/target.ts";
import { Layers } from "./overlay.ts";

const ORIGIN = "trusted.overlay.origin";
const IMPURE = "trusted.overlay.impure";

/** u::rwx,u:2000:rwx,g::r-x,m::rwx,o::--- */
const ACL = "0200000001000700ffffffff02000700d007000004000500ffffffff10000700ffffffff20000000ffffffff";
/** More names than the kernel's cache of them holds. */
const MANY = 70_000;

/** The masks of the events that are there. */
function eventsOf(on: Layers, inotify: number): number[] {
  const bytes = Buffer.alloc(4096);
  const got = on.raw(nr.SYS_read, inotify, bytes, bytes.length);
  if (got === -EAGAIN) return [];
  const masks: number[] = [];
  for (let at = 0; at < got; at += 16 + bytes.readUInt32LE(at + 12)) masks.push(bytes.readUInt32LE(at + 4));
  return masks;
}

/** `isQuick`: looking up a name is no journey. */
export function overlayNameCases(make: () => Target, isQuick = true): void {
  const layeredIf =
    (runs: boolean) =>
    (name: string, body: (on: Layers) => void): void =>
      void test.runIf(runs)(name, () => {
        const on = new Layers(make());
        body(on);
        on.end();
      });
  const layered = layeredIf(true);

  describe("names of an overlay", () => {
    layered("looked up, a merged directory that somebody else made is marked as a copy is", (on) => {
      for (const path of ["/l/d", "/l/d/e", "/u/d", "/u/d/e", "/u/d/own"]) on.dir(path);
      on.mounted();
      expect(typeof on.get("/u/d", ORIGIN)).toBe("number");
      on.stat("/m/d/e");
      on.stat("/m/d/own");
      for (const path of ["/u/d", "/u/d/e"]) expect(typeof on.get(path, ORIGIN)).toBe("string");
      expect(typeof on.get("/u/d/own", ORIGIN)).toBe("number");
      for (const path of ["/u", "/u/d"]) expect(on.get(path, IMPURE)).toBe("y");
      expect(typeof on.get("/u/d/e", IMPURE)).toBe("number");
    });

    layered("listed, a directory made where one of a lower layer was has its own number", (on) => {
      on.dir("/l/d");
      on.mounted();
      expect(on.raw(nr.SYS_rmdir, "/m/d")).toBe(0);
      expect(on.sys.mkdir("/m/d")).toBe(0);
      expect(on.entries("/m").find(({ name }) => name === "d")?.ino).toBe(on.stat("/m/d").ino);
      expect(on.stat("/m/d").ino).not.toBe(on.stat("/l/d").ino);
    });

    layered("removed, a directory keeps the count of the layer that shows it", (on) => {
      for (const path of ["/l/lower", "/l/merged", "/u/merged", "/u/upper"]) on.dir(path);
      on.mounted();
      const counts = ["lower", "merged", "upper"].map((name) => {
        const fd = on.sys.open(`/m/${name}`, O_RDONLY | O_DIRECTORY);
        expect(on.raw(nr.SYS_unlinkat, AT_FDCWD, `/m/${name}`, AT_REMOVEDIR)).toBe(0);
        return (on.sys.fstat(fd) as Stat).nlink;
      });
      expect(counts).toEqual([2, 1, 0]);
    });

    layered("removed, a file of a lower layer tells its watches", (on) => {
      on.file("/l/f");
      on.mounted();
      const inotify = on.raw(nr.SYS_inotify_init1, O_NONBLOCK);
      expect(on.raw(nr.SYS_inotify_add_watch, inotify, "/m/f", IN_ALL_EVENTS)).toBe(1);
      expect(on.sys.unlink("/m/f")).toBe(0);
      expect(eventsOf(on, inotify)).toEqual([IN_ATTRIB, IN_DELETE_SELF, IN_IGNORED]);
    });

    layeredIf(isQuick)(
      "watched, a file stays watched when many others were looked up since [needs quick look-ups]",
      (on) => {
        on.dir("/l/d");
        on.file("/l/f");
        on.dir("/u/merged");
        on.dir("/l/merged");
        on.mounted();
        const inotify = on.raw(nr.SYS_inotify_init1, O_NONBLOCK);
        const watched = ["/m/d", "/m/f", "/m/merged"];
        for (const path of watched)
          expect(on.raw(nr.SYS_inotify_add_watch, inotify, path, IN_ATTRIB)).toBeGreaterThan(0);
        for (let i = 0; i < MANY; i++) on.raw(nr.SYS_access, `/m/${i}`, 0);
        for (const path of watched) expect(on.raw(nr.SYS_chmod, path, 0o700)).toBe(0);
        expect(eventsOf(on, inotify).map((mask) => mask & IN_ATTRIB)).toEqual([
          IN_ATTRIB,
          IN_ATTRIB,
          IN_ATTRIB,
        ]);
      },
    );

    layered("removed, a copy that was one of several names below gets none again", (on) => {
      on.file("/l/f");
      expect(on.sys.link("/l/f", "/l/g")).toBe(0);
      on.mounted("lowerdir=/l,upperdir=/u,workdir=/w,index=off");
      const fd = on.sys.open("/m/f", O_RDWR);
      expect(on.sys.unlink("/m/f")).toBe(0);
      expect(on.raw(nr.SYS_linkat, fd, "", AT_FDCWD, "/m/h", AT_EMPTY_PATH)).toBe(-ENOENT);
      expect(on.stat("/m/g").nlink).toBe(2);
    });

    layered("removed or replaced in a lower layer, a file gets no name again", (on) => {
      for (const name of ["f", "g", "other"]) on.file(`/l/${name}`);
      on.mounted("lowerdir=/l,upperdir=/u,workdir=/w,index=off");
      const fds = ["f", "g"].map((name) => on.sys.open(`/m/${name}`, O_RDONLY));
      expect(on.sys.unlink("/m/f")).toBe(0);
      expect(on.raw(nr.SYS_rename, "/m/other", "/m/g")).toBe(0);
      for (const fd of fds) {
        expect(on.raw(nr.SYS_linkat, fd, "", AT_FDCWD, "/m/h", AT_EMPTY_PATH)).toBe(-ENOENT);
        on.sys.close(fd);
      }
    });

    layered("removed leave a whiteout without the access list that the directory gives", (on) => {
      on.dir("/l/d");
      on.file("/l/d/f");
      on.dir("/u/d");
      const list = Buffer.from(ACL, "hex");
      expect(on.raw(nr.SYS_setxattr, "/u/d", "system.posix_acl_default", list, list.length, 0)).toBe(0);
      on.mounted();
      expect(on.sys.unlink("/m/d/f")).toBe(0);
      expect(on.sys.listxattr("/u/d/f")).toEqual([]);
    });

    layered("moved away leave a whiteout of the directory's group where that gives its own", (on) => {
      on.dir("/l/d");
      on.file("/l/d/f");
      on.file("/l/d/g");
      expect(on.raw(nr.SYS_chown, "/l/d", 0, 1234)).toBe(0);
      expect(on.raw(nr.SYS_chmod, "/l/d", 0o2777)).toBe(0);
      on.mounted();
      expect(on.sys.rename("/m/d/f", "/m/f")).toBe(0);
      expect(on.stat("/u/d/f")).toMatchObject({ uid: 0, gid: 1234, rdev: 0 });
      expect(on.sys.unlink("/m/d/g")).toBe(0);
      expect(on.stat("/u/d/g")).toMatchObject({ uid: 0, gid: 0, rdev: 0 });
    });
  });
}
