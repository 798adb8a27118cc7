// The host's functions under a kernel whose memory somebody else has written: descriptors that are not the sandbox's.

import { closeSync, fstatSync, mkdtempSync, openSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { EBADF, EFAULT } from "../../assembly/abi/errno.ts";
import { makeSharedHost, makeThreadHost } from "../../src/host/boot/native-host.ts";
import { makeKernelMemory } from "../../src/host/kernel/instance.ts";
import { loadNative } from "../../src/native/index.ts";

const native = loadNative()!;
const SCRATCH_SLOT = 9;
/** Where the test puts things in the kernel's memory. */
const RESPONSE = 4096;
const CAPACITY = 4096;
const FD_OUT = 1024;
const VECTOR = 2048;
const DATA = 3072;

let folder: string;
let secret: number;
let ours: number;
let theirs: number;
const memory = makeKernelMemory();
const words = new Int32Array(memory.buffer);
const scratch = new Uint8Array(64);

function makeThread(streams: readonly number[], guest: WebAssembly.Memory) {
  return makeThreadHost(native, memory, guest, makeSharedHost([ours], streams), -1);
}

function makeHost(
  streams: readonly number[] = [],
  guest = new WebAssembly.Memory({ initial: 0, maximum: 0 }),
) {
  return makeThread(streams, guest).functions;
}

/** The shortest message there is, with a descriptor or without. */
function answer(descriptor: number): void {
  native.registerMemory(SCRATCH_SLOT, scratch);
  scratch.set([7, 0, 0, 0, 121, 0, 0]);
  expect(native.p9Send(theirs, SCRATCH_SLOT, 0, 7, descriptor)).toBe(0);
}

function read(host: ReturnType<typeof makeHost>, handle: number): number {
  words[VECTOR >> 2] = DATA;
  words[(VECTOR >> 2) + 1] = 64;
  return host.readKernel(0, handle, VECTOR, 1, 0);
}

/** What preadGuest() and pwriteGuest() are asked for, at the start of the file. */
function request(handle: number, address: number, length: number): number {
  words.set([0, 0, handle, address, length], DATA >> 2);
  return DATA;
}

beforeEach(() => {
  folder = mkdtempSync(path.join(tmpdir(), "wvisor-hostile-"));
  writeFileSync(path.join(folder, "secret"), "secret");
  secret = openSync(path.join(folder, "secret"), "r");
  native.registerMemory(SCRATCH_SLOT, scratch);
  expect(native.socketpair(SCRATCH_SLOT, 0)).toBe(0);
  [ours, theirs] = new Int32Array(scratch.buffer, 0, 2) as unknown as [number, number];
});

afterEach(() => {
  for (const fd of [secret, ours, theirs]) closeSync(fd);
  rmSync(folder, { recursive: true });
});

test("a descriptor that came with a message can be used, and closed once", () => {
  const host = makeHost();
  answer(secret);
  expect(host.p9Rpc(0, 0, 0, 0, RESPONSE, CAPACITY, FD_OUT)).toBe(7);
  const handle = words[FD_OUT >> 2]!;
  expect(handle).not.toBe(secret);
  expect(read(host, handle)).toBe(6);
  expect(host.closeHandle(handle)).toBe(0);
  expect(read(host, handle)).toBe(-EBADF);
  expect(host.closeHandle(handle)).toBe(-EBADF);
});

test.each([1, 2, 3])("an address that is no word's (+%i) brings no other descriptor in", (offset) => {
  const host = makeHost();
  words.fill(secret, FD_OUT >> 2, (FD_OUT >> 2) + 2);
  answer(-1);
  expect(host.p9Rpc(0, 0, 0, 0, RESPONSE, CAPACITY, FD_OUT + offset)).toBe(-EFAULT);
  expect(read(host, secret)).toBe(-EBADF);
  expect(host.closeHandle(secret)).toBe(-EBADF);
  expect(fstatSync(secret).size).toBe(6);
});

test("what lies where the descriptor is to go is no descriptor", () => {
  const host = makeHost();
  words[FD_OUT >> 2] = secret;
  answer(-1);
  expect(host.p9Rpc(0, 0, 0, 0, RESPONSE, CAPACITY, FD_OUT)).toBe(7);
  expect(words[FD_OUT >> 2]).toBe(-1);
  expect(read(host, secret)).toBe(-EBADF);
});

test.each([-1, 2 ** 31 - 1, -(2 ** 31)])("number %i is no handle", (handle) => {
  const host = makeHost();
  expect(read(host, handle)).toBe(-EBADF);
  expect(host.readGuest(0, handle, VECTOR, 1, 0)).toBe(-EBADF);
  expect(host.writeGuest(0, handle, VECTOR, 1, 0)).toBe(-EBADF);
  expect(host.preadGuest(request(handle, 0, 0))).toBe(-EBADF);
  expect(host.pwriteGuest(request(handle, 0, 0))).toBe(-EBADF);
  expect(host.closeHandle(handle)).toBe(-EBADF);
});

test("a guest's memory is found where it is after it grew, also by nothing", () => {
  const guest = new WebAssembly.Memory({ initial: 0, maximum: 2 });
  const host = makeHost([], guest);
  answer(secret);
  host.p9Rpc(0, 0, 0, 0, RESPONSE, CAPACITY, FD_OUT);
  const handle = words[FD_OUT >> 2]!;
  expect(host.preadGuest(request(handle, 0, 6))).toBe(-EFAULT);
  for (const pages of [1, 0, 1]) {
    guest.grow(pages);
    const end = guest.buffer.byteLength;
    expect(host.preadGuest(request(handle, end - 6, 6))).toBe(6);
    expect(new Uint8Array(guest.buffer)[end - 1]).not.toBe(0);
    expect(host.preadGuest(request(handle, end - 5, 6))).toBe(-EFAULT);
    expect(host.pwriteGuest(request(handle, end - 5, 6))).toBe(-EFAULT);
  }
});

test("copies stay inside both memories, wherever the guest's is by now", () => {
  const guest = new WebAssembly.Memory({ initial: 0, maximum: 2 });
  const { copies } = makeThread([], guest);
  const kernel = new Uint8Array(memory.buffer);
  kernel.set([1, 2, 3, 4], CAPACITY);
  expect(() => copies.copyout(0, CAPACITY, 1)).toThrow(RangeError);
  for (const pages of [1, 0, 1]) {
    guest.grow(pages);
    const end = guest.buffer.byteLength;
    copies.copyout(end - 4, CAPACITY, 4);
    copies.copyin(CAPACITY + 4, end - 3, 3);
    expect([...kernel.subarray(CAPACITY, CAPACITY + 8)]).toEqual([1, 2, 3, 4, 2, 3, 4, 0]);
    for (const [at, from, length] of [
      [end - 3, CAPACITY, 4],
      [-1, CAPACITY, 1],
      [0, kernel.length - 3, 4],
      [0, -1, 1],
      [0, 0, -1],
    ] as const) {
      expect(() => copies.copyout(at, from, length)).toThrow(RangeError);
      expect(() => copies.copyin(from, at, length)).toThrow(RangeError);
    }
  }
});

test("only handles are polled", () => {
  const host = makeHost();
  words[FD_OUT >> 2] = secret;
  expect(host.pollHandles(0, FD_OUT, 1, 0)).toBe(-EBADF);
  expect(host.pollHandles(0, FD_OUT + 1, 1, 0)).toBe(-EFAULT);
});

test("a stream is not the kernel's to close", () => {
  const host = makeHost([secret]);
  expect(read(host, secret)).toBe(6);
  expect(host.closeHandle(secret)).toBe(-EBADF);
  expect(fstatSync(secret).size).toBe(6);
});

test("two sandboxes on one thread never work in each other's memory", () => {
  const other = makeKernelMemory();
  const first = makeHost();
  const guest = new WebAssembly.Memory({ initial: 0, maximum: 0 });
  const second = makeThreadHost(native, other, guest, makeSharedHost([], []), -1).functions;
  const mine = new Uint8Array(memory.buffer, DATA, 32).fill(0);
  const others = new Uint8Array(other.buffer, DATA, 32).fill(0);
  expect(first.random(DATA, 32)).toBe(32);
  expect(others.every((byte) => byte === 0)).toBe(true);
  const filled = mine.slice();
  expect(filled.some((byte) => byte !== 0)).toBe(true);
  expect(second.random(DATA, 32)).toBe(32);
  expect(mine.slice()).toEqual(filled);
  expect(others.some((byte) => byte !== 0)).toBe(true);
  answer(secret);
  expect(first.p9Rpc(0, 0, 0, 0, RESPONSE, CAPACITY, FD_OUT)).toBe(7);
  expect(first.closeHandle(words[FD_OUT >> 2]!)).toBe(0);
});
