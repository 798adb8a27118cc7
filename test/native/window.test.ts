import { fstatSync, writeSync } from "node:fs";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import * as errno from "../../assembly/abi/errno.ts";
import {
  closeNow,
  inThread,
  Memory,
  native,
  openDescriptors,
  owned,
  pair,
  scratch,
  spawnNode,
} from "./support.ts";

const CAPACITY = 1 << 18;
const SERVER_SLOT = 1;
const RING_BYTES = 1 << 18;
const PAGE = 4096;
const GUARD = 0x77;
const EPOLLIN_EPOLLET = 0x80000001;

// Where the shared words lie, from the beginning of a window's page (src/native/src/window.h).
const REQUESTS_WRITTEN = 0;
const REPLIES_WRITTEN = 128;
const REPLIES_READ = 192;
const REPLIES = PAGE + RING_BYTES;

let memory: Memory;
let response: number;
let fdOut: number;
let memoryFd: number;
let bell: number;
const maps: number[] = [];

beforeEach(() => {
  memory = new Memory(16);
  response = memory.room(CAPACITY);
  fdOut = memory.room(4);
});

afterEach(() => {
  for (const map of maps.splice(0)) native.windowsUnmap(map);
});

function map(): number {
  const number = native.windowsMap(memoryFd, bell);
  if (number < 0) throw new Error(`windowsMap: ${number}`);
  maps.push(number);
  return number;
}

interface Ends {
  readonly client: number;
  /** The helper's number of the client's window. */
  readonly window: number;
  readonly server: number;
}

/** A memory of `count` windows and the client's end of each. */
function connect(count = 1): Ends[] {
  memoryFd = owned(native.windowsCreate(count));
  bell = owned(native.eventfd(0));
  const ours = map();
  return Array.from({ length: count }, (_, index) => {
    const [client, server] = pair(memory);
    return { client, server, window: native.windowOpen(ours, index, client, 0) };
  });
}

/** The server's window beside the client's, in this very thread. */
function openServer({ server }: Ends): number {
  return native.windowOpen(map(), 0, server, 1);
}

/** A message of `length` bytes that counts up from `first`. */
function message(length: number, first = 0): Uint8Array {
  const bytes = new Uint8Array(length).map((_, index) => first + index);
  new DataView(bytes.buffer).setUint32(0, length, true);
  return bytes;
}

function rpc(window: number, request: Uint8Array, cancel = -1, capacity = CAPACITY): number {
  memory.bytes.set(request, response);
  return native.windowRpc(window, 0, response, request.length, response, capacity, 0, fdOut, cancel);
}

const receive = (window: number, cancel = -1) => rpc(window, new Uint8Array(0), cancel);
const received = (length: number) => memory.bytes.slice(response, response + length);

function reply(window: number, bytes: Uint8Array, passFd = -1): number {
  return native.windowSend(window, 0, memory.put(bytes), bytes.length, passFd, 0);
}

/** Writes a word of the first window, as a peer may at any time. */
function poke(offset: number, value: number): void {
  const word = new Uint8Array(Uint32Array.of(value).buffer);
  expect(native.pwrite(memoryFd, 0, memory.put(word), 4, PAGE + offset)).toBe(4);
}

/**
 * A server of all windows as the gofer is one, until its first client has gone. Answers each message with itself; `pause` is called
 * wherever the others may come in between.
 */
const SERVER = `
  function serve({ memory, bell, sockets }, pause) {
    const bytes = new Uint8Array(1 << 19);
    const view = new DataView(bytes.buffer);
    n.registerMemory(${SERVER_SLOT}, bytes);
    const map = n.windowsMap(memory, bell);
    const epoll = n.epollCreate();
    n.epollAdd(epoll, bell);
    n.epollInterest(epoll, bell, ${EPOLLIN_EPOLLET});
    sockets.forEach((socket, index) => {
      n.epollAdd(epoll, socket);
      n.windowOpen(map, index, socket, 1);
    });
    for (;;) {
      pause();
      const window = n.windowsNext(map, 1);
      if (window < 0) {
        pause();
        const count = n.epollWait(epoll, ${SERVER_SLOT}, 0, 8, -1);
        for (let i = 0; i < count; i++) {
          if (sockets.includes(view.getInt32(i * 8, true))) return n.windowsUnmap(map);
        }
        continue;
      }
      const got = n.windowReceive(window, ${SERVER_SLOT}, 64, ${RING_BYTES});
      for (let at = 64; at < 64 + got; ) {
        const length = view.getUint32(at, true);
        pause();
        const more = at + length < 64 + got ? 1 : 0;
        // A client that has not taken its last reply yet soon does.
        while (n.windowSend(window, ${SERVER_SLOT}, at, length, -1, more) === -${errno.EAGAIN});
        at += length;
      }
    }
  }
`;

function serveInThread(ends: readonly Ends[], pause = "() => {}"): Promise<unknown> {
  const sockets = ends.map(({ server }) => server);
  return inThread(`${SERVER} serve(data, ${pause});`, { memory: memoryFd, bell, sockets });
}

describe("whole messages", () => {
  test("a request to another thread comes back", async () => {
    const [ends] = connect() as [Ends];
    const serving = serveInThread([ends]);
    for (const length of [7, 8, 100, 4096, 131_072, RING_BYTES]) {
      const request = message(length, length);
      expect(rpc(ends.window, request)).toBe(length);
      expect(received(length)).toEqual(request);
      expect(memory.int(fdOut)).toBe(-1);
    }
    closeNow(ends.client);
    await serving;
  });

  test("a request to another process comes back", async () => {
    const [ends] = connect() as [Ends];
    const source = `${SERVER} serve({ memory: 4, bell: 5, sockets: [3] }, () => {});`;
    const child = spawnNode(source, { stdio: ["ignore", "inherit", "inherit", ends.server, memoryFd, bell] });
    const ended = new Promise((resolve) => child.once("exit", resolve));
    closeNow(ends.server);
    for (let i = 0; i < 50; i++) {
      expect(rpc(ends.window, message(50, i))).toBe(50);
      expect(received(50)).toEqual(message(50, i));
    }
    closeNow(ends.client);
    expect(await ended).toBe(0);
  });

  test("requests that are sent together are answered one at a time", async () => {
    const [ends] = connect() as [Ends];
    const serving = serveInThread([ends]);
    expect(rpc(ends.window, new Uint8Array([...message(9, 10), ...message(7, 20), ...message(30)]))).toBe(9);
    expect(received(9)).toEqual(message(9, 10));
    expect(receive(ends.window)).toBe(7);
    expect(received(7)).toEqual(message(7, 20));
    expect(receive(ends.window)).toBe(30);
    closeNow(ends.client);
    await serving;
  });

  test("bytes go round the ring and come out as they went in", async () => {
    const [ends] = connect() as [Ends];
    const serving = serveInThread([ends]);
    for (let sent = 0, i = 0; sent < 5 * RING_BYTES; i++) {
      const request = message(7 + ((i * 7919) % 70_000), i);
      sent += request.length;
      expect(rpc(ends.window, request)).toBe(request.length);
      expect(Buffer.compare(received(request.length), request)).toBe(0);
    }
    closeNow(ends.client);
    await serving;
  });

  test("more than a ring holds is refused, and nothing of it sent", () => {
    const [ends] = connect() as [Ends];
    const server = openServer(ends);
    memory = new Memory(16);
    expect(native.windowRpc(ends.window, 0, 0, RING_BYTES + 1, 0, 64, 0, 0, -1)).toBe(-errno.EMSGSIZE);
    expect(native.windowReceive(server, 0, 0, 64)).toBe(-errno.EAGAIN);
  });
});

describe("a descriptor comes with its reply", () => {
  test("in the replies' order", () => {
    const [ends] = connect() as [Ends];
    const server = openServer(ends);
    const file = owned(native.eventfd(0));
    expect(reply(server, message(8, 1))).toBe(0);
    expect(reply(server, message(9, 2), file)).toBe(0);
    expect(reply(server, message(10, 3))).toBe(0);
    const before = openDescriptors();
    expect([receive(ends.window), memory.int(fdOut)]).toEqual([8, -1]);
    expect(receive(ends.window)).toBe(9);
    const passed = owned(memory.int(fdOut));
    expect(fstatSync(passed).ino).toBe(fstatSync(file).ino);
    expect(received(9)).toEqual(message(9, 2));
    expect([receive(ends.window), memory.int(fdOut)]).toEqual([10, -1]);
    expect(openDescriptors()).toBe(before + 1);
  });

  test("a reply that is cancelled before it comes is not lost", () => {
    const [ends] = connect() as [Ends];
    const server = openServer(ends);
    const cancel = owned(native.eventfd(1));
    // Its place in the order, and no message yet.
    const marker = new Uint8Array(4);
    expect(reply(server, marker)).toBe(0);
    expect(receive(ends.window, cancel)).toBe(-errno.EINTR);
    native.p9Send(ends.server, 0, memory.put(message(12)), 12, -1);
    expect(receive(ends.window, cancel)).toBe(12);
  });
});

describe("a wait comes to its end", () => {
  test("by a cancel, after which the reply can still be had", async () => {
    const [ends] = connect() as [Ends];
    const server = openServer(ends);
    const cancel = owned(native.eventfd(0));
    const signalled = inThread("pause(30); n.eventfdSignal(data);", cancel);
    expect(rpc(ends.window, message(20), cancel)).toBe(-errno.EINTR);
    await signalled;
    expect(native.windowReceive(server, 0, response, CAPACITY)).toBe(20);
    expect(reply(server, message(21))).toBe(0);
    // What is there is taken, cancelled or not.
    expect(receive(ends.window, cancel)).toBe(21);
  });

  test("by a cancel before there was room: nothing was sent", () => {
    const [ends] = connect() as [Ends];
    const server = openServer(ends);
    const cancel = owned(native.eventfd(1));
    expect(rpc(ends.window, message(RING_BYTES - 10), cancel)).toBe(-errno.EINTR);
    expect(rpc(ends.window, message(11), cancel)).toBe(-errno.ECANCELED);
    expect(native.windowReceive(server, 0, response, CAPACITY)).toBe(RING_BYTES - 10);
    expect(native.windowReceive(server, 0, response, CAPACITY)).toBe(-errno.EAGAIN);
  });

  test("by the death of the server, behind what it has answered", async () => {
    const [ends] = connect() as [Ends];
    const source = `
      const map = n.windowsMap(4, 5);
      const w = n.windowOpen(map, 0, 3, 1);
      while (n.windowReceive(w, 0, 0, 65536) < 0);
      n.windowSend(w, 0, 0, 20, -1, 1);
      process.kill(process.pid, "SIGKILL");`;
    const child = spawnNode(source, { stdio: ["ignore", "inherit", "inherit", ends.server, memoryFd, bell] });
    const ended = new Promise((resolve) => child.once("exit", resolve));
    closeNow(ends.server);
    expect(rpc(ends.window, message(20))).toBe(20);
    expect(receive(ends.window)).toBe(-errno.ECONNRESET);
    expect(rpc(ends.window, message(20))).toBe(-errno.ECONNRESET);
    await ended;
  });

  test("by room that the server makes", async () => {
    const [ends] = connect() as [Ends];
    const cancel = owned(native.eventfd(1));
    expect(rpc(ends.window, message(RING_BYTES), cancel)).toBe(-errno.EINTR);
    const serving = serveInThread([ends]);
    expect(rpc(ends.window, message(100, 1))).toBe(RING_BYTES);
    expect(receive(ends.window)).toBe(100);
    expect(received(100)).toEqual(message(100, 1));
    closeNow(ends.client);
    await serving;
  });
});

describe("a server", () => {
  test("hears of room that the client has made, and only then of its requests", () => {
    const [ends] = connect() as [Ends];
    const serverMap = map();
    const server = native.windowOpen(serverMap, 0, ends.server, 1);
    const cancel = owned(native.eventfd(1));
    expect(reply(server, message(RING_BYTES - 1000))).toBe(0);
    expect(native.windowRoom(server, 1000)).toBe(1);
    expect(reply(server, message(1001))).toBe(-errno.EAGAIN);
    expect(native.windowRoom(server, 1001)).toBe(0);
    expect(native.windowsNext(serverMap, 0)).toBe(-errno.EAGAIN);
    // The bell is rung once the client has taken the reply. Its request alone, which it sends before, changes nothing.
    expect(native.windowsNext(serverMap, 1)).toBe(-errno.EAGAIN);
    expect(rpc(ends.window, message(10), cancel)).toBe(RING_BYTES - 1000);
    expect(native.read(bell, 0, response, 8)).toBe(8);
    expect(native.windowsNext(serverMap, 1)).toBe(server);
    expect(native.windowRoom(server, 1001)).toBe(1);
    expect(native.windowReceive(server, 0, response, CAPACITY)).toBe(10);
  });

  test("finds its clients in turn", () => {
    const ends = connect(3);
    const serverMap = map();
    const servers = ends.map(({ server }, index) => native.windowOpen(serverMap, index, server, 1));
    const cancel = owned(native.eventfd(1));
    for (const { window } of ends) expect(rpc(window, message(10), cancel)).toBe(-errno.EINTR);
    const turns = [1, 2, 3, 4, 5, 6].map(() => native.windowsNext(serverMap, 1));
    expect(new Set(turns.slice(0, 3))).toEqual(new Set(servers));
    expect(turns.slice(3)).toEqual(turns.slice(0, 3));
  });

  test("drops what the last client left when a window gets another one", () => {
    const [ends] = connect() as [Ends];
    const serverMap = map();
    const server = native.windowOpen(serverMap, 0, ends.server, 1);
    const cancel = owned(native.eventfd(1));
    expect(rpc(ends.window, message(10), cancel)).toBe(-errno.EINTR);
    expect(reply(server, message(11))).toBe(0);
    expect(native.windowOpen(serverMap, 0, ends.server, 1)).toBe(-errno.EBUSY);
    expect(native.windowClose(server)).toBe(0);
    expect(native.windowClose(ends.window)).toBe(0);
    expect(native.windowReceive(server, 0, response, CAPACITY)).toBe(-errno.EBADF);
    expect(native.windowOpen(maps[0]!, 0, ends.client, 0)).toBe(ends.window);
    // The next client may be faster than the server.
    expect(rpc(ends.window, message(12), cancel)).toBe(-errno.EINTR);
    expect(native.windowOpen(serverMap, 0, ends.server, 1)).toBe(server);
    expect(native.windowReceive(server, 0, response, CAPACITY)).toBe(12);
    expect(reply(server, message(13))).toBe(0);
    expect(receive(ends.window)).toBe(13);
  });
});

describe("memory that is no window's is refused:", () => {
  test("numbers", () => {
    connect();
    expect(native.windowsCreate(0)).toBe(-errno.EINVAL);
    expect(native.windowsCreate(65)).toBe(-errno.EINVAL);
    expect(native.windowsUnmap(15)).toBe(-errno.EBADF);
    expect(native.windowsUnmap(-1)).toBe(-errno.EBADF);
    expect(native.windowOpen(maps[0]!, 1, 0, 0)).toBe(-errno.EINVAL);
    expect(native.windowOpen(99, 0, 0, 0)).toBe(-errno.EBADF);
    for (const window of [-1, 63, 1023, 1024, 2 ** 31 - 1]) {
      expect(rpc(window, message(7))).toBe(-errno.EBADF);
      expect(native.windowReceive(window, 0, 0, 10)).toBe(-errno.EBADF);
      expect(native.windowSend(window, 0, 0, 10, -1, 0)).toBe(-errno.EBADF);
    }
  });

  test("a file, a memory that is not sealed, one of another size", () => {
    const folder = scratch();
    const file = owned(native.openat(-100, 0, memory.name(`${folder}/file`), 0o102, 0o600));
    bell = owned(native.eventfd(0));
    expect(native.windowsMap(file, bell)).toBe(-errno.EINVAL);
    expect(native.windowsMap(bell, bell)).toBe(-errno.EINVAL);
    memoryFd = owned(native.windowsCreate(1));
    expect(native.ftruncate(memoryFd, 0)).toBe(-errno.EPERM);
    expect(native.ftruncate(memoryFd, 1 << 20)).toBe(-errno.EPERM);
    expect(native.windowsMap(memoryFd, 2 ** 20)).toBe(-errno.EBADF);
  });

  test("more than a process maps", () => {
    connect();
    let made = 0;
    while (made < 80 && native.windowsMap(memoryFd, bell) >= 0) maps.push(++made);
    expect(made).toBe(63);
    expect(native.windowsMap(memoryFd, bell)).toBe(-errno.ENFILE);
  });
});

describe("a hostile peer", () => {
  test.each([
    ["more than a ring", REPLIES_WRITTEN, RING_BYTES + 1],
    ["less than nothing", REPLIES_WRITTEN, 2 ** 32 - 1],
    ["too little for a size", REPLIES_WRITTEN, 3],
  ])("replies of %s break the connection", (_, offset, value) => {
    const [ends] = connect() as [Ends];
    poke(offset, value);
    expect(receive(ends.window)).toBe(-errno.EPROTO);
  });

  test.each([
    ["shorter than a header", 6],
    ["longer than what has come", 21],
    ["longer than the capacity", 2 ** 31],
  ])("a size that is %s breaks the connection", (_, size) => {
    const [ends] = connect() as [Ends];
    poke(REPLIES, size);
    poke(REPLIES_WRITTEN, 20);
    expect(receive(ends.window)).toBe(-errno.EPROTO);
  });

  test("positions that cannot be are an error for both sides", () => {
    const [ends] = connect() as [Ends];
    const server = openServer(ends);
    poke(REQUESTS_WRITTEN, RING_BYTES + 1);
    expect(native.windowReceive(server, 0, response, CAPACITY)).toBe(-errno.EPROTO);
    poke(REPLIES_READ, 1);
    expect(reply(server, message(10))).toBe(-errno.EPROTO);
    poke(64, 1);
    expect(rpc(ends.window, message(10))).toBe(-errno.EPROTO);
  });

  test("that scribbles all over the memory has nobody crash or read beyond it", async () => {
    const [ends] = connect() as [Ends];
    const { window } = ends;
    const serverMap = map();
    const server = native.windowOpen(serverMap, 0, ends.server, 1);
    const cancel = owned(native.eventfd(1));
    const before = openDescriptors();
    // Half of what it writes are words, mostly where the positions are; half of those are small numbers.
    const scribbling = inThread(
      `for (const end = Date.now() + 1500; Date.now() < end; ) {
         for (let i = 0; i < 64; i++) m[i] = Math.random() * 256;
         if (Math.random() < 0.5) m.fill(0, 2, 4);
         const words = Math.random() < 0.5;
         const at = words ? 64 * Math.floor(Math.random() * 80) : Math.random() * ${PAGE + 2 * RING_BYTES};
         n.pwrite(data, 0, 0, words ? 4 : 64, Math.floor(at));
       }`,
      memoryFd,
    );
    let scribbles = true;
    const over = scribbling.then(() => {
      scribbles = false;
    });
    const capacity = 4096;
    let answered = 0;
    const within = (length: number) => {
      if (length > capacity || memory.bytes[response + capacity] !== GUARD) {
        throw new Error("bytes beyond the capacity");
      }
      if (length > 0) answered++;
    };
    while (scribbles) {
      for (let i = 0; i < 20; i++) {
        memory.bytes[response + capacity] = GUARD;
        within(rpc(window, message(7 + i), cancel, capacity));
        expect(memory.int(fdOut)).toBe(-1);
        within(native.windowReceive(server, 0, response, capacity));
        native.windowRoom(server, 1000);
        native.windowSend(server, 0, response, 50, -1, 0);
        native.windowsNext(serverMap, 1);
      }
      await new Promise((resolve) => setTimeout(resolve, 0));
    }
    await over;
    expect(answered).toBeGreaterThan(0);
    expect(openDescriptors()).toBe(before);
  });
});

test("no wake-up is lost, whoever is slow where", async () => {
  const clients = 4;
  const ends = connect(clients);
  // Every delay that the other side could meet: none, shorter than a wake-up, longer than one.
  const random = `(most) => { const until = performance.now() + Math.random() ** 4 * most; while (performance.now() < until); }`;
  const serving = serveInThread(ends, `() => { if (Math.random() < 0.3) (${random})(0.3); }`);
  const talking = ends.map(({ window }) =>
    inThread(
      `const delay = ${random};
       const view = new DataView(m.buffer);
       const end = Date.now() + 3000;
       let trips = 0;
       for (; trips < 3000 && Date.now() < end; trips++) {
         const together = 1 + Math.floor(Math.random() * 3);
         for (let i = 0; i < together; i++) {
           view.setUint32(i * 16, 16, true);
           view.setUint32(i * 16 + 8, trips * 4 + i, true);
         }
         for (let i = 0; i < together; i++) {
           const got = n.windowRpc(data, 0, 0, i === 0 ? 16 * together : 0, 1024, 1024, 0, 4096, -1);
           if (got !== 16) throw new Error("got " + got);
           if (view.getUint32(1024 + 8, true) !== trips * 4 + i) throw new Error("another's reply");
         }
         if (Math.random() < 0.3) delay(0.3);
         if (Math.random() < 0.01) pause(7);
       }
       parentPort.postMessage(trips);`,
      window,
    ),
  );
  // A client whose request nobody hears of would wait for ever.
  const trips = (await Promise.all(talking)) as number[];
  for (const count of trips) expect(count).toBeGreaterThan(0);
  closeNow(ends[0]!.client);
  await serving;
});

test("the memory is of nobody else's business", () => {
  connect();
  // Sealed, close-on-exec, and not executable where the kernel knows such memories.
  expect(native.fcntlGetFlags(memoryFd) & 3).toBe(2);
  expect(() => writeSync(memoryFd, "x", PAGE + 2 * RING_BYTES + PAGE)).toThrow("EPERM");
});
