// dup, dup2, dup3, close_range, fcntl of descriptors and flags.

import { describe, expect, test } from "vitest";
import { EBADF, EFAULT, EINVAL, EMFILE, EPERM } from "../../../../assembly/abi/errno.ts";
import {
  F_DUPFD,
  F_DUPFD_CLOEXEC,
  F_GETFD,
  F_GETFL,
  F_GETPIPE_SZ,
  F_SETFD,
  F_SETFL,
  FD_CLOEXEC,
  O_APPEND,
  O_CLOEXEC,
  O_CREAT,
  O_DIRECTORY,
  O_DSYNC,
  O_EXCL,
  O_LARGEFILE,
  O_NOATIME,
  O_NOFOLLOW,
  O_NONBLOCK,
  O_PATH,
  O_RDWR,
  O_SYNC,
  O_TRUNC,
  O_WRONLY,
} from "../../../../assembly/abi/fcntl.ts";
import { FD_MAX } from "../../../../assembly/abi/limits.ts";
import * as nr from "../../../../assembly/abi/syscall.ts";
import { DescriptorCalls } from "../../../support/sys/descriptor-calls.ts";
import type { Target } from "../../../support/sys/target.ts";

const SYS_GETRLIMIT = 97;
const RLIMIT_NOFILE = 7;
const CLOSE_RANGE_UNSHARE = 2;
const CLOSE_RANGE_CLOEXEC = 4;

/** As many descriptors as a process may have: ours by design, Linux's by what this machine lets the oracle have. */
function descriptorLimit(sys: DescriptorCalls): number {
  const limit = Buffer.alloc(16);
  const known = sys.process.syscall(SYS_GETRLIMIT, RLIMIT_NOFILE, limit) === 0;
  return known ? Number(limit.readBigUInt64LE(0)) : FD_MAX;
}

export function descriptorCases(make: () => Target): void {
  /** Runs a case on a fresh tree with a file in it, open for reading and writing. */
  function withFile(run: (sys: DescriptorCalls, fd: number, target: Target) => void): () => void {
    return () => {
      const target = make();
      const sys = new DescriptorCalls(target.process());
      run(sys, sys.open("file", O_CREAT | O_RDWR, 0o644), target);
      target.end();
    };
  }

  describe("dup, dup2 and dup3", () => {
    test(
      "dup takes the lowest free descriptor and shares the offset",
      withFile((sys, fd) => {
        const other = sys.dup(fd);
        expect(other).toBe(fd + 1);
        expect(sys.write(fd, "abc")).toBe(3);
        expect(sys.write(other, "def")).toBe(3);
        expect(sys.pread(fd, 10, 0)).toEqual(Buffer.from("abcdef"));
        expect(sys.close(fd)).toBe(0);
        expect(sys.dup(other)).toBe(fd);
        expect(sys.write(fd, "g")).toBe(1);
        expect(sys.dup(fd + 50)).toBe(-EBADF);
        expect(sys.dup(-1)).toBe(-EBADF);
      }),
    );

    test(
      "dup2 closes what was there, and of a descriptor onto itself does nothing",
      withFile((sys, fd) => {
        const second = sys.open("second", O_CREAT | O_RDWR);
        expect(sys.dup2(fd, second)).toBe(second);
        expect(sys.write(second, "x")).toBe(1);
        expect(sys.stat("file")).toMatchObject({ size: 1 });
        expect(sys.stat("second")).toMatchObject({ size: 0 });
        expect(sys.dup2(fd, fd)).toBe(fd);
        expect(sys.dup2(fd + 40, fd + 40)).toBe(-EBADF);
        expect(sys.dup2(fd + 40, fd)).toBe(-EBADF);
        expect(sys.dup2(fd, -1)).toBe(-EBADF);
        expect(sys.dup2(fd, 0x7fffffff)).toBe(-EBADF);
        expect(sys.dup2(fd, fd + 100)).toBe(fd + 100);
        expect(sys.fcntl(fd + 100, F_GETFD)).toBe(0);
      }),
    );

    test(
      "dup3 sets close-on-exec, and refuses a descriptor onto itself and other flags",
      withFile((sys, fd) => {
        expect(sys.dup3(fd, fd + 9, O_CLOEXEC)).toBe(fd + 9);
        expect(sys.fcntl(fd + 9, F_GETFD)).toBe(FD_CLOEXEC);
        expect(sys.dup3(fd, fd + 9, 0)).toBe(fd + 9);
        expect(sys.fcntl(fd + 9, F_GETFD)).toBe(0);
        expect(sys.dup3(fd, fd, O_CLOEXEC)).toBe(-EINVAL);
        expect(sys.dup3(fd + 60, fd + 60, 0)).toBe(-EINVAL);
        expect(sys.dup3(fd, fd + 1, O_NONBLOCK)).toBe(-EINVAL);
        expect(sys.dup3(fd + 60, fd + 1, 0)).toBe(-EBADF);
        expect(sys.dup3(fd, -1, 0)).toBe(-EBADF);
      }),
    );

    test(
      "at the limit there is no descriptor more, until one is closed",
      withFile((sys, fd) => {
        const limit = descriptorLimit(sys);
        expect(sys.fcntl(fd, F_DUPFD, limit - 1)).toBe(limit - 1);
        expect(sys.fcntl(fd, F_DUPFD, limit - 1)).toBe(-EMFILE);
        expect(sys.fcntl(fd, F_DUPFD, limit)).toBe(-EINVAL);
        expect(sys.dup2(fd, limit)).toBe(-EBADF);
        expect(sys.dup2(fd, limit - 1)).toBe(limit - 1);
        let last = 0;
        for (let made = 0; made >= 0; made = sys.dup(fd)) last = made;
        expect(last).toBe(limit - 2);
        expect(sys.dup(fd)).toBe(-EMFILE);
        expect(sys.open("file")).toBe(-EMFILE);
        expect(sys.open("unmade", O_CREAT | O_RDWR)).toBe(-EMFILE);
        expect(sys.pipe()[0]).toBe(-EMFILE);
        expect(sys.eventfd(0)).toBe(-EMFILE);
        expect(sys.memfd("m")).toBe(-EMFILE);
        expect(sys.close(100)).toBe(0);
        expect(sys.pipe()[0]).toBe(-EMFILE);
        expect(sys.open("file")).toBe(100);
        expect(sys.closeRange(50, 4000)).toBe(0);
        expect(sys.dup(fd)).toBe(50);
      }),
    );
  });

  describe("close_range", () => {
    test(
      "closes a range, open or not, and refuses one that is upside down",
      withFile((sys, fd) => {
        for (let i = 1; i <= 5; i++) sys.dup2(fd, fd + i * 2);
        expect(sys.closeRange(fd + 3, fd + 8)).toBe(0);
        expect(sys.fcntl(fd + 2, F_GETFD)).toBe(0);
        expect(sys.fcntl(fd + 4, F_GETFD)).toBe(-EBADF);
        expect(sys.fcntl(fd + 8, F_GETFD)).toBe(-EBADF);
        expect(sys.fcntl(fd + 10, F_GETFD)).toBe(0);
        expect(sys.closeRange(fd + 8, fd + 3)).toBe(-EINVAL);
        expect(sys.closeRange(fd, fd, 1)).toBe(-EINVAL);
        expect(sys.closeRange(fd + 9, 0xffffffff, CLOSE_RANGE_CLOEXEC)).toBe(0);
        expect(sys.fcntl(fd + 10, F_GETFD)).toBe(FD_CLOEXEC);
        expect(sys.closeRange(fd + 9, 200, CLOSE_RANGE_UNSHARE)).toBe(0);
        expect(sys.fcntl(fd + 10, F_GETFD)).toBe(-EBADF);
      }),
    );
  });

  describe("fcntl", () => {
    test(
      "tells O_SYNC and O_DSYNC, which stay as the file was opened with",
      withFile((sys) => {
        for (const flags of [O_SYNC, O_DSYNC]) {
          const synced = sys.open("synced", O_CREAT | O_RDWR | flags);
          const told = () => sys.fcntl(synced, F_GETFL) & O_SYNC;
          expect(told()).toBe(flags);
          expect(sys.write(synced, "text")).toBe(4);
          expect(sys.fcntl(synced, F_SETFL, 0)).toBe(0);
          expect(told()).toBe(flags);
          expect(sys.close(synced)).toBe(0);
        }
      }),
    );
    test(
      "duplicates from a descriptor on",
      withFile((sys, fd) => {
        expect(sys.fcntl(fd, F_DUPFD, fd + 20)).toBe(fd + 20);
        expect(sys.fcntl(fd, F_DUPFD, fd + 20)).toBe(fd + 21);
        expect(sys.fcntl(fd, F_GETFD)).toBe(0);
        expect(sys.fcntl(fd, F_DUPFD_CLOEXEC, fd + 20)).toBe(fd + 22);
        expect(sys.fcntl(fd + 22, F_GETFD)).toBe(FD_CLOEXEC);
        expect(sys.fcntl(fd, F_DUPFD, -1)).toBe(-EINVAL);
        expect(sys.fcntl(fd + 70, F_DUPFD, 0)).toBe(-EBADF);
      }),
    );

    test(
      "sets close-on-exec of the descriptor, not of its duplicates",
      withFile((sys, fd) => {
        const other = sys.dup(fd);
        expect(sys.fcntl(fd, F_SETFD, FD_CLOEXEC)).toBe(0);
        expect(sys.fcntl(fd, F_GETFD)).toBe(FD_CLOEXEC);
        expect(sys.fcntl(other, F_GETFD)).toBe(0);
        expect(sys.fcntl(fd, F_SETFD, 6)).toBe(0);
        expect(sys.fcntl(fd, F_GETFD)).toBe(0);
        const opened = sys.open("file", O_CLOEXEC);
        expect(sys.fcntl(opened, F_GETFD)).toBe(FD_CLOEXEC);
        expect(sys.fcntl(opened, F_GETFL)).toBe(O_LARGEFILE);
        expect(sys.fcntl(sys.dup(opened), F_GETFD)).toBe(0);
      }),
    );

    test(
      "tells the flags of the description, without those of the open",
      withFile((sys, fd) => {
        expect(sys.fcntl(fd, F_GETFL)).toBe(O_RDWR | O_LARGEFILE);
        const other = sys.open("other", O_CREAT | O_EXCL | O_TRUNC | O_WRONLY | O_APPEND | O_NONBLOCK);
        expect(sys.fcntl(other, F_GETFL)).toBe(O_WRONLY | O_APPEND | O_NONBLOCK | O_LARGEFILE);
        const top = sys.open(".", O_DIRECTORY);
        expect(sys.fcntl(top, F_GETFL)).toBe(O_DIRECTORY | O_LARGEFILE);
        const place = sys.open("file", O_PATH | O_NOFOLLOW | O_RDWR | O_CLOEXEC);
        expect(sys.fcntl(place, F_GETFL)).toBe(O_PATH | O_NOFOLLOW);
        expect(sys.fcntl(place, F_GETFD)).toBe(FD_CLOEXEC);
      }),
    );

    test(
      "changes O_APPEND, O_NONBLOCK and O_NOATIME, for every duplicate, and nothing else",
      withFile((sys, fd) => {
        const other = sys.dup(fd);
        expect(sys.write(fd, "abc")).toBe(3);
        expect(sys.fcntl(fd, F_SETFL, O_APPEND | O_NONBLOCK | O_NOATIME | O_WRONLY | O_CREAT)).toBe(0);
        expect(sys.fcntl(other, F_GETFL)).toBe(O_RDWR | O_APPEND | O_NONBLOCK | O_NOATIME | O_LARGEFILE);
        expect(sys.fcntl(other, F_SETFL, 0)).toBe(0);
        expect(sys.fcntl(fd, F_GETFL)).toBe(O_RDWR | O_LARGEFILE);
      }),
    );

    test("does not let a stranger have O_NOATIME", () => {
      const target = make();
      const root = new DescriptorCalls(target.process());
      root.close(root.open("file", O_CREAT | O_RDWR, 0o666));
      const stranger = new DescriptorCalls(target.process({ uid: 1000, gid: 1000 }));
      const fd = stranger.open("file", O_RDWR);
      expect(fd).toBeGreaterThanOrEqual(0);
      expect(stranger.fcntl(fd, F_SETFL, O_NOATIME)).toBe(-EPERM);
      expect(stranger.fcntl(fd, F_SETFL, O_APPEND)).toBe(0);
      target.end();
    });

    test(
      "of a descriptor made by O_PATH is about the descriptor alone",
      withFile((sys) => {
        const place = sys.open("file", O_PATH);
        expect(sys.fcntl(place, F_SETFL, O_APPEND)).toBe(-EBADF);
        expect(sys.fcntl(place, 9999)).toBe(-EBADF);
        expect(sys.fcntl(place, F_DUPFD, 0)).toBeGreaterThan(place);
        expect(sys.fcntl(place, F_SETFD, 1)).toBe(0);
      }),
    );

    test(
      "knows no other command",
      withFile((sys, fd) => {
        expect(sys.fcntl(fd, 9999)).toBe(-EINVAL);
        expect(sys.fcntl(fd + 30, 9999)).toBe(-EBADF);
        expect(sys.fcntl(fd, F_GETPIPE_SZ)).toBe(-EBADF);
        expect(sys.process.syscall(nr.SYS_pipe2, 8, 0)).toBe(-EFAULT);
        expect(sys.dup(fd)).toBe(fd + 1);
      }),
    );
  });
}
