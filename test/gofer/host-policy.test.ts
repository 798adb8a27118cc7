// What a gofer lets its client reach besides files and directories: nothing, or what --host-uds and --host-fifo say (SC-02, LS-05).

import { execFileSync, spawnSync } from "node:child_process";
import {
  closeSync,
  constants,
  mkdirSync,
  openSync,
  readSync,
  rmSync,
  symlinkSync,
  writeFileSync,
  writeSync,
} from "node:fs";
import { createServer, type Server, Socket } from "node:net";
import path from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { O_CREAT, O_NONBLOCK, O_RDONLY, O_RDWR, O_WRONLY } from "../../assembly/abi/fcntl.ts";
import * as p9 from "../../assembly/abi/p9.ts";
import { VERSION_9P2000L } from "../../src/common/p9-version.ts";
import { ContainerGofer, makeBundle } from "../support/container-gofer.ts";
import { requireNative, scratch } from "../support/gofer.ts";
import { Message, type P9Client } from "../support/p9-client.ts";

const SOCK_STREAM = 1;
const SOCK_DGRAM = 2;
const SOCK_RAW = 3;
const SOCK_SEQPACKET = 5;

const native = requireNative();
let folder: string;
let bundle: string;
let root: string;
let gofer: ContainerGofer;

beforeEach(() => {
  folder = scratch();
  bundle = makeBundle(folder);
  root = path.join(bundle, "rootfs");
  execFileSync("mkfifo", [path.join(root, "fifo")]);
  writeFileSync(path.join(root, "file"), "file");
});

afterEach(async () => {
  expect(await gofer.stop()).toEqual({ code: 0, signal: null, stderr: "" });
  rmSync(folder, { recursive: true });
});

function start(...flags: string[]): P9Client {
  gofer = new ContainerGofer(bundle, { connections: 1, flags });
  return gofer.connect();
}

const openFields = (fid: number, flags: number) => new Message().u32(fid).u32(flags);
const connectFields = (fid: number, type: number) => new Message().u32(fid).u32(type);

describe.each([["--setup-root=true"], ["--setup-root=false"]])("FIFOs, %s", (level) => {
  test("are not opened unless that is allowed", () => {
    const client = start(level);
    for (const flags of [O_RDONLY, O_WRONLY, O_RDWR]) {
      expect(client.refusal(p9.P9_TLOPEN, openFields(client.reach(0, "fifo"), flags))).toBe("ENXIO");
    }
  });

  test("are donated, and nobody waits for the other end (--host-fifo=open)", () => {
    const client = start(level, "--host-fifo=open");
    // A writer alone would wait on Linux; here it is told that nobody reads.
    expect(client.refusal(p9.P9_TLOPEN, openFields(client.reach(0, "fifo"), O_WRONLY))).toBe("ENXIO");
    const reader = client.open(client.reach(0, "fifo"), O_RDONLY).fd;
    const writer = client.open(client.reach(0, "fifo"), O_WRONLY).fd;
    expect([reader, writer].every((fd) => fd >= 0)).toBe(true);
    expect(native.fcntlGetFlags(reader) & O_NONBLOCK).toBe(O_NONBLOCK);
    expect(writeSync(writer, "hello")).toBe(5);
    const bytes = Buffer.alloc(10);
    expect(readSync(reader, bytes)).toBe(5);
    expect(bytes.toString("utf8", 0, 5)).toBe("hello");
    // The host's processes are at the other end.
    const host = openSync(path.join(root, "fifo"), constants.O_RDONLY | constants.O_NONBLOCK);
    writeSync(writer, "host");
    expect(readSync(host, bytes)).toBe(4);
    for (const fd of [reader, writer, host]) closeSync(fd);
  });

  test("have no data by messages, and no locks or sizes", () => {
    const client = start(level, "--host-fifo=open");
    const fid = client.reach(0, "fifo");
    const { fd } = client.open(fid, O_RDWR);
    native.close(fd);
    expect(client.refusal(p9.P9_TREAD, new Message().u32(fid).u64(0).u32(10))).not.toBe("");
    expect(client.refusal(p9.P9_TWRITE, new Message().u32(fid).u64(0).u32(1).u8(65))).not.toBe("");
    expect(client.refusal(p9.P9_TALLOCATE, new Message().u32(fid).u32(0).u64(0).u64(1))).toBe("EINVAL");
    const lock = new Message().u32(fid).u8(1).u32(0).u64(0).u64(0).u32(1).string("x");
    expect(client.refusal(p9.P9_TLOCK, lock)).not.toBe("");
    const create = new Message()
      .u32(client.reach(0))
      .string("fifo")
      .u32(O_RDWR | O_CREAT)
      .u32(0o600)
      .u32(0);
    expect(client.refusal(p9.P9_TLCREATE, create)).toBe("ENXIO");
  });
});

test("a client that takes no descriptors gets no FIFO either", () => {
  gofer = new ContainerGofer(bundle, { connections: 1, flags: ["--host-fifo=open", "--host-uds=open"] });
  const client = gofer.connect(0, VERSION_9P2000L);
  expect(client.refusal(p9.P9_TLOPEN, openFields(client.reach(0, "fifo"), O_RDONLY))).toBe("ENXIO");
  expect(client.refusal(p9.P9_TCONNECT, connectFields(client.reach(0, "fifo"), SOCK_STREAM))).toBe(
    "EOPNOTSUPP",
  );
});

test("a FIFO of a tree that is read-only is opened for reading only", () => {
  const client = start("--host-fifo=open", "--overlay-mediums=1");
  expect(client.refusal(p9.P9_TLOPEN, openFields(client.reach(0, "fifo"), O_RDWR))).toBe("EROFS");
  const { fd } = client.open(client.reach(0, "fifo"), O_RDONLY);
  expect(fd).toBeGreaterThanOrEqual(0);
  native.close(fd);
});

test("devices are opened by no policy", () => {
  const made = [
    ["null", "c", "1", "3"],
    ["loop", "b", "7", "0"],
  ].map(([name, ...rest]) => spawnSync("mknod", [path.join(root, name!), ...rest]).status);
  const client = start("--host-fifo=open", "--host-uds=open", "--setup-root=false");
  if (made.includes(1)) {
    console.log("skipped: this user may make no devices");
    return;
  }
  for (const name of ["null", "loop"]) {
    for (const flags of [O_RDONLY, O_RDWR]) {
      expect(client.refusal(p9.P9_TLOPEN, openFields(client.reach(0, name), flags))).toBe("ENXIO");
    }
    expect(client.refusal(p9.P9_TCONNECT, connectFields(client.reach(0, name), SOCK_STREAM))).toBe(
      "ECONNREFUSED",
    );
  }
});

describe.each([["--setup-root=true"], ["--setup-root=false"]])("sockets, %s", (level) => {
  let server: Server;
  let greeted: Promise<string>;

  beforeEach(async () => {
    server = createServer();
    greeted = new Promise((resolve) => {
      server.on("connection", (connection) => {
        connection.write("from the host");
        connection.once("data", (data) => resolve(`${data}`));
      });
    });
    mkdirSync(path.join(root, "run"));
    await new Promise<void>((listening) => server.listen(path.join(root, "run/socket"), listening));
  });

  afterEach(() => {
    server.close();
  });

  test("are shown, and not connected to unless that is allowed", () => {
    const client = start(level);
    const fid = client.reach(0, "run", "socket");
    expect(client.refusal(p9.P9_TLOPEN, openFields(fid, O_RDWR))).toBe("ENXIO");
    expect(client.refusal(p9.P9_TCONNECT, connectFields(fid, SOCK_STREAM))).toBe("EPERM");
  });

  test("are connected to by the gofer, for the client (--host-uds=open)", async () => {
    const client = start(level, "--host-uds=open");
    const fid = client.reach(0, "run", "socket");
    const { fd } = client.call(p9.P9_TCONNECT, connectFields(fid, SOCK_STREAM));
    expect(fd).toBeGreaterThanOrEqual(0);
    // The gofer's own goes with the fid.
    client.clunk(fid);
    const socket = new Socket({ fd });
    const answered = new Promise((resolve) => socket.once("data", (data) => resolve(`${data}`)));
    socket.write("from the guest");
    expect(await greeted).toBe("from the guest");
    expect(await answered).toBe("from the host");
    socket.destroy();
    // An open of the file itself is still none.
    expect(client.refusal(p9.P9_TLOPEN, openFields(client.reach(0, "run", "socket"), O_RDWR))).toBe("ENXIO");
  });

  test("refuse what connect(2) refuses", () => {
    const client = start(level, "--host-uds=open");
    const socket = () => client.reach(0, "run", "socket");
    const refusal = (fid: number, type: number) => client.refusal(p9.P9_TCONNECT, connectFields(fid, type));
    // EPROTOTYPE
    for (const type of [SOCK_DGRAM, SOCK_SEQPACKET, SOCK_RAW, 0, SOCK_STREAM | O_NONBLOCK, 0xffffffff]) {
      expect(refusal(socket(), type)).toBe("E91");
    }
    for (const name of ["file", "fifo", "run"])
      expect(refusal(client.reach(0, name), SOCK_STREAM)).toBe("ECONNREFUSED");
    expect(refusal(0xdead, SOCK_STREAM)).toBe("EBADF");
    const open = client.reach(0, "file");
    const opened = client.open(open, O_RDONLY);
    native.close(opened.fd);
    expect(refusal(open, SOCK_STREAM)).toBe("EINVAL");
    const connected = socket();
    native.close(client.call(p9.P9_TCONNECT, connectFields(connected, SOCK_STREAM)).fd);
    expect(refusal(connected, SOCK_STREAM)).toBe("EINVAL");
    expect(client.refusal(p9.P9_TREAD, new Message().u32(connected).u64(0).u32(10))).not.toBe("");
  });

  test("are not reached through links, which are the client's to follow", () => {
    symlinkSync(path.join(root, "run/socket"), path.join(root, "link"));
    const client = start(level, "--host-uds=open");
    const link = client.reach(0, "link");
    expect(client.refusal(p9.P9_TCONNECT, connectFields(link, SOCK_STREAM))).toBe("ECONNREFUSED");
  });
});

test("a socket whose server takes nobody does not block the gofer", () => {
  const memory = new Uint8Array(256);
  native.registerMemory(9, memory);
  memory.set(Buffer.from(`${root}/busy\0`));
  const listener = native.listenUnix(9, 0);
  const client = start("--host-uds=open");
  const held: number[] = [];
  let refusal = "";
  for (let i = 0; i < 1000 && refusal === ""; i++) {
    const fid = client.reach(0, "busy");
    const reply = client.exchange(connectFields(fid, SOCK_STREAM).frame(p9.P9_TCONNECT, 1));
    if (typeof reply === "number") throw new Error(`connection: ${reply}`);
    if (reply.type === p9.P9_RLERROR) refusal = `${reply.u32()}`;
    else held.push(reply.fd);
  }
  // EAGAIN
  expect(refusal).toBe("11");
  expect(client.getattr(0).mode).toBeGreaterThan(0);
  for (const fd of [...held, listener]) native.close(fd);
});

test("descriptors of connections are the client's share, and come back", () => {
  const server = path.join(root, "s");
  const memory = new Uint8Array(256);
  native.registerMemory(9, memory);
  memory.set(Buffer.from(`${server}\0`));
  const listener = native.listenUnix(9, 0);
  const client = start("--host-uds=open", "--fd-limit=200");
  for (let round = 0; round < 400; round++) {
    const fid = client.reach(0, "s");
    const { fd } = client.call(p9.P9_TCONNECT, connectFields(fid, SOCK_STREAM));
    native.close(fd);
    client.clunk(fid);
    native.close(native.accept(listener));
  }
  native.close(listener);
});
