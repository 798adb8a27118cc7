// The whole kernel over one scripted 9P connection, driven through preview1 as a guest would.

import { instantiateSync } from "@assemblyscript/loader";
import { EINTR } from "../../../assembly/abi/errno.ts";
import { S_IFDIR } from "../../../assembly/abi/stat.ts";
import * as wasi from "../../../assembly/abi/wasi.ts";
import type { KernelExports } from "../../../src/host/kernel/exports.ts";
import { type HostFunctions, makeKernelMemory } from "../../../src/host/kernel/instance.ts";
import { kernelModules } from "../../support/wvisor.ts";
import { type Answer, type MemoryServer, write } from "./memory-server.ts";

export interface WorldOptions {
  readonly shared?: boolean;
  readonly readonly?: boolean;
  readonly uid?: number;
  readonly dcache?: number;
}

type Call = (...args: (number | bigint)[]) => number;

// Where things are in the guest's memory.
const RESULT = 512;
const PATH_A = 1024;
const PATH_B = 8192;
const VECTOR = 16384;
const DATA = 65536;
const DATA_BYTES = 1 << 20;

const CAPABILITIES = 0xffffffff;
const PREOPEN = 3;

/** With the kernel's invariants checked. Its guest's memory is reached through imports. */
export function kernelModule(): WebAssembly.Module {
  return kernelModules("javascript", true).kernel;
}

export interface Stat {
  readonly ino: number;
  readonly filetype: number;
  readonly nlink: number;
  readonly size: number;
  readonly mtime: bigint;
}

export interface Entry {
  readonly name: string;
  readonly ino: number;
  readonly type: number;
  readonly next: bigint;
}

export class World {
  readonly kernel: KernelExports;
  server: MemoryServer;
  /** What the next rounds of p9Rpc return instead of sending and receiving: EINTR leaves the answer for later. */
  interrupt = 0;
  /** The peer is gone. */
  reset = false;
  readonly closed: number[] = [];
  root = 0;
  readonly preopen = PREOPEN;
  private readonly memory = makeKernelMemory();
  private readonly guest = new WebAssembly.Memory({ initial: 32 });
  private readonly calls: Record<string, Call>;
  private readonly queue: Answer[] = [];
  private namespace = 0;
  private task = 0;

  constructor(module: WebAssembly.Module, server: MemoryServer, options: WorldOptions = {}) {
    this.server = server;
    const imports = {
      env: { memory: this.memory },
      host: this.host() as unknown as Record<string, WebAssembly.ImportValue>,
      guest: this.guestFunctions(),
    };
    // The loader's abort() turns a failed assertion into an error with file and line.
    this.kernel = instantiateSync<KernelExports>(module, imports).instance.exports as KernelExports;
    this.calls = this.kernel as unknown as Record<string, Call>;
    this.kernel.boot_kernel(0x10000000);
    this.kernel.attach();
    this.begin(options);
  }

  /** Ends the guest and its tree, and begins again with another server in the same kernel. */
  again(server: MemoryServer, options: WorldOptions = {}): void {
    this.end();
    this.server = server;
    this.begin(options);
  }

  /** Ends the guest, if there is one, and lets go of its tree. */
  end(): void {
    if (this.root < 0) return;
    this.kernel.task_finish(this.task, 0);
    this.kernel.task_free(this.task);
    this.kernel.namespace_release(this.namespace);
    // Nobody has received these, nor what came with them.
    for (const { handle } of this.queue.splice(0)) this.server.handles.delete(handle);
    this.root = -1;
  }

  private begin(options: WorldOptions): void {
    const { server } = this;
    const { shared = false, readonly = false, uid = 0, dcache = 0 } = options;
    this.root = this.kernel.fs_gofer(0, Number(readonly), Number(shared), 1, uid, dcache, 0, 0);
    if (this.root < 0) return;
    this.namespace = this.kernel.namespace_make(this.root, 0, 0, 0);
    this.task = this.kernel.task_make(this.namespace, uid, uid, 0, CAPABILITIES, CAPABILITIES);
    this.kernel.task_enter(this.task);
    if (server.root.type !== S_IFDIR) return;
    const fd = this.withKernelBytes("/", (at) => this.kernel.task_preopen(this.task, at, 1, at, 1));
    if (fd !== PREOPEN) throw new Error(`the preopened descriptor is ${fd}`);
  }

  private guestFunctions(): Record<string, WebAssembly.ImportValue> {
    const guest = (at: number, length: number): Uint8Array => new Uint8Array(this.guest.buffer, at, length);
    const kernel = (at: number, length: number): Uint8Array => new Uint8Array(this.memory.buffer, at, length);
    return {
      copyin: (to: number, from: number, length: number) => kernel(to, length).set(guest(from, length)),
      copyout: (to: number, from: number, length: number) => guest(to, length).set(kernel(from, length)),
      ld8: (at: number) => this.view().getUint8(at),
      ld32: (at: number) => this.view().getUint32(at, true),
      ld64: (at: number) => this.view().getBigUint64(at, true),
      st8: (at: number, value: number) => this.view().setUint8(at, value),
      st32: (at: number, value: number) => this.view().setUint32(at, value, true),
      st64: (at: number, value: bigint) => this.view().setBigUint64(at, value, true),
      st64x8: (at: number, ...values: bigint[]) => {
        for (const [i, value] of values.entries()) this.view().setBigUint64(at + i * 8, value, true);
      },
      size: () => this.guest.buffer.byteLength / 65536,
    };
  }

  private host(): HostFunctions {
    let clock = 1_700_000_000_000_000_000n;
    const unexpected = (): never => {
      throw new Error("unexpected host call");
    };
    const transfer = (handle: number, span: Uint8Array, position: number, isWrite: boolean): number => {
      const node = this.server.handles.get(handle);
      if (node === undefined) throw new Error(`handle ${handle} is not open`);
      const data = isWrite ? span : node.data.subarray(position, position + span.length);
      if (isWrite) write(node, span, position);
      else span.set(data);
      return data.length;
    };
    const move = (memory: () => Uint8Array, isWrite: boolean) => {
      return (_thread: number, handle: number, vector: number, count: number, position: number): number => {
        const view = new DataView(this.memory.buffer);
        let done = 0;
        for (let i = 0; i < count; i++) {
          const at = view.getUint32(vector + i * 8, true);
          const span = memory().subarray(at, at + view.getUint32(vector + i * 8 + 4, true));
          const moved = transfer(handle, span, position + done, isWrite);
          done += moved;
          if (moved < span.length) break;
        }
        return done;
      };
    };
    const moveOne = (isWrite: boolean) => {
      return (request: number): number => {
        const view = new DataView(this.memory.buffer, request, 20);
        const at = view.getUint32(12, true);
        const span = guest().subarray(at, at + view.getUint32(16, true));
        return transfer(view.getInt32(8, true), span, Number(view.getBigInt64(0, true)), isWrite);
      };
    };
    const guest = (): Uint8Array => new Uint8Array(this.guest.buffer);
    const kernel = (): Uint8Array => new Uint8Array(this.memory.buffer);
    return {
      clockTime: (_clock, out) => {
        clock += 1000n;
        new DataView(this.memory.buffer).setBigInt64(out, clock, true);
        return 0;
      },
      clockResolution: unexpected,
      random: unexpected,
      exited: unexpected,
      pollHandles: unexpected,
      closeConnection: () => {},
      closeHandle: (handle) => {
        if (!this.server.handles.delete(handle)) throw new Error(`handle ${handle} is closed twice`);
        this.closed.push(handle);
        return 0;
      },
      readGuest: move(guest, false),
      writeGuest: move(guest, true),
      preadGuest: moveOne(false),
      pwriteGuest: moveOne(true),
      readKernel: move(kernel, false),
      writeKernel: move(kernel, true),
      p9Rpc: (_thread, _connection, request, requestLength, response, capacity, fdOut) => {
        if (this.reset) return -104;
        const bytes = Buffer.from(kernel().slice(request, request + requestLength));
        this.queue.push(...this.server.serve(bytes));
        if (this.interrupt > 0) {
          this.interrupt--;
          return -EINTR;
        }
        const answer = this.queue.shift();
        if (answer === undefined) throw new Error("the kernel waits for an answer that never comes");
        if (answer.bytes.length > capacity) return -71;
        kernel().set(answer.bytes, response);
        new DataView(this.memory.buffer).setInt32(fdOut, answer.handle, true);
        return answer.bytes.length;
      },
    };
  }

  /** Answers that nobody has received yet. */
  get unread(): number {
    return this.queue.length;
  }

  // ---- preview1

  private call(name: string, ...args: (number | bigint)[]): number {
    return this.calls[name]!(...args);
  }

  private put(at: number, bytes: Uint8Array): number {
    new Uint8Array(this.guest.buffer).set(bytes, at);
    return bytes.length;
  }

  private path(text: string, at = PATH_A): [number, number] {
    return [at, this.put(at, Buffer.from(text))];
  }

  private view(): DataView {
    return new DataView(this.guest.buffer);
  }

  private withKernelBytes<T>(text: string, use: (at: number, length: number) => T): T {
    const bytes = Buffer.from(text);
    const at = this.kernel.buffer_alloc(bytes.length);
    new Uint8Array(this.memory.buffer).set(bytes, at);
    const result = use(at, bytes.length);
    this.kernel.buffer_free(at);
    return result;
  }

  /** Mounts an empty tmpfs; 0 or -errno. */
  mountTmpfs(path: string): number {
    const root = this.withKernelBytes("tmpfsmode=777", (at, length) =>
      this.kernel.fs_kernel(at, 5, at + 5, length - 5),
    );
    return this.withKernelBytes(path, (at, length) =>
      this.kernel.namespace_mount(this.namespace, root, at, length, 0, 0, 0),
    );
  }

  /** A descriptor, or minus a WASI errno. */
  open(name: string, oflags = 0, fdflags = 0, write = true): number {
    let rights = wasi.RIGHTS_ALL;
    if (!write) {
      rights &= ~(
        wasi.RIGHT_FD_WRITE |
        wasi.RIGHT_FD_ALLOCATE |
        wasi.RIGHT_FD_FILESTAT_SET_SIZE |
        wasi.RIGHT_FD_DATASYNC
      );
    }
    const all = BigInt(rights);
    const result = this.call("path_open", PREOPEN, 1, ...this.path(name), oflags, all, all, fdflags, RESULT);
    return result === 0 ? this.view().getUint32(RESULT, true) : -result;
  }

  close(fd: number): number {
    return this.call("fd_close", fd);
  }

  private vector(length: number): [number, number] {
    this.view().setUint32(VECTOR, DATA, true);
    this.view().setUint32(VECTOR + 4, length, true);
    return [VECTOR, 1];
  }

  /** The bytes, or minus a WASI errno. */
  read(fd: number, length = DATA_BYTES): Buffer | number {
    const result = this.call("fd_read", fd, ...this.vector(length), RESULT);
    if (result !== 0) return -result;
    return Buffer.from(new Uint8Array(this.guest.buffer, DATA, this.view().getUint32(RESULT, true)));
  }

  pread(fd: number, offset: number, length: number): Buffer | number {
    const result = this.call("fd_pread", fd, ...this.vector(length), BigInt(offset), RESULT);
    if (result !== 0) return -result;
    return Buffer.from(new Uint8Array(this.guest.buffer, DATA, this.view().getUint32(RESULT, true)));
  }

  /** Bytes written, or minus a WASI errno. */
  write(fd: number, data: string | Uint8Array): number {
    const length = this.put(DATA, Buffer.from(data as string));
    const result = this.call("fd_write", fd, ...this.vector(length), RESULT);
    return result === 0 ? this.view().getUint32(RESULT, true) : -result;
  }

  sync(fd: number): number {
    return this.call("fd_sync", fd);
  }

  setSize(fd: number, size: number): number {
    return this.call("fd_filestat_set_size", fd, BigInt(size));
  }

  fstat(fd: number): Stat | number {
    const result = this.call("fd_filestat_get", fd, RESULT);
    return result === 0 ? this.statAt(RESULT) : -result;
  }

  stat(name: string, follow = true): Stat {
    const result = this.call("path_filestat_get", PREOPEN, follow ? 1 : 0, ...this.path(name), RESULT);
    if (result !== 0) throw new Error(`stat ${name}: WASI errno ${result}`);
    return this.statAt(RESULT);
  }

  statError(name: string): number {
    return this.call("path_filestat_get", PREOPEN, 1, ...this.path(name), RESULT);
  }

  private statAt(at: number): Stat {
    const view = this.view();
    return {
      ino: Number(view.getBigUint64(at + 8, true)),
      filetype: view.getUint8(at + 16),
      nlink: Number(view.getBigUint64(at + 24, true)),
      size: Number(view.getBigUint64(at + 32, true)),
      mtime: view.getBigUint64(at + 48, true),
    };
  }

  mkdir(name: string): number {
    return this.call("path_create_directory", PREOPEN, ...this.path(name));
  }

  unlink(name: string): number {
    return this.call("path_unlink_file", PREOPEN, ...this.path(name));
  }

  rmdir(name: string): number {
    return this.call("path_remove_directory", PREOPEN, ...this.path(name));
  }

  rename(from: string, to: string): number {
    return this.call("path_rename", PREOPEN, ...this.path(from), PREOPEN, ...this.path(to, PATH_B));
  }

  link(from: string, to: string): number {
    return this.call("path_link", PREOPEN, 0, ...this.path(from), PREOPEN, ...this.path(to, PATH_B));
  }

  symlink(target: string, name: string): number {
    return this.call("path_symlink", ...this.path(target, PATH_B), PREOPEN, ...this.path(name));
  }

  readlink(name: string): string | number {
    const result = this.call("path_readlink", PREOPEN, ...this.path(name), DATA, 4096, RESULT);
    if (result !== 0) return -result;
    return Buffer.from(
      new Uint8Array(this.guest.buffer, DATA, this.view().getUint32(RESULT, true)),
    ).toString();
  }

  /** One fd_readdir; a last entry that does not fit is left out. */
  readdir(fd: number, cookie = 0n, length = DATA_BYTES): Entry[] | number {
    const result = this.call("fd_readdir", fd, DATA, length, cookie, RESULT);
    if (result !== 0) return -result;
    const end = DATA + this.view().getUint32(RESULT, true);
    const entries: Entry[] = [];
    for (let at = DATA; at + wasi.SIZEOF_DIRENT <= end; ) {
      const nameLength = this.view().getUint32(at + 16, true);
      const name = at + wasi.SIZEOF_DIRENT;
      if (name + nameLength > end) break;
      entries.push({
        name: Buffer.from(new Uint8Array(this.guest.buffer, name, nameLength)).toString(),
        ino: Number(this.view().getBigUint64(at + 8, true)),
        type: this.view().getUint8(at + 20),
        next: this.view().getBigUint64(at, true),
      });
      at = name + nameLength;
    }
    return entries;
  }

  /** Names below a directory, all of them, without "." and "..". */
  names(name: string): string[] {
    const fd = this.open(name, wasi.OFLAGS_DIRECTORY, 0, false);
    const entries = this.readdir(fd);
    this.close(fd);
    if (typeof entries === "number") throw new Error(`readdir ${name}: WASI errno ${-entries}`);
    return entries.map((entry) => entry.name).filter((entry) => entry !== "." && entry !== "..");
  }

  text(name: string): string {
    const fd = this.open(name, 0, 0, false);
    if (fd < 0) throw new Error(`open ${name}: WASI errno ${-fd}`);
    const data = this.read(fd);
    this.close(fd);
    if (typeof data === "number") throw new Error(`read ${name}: WASI errno ${-data}`);
    return data.toString();
  }

  /** The root's own data, where that is a regular file. */
  readRoot(): string {
    const file = this.withKernelBytes("/", (at, length) =>
      this.kernel.file_open(this.task, at, length, 0, 0),
    );
    if (file < 0) throw new Error(`opening the root: ${file}`);
    const buffer = this.kernel.buffer_alloc(DATA);
    const got = this.kernel.file_pread(file, buffer, DATA, 0);
    const text = Buffer.from(new Uint8Array(this.memory.buffer).slice(buffer, buffer + got)).toString();
    this.kernel.buffer_free(buffer);
    this.kernel.file_close(file);
    return text;
  }

  /** A Linux system call. Texts and bytes go through kernel memory; bytes come back changed. */
  syscall(number: number, ...args: (number | string | Uint8Array)[]): number {
    const spans: [number, Uint8Array][] = [];
    const values = args.map((argument) => {
      if (typeof argument === "number") return argument;
      const bytes = typeof argument === "string" ? Buffer.from(`${argument}\0`) : argument;
      const at = this.kernel.buffer_alloc(Math.max(bytes.length, 8));
      new Uint8Array(this.memory.buffer).set(bytes, at);
      spans.push([at, bytes]);
      return at;
    });
    const [a = 0, b = 0, c = 0, d = 0, e = 0, f = 0] = values;
    const result = this.kernel.syscall(number, a, b, c, d, e, f);
    for (const [at, bytes] of spans) {
      bytes.set(new Uint8Array(this.memory.buffer, at, bytes.length));
      this.kernel.buffer_free(at);
    }
    return result;
  }

  /** Forgets every cached name that nobody uses. */
  shrink(): void {
    this.kernel.namespace_shrink(this.namespace);
  }
}
