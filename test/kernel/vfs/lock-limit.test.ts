// The bound of a file's locks: Linux has none, so there is nothing to compare with.

import { expect, test } from "vitest";
import { ENOLCK } from "../../../assembly/abi/errno.ts";
import { F_UNLCK, F_WRLCK, LOCK_SH, O_CREAT, O_RDWR } from "../../../assembly/abi/fcntl.ts";
import { SYS_flock } from "../../../assembly/abi/syscall.ts";
import { TMPFS } from "../../support/sys/backends.ts";
import { DescriptorCalls } from "../../support/sys/descriptor-calls.ts";

const LOCKS_MAX = 4096;

test("a file with too many record locks takes no more, and takes them again when some are gone", () => {
  const target = TMPFS.make();
  const sys = new DescriptorCalls(target.process());
  const fd = sys.open("file", O_CREAT | O_RDWR);
  const lock = (index: number, type = F_WRLCK) => sys.setLock(fd, { type, start: index * 2, length: 1 });
  let taken = 0;
  while (taken <= LOCKS_MAX && lock(taken) === 0) taken++;
  expect(taken).toBeGreaterThan(LOCKS_MAX - 3);
  expect(taken).toBeLessThanOrEqual(LOCKS_MAX);
  expect(lock(taken)).toBe(-ENOLCK);
  expect(sys.process.syscall(SYS_flock, fd, LOCK_SH)).toBe(-ENOLCK);
  // What takes locks away is never refused.
  expect(sys.setLock(fd, { type: F_UNLCK, start: 0, length: 0 })).toBe(0);
  expect(lock(taken)).toBe(0);
  expect(sys.process.syscall(SYS_flock, fd, LOCK_SH)).toBe(0);
  target.end();
});
