import { Worker } from "node:worker_threads";
import { describe, expect, test } from "vitest";
import { EBADF, EFAULT, EINVAL, ENAMETOOLONG, ENOENT } from "../../assembly/abi/errno.ts";
import { AT_FDCWD } from "../../assembly/abi/fcntl.ts";
import { ADDON, inThread, Memory, native, owned, PAGE_BYTES } from "./support.ts";

const CLOCK_REALTIME = 0;

describe("spans", () => {
  test("a span that ends with the memory is inside, one byte more is not", () => {
    const memory = new Memory(1);
    expect(native.getrandom(0, memory.size - 8, 8)).toBe(8);
    expect(native.getrandom(0, memory.size - 8, 9)).toBe(-EFAULT);
    expect(native.getrandom(0, memory.size, 0)).toBe(0);
    expect(native.getrandom(0, memory.size + 1, 0)).toBe(-EFAULT);
  });

  test("offsets and lengths near 2^32 and 2^53 do not wrap", () => {
    new Memory(1);
    for (const large of [2 ** 31, 2 ** 32 - 8, 2 ** 32, 2 ** 32 + 8, 2 ** 53 - 1, 2 ** 53]) {
      expect(native.getrandom(0, large, 8)).toBe(-EFAULT);
      expect(native.getrandom(0, 8, large)).toBe(-EFAULT);
      expect(native.getrandom(0, large, large)).toBe(-EFAULT);
    }
  });

  test("what is no offset is refused, not rounded", () => {
    new Memory(1);
    for (const odd of [-1, 0.5, Number.NaN, Number.POSITIVE_INFINITY, 2 ** 60]) {
      expect(native.getrandom(0, odd, 1)).toBe(-EFAULT);
    }
    // @ts-expect-error an argument is missing
    expect(native.getrandom(0, 0)).toBe(-EFAULT);
    // @ts-expect-error not a number
    expect(native.getrandom(0, "0", 1)).toBe(-EFAULT);
  });

  test("slots that do not exist or hold nothing give EFAULT", () => {
    for (const slot of [15, 16, -1, 1000]) expect(native.clockGettime(CLOCK_REALTIME, slot, 0)).toBe(-EFAULT);
  });
});

describe("registerMemory", () => {
  test("takes a Uint8Array from the first byte of its buffer only", () => {
    const buffer = new ArrayBuffer(16);
    expect(native.registerMemory(3, new Uint8Array(buffer))).toBe(0);
    expect(native.registerMemory(3, new Uint8Array(buffer, 8))).toBe(-EINVAL);
    expect(native.registerMemory(16, new Uint8Array(buffer))).toBe(-EINVAL);
    expect(native.registerMemory(-1, new Uint8Array(buffer))).toBe(-EINVAL);
    for (const other of [buffer, new Uint16Array(buffer), {}, undefined, 7]) {
      expect(native.registerMemory(3, other as Uint8Array)).toBe(-EINVAL);
    }
  });

  test("a view that covers a part limits the calls to that part", () => {
    expect(native.registerMemory(3, new Uint8Array(new ArrayBuffer(64), 0, 16))).toBe(0);
    expect(native.getrandom(3, 0, 16)).toBe(16);
    expect(native.getrandom(3, 0, 17)).toBe(-EFAULT);
  });

  test("a second registration replaces the first", () => {
    native.registerMemory(3, new Uint8Array(8));
    const second = new Uint8Array(32);
    native.registerMemory(3, second);
    expect(native.getrandom(3, 0, 32)).toBe(32);
    expect(second.some((byte) => byte !== 0)).toBe(true);
  });

  test("a memory that grew is out of reach until it is registered again", () => {
    const memory = new WebAssembly.Memory({ initial: 1, maximum: 2 });
    native.registerMemory(3, new Uint8Array(memory.buffer));
    expect(native.clockGettime(CLOCK_REALTIME, 3, 0)).toBe(0);
    memory.grow(1);
    expect(native.clockGettime(CLOCK_REALTIME, 3, 0)).toBe(-EFAULT);
    native.registerMemory(3, new Uint8Array(memory.buffer));
    expect(native.getrandom(3, 2 * PAGE_BYTES - 1, 1)).toBe(1);
  });

  test("slots of one thread are not those of another", async () => {
    native.registerMemory(5, new Uint8Array(64));
    const inside = await inThread(
      "parentPort.postMessage([n.getrandom(5, 0, 1), n.getrandom(0, 0, 1)]);",
      null,
    );
    expect(inside).toEqual([-EFAULT, 1]);
    expect(native.getrandom(5, 0, 64)).toBe(64);
  });

  test("a thread that ends takes its slots with it and leaves the others alone", async () => {
    native.registerMemory(5, new Uint8Array(64));
    for (let round = 0; round < 3; round++) {
      const code = `require(${JSON.stringify(ADDON)}).registerMemory(5, new Uint8Array(1 << 20));`;
      const worker = new Worker(code, { eval: true });
      expect(await new Promise((resolve) => worker.once("exit", resolve))).toBe(0);
    }
    expect(native.getrandom(5, 0, 64)).toBe(64);
  });
});

describe("names", () => {
  test("a name needs its NUL inside the memory", () => {
    const memory = new Memory(1);
    memory.bytes.fill(0x61);
    expect(native.openat(AT_FDCWD, 0, memory.size - 3, 0, 0)).toBe(-EFAULT);
    memory.bytes[memory.size - 1] = 0;
    expect(native.openat(AT_FDCWD, 0, memory.size - 3, 0, 0)).toBe(-ENOENT);
    expect(native.openat(AT_FDCWD, 0, memory.size, 0, 0)).toBe(-EFAULT);
    expect(native.openat(AT_FDCWD, 0, 2 ** 32, 0, 0)).toBe(-EFAULT);
    expect(native.openat(AT_FDCWD, 0, -2, 0, 0)).toBe(-EFAULT);
  });

  test("4,095 bytes are a name and 4,096 are too long", () => {
    const memory = new Memory(1);
    memory.bytes.fill(0x2f, 0, 4095);
    expect(owned(native.openat(AT_FDCWD, 0, 0, 0, 0))).toBeGreaterThan(2);
    memory.bytes[4095] = 0x2f;
    expect(native.openat(AT_FDCWD, 0, 0, 0, 0)).toBe(-ENAMETOOLONG);
  });
});

test("a descriptor beyond 32 bits is no descriptor", () => {
  const memory = new Memory(1);
  expect(native.fcntlGetFlags(0)).toBeGreaterThanOrEqual(0);
  for (const wide of [2 ** 32, -(2 ** 32), 2 ** 31, 0.5]) {
    expect(native.fcntlGetFlags(wide)).toBe(-EBADF);
    expect(native.write(wide, 0, 0, memory.size)).toBe(-EBADF);
  }
});

test("flags beyond 32 bits are refused", () => {
  const memory = new Memory(1);
  expect(native.openat(AT_FDCWD, 0, memory.name("/"), 2 ** 32, 0)).toBe(-EINVAL);
});
