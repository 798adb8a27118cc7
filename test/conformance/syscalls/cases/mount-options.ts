// What /proc shows of a file system's own options, and that they hold.

import { describe, expect, test } from "vitest";
import { EINVAL, ENOENT, EPERM } from "../../../../assembly/abi/errno.ts";
import { O_DIRECTORY } from "../../../../assembly/abi/fcntl.ts";
import { MS_REMOUNT } from "../../../../assembly/abi/mount.ts";
import { SYS_getdents64 } from "../../../../assembly/abi/syscall.ts";
import { MountCalls } from "../../../support/sys/mount-calls.ts";
import type { Target } from "../../../support/sys/target.ts";

const WORLD = { uid: 1000, gid: 1000, groups: [7] };
const ENTRIES = 32768;

export function mountOptionCases(make: () => Target): void {
  function start(): { target: Target; sys: MountCalls } {
    const target = make();
    const sys = new MountCalls(target.process());
    expect(sys.mkdir("/m")).toBe(0);
    return { target, sys };
  }

  function shownAt(sys: MountCalls, place: string): string | undefined {
    return sys.mountinfo().find(({ at }) => at === place)?.fsOptions;
  }

  describe("mountinfo and mounts show", () => {
    test.each([
      ["tmpfs", null, "rw"],
      ["tmpfs", "mode=1777,uid=0", "rw"],
      [
        "tmpfs",
        "size=100k,nr_inodes=55,mode=700,uid=4,gid=5",
        "rw,size=100k,nr_inodes=55,mode=700,uid=4,gid=5",
      ],
      ["tmpfs", "size=1", "rw,size=4k"],
      ["tmpfs", "nr_blocks=3", "rw,size=12k"],
      [
        "tmpfs",
        "size=0,nr_inodes=0,mode=1755,huge=within_size",
        "rw,size=0k,nr_inodes=0,mode=1755,huge=within_size",
      ],
      ["tmpfs", "huge=never,mode=0", "rw,mode=000"],
      ["devpts", "newinstance,gid=5,mode=620,ptmxmode=0666", "rw,gid=5,mode=620,ptmxmode=666"],
      ["devpts", "max=50,uid=3", "rw,uid=3,mode=600,ptmxmode=000,max=50"],
      ["proc", "hidepid=2,gid=7", "rw,gid=7,hidepid=invisible"],
      ["proc", "hidepid=noaccess", "rw,hidepid=noaccess"],
      ["proc", "hidepid=4,subset=pid", "rw,hidepid=ptraceable,subset=pid"],
      ["proc", "hidepid=off,gid=0", "rw"],
    ])("%s with %s", (type, options, shown) => {
      const { target, sys } = start();
      expect(sys.mount("source", "/m", type, 0, options)).toBe(0);
      expect(shownAt(sys, "/m")).toBe(shown);
      const fd = sys.open("/proc/mounts");
      const text = sys.read(fd, 65536).toString();
      const line = text.split("\n").find((each) => each.split(" ")[1] === "/m");
      expect(line).toBe(`source /m ${type} rw,relatime${shown.slice(2)} 0 0`);
      target.end();
    });

    /** Linux may give a new upper layer a number of its own, which it then shows: not here. */
    const layers = (options: string) => {
      const { target, sys } = start();
      for (const name of ["l1", "l2", "l,3", "l:4", "u 5", "u,6", "w"]) {
        expect(sys.mkdir(`/m/${name}`)).toBe(0);
      }
      expect(sys.mkdir("/m/at")).toBe(0);
      expect(sys.chdir("/m")).toBe(0);
      const result = sys.mount("what", "/m/at", "overlay", 0, options);
      const line = sys.mountinfo().find(({ at }) => at === "/m/at");
      const shown = result === 0 ? line?.fsOptions.replace(",uuid=on", "") : result;
      expect(sys.chdir("/")).toBe(0);
      target.end();
      return shown;
    };

    const ON_U = "upperdir=u 5,workdir=w";
    const UPPER = "upperdir=u\\0405,workdir=w";
    test.each([
      ["lowerdir=l1:l2,upperdir=u\\,6,workdir=w", "rw,lowerdir=l1:l2,upperdir=u\\134\\0546,workdir=w"],
      ["lowerdir=l1:l2", "ro,lowerdir=l1:l2,redirect_dir=on"],
      ["lowerdir=l1:l2,workdir=w,index=on", "ro,lowerdir=l1:l2,redirect_dir=on"],
      ["lowerdir=l1:l2,redirect_dir=nofollow", "ro,lowerdir=l1:l2,redirect_dir=nofollow"],
      ["lowerdir=l1:l2,volatile,uuid=null", "ro,lowerdir=l1:l2,redirect_dir=on,uuid=null"],
      [`lowerdir=l\\,3:l\\:4,${ON_U}`, `rw,lowerdir=l\\134\\0543:l\\134:4,${UPPER}`],
      [`lowerdir=l1,lowerdir=l2,${ON_U}`, `rw,lowerdir=l2,${UPPER}`],
      [`lowerdir+=l1,lowerdir+=l:4,${ON_U}`, `rw,lowerdir+=l1,lowerdir+=l:4,${UPPER}`],
      [`lowerdir+=l1,lowerdir=l2,${ON_U}`, `rw,lowerdir=l2,${UPPER}`],
      [`lowerdir=l1,lowerdir+=l2,${ON_U}`, -EINVAL],
      [`lowerdir+=l\\:4,${ON_U}`, -ENOENT],
      [`lowerdir=l1,${ON_U},index=on,redirect_dir=on`, `rw,lowerdir=l1,${UPPER},redirect_dir=on,index=on`],
      [`lowerdir=l1,${ON_U},index=off,redirect_dir=off,xino=on,uuid=off`, `rw,lowerdir=l1,${UPPER},uuid=off`],
      [`lowerdir=l1,${ON_U},default_permissions`, `rw,lowerdir=l1,${UPPER},default_permissions`],
      [`lowerdir=l1,${ON_U},index=perhaps`, -EINVAL],
      [`lowerdir=l1,${ON_U},fast`, -EINVAL],
    ])("an overlay with %s", (options, shown) => {
      expect(layers(options)).toBe(shown);
    });

    test("a tmpfs's new limits after a remount, and its root's old mode", () => {
      const { target, sys } = start();
      expect(sys.mount("source", "/m", "tmpfs", 0, "size=12k,mode=700")).toBe(0);
      expect(sys.mount(null, "/m", null, MS_REMOUNT, "size=1m,mode=711")).toBe(0);
      expect(shownAt(sys, "/m")).toBe("rw,size=1024k,mode=700");
      target.end();
    });
  });

  describe("options that a file system does not take", () => {
    test.each([
      ["proc", "hidepid=5"],
      ["proc", "hidepid=all"],
      ["proc", "subset=all"],
      ["proc", "gid=many"],
      ["proc", "fast"],
      ["devpts", "mode=9"],
      ["mqueue", "size=1"],
    ])("%s with %s", (type, options) => {
      const { target, sys } = start();
      expect(sys.mount("source", "/m", type, 0, options)).toBe(-EINVAL);
      target.end();
    });
  });

  describe("a /proc that hides processes", () => {
    /** Whether a process of another user sees, enters and lists root's. */
    function seen(options: string, identity = WORLD): { stat: number; enter: number; listed: boolean } {
      const { target, sys } = start();
      expect(sys.mount("proc", "/m", "proc", 0, options)).toBe(0);
      const pid = sys.readlink("/m/self");
      const world = new MountCalls(target.process(identity));
      const stat = world.stat(`/m/${pid}`);
      const enter = world.open(`/m/${pid}/status`);
      const own = world.readlink("/m/self");
      expect(world.open(`/m/${own}/status`)).toBeGreaterThanOrEqual(0);
      expect(sys.open(`/m/${own}/status`)).toBeGreaterThanOrEqual(0);
      const names = listing(world, "/m");
      expect(names).toContain(String(own));
      const listed = names.includes(String(pid));
      target.end();
      return { stat: typeof stat === "number" ? stat : 0, enter: Math.min(enter, 0), listed };
    }

    test.each([
      ["hidepid=0", { stat: 0, enter: 0, listed: true }],
      ["hidepid=1", { stat: 0, enter: -EPERM, listed: true }],
      ["hidepid=2", { stat: -ENOENT, enter: -ENOENT, listed: false }],
      ["hidepid=4", { stat: -ENOENT, enter: -ENOENT, listed: false }],
      ["hidepid=1,gid=7", { stat: 0, enter: 0, listed: true }],
      ["hidepid=2,gid=7", { stat: 0, enter: 0, listed: true }],
      ["hidepid=4,gid=7", { stat: -ENOENT, enter: -ENOENT, listed: false }],
    ])("%s", (options, expected) => {
      expect(seen(options)).toEqual(expected);
    });

    test("subset=pid has processes and nothing else", () => {
      const { target, sys } = start();
      expect(sys.mount("proc", "/m", "proc", 0, "subset=pid")).toBe(0);
      expect(
        listing(sys, "/m")
          .filter((name) => !/^[0-9]+$/.test(name))
          .sort(),
      ).toEqual(["self", "thread-self"]);
      expect(sys.stat("/m/version")).toBe(-ENOENT);
      expect(sys.open("/m/sys", O_DIRECTORY)).toBe(-ENOENT);
      expect(sys.stat("/m/self/status")).toMatchObject({ mode: 0o100444 });
      target.end();
    });
  });
}

function listing(sys: MountCalls, path: string): string[] {
  const fd = sys.open(path, O_DIRECTORY);
  const names: string[] = [];
  const bytes = Buffer.alloc(ENTRIES);
  for (;;) {
    const got = sys.process.syscall(SYS_getdents64, fd, bytes, bytes.length);
    if (got <= 0) break;
    for (let at = 0; at < got; at += bytes.readUInt16LE(at + 16)) {
      const end = bytes.indexOf(0, at + 19);
      names.push(bytes.toString("latin1", at + 19, end));
    }
  }
  sys.close(fd);
  return names;
}
