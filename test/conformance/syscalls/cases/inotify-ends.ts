// inotify: when a watch ends, who is told of files without a name and of special files, and what the queue keeps.

import { describe, expect, test } from "vitest";
import { RWF_NOWAIT } from "../../../../assembly/abi/data.ts";
import { EACCES, EAGAIN, EBADF, EINVAL, EOPNOTSUPP } from "../../../../assembly/abi/errno.ts";
import {
  AT_EMPTY_PATH,
  AT_FDCWD,
  AT_REMOVEDIR,
  O_CREAT,
  O_NONBLOCK,
  O_PATH,
  O_RDONLY,
  O_RDWR,
  O_TMPFILE,
  O_TRUNC,
  O_WRONLY,
} from "../../../../assembly/abi/fcntl.ts";
import * as IN from "../../../../assembly/abi/inotify.ts";
import * as nr from "../../../../assembly/abi/syscall.ts";
import { DescriptorCalls } from "../../../support/sys/descriptor-calls.ts";
import type { Target } from "../../../support/sys/target.ts";
import { skipWithout } from "../../../support/sys/target.ts";
import { Watcher } from "../../../support/sys/watcher.ts";

export function inotifyEndCases(make: () => Target): void {
  function run(body: (sys: Watcher, target: Target) => void): () => void {
    return () => {
      const target = make();
      body(new Watcher(target), target);
      target.end();
    };
  }
  const touch = (sys: Watcher, path: string) => sys.close(sys.open(path, O_CREAT | O_RDWR));

  describe("a watch of what is removed while in use", () => {
    test(
      "ends with the last close of a directory, whatever was looked up in it",
      run((sys) => {
        sys.mkdir("dir");
        sys.mkdir("dir/inner");
        const dir = sys.open("dir");
        const inner = sys.open("dir/inner");
        sys.watch("dir");
        sys.watch("dir/inner");
        sys.stat("dir/none");
        sys.stat("dir/inner/none");
        sys.rmdir("dir/inner");
        sys.rmdir("dir");
        expect(sys.told()).toEqual(["1 delete+isdir inner"]);
        sys.close(inner);
        expect(sys.told()).toEqual([
          "1 close_nowrite+isdir inner",
          "2 close_nowrite+isdir",
          "2 delete_self",
          "2 ignored",
        ]);
        sys.close(dir);
        expect(sys.told()).toEqual(["1 close_nowrite+isdir", "1 delete_self", "1 ignored"]);
      }),
    );

    test(
      "ends when the last process leaves the directory",
      run((sys) => {
        sys.mkdir("dir");
        sys.mkdir("dir/inner");
        const top = sys.open(".");
        sys.watch("dir");
        sys.watch("dir/inner");
        sys.process.syscall(nr.SYS_chdir, "dir/inner");
        sys.process.syscall(nr.SYS_unlinkat, top, "dir/inner", AT_REMOVEDIR);
        sys.process.syscall(nr.SYS_unlinkat, top, "dir", AT_REMOVEDIR);
        expect(sys.told()).toEqual(["1 delete+isdir inner"]);
        sys.process.syscall(nr.SYS_fchdir, top);
        expect(sys.told()).toEqual(["2 delete_self", "2 ignored", "1 delete_self", "1 ignored"]);
      }),
    );

    test(
      "ends with a descriptor of the path alone",
      run((sys) => {
        touch(sys, "file");
        const fd = sys.open("file", O_PATH);
        sys.watch("file");
        sys.unlink("file");
        expect(sys.told()).toEqual(["1 attrib"]);
        sys.close(fd);
        expect(sys.told()).toEqual(["1 delete_self", "1 ignored"]);
      }),
    );

    test(
      "ends with the first name to go for good, although another is open",
      run((sys) => {
        const first = sys.open("first", O_CREAT | O_RDWR);
        sys.link("first", "second");
        const second = sys.open("second", O_RDWR);
        sys.watch("first");
        sys.unlink("first");
        sys.unlink("second");
        expect(sys.told()).toEqual(["1 attrib"]);
        sys.close(first);
        expect(sys.told()).toEqual(["1 close_write", "1 delete_self", "1 ignored"]);
        sys.close(second);
        expect(sys.told()).toEqual([]);
      }),
    );

    test(
      "tells of what a move replaced under the name that it had",
      run((sys) => {
        sys.mkdir("a");
        sys.mkdir("b");
        touch(sys, "a/from");
        const fd = sys.open("b/to", O_CREAT | O_RDWR);
        sys.watch("a");
        sys.watch("b");
        sys.watch("b/to");
        expect(sys.rename("a/from", "b/to")).toBe(0);
        expect(sys.told()).toEqual(["1 moved_from from", "2 moved_to to", "3 attrib"]);
        sys.write(fd, "x");
        sys.close(fd);
        expect(sys.told()).toEqual([
          "2 modify to",
          "3 modify",
          "2 close_write to",
          "3 close_write",
          "3 delete_self",
          "3 ignored",
        ]);
      }),
    );
  });

  describe("inotify of a file that O_TMPFILE made", () => {
    test(
      "tells its directory, by a name that it does not have",
      run((sys) => {
        sys.watch(".");
        const fd = sys.open(".", O_TMPFILE | O_RDWR);
        sys.write(fd, "x");
        sys.pread(fd, 1, 0);
        sys.process.syscall(nr.SYS_fchmod, fd, 0o600);
        sys.close(fd);
        expect(sys.told()).toEqual(["1 open #", "1 modify #", "1 access #", "1 attrib #", "1 close_write #"]);
      }),
    );

    test(
      "goes on doing so when the file gets a name",
      run((sys) => {
        sys.watch(".");
        const fd = sys.open(".", O_TMPFILE | O_RDWR);
        expect(sys.process.syscall(nr.SYS_linkat, fd, "", AT_FDCWD, "named", AT_EMPTY_PATH)).toBe(0);
        sys.watch("named");
        sys.write(fd, "x");
        sys.close(fd);
        sys.unlink("named");
        expect(sys.told()).toEqual([
          "1 open #",
          "1 create named",
          "1 modify #",
          "2 modify",
          "1 close_write #",
          "2 close_write",
          "2 attrib",
          "2 delete_self",
          "2 ignored",
          "1 delete named",
        ]);
      }),
    );

    test(
      "passes over it with IN_EXCL_UNLINK, but for changes of its attributes",
      run((sys) => {
        sys.watch(".", IN.IN_ALL_EVENTS | IN.IN_EXCL_UNLINK);
        const fd = sys.open(".", O_TMPFILE | O_RDWR);
        sys.write(fd, "x");
        sys.process.syscall(nr.SYS_fchmod, fd, 0o600);
        sys.process.syscall(nr.SYS_ftruncate, fd, 0);
        sys.close(fd);
        expect(sys.told()).toEqual(["1 attrib #", "1 modify #"]);
      }),
    );
  });

  test(
    "IN_EXCL_UNLINK holds for a watch of the file itself, too",
    run((sys) => {
      const fd = sys.open("file", O_CREAT | O_RDWR);
      sys.watch(".", IN.IN_ALL_EVENTS | IN.IN_EXCL_UNLINK);
      sys.watch("file", IN.IN_ALL_EVENTS | IN.IN_EXCL_UNLINK);
      sys.unlink("file");
      expect(sys.told()).toEqual(["2 attrib", "1 delete file"]);
      sys.write(fd, "x");
      sys.process.syscall(nr.SYS_fchmod, fd, 0o600);
      sys.process.syscall(nr.SYS_ftruncate, fd, 0);
      sys.close(fd);
      expect(sys.told()).toEqual([
        "1 attrib file",
        "2 attrib",
        "1 modify file",
        "2 modify",
        "2 delete_self",
        "2 ignored",
      ]);
    }),
  );

  describe("inotify of reading and writing", () => {
    test(
      "takes a read into several buffers for an access, also when it gives nothing",
      run((sys) => {
        const fd = sys.open("file", O_CREAT | O_RDWR);
        sys.watch("file");
        expect(sys.process.syscall(nr.SYS_readv, fd, [Buffer.alloc(4)], 1)).toBe(0);
        expect(sys.told()).toEqual(["1 access"]);
        expect(sys.process.syscall(nr.SYS_preadv, fd, [], 0, 0)).toBe(0);
        expect(sys.told()).toEqual(["1 access"]);
        expect(sys.process.syscall(nr.SYS_writev, fd, [], 0)).toBe(0);
        sys.read(fd, 4);
        expect(sys.told()).toEqual([]);
      }),
    );

    test(
      "tells of a copy between files",
      run((sys) => {
        const from = sys.open("from", O_CREAT | O_RDWR);
        const to = sys.open("to", O_CREAT | O_RDWR);
        sys.write(from, "content");
        sys.watch(".");
        const copy = (length: number) =>
          sys.process.syscall(nr.SYS_copy_file_range, from, Buffer.alloc(8), to, Buffer.alloc(8), length, 0);
        expect(copy(5)).toBe(5);
        expect(sys.told()).toEqual(["1 access from", "1 modify to"]);
        expect(copy(0)).toBe(0);
        expect(sys.told()).toEqual([]);
      }),
    );

    test(
      "tells of privileges that a write takes away",
      run((sys, target) => {
        sys.process.syscall(nr.SYS_chmod, ".", 0o777);
        touch(sys, "file");
        const user = new DescriptorCalls(target.process({ uid: 1000, gid: 1000 }));
        const privileged = () => {
          sys.process.syscall(nr.SYS_chmod, "file", 0o6777);
          sys.told();
        };
        sys.watch("file");
        privileged();
        const fd = user.open("file", O_RDWR);
        sys.told();
        user.write(fd, "abc");
        expect(sys.told()).toEqual(["1 attrib", "1 modify"]);
        privileged();
        user.process.syscall(nr.SYS_ftruncate, fd, 1);
        expect(sys.told()).toEqual(["1 modify+attrib"]);
        privileged();
        user.process.syscall(nr.SYS_truncate, "file", 2);
        expect(sys.told()).toEqual(["1 modify+attrib"]);
        privileged();
        user.close(user.open("file", O_TRUNC | O_WRONLY));
        expect(sys.told()).toEqual(["1 open", "1 modify+attrib", "1 close_write"]);
      }),
    );

    test(
      "of a FIFO tells those who watch it, and not those who watch its directory",
      run((sys) => {
        sys.mkfifo("fifo");
        sys.watch(".");
        sys.watch("fifo");
        const reader = sys.open("fifo", O_RDONLY | O_NONBLOCK);
        const writer = sys.open("fifo", O_WRONLY | O_NONBLOCK);
        expect(sys.told()).toEqual(["1 open fifo", "2 open", "1 open fifo", "2 open"]);
        sys.write(writer, "xyz");
        sys.read(reader, 1);
        expect(sys.told()).toEqual(["2 modify", "2 access"]);
        sys.process.syscall(nr.SYS_fchmod, reader, 0o600);
        sys.close(reader);
        sys.close(writer);
        expect(sys.told()).toEqual([
          "1 attrib fifo",
          "2 attrib",
          "1 close_nowrite fifo",
          "2 close_nowrite",
          "1 close_write fifo",
          "2 close_write",
        ]);
      }),
    );
  });

  test(
    "inotify_add_watch knows all bits of a mask, and looks at the descriptor before it looks for contradictions",
    run((sys) => {
      const unknown = 0x00800000;
      expect(sys.watch(".", unknown | IN.IN_CREATE)).toBe(-EINVAL);
      expect(sys.watch(".", IN.IN_ISDIR)).toBe(1);
      const both = IN.IN_CREATE | IN.IN_MASK_ADD | IN.IN_MASK_CREATE;
      expect(sys.addWatch(sys.open(".", O_PATH), ".", both)).toBe(-EBADF);
      expect(sys.addWatch(sys.open("."), ".", both)).toBe(-EINVAL);
    }),
  );

  test("a full queue says so once as long as that is not read", { timeout: 60_000 }, () => {
    const target = make();
    const sys = new Watcher(target);
    sys.watch(".", IN.IN_MODIFY);
    const files = [sys.open("a", O_CREAT | O_RDWR), sys.open("b", O_CREAT | O_RDWR)];
    const write = (times: number) => {
      for (let i = 0; i < times; i++) sys.pwrite(files[i & 1]!, "x", 0);
    };
    write(16_400);
    expect(sys.read(sys.instance, 3200)).toHaveLength(3200);
    write(400);
    const all: string[] = [];
    for (let told = sys.told(); told.length > 0; told = sys.told()) all.push(...told);
    expect(all).toHaveLength(16_384);
    expect(all.filter((event) => event.includes("overflow"))).toHaveLength(1);
    expect(all.at(-1)).not.toContain("overflow");
    target.end();
  });

  test(
    "several buffers are read into one by one",
    run((sys) => {
      sys.watch(".", IN.IN_CREATE);
      const event = 32;
      const read = (...lengths: number[]) =>
        sys.process.syscall(
          nr.SYS_readv,
          sys.instance,
          lengths.map((length) => Buffer.alloc(length)),
          lengths.length,
        );
      for (const name of ["a", "b", "c", "d", "e"]) sys.mkdir(name);
      expect(read(1, 4096)).toBe(-EINVAL);
      expect(read(event + 1, 4096)).toBe(event);
      expect(read(event, 1)).toBe(event);
      expect(read(event, 2 * event, 4096)).toBe(3 * event);
    }),
  );

  describe("RWF_NOWAIT", () => {
    const nowait = (sys: DescriptorCalls, number: number, fd: number, length = 4) =>
      sys.process.syscall(number, fd, [Buffer.alloc(length)], 1, -1, 0, RWF_NOWAIT);

    test(
      "is known to pipes and event counters, not to a FIFO",
      run((sys) => {
        const [reader, writer] = sys.pipe();
        expect(nowait(sys, nr.SYS_preadv2, reader)).toBe(-EAGAIN);
        expect(nowait(sys, nr.SYS_pwritev2, writer)).toBe(4);
        expect(nowait(sys, nr.SYS_preadv2, reader)).toBe(4);
        expect(sys.fcntl(reader, 3)).toBe(O_RDONLY);
        expect(nowait(sys, nr.SYS_preadv2, sys.eventfd(0), 8)).toBe(-EAGAIN);
        expect(nowait(sys, nr.SYS_preadv2, sys.inotify(IN.IN_NONBLOCK))).toBe(-EOPNOTSUPP);
        sys.mkfifo("fifo");
        expect(nowait(sys, nr.SYS_preadv2, sys.open("fifo", O_RDWR))).toBe(-EOPNOTSUPP);
      }),
    );

    test("is known to the memory devices, but for the full one", (context) => {
      const target = make();
      skipWithout(target, "device nodes", context);
      const sys = new DescriptorCalls(target.process());
      const tried = (minor: number) => {
        const path = `device${minor}`;
        expect(sys.process.syscall(nr.SYS_mknod, path, 0o020666, 0x100 | minor)).toBe(0);
        const fd = sys.open(path, O_RDWR);
        return [nowait(sys, nr.SYS_preadv2, fd), nowait(sys, nr.SYS_pwritev2, fd)];
      };
      expect(tried(3)).toEqual([0, 4]);
      expect(tried(5)).toEqual([4, 4]);
      expect(tried(7)).toEqual([-EOPNOTSUPP, -EOPNOTSUPP]);
      expect(tried(9)).toEqual([4, 4]);
      target.end();
    });
  });

  test(
    "files of no place are one file to those who ask, and nobody's to change",
    run((sys, target) => {
      const fd = sys.eventfd(0);
      const files = [fd, sys.inotify(0)].map((each) => sys.fstat(each));
      expect(files[0]).toEqual(files[1]);
      expect(files[0]).toMatchObject({ mode: 0o600, uid: 0, gid: 0, nlink: 1 });
      expect(sys.process.syscall(nr.SYS_fchmod, fd, 0)).toBe(-EOPNOTSUPP);
      const user = new DescriptorCalls(target.process({ uid: 1000, gid: 1000 }));
      expect(user.process.syscall(nr.SYS_fchmod, user.eventfd(0), 0)).toBe(-EOPNOTSUPP);
      expect(user.process.syscall(nr.SYS_fchown, user.eventfd(0), 0, 0)).toBe(-EOPNOTSUPP);
      expect(user.process.syscall(nr.SYS_utimensat, user.eventfd(0), null, null, 0)).toBe(-EACCES);
    }),
  );
}
