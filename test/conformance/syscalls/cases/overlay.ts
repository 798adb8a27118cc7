// The overlay by mount(2): what its tree shows, and what it leaves in the upper layer, which is the kernel's format.
//
// Trees given here have nothing mounted: a case makes its layers ("/l", "/l2", "/u", "/w"), mounts and looks at both.

import { describe, expect, test } from "vitest";
import {
  EEXIST,
  EINVAL,
  ELOOP,
  ENODATA,
  ENOENT,
  ENOSPC,
  ENOTEMPTY,
  EPERM,
  ERANGE,
  EROFS,
  EXDEV,
} from "../../../../assembly/abi/errno.ts";
import {
  O_CREAT,
  O_DIRECTORY,
  O_RDONLY,
  O_RDWR,
  O_TRUNC,
  O_WRONLY,
  RENAME_EXCHANGE,
  RENAME_NOREPLACE,
  RENAME_WHITEOUT,
} from "../../../../assembly/abi/fcntl.ts";
import * as nr from "../../../../assembly/abi/syscall.ts";
import { Calls, type Stat } from "../../../support/sys/calls.ts";
import type { Target } from "../../../support/sys/target.ts";

const S_IFCHR = 0o020000;
const S_IFIFO = 0o010000;
const S_IFBLK = 0o060000;
const S_IFSOCK = 0o140000;
const BIG = 300_000;
const LAYERS = "lowerdir=/l,upperdir=/u,workdir=/w";
const OVERLAY_MAGIC = 0x794c7630;

interface Entry {
  readonly name: string;
  readonly ino: number;
  readonly type: number;
}

/** A process on a tree with layers, and what cases do with them. Failures to prepare are errors. */
export class Layers {
  readonly sys: Calls;
  readonly target: Target;

  /** `exist`: the directories were made before. */
  constructor(target: Target, exist = false) {
    this.target = target;
    this.sys = new Calls(target.process());
    if (!exist) for (const name of ["/l", "/l2", "/u", "/w", "/m"]) this.dir(name);
  }

  raw(
    number: number,
    ...args: Parameters<Calls["process"]["syscall"]> extends [number, ...infer R] ? R : never
  ) {
    return this.sys.process.syscall(number, ...args);
  }

  dir(path: string, mode = 0o755): void {
    expect(this.sys.mkdir(path, mode), `mkdir ${path}`).toBe(0);
  }

  file(path: string, content: string | Uint8Array = path, mode = 0o644): void {
    const fd = this.sys.open(path, O_CREAT | O_TRUNC | O_WRONLY, mode);
    expect(fd, `open ${path}`).toBeGreaterThanOrEqual(0);
    expect(this.sys.write(fd, content)).toBe(content.length);
    this.sys.close(fd);
  }

  node(path: string, mode: number, dev = 0): number {
    return this.raw(nr.SYS_mknodat, -100, path, mode, dev);
  }

  whiteout(path: string): void {
    expect(this.node(path, S_IFCHR, 0), `whiteout ${path}`).toBe(0);
  }

  set(path: string, name: string, value: string): void {
    expect(this.sys.setxattr(path, name, value), `${name} of ${path}`).toBe(0);
  }

  get(path: string, name: string): string | number {
    const value = this.sys.getxattr(path, name);
    return typeof value === "number" ? value : value.toString();
  }

  mount(options = LAYERS, flags = 0): number {
    return this.raw(nr.SYS_mount, "overlay", "/m", "overlay", flags, options);
  }

  mounted(options = LAYERS, flags = 0): this {
    expect(this.mount(options, flags)).toBe(0);
    return this;
  }

  remounted(options = LAYERS): this {
    expect(this.raw(nr.SYS_umount2, "/m", 0)).toBe(0);
    return this.mounted(options);
  }

  read(path: string): string | number {
    const fd = this.sys.open(path, O_RDONLY);
    if (fd < 0) return fd;
    const got = this.sys.read(fd, BIG);
    this.sys.close(fd);
    return typeof got === "number" ? got : got.toString("latin1");
  }

  append(path: string, text: string): void {
    const fd = this.sys.open(path, O_RDWR);
    expect(fd, `open ${path}`).toBeGreaterThanOrEqual(0);
    const { size } = this.sys.fstat(fd) as Stat;
    expect(this.sys.pwrite(fd, text, size)).toBe(text.length);
    this.sys.close(fd);
  }

  stat(path: string): Stat {
    const found = this.sys.stat(path, 0x100);
    if (typeof found === "number") throw new Error(`stat ${path}: ${found}`);
    return found;
  }

  entries(path: string): Entry[] {
    const fd = this.sys.open(path, O_RDONLY | O_DIRECTORY);
    if (fd < 0) throw new Error(`open ${path}: ${fd}`);
    const entries: Entry[] = [];
    const buffer = new Uint8Array(512);
    for (;;) {
      const got = this.raw(nr.SYS_getdents64, fd, buffer, buffer.length);
      if (got < 0) throw new Error(`getdents ${path}: ${got}`);
      if (got === 0) break;
      const view = new DataView(buffer.buffer);
      for (let at = 0; at < got; at += view.getUint16(at + 16, true)) {
        const end = buffer.indexOf(0, at + 19);
        const name = Buffer.from(buffer.subarray(at + 19, end)).toString();
        entries.push({ name, ino: Number(view.getBigUint64(at, true)), type: buffer[at + 18]! });
      }
    }
    this.sys.close(fd);
    return entries.sort((a, b) => (a.name < b.name ? -1 : 1));
  }

  names(path: string): string[] {
    return this.entries(path)
      .map(({ name }) => name)
      .filter((name) => name !== "." && name !== "..");
  }

  /** What lies in a work directory, but for the whiteout that Linux keeps there to make links of. */
  left(path: string): string[] {
    return this.names(path).filter((name) => !name.startsWith("#"));
  }

  isWhiteout(path: string): boolean {
    const { mode, rdev } = this.stat(path);
    return (mode & 0o170000) === S_IFCHR && rdev === 0;
  }

  get hasDevices(): boolean {
    return this.target.lacks?.get("device nodes") === undefined;
  }

  end(): void {
    this.target.end();
  }
}

export function overlayCases(make: () => Target): void {
  const layered = (name: string, body: (on: Layers) => void): void =>
    void test(name, () => {
      const on = new Layers(make());
      body(on);
      on.end();
    });

  describe("mounting an overlay", () => {
    layered("needs lower layers, two of them without an upper one, and a work directory (OV-10)", (on) => {
      expect(on.mount("upperdir=/u,workdir=/w")).toBe(-EINVAL);
      expect(on.mount("lowerdir=/l,upperdir=/u")).toBe(-EINVAL);
      expect(on.mount("lowerdir=/l")).toBe(-EINVAL);
      expect(on.mount("lowerdir=/l,upperdir=/u,workdir=/w,nonsense=1")).toBe(-EINVAL);
      expect(on.mount("lowerdir=/none,upperdir=/u,workdir=/w")).toBe(-ENOENT);
      expect(on.mount("lowerdir=/l,upperdir=/u,workdir=/w,redirect_dir=perhaps")).toBe(-EINVAL);
      expect(on.mount("lowerdir=/l:/l2")).toBe(0);
    });
    layered("refuses a work directory in the upper layer, and layers in each other", (on) => {
      on.dir("/u/w");
      on.dir("/l/in");
      expect(on.mount("lowerdir=/l,upperdir=/u,workdir=/u/w")).toBe(-EINVAL);
      expect(on.mount("lowerdir=/l:/l/in,upperdir=/u,workdir=/w")).toBe(-ELOOP);
    });
    layered("without an upper layer is read-only", (on) => {
      on.file("/l/f", "f");
      on.file("/l2/g", "g");
      on.mounted("lowerdir=/l:/l2");
      expect(on.names("/m")).toEqual(["f", "g"]);
      expect(on.read("/m/g")).toBe("g");
      expect(on.sys.mkdir("/m/d")).toBe(-EROFS);
      expect(on.sys.open("/m/f", O_RDWR)).toBe(-EROFS);
      expect(on.sys.open("/m/new", O_CREAT | O_WRONLY)).toBe(-EROFS);
      expect(on.sys.unlink("/m/f")).toBe(-EROFS);
      expect(on.sys.rename("/m/f", "/m/x")).toBe(-EROFS);
      expect(on.sys.symlink("x", "/m/s")).toBe(-EROFS);
      expect(on.sys.mkdir("/m/f")).toBe(-EEXIST);
    });
    layered("shows the magic number of overlays (OV-26)", (on) => {
      on.mounted();
      const buffer = new Uint8Array(120);
      expect(on.raw(nr.SYS_statfs, "/m", buffer)).toBe(0);
      expect(Number(new DataView(buffer.buffer).getBigUint64(0, true))).toBe(OVERLAY_MAGIC);
    });
  });

  describe("layers", () => {
    layered("merge directories, the upper one first (OV-12)", (on) => {
      for (const layer of ["/u", "/l", "/l2"]) {
        on.dir(`${layer}/d`);
        on.file(`${layer}/d/all`, layer);
        on.file(`${layer}/d/of${layer.slice(1)}`, layer);
      }
      on.mounted("lowerdir=/l:/l2,upperdir=/u,workdir=/w");
      expect(on.names("/m/d")).toEqual(["all", "ofl", "ofl2", "ofu"]);
      expect(on.read("/m/d/all")).toBe("/u");
      expect(on.read("/m/d/ofl2")).toBe("/l2");
      expect(on.stat("/m/d").nlink).toBe(1);
      expect(on.entries("/m/d").map(({ name }) => name)).toContain("..");
    });
    layered("are hidden by whiteouts, files and opaque directories (OV-11)", (on) => {
      on.dir("/l2/d");
      on.file("/l2/d/gone");
      on.file("/l2/whited");
      on.dir("/l2/covered");
      on.file("/l2/covered/x");
      on.dir("/l2/opaque");
      on.file("/l2/opaque/x");
      on.dir("/l/d");
      on.whiteout("/l/d/gone");
      on.whiteout("/l/whited");
      on.file("/l/covered", "a file");
      on.dir("/l/opaque");
      on.file("/l/opaque/y");
      on.set("/l/opaque", "trusted.overlay.opaque", "y");
      on.mounted("lowerdir=/l:/l2,upperdir=/u,workdir=/w");
      expect(on.names("/m")).toEqual(["covered", "d", "opaque"]);
      expect(on.names("/m/d")).toEqual([]);
      expect(on.sys.stat("/m/d/gone")).toBe(-ENOENT);
      expect(on.read("/m/covered")).toBe("a file");
      expect(on.names("/m/opaque")).toEqual(["y"]);
      expect(on.sys.stat("/m/opaque/x")).toBe(-ENOENT);
    });
    layered("have whiteouts by attribute in directories that say so", (on) => {
      on.dir("/l2/d");
      on.file("/l2/d/gone");
      on.file("/l2/d/stays");
      on.dir("/l/d");
      on.file("/l/d/gone", "");
      on.set("/l/d/gone", "trusted.overlay.whiteout", "");
      on.set("/l/d", "trusted.overlay.opaque", "x");
      on.mounted("lowerdir=/l:/l2,upperdir=/u,workdir=/w");
      expect(on.sys.stat("/m/d/gone")).toBe(-ENOENT);
      expect(on.names("/m/d")).toEqual(["stays"]);
    });
    layered("are reached by redirects, relative and absolute", (on) => {
      on.dir("/l2/a");
      on.file("/l2/a/f", "of a");
      on.dir("/l2/deep");
      on.dir("/l2/deep/b");
      on.file("/l2/deep/b/g", "of b");
      on.dir("/l/x");
      on.set("/l/x", "trusted.overlay.redirect", "a");
      on.dir("/l/y");
      on.dir("/l/y/z");
      on.set("/l/y/z", "trusted.overlay.redirect", "/deep/b");
      on.mounted("lowerdir=/l:/l2,upperdir=/u,workdir=/w");
      expect(on.read("/m/x/f")).toBe("of a");
      expect(on.read("/m/y/z/g")).toBe("of b");
      on.remounted("lowerdir=/l:/l2,upperdir=/u,workdir=/w,redirect_dir=nofollow");
      expect(on.sys.stat("/m/x")).toBe(-EPERM);
    });
  });

  describe("copy-up", () => {
    layered(
      "keeps content, owner, mode, times and attributes, and leaves the lower layer alone (OV-15)",
      (on) => {
        on.dir("/l/d", 0o750);
        on.file("/l/d/f", "x".repeat(BIG - 10), 0o640);
        expect(on.raw(nr.SYS_chown, "/l/d/f", 7, 8)).toBe(0);
        expect(on.raw(nr.SYS_chmod, "/l/d/f", 0o4751)).toBe(0);
        on.set("/l/d/f", "user.note", "kept");
        on.set("/l/d/f", "trusted.overlay.nonsense", "not copied");
        const before = on.stat("/l/d/f");
        on.mounted();
        const { ino } = on.stat("/m/d/f");
        expect(on.raw(nr.SYS_chmod, "/m/d/f", 0o4755)).toBe(0);
        const after = on.stat("/m/d/f");
        expect(after).toMatchObject({
          ino,
          uid: 7,
          gid: 8,
          mode: 0o104755,
          size: BIG - 10,
          mtime: before.mtime,
        });
        expect(on.get("/u/d/f", "user.note")).toBe("kept");
        expect(on.get("/u/d/f", "trusted.overlay.nonsense")).toBe(-ENODATA);
        expect(on.get("/u/d", "trusted.overlay.impure")).toBe("y");
        expect(on.stat("/u/d").mode).toBe(0o040750);
        expect(on.stat("/u/d").mtime).toBe(on.stat("/l/d").mtime);
        expect(on.read("/u/d/f")).toBe("x".repeat(BIG - 10));
        expect(on.stat("/l/d/f")).toEqual({ ...before, atime: on.stat("/l/d/f").atime });
      },
    );
    layered("keeps holes, in front of data and behind", (on) => {
      const fd = on.sys.open("/l/f", O_CREAT | O_RDWR);
      const middle = 4 << 20;
      expect(on.sys.pwrite(fd, "data", middle)).toBe(4);
      expect(on.raw(nr.SYS_ftruncate, fd, 2 * middle)).toBe(0);
      on.sys.close(fd);
      on.mounted();
      const copy = on.sys.open("/m/f", O_RDWR);
      expect(on.stat("/u/f")).toMatchObject({ size: 2 * middle });
      expect(on.stat("/u/f").blocks).toBeLessThan(4000);
      expect(on.sys.pread(copy, 6, middle - 1)).toEqual(Buffer.from("\0data\0"));
      expect(on.raw(nr.SYS_lseek, copy, 0, 3)).toBe(middle);
      on.sys.close(copy);
    });
    layered("that fails leaves nothing (OV-16)", (on) => {
      on.dir("/small");
      expect(on.raw(nr.SYS_mount, "tmpfs", "/small", "tmpfs", 0, "size=64k")).toBe(0);
      on.dir("/small/u");
      on.dir("/small/w");
      on.dir("/l/d");
      on.file("/l/d/f", "x".repeat(BIG));
      on.mounted("lowerdir=/l,upperdir=/small/u,workdir=/small/w");
      expect(on.sys.open("/m/d/f", O_RDWR)).toBe(-ENOSPC);
      expect(on.names("/small/u/d")).toEqual([]);
      expect(on.names("/small/w/work")).toEqual([]);
      expect(on.read("/m/d/f")).toBe("x".repeat(BIG));
    });
    layered("is of every type (OV-14)", (on) => {
      on.sys.symlink("target", "/l/s");
      on.node("/l/p", S_IFIFO | 0o600);
      on.node("/l/k", S_IFSOCK | 0o600);
      const names = ["s", "p", "k"];
      if (on.hasDevices) {
        names.push("c", "b");
        on.node("/l/c", S_IFCHR | 0o600, 0x103);
        on.node("/l/b", S_IFBLK | 0o600, 0x700);
      }
      on.mounted();
      for (const name of names) {
        const before = on.stat(`/m/${name}`);
        expect(on.raw(nr.SYS_lchown, `/m/${name}`, 3, 4), name).toBe(0);
        const { mode, rdev, ino } = before;
        expect(on.stat(`/m/${name}`)).toMatchObject({ mode, rdev, ino, uid: 3, gid: 4 });
        expect(on.stat(`/u/${name}`)).toMatchObject({ mode, rdev, uid: 3, gid: 4 });
      }
      expect(on.sys.readlink("/u/s")).toBe("target");
    });
    layered("gives a descriptor for writing the copy, and st_ino and d_ino stay (OV-13)", (on) => {
      on.dir("/l/d");
      on.file("/l/d/f", "lower");
      on.mounted();
      const before = on.entries("/m/d").find(({ name }) => name === "f");
      expect(on.stat("/m/d/f").ino).toBe(before?.ino);
      on.append("/m/d/f", " and more");
      expect(on.read("/m/d/f")).toBe("lower and more");
      expect(on.read("/l/d/f")).toBe("lower");
      expect(on.stat("/m/d/f").ino).toBe(before?.ino);
      expect(on.entries("/m/d").find(({ name }) => name === "f")).toEqual(before);
      expect(on.sys.rename("/m/d/f", "/m/moved")).toBe(0);
      expect(on.stat("/m/moved").ino).toBe(before?.ino);
      expect(on.entries("/m").find(({ name }) => name === "moved")?.ino).toBe(before?.ino);
      on.remounted();
      expect(on.stat("/m/moved").ino).toBe(before?.ino);
    });
    layered("happens for no reader, and for truncation copies nothing (OV-17)", (on) => {
      on.file("/l/f", "text");
      on.mounted();
      expect(on.read("/m/f")).toBe("text");
      expect(on.sys.removexattr("/m/f", "user.none")).toBe(-ENODATA);
      expect(on.names("/u")).toEqual([]);
      const fd = on.sys.open("/m/f", O_WRONLY | O_TRUNC);
      on.sys.close(fd);
      expect(on.stat("/u/f").size).toBe(0);
    });
    layered("keeps names of one file together with an index (OV-21)", (on) => {
      on.file("/l/a", "shared");
      on.dir("/l/d");
      expect(on.sys.link("/l/a", "/l/d/b")).toBe(0);
      on.mounted(`${LAYERS},index=on`);
      const { ino } = on.stat("/m/a");
      expect(on.stat("/m/d/b")).toMatchObject({ ino, nlink: 2 });
      on.append("/m/a", "!");
      expect(on.read("/m/d/b")).toBe("shared!");
      expect(on.stat("/m/a")).toMatchObject({ ino, nlink: 2 });
      expect(on.stat("/m/d/b")).toMatchObject({ ino, nlink: 2 });
      on.append("/m/d/b", "?");
      expect(on.read("/m/a")).toBe("shared!?");
      expect(on.stat("/m/a")).toMatchObject({ ino, nlink: 2 });
      expect(on.stat("/u/a").ino).toBe(on.stat("/u/d/b").ino);
      expect(on.names("/w/index")).toHaveLength(1);
      on.remounted(`${LAYERS},index=on`);
      expect(on.stat("/m/d/b")).toMatchObject({ ino, nlink: 2 });
      expect(on.sys.link("/m/a", "/m/c")).toBe(0);
      expect(on.stat("/m/d/b").nlink).toBe(3);
      expect(on.sys.unlink("/m/a")).toBe(0);
      expect(on.stat("/m/d/b").nlink).toBe(2);
      expect(on.sys.unlink("/m/c")).toBe(0);
      expect(on.sys.unlink("/m/d/b")).toBe(0);
      expect(on.names("/m/d")).toEqual([]);
      expect(on.left("/w/index")).toEqual([]);
      expect(on.isWhiteout("/u/d/b")).toBe(true);
    });
    layered("breaks names of one file apart without an index", (on) => {
      on.file("/l/a", "shared");
      expect(on.sys.link("/l/a", "/l/b")).toBe(0);
      on.mounted();
      on.append("/m/a", "!");
      expect(on.read("/m/b")).toBe("shared");
      expect(on.stat("/m/a").ino).not.toBe(on.stat("/m/b").ino);
    });
  });

  describe("names of an overlay", () => {
    layered("that lower layers have leave a whiteout when removed (OV-22, OV-23)", (on) => {
      on.file("/l/f");
      on.dir("/l/d");
      on.file("/l/d/g");
      on.mounted();
      expect(on.sys.unlink("/m/f")).toBe(0);
      expect(on.isWhiteout("/u/f")).toBe(true);
      expect(on.sys.rmdir("/m/d")).toBe(-ENOTEMPTY);
      expect(on.sys.unlink("/m/d/g")).toBe(0);
      expect(on.sys.rmdir("/m/d")).toBe(0);
      expect(on.isWhiteout("/u/d")).toBe(true);
      expect(on.names("/m")).toEqual([]);
      expect(on.left("/w/work")).toEqual([]);
      on.dir("/m/d");
      expect(on.get("/u/d", "trusted.overlay.opaque")).toBe("y");
      expect(on.names("/m/d")).toEqual([]);
      on.file("/m/f", "new");
      expect(on.read("/u/f")).toBe("new");
      expect(on.sys.unlink("/m/f")).toBe(0);
      on.file("/m/only", "upper");
      expect(on.sys.unlink("/m/only")).toBe(0);
      expect(on.names("/u")).toEqual(["d", "f"]);
    });
    layered("are no whiteouts (OV-20)", (on) => {
      on.mounted();
      expect(on.node("/m/w", S_IFCHR, 0)).toBe(-EPERM);
      if (on.hasDevices) expect(on.node("/m/null", S_IFCHR | 0o666, 0x103)).toBe(0);
    });
    layered("are made, and removed, over what an upper directory hides (OV-18, OV-19)", (on) => {
      on.dir("/l/d");
      on.file("/l/d/f");
      on.mounted();
      expect(on.sys.unlink("/m/d/f")).toBe(0);
      expect(on.sys.symlink("to", "/m/d/f")).toBe(0);
      expect(on.sys.readlink("/m/d/f")).toBe("to");
      expect(on.sys.unlink("/m/d/f")).toBe(0);
      expect(on.sys.mkdir("/m/d/f")).toBe(0);
      expect(on.get("/u/d/f", "trusted.overlay.opaque")).toBe("y");
      expect(on.sys.rmdir("/m/d/f")).toBe(0);
      expect(on.isWhiteout("/u/d/f")).toBe(true);
    });
  });

  describe("rename in an overlay", () => {
    layered("of a lower file copies it and leaves a whiteout", (on) => {
      on.file("/l/f", "f");
      on.file("/l/g", "g");
      on.mounted();
      expect(on.sys.rename("/m/f", "/m/g", RENAME_NOREPLACE)).toBe(-EEXIST);
      expect(on.sys.rename("/m/f", "/m/g")).toBe(0);
      expect(on.names("/m")).toEqual(["g"]);
      expect(on.read("/m/g")).toBe("f");
      expect(on.isWhiteout("/u/f")).toBe(true);
      expect(on.sys.rename("/m/g", "/m/f")).toBe(0);
      expect(on.isWhiteout("/u/g")).toBe(true);
      expect(on.sys.rename("/m/f", "/m/h", RENAME_WHITEOUT)).toBe(-EINVAL);
    });
    layered("of a lower directory is EXDEV without redirects", (on) => {
      on.dir("/l/d");
      on.dir("/u/pure");
      on.mounted();
      expect(on.sys.rename("/m/d", "/m/e")).toBe(-EXDEV);
      expect(on.sys.rename("/m/pure", "/m/d", RENAME_EXCHANGE)).toBe(-EXDEV);
      expect(on.sys.rename("/m/pure", "/m/moved")).toBe(0);
    });
    layered("of a lower directory with redirects loses nothing (OV-05)", (on) => {
      on.dir("/l/d");
      on.file("/l/d/f", "f");
      on.dir("/l/d/sub");
      on.file("/l/d/sub/g", "g");
      on.dir("/l/other");
      const options = `${LAYERS},redirect_dir=on`;
      on.mounted(options);
      const { ino } = on.stat("/m/d");
      on.file("/m/d/new", "new");
      expect(on.sys.rename("/m/d", "/m/e")).toBe(0);
      expect(on.get("/u/e", "trusted.overlay.redirect")).toBe("d");
      expect(on.sys.rename("/m/e", "/m/f")).toBe(0);
      expect(on.get("/u/f", "trusted.overlay.redirect")).toBe("d");
      expect(on.sys.rename("/m/f", "/m/other/d")).toBe(0);
      expect(on.get("/u/other/d", "trusted.overlay.redirect")).toBe("/d");
      expect(on.sys.rename("/m/other/d/sub", "/m/other/sub")).toBe(0);
      expect(on.get("/u/other/sub", "trusted.overlay.redirect")).toBe("/d/sub");
      for (let round = 0; round < 2; round++) {
        expect(on.names("/m/other/d")).toEqual(["f", "new"]);
        expect(on.read("/m/other/d/f")).toBe("f");
        expect(on.read("/m/other/sub/g")).toBe("g");
        expect(on.stat("/m/other/d").ino).toBe(ino);
        expect(on.names("/m")).toEqual(["other"]);
        expect(on.sys.stat("/m/d")).toBe(-ENOENT);
        on.remounted(options);
      }
    });
    layered("of an upper directory into a merged one makes it opaque", (on) => {
      on.dir("/l/d");
      on.dir("/l/d/x");
      on.file("/l/d/x/hidden");
      on.mounted();
      on.file("/m/d/x/moved");
      on.dir("/m/pure");
      expect(on.sys.unlink("/m/d/x/moved")).toBe(0);
      expect(on.sys.unlink("/m/d/x/hidden")).toBe(0);
      expect(on.sys.rename("/m/pure", "/m/d/x")).toBe(0);
      expect(on.get("/u/d/x", "trusted.overlay.opaque")).toBe("y");
      on.remounted();
      expect(on.names("/m/d/x")).toEqual([]);
    });
    layered("exchanges files, and directories with redirects (OV-24)", (on) => {
      on.file("/l/f", "f");
      on.dir("/l/d");
      on.file("/l/d/g", "g");
      on.dir("/l/e");
      on.file("/l/e/h", "h");
      const options = `${LAYERS},redirect_dir=on`;
      on.mounted(options);
      expect(on.sys.rename("/m/f", "/m/none", RENAME_EXCHANGE)).toBe(-ENOENT);
      expect(on.sys.rename("/m/d", "/m/e", RENAME_EXCHANGE)).toBe(0);
      expect(on.sys.rename("/m/f", "/m/d", RENAME_EXCHANGE)).toBe(0);
      for (let round = 0; round < 2; round++) {
        expect(on.read("/m/d")).toBe("f");
        expect(on.names("/m/f")).toEqual(["h"]);
        expect(on.names("/m/e")).toEqual(["g"]);
        expect(on.names("/u")).toEqual(["d", "e", "f"]);
        on.remounted(options);
      }
    });
  });

  describe("extended attributes in an overlay", () => {
    layered("hide the overlay's own, and keep a program's of that name (OV-25)", (on) => {
      on.dir("/l/d");
      on.file("/l/d/f");
      on.mounted();
      on.set("/m/d/f", "user.a", "1");
      expect(on.get("/u/d", "trusted.overlay.impure")).toBe("y");
      expect(on.get("/m/d", "trusted.overlay.impure")).toBe(-ENODATA);
      expect(on.sys.listxattr("/m/d")).toEqual([]);
      on.set("/m/d", "trusted.overlay.opaque", "y");
      expect(on.get("/m/d", "trusted.overlay.opaque")).toBe("y");
      expect(on.get("/u/d", "trusted.overlay.overlay.opaque")).toBe("y");
      expect(on.sys.listxattr("/m/d")).toEqual(["trusted.overlay.opaque"]);
      expect(on.names("/m/d")).toEqual(["f"]);
      expect(on.sys.removexattr("/m/d", "trusted.overlay.opaque")).toBe(0);
      expect(on.sys.listxattr("/m/d/f")).toEqual(["user.a"]);
    });
  });

  describe("an overlay as a layer", () => {
    layered("is one of another, and that of no third", (on) => {
      on.file("/l/f");
      on.mounted();
      for (const path of ["/e", "/second", "/third"]) on.dir(path);
      const over = (lower: string, place: string) =>
        on.raw(nr.SYS_mount, "overlay", place, "overlay", 0, `lowerdir=${lower}:/e`);
      expect(over("/m", "/second")).toBe(0);
      expect(on.read("/second/f")).toBe("/l/f");
      expect(over("/second", "/third")).toBe(-EINVAL);
      expect(on.raw(nr.SYS_umount2, "/second", 0)).toBe(0);
    });
  });

  describe("a listing of a merged directory", () => {
    layered("goes on where it was while names are made and removed (OV-28)", (on) => {
      on.dir("/l/d");
      on.dir("/u/d");
      for (let i = 0; i < 40; i++) on.file(`${i % 2 ? "/l" : "/u"}/d/name-${i}`, "");
      on.mounted();
      const fd = on.sys.open("/m/d", O_RDONLY | O_DIRECTORY);
      const buffer = new Uint8Array(256);
      const seen: string[] = [];
      for (let round = 0; ; round++) {
        const got = on.raw(nr.SYS_getdents64, fd, buffer, buffer.length);
        expect(got).toBeGreaterThanOrEqual(0);
        if (got === 0) break;
        const view = new DataView(buffer.buffer);
        for (let at = 0; at < got; at += view.getUint16(at + 16, true))
          seen.push(Buffer.from(buffer.subarray(at + 19, buffer.indexOf(0, at + 19))).toString());
        if (round === 0) {
          on.file("/m/d/new", "");
          expect(on.sys.unlink(`/m/d/${seen.find((name) => name.startsWith("name"))}`)).toBe(0);
        }
      }
      const names = seen.filter((name) => name.startsWith("name"));
      expect(new Set(names).size).toBe(40);
      expect(names).toHaveLength(40);
      on.sys.close(fd);
      expect(on.names("/m/d")).toHaveLength(40);
    });
  });

  describe("what an overlay notes in its upper layer, and when", () => {
    const OPTIONS = `${LAYERS},uuid=off,redirect_dir=on,index=on`;
    const room = (on: Layers, path: string) => on.raw(nr.SYS_listxattr, path, null, 0);

    layered("is counted by a listxattr without a buffer, and by a buffer that is too small for it", (on) => {
      on.dir("/l/d");
      on.mounted(`${LAYERS},uuid=off`);
      expect(room(on, "/m/d")).toBe(0);
      on.file("/m/d/f");
      // trusted.overlay.origin
      expect(room(on, "/m/d")).toBe(23);
      const buffer = new Uint8Array(23);
      expect(on.raw(nr.SYS_listxattr, "/m/d", buffer, 22)).toBe(-ERANGE);
      expect(on.raw(nr.SYS_listxattr, "/m/d", buffer, 23)).toBe(0);
    });
    layered(
      "an opaque directory is so only where redirects or an index forbid changes of the lower layers",
      (on) => {
        on.dir("/l/d");
        on.mounted(`${LAYERS},uuid=off,redirect_dir=off,index=off`);
        on.dir("/m/d/new");
        expect(on.get("/u/d/new", "trusted.overlay.opaque")).toBe(-ENODATA);
        on.remounted(OPTIONS);
        on.dir("/m/d/newer");
        expect(on.get("/u/d/newer", "trusted.overlay.opaque")).toBe("y");
      },
    );
    layered("the origin of the upper root belongs to the index", (on) => {
      on.mounted(OPTIONS);
      expect(typeof on.get("/u", "trusted.overlay.origin")).toBe("string");
    });
    layered("a redirect stays when the upper layer refuses the rename", (on) => {
      on.dir("/l/d");
      on.mounted(OPTIONS);
      on.dir("/m/full");
      on.dir("/m/full/sub");
      expect(on.sys.rename("/m/d", "/m/full")).toBe(-ENOTEMPTY);
      expect(on.get("/u/d", "trusted.overlay.redirect")).toBe("d");
    });
    layered("a directory from which the last copy went is pure after its next listing", (on) => {
      on.file("/l/f");
      on.mounted(OPTIONS);
      on.dir("/m/pure");
      expect(on.sys.rename("/m/f", "/m/pure/f")).toBe(0);
      expect(on.get("/u/pure", "trusted.overlay.impure")).toBe("y");
      expect(on.names("/m/pure")).toEqual(["f"]);
      expect(on.get("/u/pure", "trusted.overlay.impure")).toBe("y");
      expect(on.sys.unlink("/m/pure/f")).toBe(0);
      expect(on.names("/m/pure")).toEqual([]);
      expect(on.get("/u/pure", "trusted.overlay.impure")).toBe(-ENODATA);
    });
    layered("a link to a file that was always in the upper layer makes no directory impure", (on) => {
      on.file("/l/copied");
      on.mounted(OPTIONS);
      on.dir("/m/d");
      on.file("/m/own");
      expect(on.sys.link("/m/own", "/m/d/own")).toBe(0);
      expect(on.get("/u/d", "trusted.overlay.impure")).toBe(-ENODATA);
      expect(on.sys.link("/m/copied", "/m/d/copied")).toBe(0);
      expect(on.get("/u/d", "trusted.overlay.impure")).toBe("y");
    });
    layered("of an indexed file, the name that was used is linked to the copy", (on) => {
      on.file("/l/first");
      expect(on.sys.link("/l/first", "/l/second")).toBe(0);
      on.mounted(OPTIONS);
      on.stat("/m/first");
      expect(on.raw(nr.SYS_chmod, "/m/second", 0o600)).toBe(0);
      expect(on.names("/u")).toEqual(["second"]);
    });
  });

  describe("files of an overlay's layers", () => {
    layered("shows whiteouts of a directory that is in one layer alone", (on) => {
      on.dir("/l/d");
      on.whiteout("/l/d/w");
      on.mounted();
      expect(on.names("/m/d")).toEqual(["w"]);
      expect(on.read("/m/d/w")).toBe(-ENOENT);
    });
    layered("a removed file of a lower layer keeps the count that it has there", (on) => {
      on.file("/l/f");
      on.mounted();
      const fd = on.sys.open("/m/f", O_RDONLY);
      expect(on.sys.unlink("/m/f")).toBe(0);
      expect((on.sys.fstat(fd) as Stat).nlink).toBe(1);
      on.sys.close(fd);
    });
    layered("cutting off a file of a lower layer moves its time of modification", (on) => {
      on.file("/l/f", "content");
      expect(on.raw(nr.SYS_utimensat, -100, "/l/f", new Uint8Array(32), 0)).toBe(0);
      on.mounted();
      expect(on.raw(nr.SYS_truncate, "/m/f", 0)).toBe(0);
      expect(on.stat("/m/f")).toMatchObject({ size: 0 });
      expect(on.stat("/m/f").mtime).not.toEqual(on.stat("/l/f").mtime);
    });
    layered("a listing moves the access time of an upper directory", (on) => {
      on.mounted();
      on.dir("/m/d");
      expect(on.raw(nr.SYS_utimensat, -100, "/m/d", new Uint8Array(32), 0)).toBe(0);
      const before = on.stat("/m/d").atime;
      expect(on.names("/m/d")).toEqual([]);
      expect(on.stat("/m/d").atime).not.toEqual(before);
    });
  });
}
