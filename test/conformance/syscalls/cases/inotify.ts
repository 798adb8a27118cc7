// inotify: which operations tell what, and how a queue is read.

import { describe, expect, test } from "vitest";
import {
  EACCES,
  EAGAIN,
  EBADF,
  EEXIST,
  EINVAL,
  ELOOP,
  ENOENT,
  ENOTDIR,
} from "../../../../assembly/abi/errno.ts";
import {
  F_GETFD,
  F_GETFL,
  FD_CLOEXEC,
  O_CREAT,
  O_NONBLOCK,
  O_PATH,
  O_RDONLY,
  O_RDWR,
  O_TRUNC,
  O_WRONLY,
  RENAME_EXCHANGE,
} from "../../../../assembly/abi/fcntl.ts";
import * as IN from "../../../../assembly/abi/inotify.ts";
import { POLLIN, POLLOUT, POLLRDNORM } from "../../../../assembly/abi/poll.ts";
import * as nr from "../../../../assembly/abi/syscall.ts";
import { DescriptorCalls } from "../../../support/sys/descriptor-calls.ts";
import type { Target } from "../../../support/sys/target.ts";
import { eventsIn, type WatchEvent, Watcher } from "../../../support/sys/watcher.ts";

export function inotifyCases(make: () => Target): void {
  function run(body: (sys: Watcher, target: Target) => void): () => void {
    return () => {
      const target = make();
      body(new Watcher(target), target);
      target.end();
    };
  }

  describe("inotify of a directory", () => {
    test(
      "tells of a file's life in it",
      run((sys) => {
        expect(sys.watch(".")).toBe(1);
        const fd = sys.open("file", O_CREAT | O_RDWR);
        sys.write(fd, "content");
        sys.pread(fd, 3, 0);
        sys.close(fd);
        expect(sys.told()).toEqual([
          "1 create file",
          "1 open file",
          "1 modify file",
          "1 access file",
          "1 close_write file",
        ]);
        const reader = sys.open("file");
        sys.read(reader, 0);
        sys.read(reader, 10);
        sys.read(reader, 10);
        sys.close(reader);
        sys.unlink("file");
        expect(sys.told()).toEqual(["1 open file", "1 access file", "1 close_nowrite file", "1 delete file"]);
      }),
    );

    test(
      "tells of directories, links and special files",
      run((sys) => {
        sys.watch(".");
        sys.mkdir("dir");
        sys.symlink("dir", "link");
        sys.mkfifo("fifo");
        sys.link("fifo", "fifo2");
        sys.close(sys.open("dir"));
        sys.close(sys.open("dir", O_PATH));
        sys.stat("dir");
        sys.readlink("link");
        sys.rmdir("dir");
        sys.unlink("fifo");
        expect(sys.told()).toEqual([
          "1 create+isdir dir",
          "1 create link",
          "1 create fifo",
          "1 create fifo2",
          "1 open+isdir dir",
          "1 close_nowrite+isdir dir",
          "1 delete+isdir dir",
          "1 delete fifo",
        ]);
      }),
    );

    test(
      "tells of nothing that fails, nor of what lies deeper",
      run((sys) => {
        sys.mkdir("dir");
        sys.watch(".");
        sys.open("absent");
        sys.mkdir("dir");
        sys.unlink("absent");
        sys.rename("absent", "other");
        sys.mkdir("dir/deeper");
        sys.close(sys.open("dir/file", O_CREAT | O_RDWR));
        expect(sys.told()).toEqual([]);
        expect(sys.read(sys.instance, 100)).toBe(-EAGAIN);
      }),
    );

    test(
      "joins the two halves of a move by a cookie",
      run((sys) => {
        sys.mkdir("a");
        sys.mkdir("b");
        sys.close(sys.open("a/file", O_CREAT | O_RDWR));
        expect(sys.watch("a")).toBe(1);
        expect(sys.watch("b")).toBe(2);
        expect(sys.watch("a/file")).toBe(3);
        sys.rename("a/file", "b/moved");
        sys.rename("b/moved", "b/again");
        const events = sys.events();
        expect(events.map(({ wd, what, name }) => `${wd} ${what} ${name}`)).toEqual([
          "1 moved_from file",
          "2 moved_to moved",
          "3 move_self ",
          "2 moved_from moved",
          "2 moved_to again",
          "3 move_self ",
        ]);
        const cookies = events.map(({ cookie }) => cookie);
        expect(cookies[0]).toBe(cookies[1]);
        expect(cookies[3]).toBe(cookies[4]);
        expect(cookies[0]).not.toBe(cookies[3]);
        expect(cookies[0]).toBeGreaterThan(0);
        expect(cookies[2]).toBe(0);
      }),
    );

    test(
      "tells of what a move replaces",
      run((sys) => {
        sys.close(sys.open("file", O_CREAT | O_RDWR));
        sys.close(sys.open("target", O_CREAT | O_RDWR));
        sys.watch(".");
        sys.watch("target");
        expect(sys.rename("file", "target")).toBe(0);
        expect(sys.told()).toEqual([
          "1 moved_from file",
          "1 moved_to target",
          "2 attrib",
          "2 delete_self",
          "2 ignored",
        ]);
      }),
    );

    test(
      "tells of both halves of an exchange",
      run((sys) => {
        sys.close(sys.open("target", O_CREAT | O_RDWR));
        sys.watch(".");
        sys.mkdir("dir");
        sys.told();
        expect(sys.rename("dir", "target", RENAME_EXCHANGE)).toBe(0);
        expect(sys.told()).toEqual([
          "1 moved_from+isdir dir",
          "1 moved_to+isdir target",
          "1 moved_from target",
          "1 moved_to dir",
        ]);
      }),
    );

    test(
      "tells of itself without a name",
      run((sys) => {
        sys.mkdir("dir");
        expect(sys.watch("dir")).toBe(1);
        sys.close(sys.open("dir"));
        sys.rename("dir", "moved");
        sys.rmdir("moved");
        expect(sys.told()).toEqual([
          "1 open+isdir",
          "1 close_nowrite+isdir",
          "1 move_self",
          "1 delete_self",
          "1 ignored",
        ]);
      }),
    );
  });

  describe("inotify of a file", () => {
    test(
      "tells of the file under each of its names, and of its end",
      run((sys) => {
        sys.close(sys.open("file", O_CREAT | O_RDWR));
        expect(sys.watch("file")).toBe(1);
        sys.link("file", "name");
        const fd = sys.open("name", O_WRONLY | O_TRUNC);
        sys.write(fd, "x");
        sys.close(fd);
        sys.unlink("file");
        sys.unlink("name");
        expect(sys.told()).toEqual([
          "1 attrib",
          "1 open",
          "1 modify",
          "1 close_write",
          "1 attrib",
          "1 delete_self",
          "1 ignored",
        ]);
        expect(sys.removeWatch(sys.instance, 1)).toBe(-EINVAL);
      }),
    );

    test(
      "that is removed while open ends with its last close",
      run((sys) => {
        const fd = sys.open("file", O_CREAT | O_RDWR);
        sys.watch("file");
        sys.watch(".");
        sys.unlink("file");
        expect(sys.told()).toEqual(["1 attrib", "2 delete file"]);
        sys.write(fd, "x");
        sys.close(fd);
        expect(sys.told()).toEqual([
          "2 modify file",
          "1 modify",
          "2 close_write file",
          "1 close_write",
          "1 delete_self",
          "1 ignored",
        ]);
      }),
    );

    test(
      "tells of changed attributes",
      run((sys) => {
        const fd = sys.open("file", O_CREAT | O_RDWR);
        sys.watch("file");
        expect(sys.process.syscall(nr.SYS_ftruncate, fd, 100)).toBe(0);
        expect(sys.process.syscall(nr.SYS_truncate, "file", 50)).toBe(0);
        expect(sys.told()).toEqual(["1 modify"]);
        expect(sys.process.syscall(nr.SYS_fchmod, fd, 0o600)).toBe(0);
        expect(sys.process.syscall(nr.SYS_chown, "file", -1, -1)).toBe(0);
        expect(sys.told()).toEqual(["1 attrib"]);
        expect(sys.process.syscall(nr.SYS_chown, "file", 5, 5)).toBe(0);
        expect(sys.process.syscall(nr.SYS_utimensat, -100, "file", null, 0)).toBe(0);
        expect(sys.told()).toEqual(["1 attrib"]);
        const omitted = (first: boolean) => {
          const times = Buffer.alloc(32);
          times.writeBigInt64LE(0x3ffffffen, first ? 8 : 24);
          return times;
        };
        expect(sys.process.syscall(nr.SYS_utimensat, -100, "file", omitted(true), 0)).toBe(0);
        expect(sys.process.syscall(nr.SYS_utimensat, -100, "file", omitted(false), 0)).toBe(0);
        expect(sys.told()).toEqual(["1 modify", "1 access"]);
      }),
    );

    test(
      "tells of a listing of a directory as of an access",
      run((sys) => {
        sys.watch(".", IN.IN_ACCESS);
        const top = sys.open(".");
        expect(sys.process.syscall(nr.SYS_getdents64, top, Buffer.alloc(4096), 4096)).toBeGreaterThan(0);
        expect(sys.told()).toEqual(["1 access+isdir"]);
      }),
    );
  });

  describe("inotify_add_watch", () => {
    test(
      "gives a file one watch of an instance, and replaces or adds to its mask",
      run((sys) => {
        sys.close(sys.open("file", O_CREAT | O_RDWR));
        sys.link("file", "name");
        expect(sys.watch("file", IN.IN_OPEN)).toBe(1);
        expect(sys.watch("name", IN.IN_CLOSE_NOWRITE)).toBe(1);
        sys.close(sys.open("file"));
        expect(sys.told()).toEqual(["1 close_nowrite"]);
        expect(sys.watch("name", IN.IN_OPEN | IN.IN_MASK_ADD)).toBe(1);
        sys.close(sys.open("file"));
        expect(sys.told()).toEqual(["1 open", "1 close_nowrite"]);
        expect(sys.watch("name", IN.IN_OPEN | IN.IN_MASK_CREATE)).toBe(-EEXIST);
        expect(sys.watch("name", IN.IN_OPEN | IN.IN_MASK_CREATE | IN.IN_MASK_ADD)).toBe(-EINVAL);
        expect(sys.watch(".", IN.IN_OPEN | IN.IN_MASK_CREATE)).toBe(2);
        const other = sys.inotify();
        expect(sys.addWatch(other, "file", IN.IN_OPEN | IN.IN_MASK_CREATE)).toBe(1);
      }),
    );

    test(
      "looks at its arguments",
      run((sys, target) => {
        sys.close(sys.open("file", O_CREAT | O_RDWR, 0o600));
        sys.symlink("file", "link");
        sys.symlink("loop", "loop");
        expect(sys.watch("file", 0)).toBe(-EINVAL);
        expect(sys.addWatch(500, "file", IN.IN_OPEN)).toBe(-EBADF);
        expect(sys.addWatch(500, "file", 0)).toBe(-EINVAL);
        expect(sys.addWatch(sys.open("file"), "file", IN.IN_OPEN)).toBe(-EINVAL);
        expect(sys.watch("absent", IN.IN_OPEN)).toBe(-ENOENT);
        expect(sys.watch("", IN.IN_OPEN)).toBe(-ENOENT);
        expect(sys.watch("loop", IN.IN_OPEN)).toBe(-ELOOP);
        expect(sys.watch("loop", IN.IN_OPEN | IN.IN_DONT_FOLLOW)).toBe(1);
        expect(sys.watch("file", IN.IN_OPEN | IN.IN_ONLYDIR)).toBe(-ENOTDIR);
        expect(sys.watch(".", IN.IN_OPEN | IN.IN_ONLYDIR)).toBe(2);
        expect(sys.watch("link", IN.IN_OPEN)).toBe(3);
        expect(sys.watch("file", IN.IN_OPEN)).toBe(3);
        expect(sys.inotify(1)).toBe(-EINVAL);
        const stranger = new DescriptorCalls(target.process({ uid: 1000, gid: 1000 }));
        expect(stranger.addWatch(stranger.inotify(), "file", IN.IN_OPEN)).toBe(-EACCES);
      }),
    );

    test(
      "IN_ONESHOT ends with its first event",
      run((sys) => {
        sys.watch(".", IN.IN_CREATE | IN.IN_ONESHOT);
        sys.mkdir("a");
        sys.mkdir("b");
        expect(sys.told()).toEqual(["1 create+isdir a", "1 ignored"]);
        expect(sys.watch(".", IN.IN_CREATE)).toBe(2);
      }),
    );

    test(
      "IN_EXCL_UNLINK passes over files without a name",
      run((sys) => {
        const fd = sys.open("file", O_CREAT | O_RDWR);
        const other = sys.open("other", O_CREAT | O_RDWR);
        sys.watch(".", IN.IN_MODIFY | IN.IN_EXCL_UNLINK);
        sys.unlink("file");
        sys.write(fd, "x");
        sys.write(other, "x");
        expect(sys.told()).toEqual(["1 modify other"]);
      }),
    );
  });

  describe("inotify_rm_watch", () => {
    test(
      "ends a watch, and says so",
      run((sys) => {
        sys.watch(".");
        expect(sys.removeWatch(sys.instance, 2)).toBe(-EINVAL);
        expect(sys.removeWatch(500, 1)).toBe(-EBADF);
        expect(sys.removeWatch(sys.open("."), 1)).toBe(-EINVAL);
        sys.told();
        expect(sys.removeWatch(sys.instance, 1)).toBe(0);
        sys.mkdir("dir");
        expect(sys.told()).toEqual(["1 ignored"]);
        expect(sys.removeWatch(sys.instance, 1)).toBe(-EINVAL);
      }),
    );
  });

  describe("an inotify queue", () => {
    test(
      "drops an event that says what the last one said",
      run((sys) => {
        const fd = sys.open("file", O_CREAT | O_RDWR);
        const other = sys.open("other", O_CREAT | O_RDWR);
        sys.watch(".");
        for (let i = 0; i < 3; i++) sys.write(fd, "x");
        sys.write(other, "x");
        sys.write(fd, "x");
        sys.pread(fd, 1, 0);
        sys.write(fd, "x");
        expect(sys.told()).toEqual([
          "1 modify file",
          "1 modify other",
          "1 modify file",
          "1 access file",
          "1 modify file",
        ]);
      }),
    );

    test(
      "is read in whole events, with names padded to sixteen bytes",
      run((sys) => {
        sys.watch(".", IN.IN_CREATE);
        const names = ["a", "x".repeat(15), "y".repeat(16), "z".repeat(255)];
        for (const name of names) sys.mkdir(name);
        expect(sys.read(sys.instance, 31)).toBe(-EINVAL);
        const first = sys.read(sys.instance, 32 + 32 + 47);
        if (typeof first === "number") throw new Error(`read: ${first}`);
        expect(eventsIn(first)).toMatchObject([
          { name: "a", length: 16 },
          { name: names[1], length: 16 },
        ]);
        expect(sys.events()).toMatchObject([
          { name: names[2], length: 32 },
          { name: names[3], length: 256 },
        ]);
        expect(sys.read(sys.instance, 1)).toBe(-EAGAIN);
      }),
    );

    test(
      "can be polled, and only read",
      run((sys) => {
        const fd = sys.inotify(IN.IN_NONBLOCK | IN.IN_CLOEXEC);
        expect(sys.fcntl(fd, F_GETFL)).toBe(O_RDONLY | O_NONBLOCK);
        expect(sys.fcntl(fd, F_GETFD)).toBe(FD_CLOEXEC);
        expect(sys.write(fd, "x")).toBe(-EBADF);
        const asked = [{ fd, events: POLLIN | POLLOUT | POLLRDNORM }];
        expect(sys.poll(asked)).toEqual([0, 0]);
        sys.addWatch(fd, ".", IN.IN_CREATE);
        sys.mkdir("dir");
        expect(sys.poll(asked)).toEqual([1, POLLIN | POLLRDNORM]);
        sys.read(fd, 100);
        expect(sys.poll(asked)).toEqual([0, 0]);
      }),
    );

    test("that is full says so once", { timeout: 60_000 }, () => {
      const target = make();
      const sys = new Watcher(target);
      const top = sys.open(".", O_RDONLY);
      sys.watch(".", IN.IN_MODIFY);
      const files = [sys.open("a", O_CREAT | O_RDWR), sys.open("b", O_CREAT | O_RDWR)];
      for (let i = 0; i < 16_390; i++) sys.pwrite(files[i & 1]!, "x", 0);
      let count = 0;
      let last: WatchEvent | undefined;
      for (let events = sys.events(); events.length > 0; events = sys.events()) {
        count += events.length;
        last = events.at(-1);
      }
      expect(count).toBe(16_385);
      expect(last).toEqual({ wd: -1, what: "q_overflow", cookie: 0, name: "", length: 0 });
      sys.pwrite(files[0]!, "x", 0);
      expect(sys.told()).toEqual(["1 modify a"]);
      sys.close(top);
      target.end();
    });
  });
}
