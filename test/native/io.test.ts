import { spawnSync } from "node:child_process";
import fs from "node:fs";
import path from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import * as errno from "../../assembly/abi/errno.ts";
import {
  AT_FDCWD,
  O_CREAT,
  O_NONBLOCK,
  O_RDONLY,
  O_RDWR,
  O_WRONLY,
  SEEK_CUR,
  SEEK_END,
  SEEK_SET,
} from "../../assembly/abi/fcntl.ts";
import { closeNow, inThread, Memory, native, owned, pair, scratch } from "./support.ts";

let memory: Memory;

beforeEach(() => {
  memory = new Memory();
});

function newFile(content = ""): number {
  const file = path.join(scratch(), "file");
  fs.writeFileSync(file, content);
  return owned(native.openat(AT_FDCWD, 0, memory.name(file), O_RDWR | O_CREAT, 0o600));
}

/** A named pipe, which unlike a socket has a capacity that a test can know. */
function fifo(): { reader: number; writer: number } {
  const file = path.join(scratch(), "fifo");
  if (spawnSync("mkfifo", [file]).status !== 0) throw new Error("mkfifo");
  const reader = owned(native.openat(AT_FDCWD, 0, memory.name(file), O_RDONLY | O_NONBLOCK, 0));
  const writer = owned(native.openat(AT_FDCWD, 0, memory.name(file), O_WRONLY, 0));
  native.fcntlSetFlags(reader, 0);
  return { reader, writer };
}

describe("preadGuest and pwriteGuest", () => {
  const kernel = new DataView(new SharedArrayBuffer(64));
  const handles = new Uint8Array(new SharedArrayBuffer(1 << 16));
  const guest = new Uint8Array(64);
  const REQUEST = 8;

  beforeEach(() => {
    guest.fill(0);
    handles.fill(0);
    for (const [slot, view] of [new Uint8Array(kernel.buffer), guest, memory.bytes, handles].entries()) {
      expect(native.registerMemory(slot, view)).toBe(0);
    }
  });

  afterEach(() => {
    native.registerMemory(0, memory.bytes);
  });

  function donate(content: string): number {
    const file = path.join(scratch(), "file");
    fs.writeFileSync(file, content);
    const fd = owned(fs.openSync(file, "r+"));
    handles[fd] = 2;
    return fd;
  }

  function request(fd: number, address: number, length: number, position: number): number {
    kernel.setBigInt64(REQUEST, BigInt(position), true);
    kernel.setInt32(REQUEST + 8, fd, true);
    kernel.setInt32(REQUEST + 12, address, true);
    kernel.setInt32(REQUEST + 16, length, true);
    return REQUEST;
  }

  test("move data between a file and the guest's memory", () => {
    const fd = donate("hello world");
    expect(native.preadGuest(request(fd, 60, 4, 6))).toBe(4);
    expect(Buffer.from(guest.subarray(60)).toString()).toBe("worl");
    expect(native.pwriteGuest(request(fd, 0, 1, 2 ** 33))).toBe(1);
    expect(fs.fstatSync(fd).size).toBe(2 ** 33 + 1);
  });

  test.each([
    [65, 0],
    [64, 1],
    [61, 4],
    [-1, 1],
    [0, -1],
    [0, 65],
    [-4, 8],
  ])("stay inside the guest's memory: %i, length %i", (address, length) => {
    const fd = donate("hello world");
    expect(native.preadGuest(request(fd, address, length, 0))).toBe(-errno.EFAULT);
    expect(native.pwriteGuest(request(fd, address, length, 0))).toBe(-errno.EFAULT);
    expect(native.preadGuest(request(fd, 64, 0, 0))).toBe(0);
    expect(guest.every((byte) => byte === 0)).toBe(true);
  });

  test("take descriptors that were donated, and no others", () => {
    const fd = donate("hello world");
    handles[fd] = 1;
    for (const handle of [fd, -1, handles.length, 2 ** 31 - 1]) {
      expect(native.preadGuest(request(handle, 0, 1, 0)), `${handle}`).toBe(-errno.EBADF);
      expect(native.pwriteGuest(request(handle, 0, 1, 0)), `${handle}`).toBe(-errno.EBADF);
    }
  });

  test("want a request that lies in the kernel's memory, and that memory shared", () => {
    const fd = donate("hello world");
    request(fd, 0, 1, 0);
    for (const address of [48, 64, -1, 2 ** 32 - 1, Number.NaN]) {
      expect(native.preadGuest(address), `${address}`).toBe(
        Number.isNaN(address) ? -errno.EBADF : -errno.EFAULT,
      );
    }
    expect(native.preadGuest("8" as unknown as number)).toBe(-errno.EFAULT);
    native.registerMemory(0, new Uint8Array(64));
    expect(native.preadGuest(REQUEST)).toBe(-errno.EFAULT);
  });

  test("copies between the two memories stay inside both", () => {
    kernel.setUint32(0, 0x04030201, true);
    expect(native.copyToGuest(0, 60, 4)).toBe(0);
    expect([...guest.subarray(59)]).toEqual([0, 1, 2, 3, 4]);
    expect(native.copyFromGuest(60, 61, 3)).toBe(0);
    expect(kernel.getUint32(60, true)).toBe(0x00040302);
    for (const [at, from, length] of [
      [0, 61, 4],
      [61, 0, 4],
      [0, -4, 8],
      [-4, 0, 8],
      [0, 0, -1],
    ] as const) {
      expect(native.copyToGuest(at, from, length)).toBe(-errno.EFAULT);
      expect(native.copyFromGuest(at, from, length)).toBe(-errno.EFAULT);
    }
    expect(native.copyToGuest("0" as unknown as number, 0, 0)).toBe(-errno.EFAULT);
    expect((native.copyFromGuest as () => number)()).toBe(-errno.EFAULT);
    native.registerMemory(0, new Uint8Array(64));
    expect(native.copyToGuest(0, 0, 1)).toBe(-errno.EFAULT);
  });

  test("fail as the system call does", () => {
    const fd = donate("hello world");
    expect(native.preadGuest(request(fd, 0, 1, -1))).toBe(-errno.EINVAL);
    expect(native.pwriteGuest(request(fd, 0, 1, -1))).toBe(-errno.EINVAL);
  });
});

describe("one span", () => {
  test("write, seek and read share the descriptor's offset", () => {
    const fd = newFile();
    const text = memory.put("hello world");
    const out = memory.room(16);
    expect(native.write(fd, 0, text, 11)).toBe(11);
    expect(native.lseek(fd, -5, SEEK_END)).toBe(6);
    expect(native.read(fd, 0, out, 16)).toBe(5);
    expect(memory.text(out, 5)).toBe("world");
    expect(native.lseek(fd, 0, SEEK_CUR)).toBe(11);
    expect(native.read(fd, 0, out, 16)).toBe(0);
  });

  test("pread and pwrite take positions above 4 GiB and leave the offset alone", () => {
    const fd = newFile("abc");
    const text = memory.put("far");
    const out = memory.room(16);
    const far = 2 ** 33 + 7;
    expect(native.pwrite(fd, 0, text, 3, far)).toBe(3);
    expect(native.lseek(fd, 0, SEEK_END)).toBe(far + 3);
    expect(native.lseek(fd, 1, SEEK_SET)).toBe(1);
    expect(native.pread(fd, 0, out, 16, far)).toBe(3);
    expect(memory.text(out, 3)).toBe("far");
    expect(native.lseek(fd, 0, SEEK_CUR)).toBe(1);
  });

  test("positions are numbers or BigInts, whole to the last bit", () => {
    const fd = newFile("abc");
    const end = 2n ** 63n;
    expect(native.pread(fd, 0, memory.room(16), 2, 1n)).toBe(2);
    expect(native.pread(fd, 0, memory.room(16), 4, end - 5n)).toBe(0);
    expect(native.pread(fd, 0, memory.room(16), 4, end - 4n)).toBe(-errno.EINVAL);
    expect(native.pread(fd, 0, memory.room(16), 4, end)).toBe(-errno.EINVAL);
    expect(native.pread(fd, 0, memory.room(16), 4, 2 ** 53 + 2)).toBe(-errno.EINVAL);
    expect(native.fallocate(fd, 0, end - 1n, 1n)).toBe(-errno.EFBIG);
    // Only positions and lengths of files are that wide.
    expect(native.pread(fd, 0, 0n as unknown as number, 1, 0)).toBe(-errno.EFAULT);
    expect(native.pread(1n as unknown as number, 0, 0, 1, 0)).toBe(-errno.EBADF);
  });

  test("Linux's errors come through", () => {
    const fd = newFile("abc");
    const [left] = pair(memory);
    expect(native.pread(fd, 0, 0, 1, -1)).toBe(-errno.EINVAL);
    expect(native.pread(left, 0, 0, 1, 0)).toBe(-errno.ESPIPE);
    expect(native.lseek(left, 0, SEEK_CUR)).toBe(-errno.ESPIPE);
    expect(native.lseek(fd, -1, SEEK_SET)).toBe(-errno.EINVAL);
    expect(native.read(99999, 0, 0, 1)).toBe(-errno.EBADF);
    expect(native.write(fd, 0, memory.size, 1)).toBe(-errno.EFAULT);
    expect(native.read(fd, 0, memory.size - 1, 2)).toBe(-errno.EFAULT);
    expect(native.pwrite(fd, 0, 2 ** 32, 1, 0)).toBe(-errno.EFAULT);
  });
});

describe("vectors", () => {
  test("writev gathers and readv scatters in another memory", () => {
    const fd = newFile();
    const guest = new Memory(1, 1);
    guest.bytes.set(Buffer.from("onetwothree"), 100);
    const spans = memory.vectors([100, 3], [106, 5], [0, 0], [103, 3]);
    expect(native.writev(fd, 0, spans, 4, 1, -1, -1)).toBe(11);
    expect(native.writev(fd, 0, spans, 1, 1, 20, -1)).toBe(3);
    expect(native.lseek(fd, 0, SEEK_CUR)).toBe(11);
    const into = memory.vectors([500, 3], [400, 4], [600, 100]);
    expect(native.readv(fd, 0, into, 3, 1, 0, -1)).toBe(23);
    expect(guest.text(500, 3)).toBe("one");
    expect(guest.text(400, 4)).toBe("thre");
    expect(guest.text(600, 4)).toBe("etwo");
    expect(guest.text(613, 3)).toBe("one");
  });

  test("counts and spans are checked before anything is written", () => {
    const fd = newFile();
    const bad = memory.vectors([0, 4], [memory.size - 1, 2]);
    const huge = memory.vectors([0xffffffff, 1], [0, 0xffffffff]);
    expect(native.writev(fd, 0, bad, 2, 0, -1, -1)).toBe(-errno.EFAULT);
    expect(native.writev(fd, 0, huge, 1, 0, -1, -1)).toBe(-errno.EFAULT);
    expect(native.readv(fd, 0, huge + 8, 1, 0, -1, -1)).toBe(-errno.EFAULT);
    expect(native.readv(fd, 0, memory.size - 8, 2, 0, -1, -1)).toBe(-errno.EFAULT);
    expect(native.readv(fd, 0, bad, 1025, 0, -1, -1)).toBe(-errno.EINVAL);
    expect(native.readv(fd, 0, bad, -1, 0, -1, -1)).toBe(-errno.EINVAL);
    expect(native.readv(fd, 0, bad, 1, 0, -2, -1)).toBe(-errno.EINVAL);
    expect(native.readv(fd, 0, bad, 1, 9, -1, -1)).toBe(-errno.EFAULT);
    expect(fs.fstatSync(fd).size).toBe(0);
  });

  test("1,024 vectors are allowed and none is an empty transfer", () => {
    const fd = newFile();
    const many = memory.vectors(...Array.from({ length: 1024 }, (): [number, number] => [0, 1]));
    expect(native.writev(fd, 0, many, 1024, 0, -1, -1)).toBe(1024);
    expect(native.writev(fd, 0, many, 0, 0, -1, -1)).toBe(0);
    expect(native.readv(99999, 0, many, 0, 0, -1, -1)).toBe(-errno.EBADF);
  });
});

describe("with a cancel descriptor", () => {
  test("regular files read and write as without", () => {
    const cancel = owned(native.eventfd(0));
    const fd = newFile();
    const text = memory.put("0123456789");
    const spans = memory.vectors([text, 10]);
    expect(native.writev(fd, 0, spans, 1, 0, -1, cancel)).toBe(10);
    expect(native.lseek(fd, 4, SEEK_SET)).toBe(4);
    expect(native.readv(fd, 0, memory.vectors([memory.room(16), 16]), 1, 0, -1, cancel)).toBe(6);
    expect(native.readv(fd, 0, spans, 1, 0, -1, cancel)).toBe(0);
    expect(native.readv(99999, 0, spans, 1, 0, -1, cancel)).toBe(-errno.EBADF);
    expect(native.readv(fd, 0, spans, 1, 0, -1, 99999)).toBe(-errno.EBADF);
  });

  test("a read that waits ends with EINTR", async () => {
    const cancel = owned(native.eventfd(0));
    const { reader } = fifo();
    const signalled = inThread("pause(50); n.eventfdSignal(data);", cancel);
    expect(native.readv(reader, 0, memory.vectors([0, 4]), 1, 0, -1, cancel)).toBe(-errno.EINTR);
    await signalled;
  });

  test("data that is there comes before a cancel", () => {
    const cancel = owned(native.eventfd(1));
    const { reader, writer } = fifo();
    const spans = memory.vectors([memory.put("data"), 4]);
    expect(native.writev(writer, 0, spans, 1, 0, -1, cancel)).toBe(4);
    expect(native.readv(reader, 0, spans, 1, 0, -1, cancel)).toBe(4);
    expect(native.readv(reader, 0, spans, 1, 0, -1, cancel)).toBe(-errno.EINTR);
  });

  test("a non-blocking descriptor waits all the same", async () => {
    const cancel = owned(native.eventfd(0));
    const { reader, writer } = fifo();
    native.fcntlSetFlags(reader, O_NONBLOCK);
    const out = memory.room(8);
    const spans = memory.vectors([out, 8]);
    expect(native.readv(reader, 0, spans, 1, 0, -1, -1)).toBe(-errno.EAGAIN);
    const written = inThread("pause(50); m.set(Buffer.from('late')); n.write(data, 0, 0, 4);", writer);
    expect(native.readv(reader, 0, spans, 1, 0, -1, cancel)).toBe(4);
    expect(memory.text(out, 4)).toBe("late");
    await written;
  });

  test.each(["fifo", "socket", "non-blocking fifo"])("a write to a %s delivers everything", async (kind) => {
    const cancel = owned(native.eventfd(0));
    const large = new Memory(16, 2);
    for (let index = 0; index < large.size; index += 4) large.view.setUint32(index, index, true);
    const [reader, writer] = kind === "socket" ? pair(memory) : Object.values(fifo());
    if (kind === "non-blocking fifo") native.fcntlSetFlags(writer!, O_NONBLOCK);
    const checked = inThread(
      `let at = 0, wrong = 0;
       while (at < data.size) {
         const got = n.read(data.reader, 0, 0, 65536 - (at % 4 ? 1 : 0));
         for (let i = 0; i < got; i++, at++) wrong += m[i] !== (at >>> 8 * (at % 4) & 255 & (at % 4 ? 255 : 252));
       }
       parentPort.postMessage([at, wrong]);`,
      { reader, size: large.size },
    );
    const spans = memory.vectors([0, 10], [10, 300_001], [300_011, large.size - 300_011]);
    expect(native.writev(writer!, 0, spans, 3, 2, -1, cancel)).toBe(large.size);
    expect(await checked).toEqual([large.size, 0]);
  });

  test("a write that was cancelled half way returns what it wrote", async () => {
    const cancel = owned(native.eventfd(0));
    const { writer } = fifo();
    const spans = memory.vectors([0, 200_000]);
    const signalled = inThread("pause(50); n.eventfdSignal(data);", cancel);
    expect(native.writev(writer, 0, spans, 1, 0, -1, cancel)).toBe(65536);
    expect(native.writev(writer, 0, spans, 1, 0, -1, cancel)).toBe(-errno.EINTR);
    await signalled;
  });
});

describe("a reader that is gone", () => {
  test("gives EPIPE for pipes and sockets", () => {
    const { reader, writer } = fifo();
    closeNow(reader);
    const [left, right] = pair(memory);
    closeNow(right);
    const spans = memory.vectors([0, 1]);
    const cancel = owned(native.eventfd(0));
    for (const fd of [writer, left]) {
      expect(native.write(fd, 0, 0, 1)).toBe(-errno.EPIPE);
      expect(native.writev(fd, 0, spans, 1, 0, -1, -1)).toBe(-errno.EPIPE);
      expect(native.writev(fd, 0, spans, 1, 0, -1, cancel)).toBe(-errno.EPIPE);
    }
  });
});
