// Two processes with one table of descriptors: one sleeps in a call on a descriptor that the other closes.

import { expect, test } from "vitest";
import { EBADF } from "../../../../assembly/abi/errno.ts";
import {
  F_GETFL,
  F_SETFL,
  F_SETLKW,
  F_WRLCK,
  LOCK_EX,
  LOCK_UN,
  O_CREAT,
  O_NONBLOCK,
  O_RDONLY,
  O_RDWR,
} from "../../../../assembly/abi/fcntl.ts";
import { POLLIN, POLLNVAL } from "../../../../assembly/abi/poll.ts";
import * as nr from "../../../../assembly/abi/syscall.ts";
import { DescriptorCalls, lockBytes, pollBytes } from "../../../support/sys/descriptor-calls.ts";
import type { ConcurrentProcess, ConcurrentTarget, PendingCall } from "../../../support/sys/target.ts";
import { wait } from "./pty.ts";

/** A call that has not returned by then sleeps. */
const ASLEEP_MS = 30;

interface World {
  readonly target: ConcurrentTarget;
  readonly sleeper: ConcurrentProcess;
  /** The other one, which is awake. */
  readonly sys: DescriptorCalls;
}

export function sharedFilesCases(make: () => ConcurrentTarget): void {
  function run(body: (world: World) => void): () => void {
    return () => {
      const target = make();
      const [sleeper, other] = target.sharing();
      body({ target, sleeper, sys: new DescriptorCalls(other) });
      target.end();
    };
  }

  function asleep(call: PendingCall): PendingCall {
    wait(ASLEEP_MS);
    expect(call.isDone()).toBe(false);
    return call;
  }

  test(
    "they have the same descriptors",
    run(({ sleeper, sys }) => {
      const fd = sys.open("/file", O_CREAT | O_RDWR);
      expect(sleeper.syscall(nr.SYS_write, fd, "abc", 3)).toBe(3);
      expect(sleeper.syscall(nr.SYS_lseek, fd, 0, 1)).toBe(3);
      expect(sleeper.syscall(nr.SYS_close, fd)).toBe(0);
      expect(sys.seek(fd, 0, 1)).toBe(-EBADF);
    }),
  );

  test(
    "a read goes on when its descriptor is closed",
    run(({ sleeper, sys }) => {
      const [reader, writer] = sys.pipe();
      const buffer = Buffer.alloc(4);
      const call = asleep(sleeper.begin(nr.SYS_read, reader, buffer, 4));
      expect(sys.close(reader)).toBe(0);
      expect(sys.write(writer, "abcd")).toBe(4);
      expect(call.result()).toBe(4);
      expect(`${buffer}`).toBe("abcd");
      expect(sleeper.syscall(nr.SYS_read, reader, buffer, 4)).toBe(-EBADF);
    }),
  );

  test(
    "a read goes on when another file takes its descriptor",
    run(({ sleeper, sys }) => {
      const [reader, writer] = sys.pipe();
      const file = sys.open("/file", O_CREAT | O_RDWR);
      sys.write(file, "file");
      const buffer = Buffer.alloc(4);
      const call = asleep(sleeper.begin(nr.SYS_read, reader, buffer, 4));
      expect(sys.dup2(file, reader)).toBe(reader);
      sys.close(file);
      sys.write(writer, "pipe");
      expect(call.result()).toBe(4);
      expect(`${buffer}`).toBe("pipe");
      expect(sleeper.syscall(nr.SYS_pread64, reader, buffer, 4, 0)).toBe(4);
      expect(`${buffer}`).toBe("file");
    }),
  );

  test(
    "a poll wakes by the file of a descriptor that is closed, and finds it so",
    run(({ sleeper, sys }) => {
      const [reader, writer] = sys.pipe();
      const asked = pollBytes([{ fd: reader, events: POLLIN }]);
      const call = asleep(sleeper.begin(nr.SYS_poll, asked, 1, -1));
      sys.close(reader);
      sys.write(writer, "x");
      expect(call.result()).toBe(1);
      expect(asked.readUInt16LE(6)).toBe(POLLNVAL);
    }),
  );

  test(
    "a sendfile goes on when both its descriptors are closed",
    run(({ sleeper, sys }) => {
      const file = sys.open("/file", O_CREAT | O_RDWR);
      sys.write(file, "content");
      const [reader, writer] = sys.pipe();
      fill(sys, writer);
      const call = asleep(sleeper.begin(nr.SYS_sendfile, writer, file, Buffer.alloc(8), 7));
      sys.close(file);
      sys.close(writer);
      while (!call.isDone()) sys.read(reader, 65536);
      expect(call.result()).toBe(7);
    }),
  );

  test(
    "a wait for a record lock ends without it when its descriptor is closed",
    run(({ target, sleeper, sys }) => {
      const fd = sys.open("/file", O_CREAT | O_RDWR);
      const holder = new DescriptorCalls(target.process());
      const held = holder.open("/file", O_RDWR);
      expect(holder.setLock(held, { type: F_WRLCK })).toBe(0);
      const call = asleep(sleeper.begin(nr.SYS_fcntl, fd, F_SETLKW, lockBytes({ type: F_WRLCK })));
      sys.close(fd);
      holder.close(held);
      expect(call.result()).toBe(-EBADF);
      const again = holder.open("/file", O_RDWR);
      expect(holder.setLock(again, { type: F_WRLCK })).toBe(0);
    }),
  );

  test(
    "a lock of the description that comes too late is gone with the call",
    run(({ target, sleeper, sys }) => {
      const fd = sys.open("/file", O_CREAT | O_RDWR);
      const holder = new DescriptorCalls(target.process());
      const held = holder.open("/file", O_RDWR);
      expect(holder.flock(held, LOCK_EX)).toBe(0);
      const call = asleep(sleeper.begin(nr.SYS_flock, fd, LOCK_EX));
      sys.close(fd);
      expect(holder.flock(held, LOCK_UN)).toBe(0);
      expect(call.result()).toBe(0);
      expect(holder.flock(held, LOCK_EX)).toBe(0);
    }),
  );

  test(
    "the descriptors stay when one of them is killed in its sleep",
    run(({ sleeper, sys }) => {
      const [reader, writer] = sys.pipe();
      const file = sys.open("/file", O_CREAT | O_RDWR);
      asleep(sleeper.begin(nr.SYS_read, reader, Buffer.alloc(4), 4));
      sys.close(reader);
      sleeper.kill();
      expect(sys.write(file, "abc")).toBe(3);
      expect(sys.open("/file", O_RDONLY)).toBe(reader);
      wait(ASLEEP_MS);
      // Nobody reads any more: the pipe's reading end went with the killed call.
      expect(sys.write(writer, "x")).toBeLessThan(0);
    }),
  );
}

/** Writes until a write would wait. */
function fill(sys: DescriptorCalls, writer: number): void {
  const flags = sys.fcntl(writer, F_GETFL);
  sys.fcntl(writer, F_SETFL, flags | O_NONBLOCK);
  while (sys.write(writer, Buffer.alloc(4096)) > 0);
  sys.fcntl(writer, F_SETFL, flags);
}
