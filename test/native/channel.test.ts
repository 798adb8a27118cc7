import { spawnSync } from "node:child_process";
import fs from "node:fs";
import { beforeEach, describe, expect, test } from "vitest";
import * as errno from "../../assembly/abi/errno.ts";
import { AT_FDCWD, O_RDONLY } from "../../assembly/abi/fcntl.ts";
import {
  closeNow,
  inThread,
  Memory,
  native,
  openDescriptors,
  outcome,
  owned,
  pair,
  spawnNode,
} from "./support.ts";

const CAPACITY = 8192;

let memory: Memory;
let response: number;
let fdOut: number;

beforeEach(() => {
  memory = new Memory();
  response = memory.room(CAPACITY);
  fdOut = memory.room(4);
});

/** A message of `length` bytes (its size field may lie) that counts up from `first`. */
function message(length: number, first = 0, size = length): Uint8Array {
  const bytes = new Uint8Array(length).map((_, index) => first + index);
  new DataView(bytes.buffer).setUint32(0, size, true);
  return bytes;
}

function rpc(fd: number, request: Uint8Array, cancel = -1, capacity = CAPACITY): number {
  return native.p9Rpc(fd, 0, memory.put(request), request.length, response, capacity, 0, fdOut, cancel);
}

const receive = (fd: number, cancel = -1) => native.p9Rpc(fd, 0, 0, 0, response, CAPACITY, 0, fdOut, cancel);
const received = (length: number) => memory.bytes.slice(response, response + length);

function send(fd: number, bytes: Uint8Array, passFd = -1): number {
  return native.p9Send(fd, 0, memory.put(bytes), bytes.length, passFd);
}

/** A server in another thread: answers each message with itself. */
const ECHO = "for (let got; (got = n.p9Receive(data, 0, 0, 65536)) > 0; ) n.p9Send(data, 0, 0, got, -1);";

describe("whole messages", () => {
  test("a request to another thread comes back", async () => {
    const [client, server] = pair(memory);
    const serving = inThread(ECHO, server);
    for (const length of [7, 8, 100, 4096, CAPACITY]) {
      const request = message(length, length);
      expect(rpc(client, request)).toBe(length);
      expect(received(length)).toEqual(request);
      expect(memory.int(fdOut)).toBe(-1);
    }
    closeNow(client);
    await serving;
  });

  test("a request to another process comes back", async () => {
    const [client, server] = pair(memory);
    const child = spawnNode(ECHO.replaceAll("data", "3"), { stdio: ["ignore", "pipe", "pipe", server] });
    const ended = outcome(child);
    closeNow(server);
    const request = message(50);
    expect(rpc(client, request)).toBe(50);
    expect(received(50)).toEqual(request);
    closeNow(client);
    expect(await ended).toMatchObject({ code: 0, stderr: "" });
  });

  test("a message larger than the socket's buffer passes", async () => {
    const [client, server] = pair(memory);
    const large = new Memory(32, 1);
    const length = 1_500_000;
    const bytes = message(length, 3);
    large.bytes.set(bytes);
    const sent = inThread(
      `const m2 = new Uint8Array(2 << 20);
       n.registerMemory(1, m2);
       const got = n.p9Receive(data, 1, 0, m2.length);
       n.p9Send(data, 1, 0, got, -1);`,
      server,
    );
    expect(native.p9Rpc(client, 1, 0, length, 0, large.size, 1, large.size - 4, -1)).toBe(length);
    expect(Buffer.compare(large.bytes.slice(0, length), bytes)).toBe(0);
    await sent;
  });

  test("messages that arrive together are taken one at a time", () => {
    const [client, server] = pair(memory);
    const both = new Uint8Array([...message(9, 10), ...message(7, 20)]);
    native.write(server, 0, memory.put(both), both.length);
    expect(receive(client)).toBe(9);
    expect(received(9)).toEqual(message(9, 10));
    expect(receive(client)).toBe(7);
    expect(received(7)).toEqual(message(7, 20));
  });

  test("a message that arrives byte by byte is put together", async () => {
    const [client, server] = pair(memory);
    const bytes = message(12, 1);
    const sent = inThread(
      "m.set(data.bytes); for (let i = 0; i < 12; i++) { n.write(data.server, 0, i, 1); pause(2); }",
      { server, bytes },
    );
    expect(receive(client)).toBe(12);
    expect(received(12)).toEqual(bytes);
    await sent;
  });

  test("sockets that somebody made non-blocking work too", async () => {
    const [client, server] = pair(memory);
    native.fcntlSetFlags(client, 0o4000);
    const serving = inThread(`pause(30);${ECHO}`, server);
    expect(rpc(client, message(100))).toBe(100);
    closeNow(client);
    await serving;
  });
});

describe("violations", () => {
  test.each([0, 1, 4, 6, CAPACITY + 1, 2 ** 31, 2 ** 32 - 1])(
    "a size of %d is EPROTO on both sides",
    (size) => {
      const [client, server] = pair(memory);
      send(server, message(7, 0, size));
      expect(receive(client)).toBe(-errno.EPROTO);
      send(client, message(7, 0, size));
      expect(native.p9Receive(server, 0, response, CAPACITY)).toBe(-errno.EPROTO);
    },
  );

  test("nothing is written beyond the capacity", () => {
    const [client, server] = pair(memory);
    memory.bytes.fill(0xee, response, response + CAPACITY);
    send(server, message(64));
    expect(rpc(client, message(7), -1, 63)).toBe(-errno.EPROTO);
    expect(received(CAPACITY).every((byte) => byte === 0xee)).toBe(true);
  });

  test("spans are checked before a byte is sent", () => {
    const [client, server] = pair(memory);
    const outside = memory.size;
    expect(native.p9Rpc(client, 0, outside - 6, 7, response, CAPACITY, 0, fdOut, -1)).toBe(-errno.EFAULT);
    expect(native.p9Rpc(client, 0, 0, 7, response + 1, outside, 0, fdOut, -1)).toBe(-errno.EFAULT);
    expect(native.p9Rpc(client, 0, 0, 7, response, CAPACITY, 0, outside - 3, -1)).toBe(-errno.EFAULT);
    expect(native.p9Rpc(client, 0, 2 ** 32, 7, response, CAPACITY, 0, fdOut, -1)).toBe(-errno.EFAULT);
    expect(native.p9Send(client, 0, outside - 6, 7, -1)).toBe(-errno.EFAULT);
    expect(native.p9Receive(server, 0, outside - 6, 7)).toBe(-errno.EFAULT);
    expect(native.readable(server)).toBe(0);
  });

  test("what is no socket is an error", () => {
    const file = owned(native.openat(AT_FDCWD, 0, memory.name("/dev/null"), O_RDONLY, 0));
    expect(rpc(file, message(7))).toBe(-errno.ENOTSOCK);
    expect(rpc(99999, message(7))).toBe(-errno.EBADF);
    expect(native.readable(file)).toBe(-errno.ENOTSOCK);
    expect(native.socketpair(0, memory.size - 7)).toBe(-errno.EFAULT);
  });
});

describe("the end of a peer", () => {
  test("is ECONNRESET for the client at any point and 0 for the server between messages", () => {
    const [client, server] = pair(memory);
    closeNow(server);
    expect(rpc(client, message(7))).toBe(-errno.ECONNRESET);
    expect(send(client, message(7))).toBe(-errno.ECONNRESET);
    expect(receive(client)).toBe(-errno.ECONNRESET);
    expect(native.readable(client)).toBe(-errno.ECONNRESET);
    expect(native.p9Receive(client, 0, response, CAPACITY)).toBe(0);
  });

  test.each([1, 3, 4, 6])("after %d bytes of a message is ECONNRESET for both", (length) => {
    for (const side of ["client", "server"]) {
      const [here, there] = pair(memory);
      send(there, message(7).slice(0, length));
      closeNow(there);
      const got = side === "client" ? receive(here) : native.p9Receive(here, 0, response, CAPACITY);
      expect(got).toBe(-errno.ECONNRESET);
    }
  });

  test("wakes a client that waits for the answer", async () => {
    const [client, server] = pair(memory);
    const child = spawnNode("n.p9Receive(3, 0, 0, 65536); process.kill(process.pid, 'SIGKILL');", {
      stdio: ["ignore", "ignore", "ignore", server],
    });
    const ended = outcome(child);
    closeNow(server);
    expect(rpc(client, message(7))).toBe(-errno.ECONNRESET);
    expect((await ended).signal).toBe("SIGKILL");
  });
});

describe("cancelling", () => {
  test("a client that waits gets EINTR at once and the late reply afterwards", async () => {
    const [client, server] = pair(memory);
    const cancel = owned(native.eventfd(0));
    const signalled = inThread("pause(50); n.eventfdSignal(data);", cancel);
    const start = performance.now();
    expect(rpc(client, message(7, 1), cancel)).toBe(-errno.EINTR);
    expect(performance.now() - start).toBeLessThan(900);
    await signalled;
    expect(native.p9Receive(server, 0, response, CAPACITY)).toBe(7);
    send(server, message(9, 5));
    expect(receive(client)).toBe(9);
    expect(received(9)).toEqual(message(9, 5));
  });

  test("an answer that is there comes before a cancel", () => {
    const [client, server] = pair(memory);
    const cancel = owned(native.eventfd(1));
    send(server, message(8));
    expect(rpc(client, message(7), cancel)).toBe(8);
  });

  test("before anything could be sent it is ECANCELED and the stream is whole", () => {
    const [client, server] = pair(memory);
    const cancel = owned(native.eventfd(1));
    native.fcntlSetFlags(client, 0o4000);
    let filled = 0;
    for (let got = 0; got >= 0; got = native.write(client, 0, 0, CAPACITY)) filled += got;
    expect(rpc(client, message(7), cancel)).toBe(-errno.ECANCELED);
    for (let left = filled; left > 0; ) left -= native.read(server, 0, response, Math.min(left, CAPACITY));
    expect(native.readable(server)).toBe(0);
  });

  test("inside a frame whose rest does not come, the socket is given up", () => {
    const [client, server] = pair(memory);
    const cancel = owned(native.eventfd(1));
    send(server, message(100).slice(0, 20));
    const start = performance.now();
    expect(receive(client, cancel)).toBe(-errno.ECONNRESET);
    expect(performance.now() - start).toBeGreaterThanOrEqual(38);
    expect(native.p9Receive(server, 0, response, CAPACITY)).toBe(0);
  });
});

describe("donated descriptors", () => {
  const DEV_NULL = () => owned(native.openat(AT_FDCWD, 0, memory.name("/dev/null"), O_RDONLY, 0));

  test("one descriptor comes with its message, close-on-exec, and belongs to the receiver", () => {
    const [client, server] = pair(memory);
    const file = DEV_NULL();
    send(server, message(7), file);
    expect(receive(client)).toBe(7);
    const got = owned(memory.int(fdOut));
    expect(fs.readlinkSync(`/proc/self/fd/${got}`)).toBe("/dev/null");
    expect(fs.readFileSync(`/proc/self/fdinfo/${got}`, "utf8")).toMatch(/flags:\s+02\d{6}\n/);
    expect(got).not.toBe(file);
    expect(native.fcntlGetFlags(file)).toBe(O_RDONLY | 0o100000);
  });

  test("a message without one says -1 even after one with", () => {
    const [client, server] = pair(memory);
    send(server, message(7), DEV_NULL());
    send(server, message(7));
    receive(client);
    owned(memory.int(fdOut));
    expect(receive(client)).toBe(7);
    expect(memory.int(fdOut)).toBe(-1);
  });

  test("one that comes with a frame that is refused or incomplete is closed", () => {
    const [client, server] = pair(memory);
    const [other, ending] = pair(memory);
    const file = DEV_NULL();
    const before = openDescriptors();
    send(server, message(7, 0, 3), file);
    expect(receive(client)).toBe(-errno.EPROTO);
    send(ending, message(7).slice(0, 5), file);
    closeNow(ending);
    expect(receive(other)).toBe(-errno.ECONNRESET);
    expect(memory.int(fdOut)).toBe(-1);
    expect(openDescriptors()).toBe(before - 1);
  });

  test("one in the middle of a frame is a violation and never becomes open here", () => {
    const [client, server] = pair(memory);
    const file = DEV_NULL();
    const bytes = message(20);
    send(server, bytes.slice(0, 10));
    send(server, bytes.slice(10), file);
    const before = openDescriptors();
    expect(receive(client)).toBe(-errno.EPROTO);
    expect(openDescriptors()).toBe(before);
  });

  test("the server side takes none", () => {
    const [client, server] = pair(memory);
    send(client, message(7), DEV_NULL());
    const before = openDescriptors();
    expect(native.p9Receive(server, 0, response, CAPACITY)).toBe(7);
    expect(openDescriptors()).toBe(before);
  });

  const python = spawnSync("python3", ["--version"]).status === 0;

  // The helper itself donates one at most, so that another program has to play the peer.
  test.runIf(python).each([2, 3, 20])("%d at once are EPROTO and all closed", (count) => {
    const [client, server] = pair(memory);
    const script = `
import os, socket
s = socket.socket(fileno=3)
socket.send_fds(s, [bytes([7, 0, 0, 0, 1, 2, 3])], [0] * ${count})`;
    const before = openDescriptors();
    const peer = spawnSync("python3", ["-c", script], { stdio: ["ignore", "ignore", "inherit", server] });
    expect(peer.status).toBe(0);
    expect(receive(client)).toBe(-errno.EPROTO);
    expect(memory.int(fdOut)).toBe(-1);
    expect(openDescriptors()).toBe(before);
  });
});

test("readable tells whether bytes wait, without taking them", () => {
  const [client, server] = pair(memory);
  expect(native.readable(client)).toBe(0);
  send(server, message(7));
  expect(native.readable(client)).toBe(1);
  expect(native.readable(client)).toBe(1);
  expect(receive(client)).toBe(7);
  expect(native.readable(client)).toBe(0);
});
