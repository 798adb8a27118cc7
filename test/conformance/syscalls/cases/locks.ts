// flock, POSIX record locks and OFD locks, where nothing has to wait.

import { describe, expect, test } from "vitest";
import { EAGAIN, EBADF, EFAULT, EINVAL, EOVERFLOW } from "../../../../assembly/abi/errno.ts";
import {
  F_GETLK,
  F_OFD_GETLK,
  F_OFD_SETLK,
  F_RDLCK,
  F_SETLK,
  F_SETLKW,
  F_UNLCK,
  F_WRLCK,
  LOCK_EX,
  LOCK_NB,
  LOCK_SH,
  LOCK_UN,
  O_CREAT,
  O_PATH,
  O_RDONLY,
  O_RDWR,
  O_WRONLY,
  SEEK_CUR,
  SEEK_END,
  SEEK_SET,
} from "../../../../assembly/abi/fcntl.ts";
import { DescriptorCalls } from "../../../support/sys/descriptor-calls.ts";
import type { Target } from "../../../support/sys/target.ts";

const MAX = 0x7fffffffffffffffn;

/** Two processes with the same file of ten bytes open. */
interface Pair {
  readonly one: DescriptorCalls;
  readonly two: DescriptorCalls;
  readonly a: number;
  readonly b: number;
}

export function lockCases(make: () => Target): void {
  function pair(body: (pair: Pair) => void): () => void {
    return () => {
      const target = make();
      const one = new DescriptorCalls(target.process());
      const two = new DescriptorCalls(target.process());
      const a = one.open("file", O_CREAT | O_RDWR);
      one.write(a, "0123456789");
      const b = two.open("file", O_RDWR);
      body({ one, two, a, b });
      target.end();
    };
  }

  /** What the other process sees of locks, as [type, start, length] from 0 on. */
  function seen(sys: DescriptorCalls, fd: number): number[][] {
    const found: number[][] = [];
    for (let start = 0; ; ) {
      const lock = sys.getLock(fd, { type: F_WRLCK, start });
      if (typeof lock === "number") throw new Error(`F_GETLK: ${lock}`);
      if (lock.type === F_UNLCK) return found;
      found.push([lock.type, lock.start, lock.length]);
      if (lock.length === 0) return found;
      start = lock.start + lock.length;
    }
  }

  describe("record locks", () => {
    test(
      "exclude other processes, readers not each other",
      pair(({ one, two, a, b }) => {
        expect(one.setLock(a, { type: F_RDLCK, length: 5 })).toBe(0);
        expect(two.setLock(b, { type: F_RDLCK, length: 10 })).toBe(0);
        expect(two.setLock(b, { type: F_WRLCK, length: 10 })).toBe(-EAGAIN);
        expect(two.setLock(b, { type: F_WRLCK, start: 5 })).toBe(0);
        expect(one.setLock(a, { type: F_RDLCK, length: 6 })).toBe(-EAGAIN);
        expect(one.getLock(a, { type: F_RDLCK, length: 6 })).toEqual({
          type: F_WRLCK,
          whence: SEEK_SET,
          start: 5,
          length: 0,
          pid: 1,
        });
        expect(one.getLock(a, { type: F_RDLCK, length: 5 })).toMatchObject({ type: F_UNLCK, length: 5 });
        expect(two.setLock(b, { type: F_UNLCK })).toBe(0);
        expect(one.setLock(a, { type: F_WRLCK }, F_SETLKW)).toBe(0);
      }),
    );

    test(
      "of one process are merged, split and changed",
      pair(({ one, two, a, b }) => {
        expect(one.setLock(a, { type: F_WRLCK, start: 10, length: 10 })).toBe(0);
        expect(one.setLock(a, { type: F_WRLCK, start: 30, length: 10 })).toBe(0);
        expect(seen(two, b)).toEqual([
          [F_WRLCK, 10, 10],
          [F_WRLCK, 30, 10],
        ]);
        expect(one.setLock(a, { type: F_WRLCK, start: 20, length: 10 })).toBe(0);
        expect(seen(two, b)).toEqual([[F_WRLCK, 10, 30]]);
        expect(one.setLock(a, { type: F_RDLCK, start: 15, length: 5 })).toBe(0);
        expect(seen(two, b)).toEqual([
          [F_WRLCK, 10, 5],
          [F_RDLCK, 15, 5],
          [F_WRLCK, 20, 20],
        ]);
        expect(one.setLock(a, { type: F_UNLCK, start: 12, length: 10 })).toBe(0);
        expect(seen(two, b)).toEqual([
          [F_WRLCK, 10, 2],
          [F_WRLCK, 22, 18],
        ]);
        expect(one.setLock(a, { type: F_RDLCK, start: 0 })).toBe(0);
        expect(seen(two, b)).toEqual([[F_RDLCK, 0, 0]]);
        expect(one.setLock(a, { type: F_UNLCK, start: 5, length: 1 })).toBe(0);
        expect(one.setLock(a, { type: F_WRLCK, start: 100 })).toBe(0);
        expect(seen(two, b)).toEqual([
          [F_RDLCK, 0, 5],
          [F_RDLCK, 6, 94],
          [F_WRLCK, 100, 0],
        ]);
        expect(one.setLock(a, { type: F_UNLCK, start: 50 })).toBe(0);
        expect(seen(two, b)).toEqual([
          [F_RDLCK, 0, 5],
          [F_RDLCK, 6, 44],
        ]);
      }),
    );

    test(
      "count from the beginning, the position, or the end, forwards and backwards",
      pair(({ one, two, a, b }) => {
        expect(one.setLock(a, { type: F_WRLCK, whence: SEEK_CUR, start: -2, length: 1 })).toBe(0);
        expect(seen(two, b)).toEqual([[F_WRLCK, 8, 1]]);
        expect(one.setLock(a, { type: F_UNLCK })).toBe(0);
        expect(one.setLock(a, { type: F_WRLCK, whence: SEEK_END, start: 0, length: -3 })).toBe(0);
        expect(seen(two, b)).toEqual([[F_WRLCK, 7, 3]]);
        expect(one.setLock(a, { type: F_WRLCK, whence: 3 })).toBe(-EINVAL);
        expect(one.setLock(a, { type: 3 })).toBe(-EINVAL);
        expect(one.setLock(a, { type: F_WRLCK, start: -1 })).toBe(-EINVAL);
        expect(one.setLock(a, { type: F_WRLCK, start: 2, length: -3 })).toBe(-EINVAL);
        expect(one.setLock(a, { type: F_WRLCK, whence: SEEK_END, start: MAX })).toBe(-EOVERFLOW);
        expect(one.setLock(a, { type: F_WRLCK, start: MAX, length: 2 })).toBe(-EOVERFLOW);
        expect(one.setLock(a, { type: F_WRLCK, start: MAX, length: 1 })).toBe(0);
        expect(one.fcntl(a, F_SETLK, 8)).toBe(-EFAULT);
        expect(one.fcntl(a, F_GETLK, 8)).toBe(-EFAULT);
        expect(one.getLock(a, { type: F_UNLCK })).toBe(-EINVAL);
      }),
    );

    test(
      "need the file open as they lock it",
      pair(({ one }) => {
        const reader = one.open("file", O_RDONLY);
        const writer = one.open("file", O_WRONLY);
        expect(one.setLock(reader, { type: F_WRLCK })).toBe(-EBADF);
        expect(one.setLock(writer, { type: F_RDLCK })).toBe(-EBADF);
        expect(one.setLock(one.open("file", O_PATH), { type: F_RDLCK })).toBe(-EBADF);
        expect(one.setLock(reader, { type: F_RDLCK })).toBe(0);
        expect(one.setLock(writer, { type: F_WRLCK })).toBe(0);
      }),
    );

    test(
      "go when the process closes any descriptor of the file, and with the process",
      pair(({ one, two, a, b }) => {
        const other = one.open("file", O_RDONLY);
        const twin = one.dup(a);
        const place = one.open("file", O_PATH);
        expect(one.setLock(a, { type: F_WRLCK })).toBe(0);
        expect(one.close(place)).toBe(0);
        expect(two.setLock(b, { type: F_RDLCK })).toBe(-EAGAIN);
        expect(one.close(other)).toBe(0);
        expect(two.setLock(b, { type: F_RDLCK })).toBe(0);
        expect(two.setLock(b, { type: F_UNLCK })).toBe(0);
        expect(one.setLock(a, { type: F_WRLCK })).toBe(0);
        expect(one.close(twin)).toBe(0);
        expect(two.setLock(b, { type: F_WRLCK })).toBe(0);
        expect(two.dup2(two.open(".", O_RDONLY), b)).toBe(b);
        expect(one.setLock(a, { type: F_WRLCK })).toBe(0);
      }),
    );
  });

  describe("OFD locks", () => {
    test(
      "are the description's: they exclude another of the same process",
      pair(({ one, a }) => {
        const other = one.open("file", O_RDWR);
        const twin = one.dup(a);
        expect(one.setLock(a, { type: F_WRLCK, length: 5 }, F_OFD_SETLK)).toBe(0);
        expect(one.setLock(twin, { type: F_WRLCK, length: 7 }, F_OFD_SETLK)).toBe(0);
        expect(one.setLock(other, { type: F_RDLCK }, F_OFD_SETLK)).toBe(-EAGAIN);
        expect(one.setLock(other, { type: F_RDLCK })).toBe(-EAGAIN);
        expect(one.getLock(other, { type: F_RDLCK }, F_OFD_GETLK)).toEqual({
          type: F_WRLCK,
          whence: SEEK_SET,
          start: 0,
          length: 7,
          pid: -1,
        });
        expect(one.setLock(other, { type: F_RDLCK, pid: 5 }, F_OFD_SETLK)).toBe(-EINVAL);
        expect(one.getLock(other, { type: F_RDLCK, pid: 5 }, F_OFD_GETLK)).toBe(-EINVAL);
        expect(one.close(a)).toBe(0);
        expect(one.setLock(other, { type: F_RDLCK }, F_OFD_SETLK)).toBe(-EAGAIN);
        expect(one.close(twin)).toBe(0);
        expect(one.setLock(other, { type: F_WRLCK }, F_OFD_SETLK)).toBe(0);
      }),
    );

    test(
      "exclude the process's own record locks",
      pair(({ one, two, a, b }) => {
        expect(one.setLock(a, { type: F_WRLCK, start: 0, length: 5 })).toBe(0);
        expect(one.setLock(a, { type: F_RDLCK, start: 0, length: 5 }, F_OFD_SETLK)).toBe(-EAGAIN);
        expect(one.setLock(a, { type: F_RDLCK, start: 5, length: 5 }, F_OFD_SETLK)).toBe(0);
        expect(seen(two, b)).toEqual([
          [F_WRLCK, 0, 5],
          [F_RDLCK, 5, 5],
        ]);
        const other = one.open("file", O_RDWR);
        one.close(other);
        expect(seen(two, b)).toEqual([[F_RDLCK, 5, 5]]);
      }),
    );
  });

  describe("flock", () => {
    test(
      "is the description's, and shared by its duplicates",
      pair(({ one, a }) => {
        const other = one.open("file", O_RDONLY);
        const twin = one.dup(a);
        expect(one.flock(a, LOCK_EX)).toBe(0);
        expect(one.flock(twin, LOCK_EX | LOCK_NB)).toBe(0);
        expect(one.flock(other, LOCK_SH | LOCK_NB)).toBe(-EAGAIN);
        expect(one.flock(twin, LOCK_SH | LOCK_NB)).toBe(0);
        expect(one.flock(other, LOCK_SH | LOCK_NB)).toBe(0);
        expect(one.flock(twin, LOCK_UN)).toBe(0);
        expect(one.flock(other, LOCK_EX | LOCK_NB)).toBe(0);
        expect(one.close(other)).toBe(0);
        expect(one.flock(a, LOCK_EX | LOCK_NB)).toBe(0);
      }),
    );

    test(
      "that cannot be had as asked loses what it was",
      pair(({ one, two, a, b }) => {
        expect(one.flock(a, LOCK_SH)).toBe(0);
        expect(two.flock(b, LOCK_SH)).toBe(0);
        expect(one.flock(a, LOCK_EX | LOCK_NB)).toBe(-EAGAIN);
        expect(two.flock(b, LOCK_EX | LOCK_NB)).toBe(0);
      }),
    );

    test(
      "and record locks do not see each other",
      pair(({ one, two, a, b }) => {
        expect(one.flock(a, LOCK_EX)).toBe(0);
        expect(two.setLock(b, { type: F_WRLCK })).toBe(0);
        expect(two.flock(b, LOCK_SH | LOCK_NB)).toBe(-EAGAIN);
      }),
    );

    test(
      "takes directories too, and refuses what it does not know",
      pair(({ one, a }) => {
        expect(one.flock(one.open("."), LOCK_EX | LOCK_NB)).toBe(0);
        expect(one.flock(one.open("."), LOCK_EX | LOCK_NB)).toBe(-EAGAIN);
        expect(one.flock(a, 0)).toBe(-EINVAL);
        expect(one.flock(a, LOCK_SH | LOCK_EX)).toBe(-EINVAL);
        expect(one.flock(500, LOCK_SH)).toBe(-EBADF);
        expect(one.flock(500, 0)).toBe(-EINVAL);
        expect(one.flock(one.open("file", O_PATH), LOCK_SH)).toBe(-EBADF);
      }),
    );
  });
}
