// Bytes and descriptors over unix stream sockets, exactly as many as are asked for.

import { closeSync, openSync, readdirSync, readSync } from "node:fs";
import { afterEach, beforeEach, expect, test } from "vitest";
import { EAGAIN, EBADF, EFAULT, EINVAL, EMSGSIZE, ENOTSOCK, EPIPE } from "../../assembly/abi/errno.ts";
import { socketPair } from "../support/p9-client.ts";
import { native } from "./support.ts";

const SLOT = 9;
const BYTES = 0;
const LIST = 4096;
const MOST = 253;
const memory = new Uint8Array(LIST + 4 + MOST * 4);
const list = new Int32Array(memory.buffer, LIST);

let a: number;
let b: number;
let before: number;

const descriptors = (): number => readdirSync("/proc/self/fd").length;

beforeEach(() => {
  native.registerMemory(SLOT, memory);
  before = descriptors();
  [a, b] = socketPair(native);
});

afterEach(() => {
  native.close(a);
  native.close(b);
  expect(descriptors()).toBe(before);
});

function send(text: string, ...fds: number[]): number {
  memory.set(new TextEncoder().encode(text), BYTES);
  list.set([fds.length, ...fds]);
  return native.sendRights(a, SLOT, BYTES, text.length, LIST);
}

/** What came: text and the number of descriptors, which are closed; or -errno. */
function receive(length = 100, most = MOST): [string, number] | number {
  const got = native.receiveRights(b, SLOT, BYTES, length, LIST, most);
  if (got < 0) return got;
  const count = list[0]!;
  for (const fd of list.slice(1, 1 + count)) closeSync(fd);
  return [Buffer.from(memory.subarray(BYTES, BYTES + got)).toString(), count];
}

test("what is looked at stays, and as much is taken as is asked for", () => {
  send("hello");
  expect(native.peek(b, SLOT, BYTES, 3)).toBe(3);
  expect(receive(2)).toEqual(["he", 0]);
  expect(receive()).toEqual(["llo", 0]);
  expect(native.peek(b, SLOT, BYTES, 3)).toBe(-EAGAIN);
  expect(receive()).toBe(-EAGAIN);
});

test("descriptors come with their bytes, and looking makes none", () => {
  const zero = openSync("/dev/zero", "r");
  send("one", zero);
  send("two", zero, zero);
  expect(native.peek(b, SLOT, BYTES, 100)).toBeGreaterThanOrEqual(3);
  expect(receive()).toEqual(["one", 1]);
  expect(native.receiveRights(b, SLOT, BYTES, 100, LIST, 2)).toBe(3);
  const [count, first, second] = list;
  expect(count).toBe(2);
  expect(readSync(first!, Buffer.alloc(5))).toBe(5);
  for (const fd of [first!, second!, zero]) closeSync(fd);
});

test("more than are asked for are refused, and all are closed", () => {
  const zero = openSync("/dev/zero", "r");
  for (const most of [0, 1, 2, 3]) {
    send("x", ...Array(most + 1).fill(zero));
    expect(receive(1, most)).toBe(-EMSGSIZE);
  }
  send("x", ...Array(MOST).fill(zero));
  expect(receive()).toEqual(["x", MOST]);
  closeSync(zero);
});

test("a socket that is full, or whose other end is gone, says so", () => {
  const text = "x".repeat(4000);
  while (send(text) > 0);
  expect(send(text)).toBe(-EAGAIN);
  native.close(b);
  expect(send("x")).toBe(-EPIPE);
  b = openSync("/dev/zero", "r");
});

test("what cannot be is refused", () => {
  expect(native.peek(-1, SLOT, BYTES, 1)).toBe(-EBADF);
  expect(native.peek(a, SLOT, memory.length, 1)).toBe(-EFAULT);
  expect(native.receiveRights(a, SLOT, BYTES, 1, LIST, MOST + 1)).toBe(-EINVAL);
  expect(native.receiveRights(a, SLOT, BYTES, 1, LIST + 4, MOST)).toBe(-EFAULT);
  expect(native.sendRights(a, SLOT, BYTES, memory.length + 1, LIST)).toBe(-EFAULT);
  list[0] = MOST + 1;
  expect(native.sendRights(a, SLOT, BYTES, 1, LIST)).toBe(-EINVAL);
  list[0] = -1;
  expect(native.sendRights(a, SLOT, BYTES, 1, LIST)).toBe(-EINVAL);
  list.set([1, 1 << 20]);
  expect(native.sendRights(a, SLOT, BYTES, 1, LIST)).toBe(-EBADF);
  const zero = openSync("/dev/zero", "r");
  expect(native.peek(zero, SLOT, BYTES, 1)).toBe(-ENOTSOCK);
  expect(native.peerUser(zero)).toBe(-ENOTSOCK);
  closeSync(zero);
  expect(native.peerUser(a)).toBe(process.getuid?.());
});
