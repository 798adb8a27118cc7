// A booted kernel as the control side sees it: its memory, its file systems, mounts and tasks.

import { E2BIG } from "../../../assembly/abi/errno.ts";
import { O_DIRECTORY } from "../../../assembly/abi/fcntl.ts";
import { DT_DIR } from "../../../assembly/abi/stat.ts";
import { ErrnoError, WvisorError } from "../../common/errors.ts";
import type { ResourceLimit } from "../config/sandbox-config.ts";
import { type KernelExports, MNT_READONLY, MNT_RELATIME, UTS_DOMAINNAME, UTS_NODENAME } from "./exports.ts";

/** A root dentry in the kernel: a file system that is not mounted yet. */
export type FilesystemHandle = number & { readonly brand: "filesystem" };
export type NamespaceHandle = number & { readonly brand: "namespace" };
/** A file system that is kept, mounted or not. */
export type VolumeHandle = number & { readonly brand: "volume" };
export type PidsHandle = number & { readonly brand: "pids" };
export type UtsHandle = number & { readonly brand: "uts" };
export type TaskHandle = number & { readonly brand: "task" };
export type FileHandle = number & { readonly brand: "file" };

/** The kernel's own memory: what tmpfs data, dentries and the rest may take. */
const LIST_BYTES = 65536;
/** All arguments of a program, or its whole environment; Linux has 2 MiB for both where stacks are 8 MiB large. */
const TEXT_MAX = 2 << 20;
/** One of them, with its NUL (Linux: MAX_ARG_STRLEN). */
const STRING_MAX = 131072;
const KERNEL_MEMORY_MAX = 0x7fff0000;

const WORD = 2n ** 32n;
const RLIM_INFINITY = 2n ** 64n - 1n;

export interface TaskOptions {
  readonly uid: number;
  readonly gid: number;
  readonly groups: readonly number[];
  readonly umask: number;
  readonly rlimits?: readonly ResourceLimit[];
  readonly capabilities: bigint;
}

export class KernelControl {
  readonly memory: WebAssembly.Memory;
  readonly kernel: KernelExports;

  /** What the kernel knows this thread by. */
  readonly thread: number;

  /** `boots`: `kernel` is the first instance over its memory. */
  constructor(memory: WebAssembly.Memory, kernel: KernelExports, boots: boolean) {
    this.memory = memory;
    this.kernel = kernel;
    if (boots) check(kernel.boot_kernel(KERNEL_MEMORY_MAX), "booting the kernel");
    this.thread = kernel.attach();
  }

  /** A tmpfs with the options that mount(2) takes. */
  tmpfs(options = ""): FilesystemHandle {
    return this.kernelFilesystem("tmpfs", options);
  }

  /** A file system of the kernel's own, by the name that mount(2) takes. `pids`: whose processes it shows; else the kernel's first. */
  kernelFilesystem(type: string, options = "", pids?: PidsHandle): FilesystemHandle {
    const root = this.#withTexts(type, options, (name, nameLength, data, length) =>
      this.kernel.fs_kernel(name, nameLength, data, length, pids),
    );
    return check(root, `making a file system of type ${type}`) as FilesystemHandle;
  }

  /** The tree behind connection `index` of the gofer; `tree` is what another server may call it ("aname"). */
  gofer(
    index: number,
    options: { readonly: boolean; shared: boolean; uid: number; dcache?: number; tree?: string },
  ): FilesystemHandle {
    const { readonly, shared, uid, dcache = 0, tree = "" } = options;
    const root = this.withBytes(encode(tree), (at, length) =>
      this.kernel.fs_gofer(index, Number(readonly), Number(shared), 1, uid, dcache, at, length),
    );
    return check(root, "mounting a gofer connection") as FilesystemHandle;
  }

  /** Takes over the layers; `upper` undefined: read-only. Lower layers from top to bottom. Options as fs_overlay() takes them. */
  overlay(
    upper: FilesystemHandle | undefined,
    lowers: readonly FilesystemHandle[],
    options = "",
  ): FilesystemHandle {
    const buffer = this.kernel.buffer_alloc(lowers.length * 4);
    new Uint32Array(this.memory.buffer, buffer, lowers.length).set(lowers);
    const root = this.withBytes(encode(options), (at, length) =>
      this.kernel.fs_overlay(upper ?? 0, buffer, lowers.length, at, length),
    );
    this.kernel.buffer_free(buffer);
    return check(root, "making an overlay") as FilesystemHandle;
  }

  /** `source` is what listings show as what is mounted; without one they say "none". */
  namespace(root: FilesystemHandle, readonly: boolean | number, source = ""): NamespaceHandle {
    return this.withBytes(encode(source), (at, length) =>
      this.kernel.namespace_make(root, flagsFor(readonly), at, length),
    ) as NamespaceHandle;
  }

  /** Mounts with MNT_* flags, or with those of a writable or read-only mount; `source` as for namespace(). */
  mount(
    namespace: NamespaceHandle,
    root: FilesystemHandle,
    destination: string,
    flags: boolean | number,
    source = "",
  ): void {
    const result = this.#withTexts(destination, source, (path, pathLength, name, nameLength) =>
      this.kernel.namespace_mount(namespace, root, path, pathLength, flagsFor(flags), name, nameLength),
    );
    check(result, `mounting at ${destination}`);
  }

  /** Makes a directory and those above it, as far as they are missing. */
  makeDirectories(namespace: NamespaceHandle, path: string): void {
    const result = this.withBytes(encode(path), (at, length) =>
      this.kernel.namespace_mkdir(namespace, at, length),
    );
    check(result, `mkdir ${path}`);
  }

  /** What uname(2) and /proc/sys/kernel say. Without a domain name it stays Linux's "(none)". */
  setNames(hostname: string, domainname?: string, uts?: UtsHandle): void {
    this.#setName(UTS_NODENAME, hostname, uts);
    if (domainname !== undefined) this.#setName(UTS_DOMAINNAME, domainname, uts);
  }

  #setName(which: number, name: string, uts: UtsHandle | undefined): void {
    const result = this.withBytes(encode(name), (at, length) =>
      this.kernel.uts_set_name(which, at, length, uts),
    );
    check(result, `naming the system ${name}`);
  }

  /** The caller's reference; tasks have their own. */
  releaseNamespace(namespace: NamespaceHandle): void {
    this.kernel.namespace_release(namespace);
  }

  /** Hides what is at `path`, if something is: a directory behind an empty one, a file behind /dev/null. */
  mask(namespace: NamespaceHandle, path: string): void {
    const result = this.withBytes(encode(path), (at, length) =>
      this.kernel.namespace_mask(namespace, at, length),
    );
    check(result, `masking ${path}`);
  }

  /** Makes what is at `path`, if something is, read-only with all that is mounted below it. */
  protect(namespace: NamespaceHandle, path: string): void {
    const result = this.withBytes(encode(path), (at, length) =>
      this.kernel.namespace_protect(namespace, at, length),
    );
    check(result, `making ${path} read-only`);
  }

  /** Keeps a file system that is to be mounted in several namespaces. Takes over `root`. */
  volume(root: FilesystemHandle): VolumeHandle {
    return this.kernel.volume_make(root) as VolumeHandle;
  }

  /** What mount() takes: a mount of the kept file system of its own. */
  volumeRoot(volume: VolumeHandle): FilesystemHandle {
    return this.kernel.volume_root(volume) as FilesystemHandle;
  }

  /** A pid namespace without tasks. */
  pids(): PidsHandle {
    return this.kernel.pids_make() as PidsHandle;
  }

  /** One reference more. */
  holdPids(pids: PidsHandle): PidsHandle {
    this.kernel.pids_hold(pids);
    return pids;
  }

  /** The caller's reference; tasks and file systems have their own. */
  releasePids(pids: PidsHandle): void {
    this.kernel.pids_release(pids);
  }

  /** A namespace of the system's names. */
  uts(): UtsHandle {
    return this.kernel.uts_make() as UtsHandle;
  }

  /** One reference more. */
  holdUts(uts: UtsHandle): UtsHandle {
    this.kernel.uts_hold(uts);
    return uts;
  }

  /** The caller's reference; tasks have their own. */
  releaseUts(uts: UtsHandle): void {
    this.kernel.uts_release(uts);
  }

  /** In the kernel's first namespaces of pids and names, unless told otherwise. */
  task(
    namespace: NamespaceHandle,
    options: TaskOptions,
    others: { readonly pids?: PidsHandle; readonly uts?: UtsHandle } = {},
  ): TaskHandle {
    const { uid, gid, umask, capabilities } = options;
    const low = Number(capabilities & 0xffffffffn);
    const high = Number((capabilities >> 32n) & 0xffffffffn);
    const { pids, uts } = others;
    const task = this.kernel.task_make(namespace, uid, gid, umask, low, high, pids, uts) as TaskHandle;
    for (const limit of options.rlimits ?? []) this.#setLimit(task, limit);
    for (const group of options.groups) check(this.kernel.task_add_group(task, group), "adding a group");
    return task;
  }

  #setLimit(task: TaskHandle, { resource, soft, hard }: ResourceLimit): void {
    const words = [soft, hard].flatMap((value) => {
      const exact = value < 0 ? RLIM_INFINITY : BigInt(value);
      return [Number(exact % WORD), Number(exact / WORD)];
    }) as [number, number, number, number];
    check(this.kernel.task_set_limit(task, resource, ...words), "setting a limit");
  }

  /** Frees a task that no guest has run in. */
  dropTask(task: TaskHandle): void {
    this.kernel.task_free(task);
  }

  setArguments(task: TaskHandle, args: readonly string[]): void {
    this.#setStrings(task, 0, args);
  }

  setEnvironment(task: TaskHandle, env: readonly string[]): void {
    this.#setStrings(task, 1, env);
  }

  /** As execve(2): each string and all of them are bounded. */
  #setStrings(task: TaskHandle, which: number, strings: readonly string[]): void {
    if (strings.some((text) => encode(text).length >= STRING_MAX)) check(-E2BIG, "a string for a program");
    const bytes = encode(strings.map((text) => `${text}\0`).join(""));
    this.withBytes(bytes, (at, length) =>
      check(this.kernel.task_set_strings(task, which, at, length, strings.length), "setting strings"),
    );
  }

  chdir(task: TaskHandle, directory: string): void {
    const result = this.withBytes(encode(directory), (at, length) =>
      this.kernel.task_chdir(task, at, length),
    );
    check(result, `working directory ${directory}`);
  }

  /** Gives the task descriptor `fd` of the host as its own `fd`. */
  setStream(task: TaskHandle, fd: number, hostFd: number, mode: number, flags: number): void {
    check(this.kernel.task_set_stream(task, fd, hostFd, mode, flags), `descriptor ${fd}`);
  }

  preopen(task: TaskHandle, directory: string, name: string): number {
    const result = this.#withTexts(directory, name, (path, pathLength, at, length) =>
      this.kernel.task_preopen(task, path, pathLength, at, length),
    );
    return check(result, `opening ${directory}`);
  }

  /** Opens a path as the task sees it; a negative errno is returned, not thrown. */
  open(task: TaskHandle, path: string, flags: number): FileHandle | number {
    return this.withBytes(encode(path), (at, length) => this.kernel.file_open(task, at, length, flags, 0));
  }

  /** The whole file. */
  read(file: FileHandle, limit = Number.MAX_SAFE_INTEGER): Uint8Array<ArrayBuffer> {
    check(this.kernel.file_mode(file), "reading attributes");
    const size = Math.min(this.kernel.file_size(file), limit);
    const whole = new Uint8Array(size);
    const chunk = Math.min(Math.max(size, 1), 1 << 20);
    const buffer = this.kernel.buffer_alloc(chunk);
    let at = 0;
    while (at < size) {
      const got = check(this.kernel.file_pread(file, buffer, Math.min(chunk, size - at), at), "reading");
      if (got === 0) break;
      whole.set(new Uint8Array(this.memory.buffer, buffer, got), at);
      at += got;
    }
    this.kernel.buffer_free(buffer);
    return at === size ? whole : whole.slice(0, at);
  }

  isDirectory(task: TaskHandle, path: string): boolean {
    const file = this.open(task, path, O_DIRECTORY);
    if (file >= 0) this.kernel.file_close(file);
    return file >= 0;
  }

  /** The entries of a directory as the task sees it, as many as fit in 64 KiB, without "." and "..". */
  list(task: TaskHandle, directory: string): { name: string; isDirectory: boolean }[] {
    const file = check(this.open(task, directory, O_DIRECTORY), `opening ${directory}`);
    const buffer = this.kernel.buffer_alloc(LIST_BYTES);
    const used = this.kernel.file_list(file, buffer, LIST_BYTES);
    const bytes = new Uint8Array(this.memory.buffer).slice(buffer, buffer + Math.max(used, 0));
    this.kernel.buffer_free(buffer);
    this.kernel.file_close(file);
    check(used, `listing ${directory}`);
    const entries: { name: string; isDirectory: boolean }[] = [];
    for (let at = 0; at < bytes.length; ) {
      const name = new TextDecoder().decode(bytes.subarray(at + 2, at + 2 + bytes[at + 1]!));
      if (name !== "." && name !== "..") entries.push({ name, isDirectory: bytes[at] === DT_DIR });
      at += 2 + bytes[at + 1]!;
    }
    return entries;
  }

  /** The task's mounts, as /proc/PID/mountinfo has them; as much as fits in 64 KiB. */
  mountinfo(task: TaskHandle): Uint8Array {
    const buffer = this.kernel.buffer_alloc(LIST_BYTES);
    const length = this.kernel.task_mountinfo(task, buffer, LIST_BYTES);
    const bytes = new Uint8Array(this.memory.buffer).slice(buffer, buffer + Math.min(length, LIST_BYTES));
    this.kernel.buffer_free(buffer);
    return bytes;
  }

  /** Two texts behind each other in the kernel's memory. */
  #withTexts<T>(
    first: string,
    second: string,
    use: (first: number, firstLength: number, second: number, secondLength: number) => T,
  ): T {
    const middle = encode(first).length;
    return this.withBytes(encode(first + second), (at, length) =>
      use(at, middle, at + middle, length - middle),
    );
  }

  /** Errors: WvisorError for more bytes than the kernel takes at a time. */
  withBytes<T>(bytes: Uint8Array, use: (at: number, length: number) => T): T {
    if (bytes.length > TEXT_MAX) check(-E2BIG, `${bytes.length} bytes for the kernel`);
    const buffer = this.kernel.buffer_alloc(Math.max(bytes.length, 1));
    new Uint8Array(this.memory.buffer).set(bytes, buffer);
    try {
      return use(buffer, bytes.length);
    } finally {
      this.kernel.buffer_free(buffer);
    }
  }
}

function flagsFor(flags: boolean | number): number {
  if (typeof flags === "number") return flags;
  return flags ? MNT_READONLY | MNT_RELATIME : MNT_RELATIME;
}

function encode(text: string): Uint8Array {
  return new TextEncoder().encode(text);
}

/** Throws the errno of a negative result. */
export function check(result: number, what: string): number {
  if (result >= 0) return result;
  const cause = new ErrnoError(-result, what);
  throw new WvisorError("ERR_WVISOR_KERNEL", cause.message, 125, { cause });
}
