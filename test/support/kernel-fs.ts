// A kernel's file system for the conformance suite, through preview1: see preview1-driver.ts.

import * as wasi from "../../assembly/abi/wasi.ts";
import type { FilesystemHandle, Machine, NamespaceHandle, TaskHandle } from "../../src/host/boot/machine.ts";
import type {
  Backend,
  Capability,
  FileType,
  FileUnderTest,
  FsUnderTest,
  OpenFlags,
  StatUnderTest,
} from "../conformance/fs/fs-under-test.ts";
import { Preview1Driver } from "./preview1-driver.ts";

/** Of what preview1 shows. */
export const KERNEL_CAPABILITIES: ReadonlySet<Capability> = new Set<Capability>([
  "users",
  "hardLinks",
  "directoryLinks",
]);

const ALL_CAPABILITIES = (1n << 41n) - 1n;
const ROOT_FD = 3;
const TRANSFER = 65536;
const BILLION = 1_000_000_000;

const READ_RIGHTS =
  wasi.RIGHT_FD_READ |
  wasi.RIGHT_FD_SEEK |
  wasi.RIGHT_FD_TELL |
  wasi.RIGHT_FD_READDIR |
  wasi.RIGHT_FD_SYNC |
  wasi.RIGHT_FD_FILESTAT_GET |
  wasi.RIGHT_FD_FILESTAT_SET_TIMES;
const WRITE_RIGHTS =
  wasi.RIGHT_FD_WRITE |
  wasi.RIGHT_FD_SEEK |
  wasi.RIGHT_FD_TELL |
  wasi.RIGHT_FD_SYNC |
  wasi.RIGHT_FD_FILESTAT_GET |
  wasi.RIGHT_FD_FILESTAT_SET_SIZE |
  wasi.RIGHT_FD_FILESTAT_SET_TIMES;

const TYPES: Readonly<Record<number, FileType>> = {
  [wasi.FILETYPE_REGULAR_FILE]: "file",
  [wasi.FILETYPE_DIRECTORY]: "directory",
  [wasi.FILETYPE_SYMBOLIC_LINK]: "symlink",
};

function typeOf(filetype: number): FileType {
  return TYPES[filetype] ?? "other";
}

function statAt(driver: Preview1Driver, at: number): StatUnderTest {
  return {
    dev: driver.u64(at),
    ino: driver.u64(at + 8),
    type: typeOf(driver.u8(at + 16)),
    nlink: driver.u64(at + 24),
    size: driver.u64(at + 32),
    atime: driver.u64(at + 40),
    mtime: driver.u64(at + 48),
    ctime: driver.u64(at + 56),
    mode: undefined,
    blocks: undefined,
  };
}

/** WASI takes nanoseconds. */
function nanoseconds(seconds: number): bigint {
  return BigInt(Math.round(seconds * BILLION));
}

class KernelFile implements FileUnderTest {
  readonly #driver: Preview1Driver;
  readonly #fd: number;

  constructor(driver: Preview1Driver, fd: number) {
    this.#driver = driver;
    this.#fd = fd;
  }

  read(length: number, position?: number): Uint8Array {
    const d = this.#driver;
    const out = d.room(4);
    const buffer = d.room(length);
    const vector = d.iovec(buffer, length);
    if (position === undefined) d.call("fd_read", this.#fd, ...vector, out);
    else d.call("fd_pread", this.#fd, ...vector, BigInt(position), out);
    return d.bytes(buffer, d.u32(out));
  }

  write(data: Uint8Array, position?: number): number {
    const d = this.#driver;
    const out = d.room(4);
    const vector = d.iovec(...d.put(data));
    if (position === undefined) d.call("fd_write", this.#fd, ...vector, out);
    else d.call("fd_pwrite", this.#fd, ...vector, BigInt(position), out);
    return d.u32(out);
  }

  truncate(size: number): void {
    this.#driver.call("fd_filestat_set_size", this.#fd, BigInt(size));
  }

  stat(): StatUnderTest {
    const out = this.#driver.room(wasi.SIZEOF_FILESTAT);
    this.#driver.call("fd_filestat_get", this.#fd, out);
    return statAt(this.#driver, out);
  }

  sync(): void {
    this.#driver.call("fd_sync", this.#fd);
  }

  close(): void {
    this.#driver.call("fd_close", this.#fd);
  }
}

export class KernelFs implements FsUnderTest {
  readonly capabilities = KERNEL_CAPABILITIES;
  readonly #machine: Machine;
  readonly #driver: Preview1Driver;
  readonly #namespace: NamespaceHandle;
  readonly #tasks = new Map<string, TaskHandle>();

  constructor(machine: Machine, driver: Preview1Driver, namespace: NamespaceHandle) {
    this.#machine = machine;
    this.#driver = driver;
    this.#namespace = namespace;
    this.#become(0, 0o022);
  }

  #become(uid: number, umask: number): void {
    const key = `${uid} ${umask}`;
    let task = this.#tasks.get(key);
    if (task === undefined) {
      const capabilities = uid === 0 ? ALL_CAPABILITIES : 0n;
      task = this.#machine.task(this.#namespace, { uid, gid: uid, groups: [], umask, capabilities });
      // Descriptors 0 to 2 are closed, so the first preopened one is 3.
      const fd = this.#machine.preopen(task, "/", "/");
      if (fd !== ROOT_FD) throw new Error(`"/" was preopened as descriptor ${fd}`);
      this.#tasks.set(key, task);
    }
    this.#driver.enter(task);
  }

  as(uid: number, umask: number, use: () => void): void {
    this.#become(uid, umask);
    try {
      use();
    } finally {
      this.#become(0, 0o022);
    }
  }

  #openFd(path: string, flags: OpenFlags): number {
    const d = this.#driver;
    const oflags =
      (flags.create ? wasi.OFLAGS_CREAT : 0) |
      (flags.exclusive ? wasi.OFLAGS_EXCL : 0) |
      (flags.truncate ? wasi.OFLAGS_TRUNC : 0) |
      (flags.directory ? wasi.OFLAGS_DIRECTORY : 0);
    const rights = (flags.read || !flags.write ? READ_RIGHTS : 0) | (flags.write ? WRITE_RIGHTS : 0);
    const out = d.room(4);
    d.call(
      "path_open",
      ROOT_FD,
      flags.nofollow ? 0 : wasi.LOOKUP_SYMLINK_FOLLOW,
      ...d.put(path),
      oflags,
      BigInt(rights),
      0n,
      flags.append ? wasi.FDFLAGS_APPEND : 0,
      out,
    );
    return d.u32(out);
  }

  open(path: string, flags: OpenFlags): FileUnderTest {
    return new KernelFile(this.#driver, this.#openFd(path, flags));
  }

  #onPath(call: string, path: string): void {
    this.#driver.call(call, ROOT_FD, ...this.#driver.put(path));
  }

  mkdir(path: string): void {
    this.#onPath("path_create_directory", path);
  }
  rmdir(path: string): void {
    this.#onPath("path_remove_directory", path);
  }
  unlink(path: string): void {
    this.#onPath("path_unlink_file", path);
  }

  rename(from: string, to: string): void {
    const d = this.#driver;
    d.call("path_rename", ROOT_FD, ...d.put(from), ROOT_FD, ...d.put(to));
  }

  link(from: string, to: string): void {
    const d = this.#driver;
    d.call("path_link", ROOT_FD, 0, ...d.put(from), ROOT_FD, ...d.put(to));
  }

  symlink(target: string, path: string): void {
    const d = this.#driver;
    d.call("path_symlink", ...d.put(target), ROOT_FD, ...d.put(path));
  }

  readlink(path: string): string {
    const d = this.#driver;
    const out = d.room(4);
    const buffer = d.room(4096);
    d.call("path_readlink", ROOT_FD, ...d.put(path), buffer, 4096, out);
    return new TextDecoder().decode(d.bytes(buffer, d.u32(out)));
  }

  #stat(path: string, lookup: number): StatUnderTest {
    const d = this.#driver;
    const out = d.room(wasi.SIZEOF_FILESTAT);
    d.call("path_filestat_get", ROOT_FD, lookup, ...d.put(path), out);
    return statAt(d, out);
  }

  stat(path: string): StatUnderTest {
    return this.#stat(path, wasi.LOOKUP_SYMLINK_FOLLOW);
  }
  lstat(path: string): StatUnderTest {
    return this.#stat(path, 0);
  }

  readdir(path: string): (readonly [string, FileType])[] {
    const d = this.#driver;
    const fd = this.#openFd(path, { read: true, directory: true });
    const entries: (readonly [string, FileType])[] = [];
    let cookie = 0n;
    for (;;) {
      const out = d.room(4);
      const buffer = d.room(TRANSFER);
      d.call("fd_readdir", fd, buffer, TRANSFER, cookie, out);
      const bytes = Buffer.from(d.bytes(buffer, d.u32(out)));
      // An entry that was cut off is read again by its predecessor's cookie.
      for (let at = 0; at + wasi.SIZEOF_DIRENT <= bytes.length; ) {
        const end = at + wasi.SIZEOF_DIRENT + bytes.readUInt32LE(at + 16);
        if (end > bytes.length) break;
        cookie = bytes.readBigUInt64LE(at);
        const name = bytes.toString("utf8", at + wasi.SIZEOF_DIRENT, end);
        if (name !== "." && name !== "..") entries.push([name, typeOf(bytes.readUInt8(at + 20))]);
        at = end;
      }
      if (bytes.length < TRANSFER) break;
    }
    d.call("fd_close", fd);
    return entries;
  }

  #utimes(path: string, lookup: number, atime: number, mtime: number): void {
    const d = this.#driver;
    const flags = wasi.FSTFLAGS_ATIM | wasi.FSTFLAGS_MTIM;
    const times = [nanoseconds(atime), nanoseconds(mtime)] as const;
    d.call("path_filestat_set_times", ROOT_FD, lookup, ...d.put(path), ...times, flags);
  }

  utimes(path: string, atime: number, mtime: number): void {
    this.#utimes(path, wasi.LOOKUP_SYMLINK_FOLLOW, atime, mtime);
  }
  lutimes(path: string, atime: number, mtime: number): void {
    this.#utimes(path, 0, atime, mtime);
  }

  chmod(): void {
    throw new Error("preview1 has no chmod");
  }

  /** Ends the tasks and the namespace. */
  dispose(): void {
    for (const task of this.#tasks.values()) {
      this.#machine.kernel.task_finish(task, 0);
      this.#machine.kernel.task_free(task);
    }
    this.#machine.kernel.namespace_release(this.#namespace);
  }
}

/**
 * Makes backends on one machine: each has a namespace of its own, on the file system that `root` makes. When it is disposed of,
 * everything that the kernel made for it must have been freed; `clean` then undoes what `root` did outside the kernel.
 *
 * The machine is made for the first backend, and no other may be made in this thread while it is used: the native helper
 * knows one kernel memory and one guest memory per thread.
 */
export function kernelBackends(
  makeMachine: () => Machine,
  root: (machine: Machine) => FilesystemHandle,
  clean: () => void = () => {},
): () => Backend {
  let made: { machine: Machine; driver: Preview1Driver } | undefined;
  return () => {
    if (made === undefined) {
      const machine = makeMachine();
      made = { machine, driver: new Preview1Driver(machine) };
    }
    const { machine, driver } = made;
    const before = machine.kernel.heap_objects();
    const fs = new KernelFs(machine, driver, machine.namespace(root(machine), false));
    return {
      fs,
      dispose() {
        fs.dispose();
        clean();
        const left = machine.kernel.heap_objects() - before;
        if (left !== 0) throw new Error(`${left} objects were not freed`);
      },
    };
  };
}
