// What kernel.wasm exports to the control side (assembly/index.ts); the rest are the functions of preview1.
// Addresses are numbers. Results are `>= 0` or `-errno` unless told otherwise.

export interface KernelExports extends WebAssembly.Exports {
  /** A Linux system call of the task that the instance runs; pointers are addresses in kernel memory. */
  syscall(number: number, a: number, b: number, c: number, d: number, e: number, f: number): number;
  /** The next names of an open directory of that task: see assembly/syscalls/name-list.ts. */
  list_names(fd: number, buffer: number, capacity: number): number;
  /** Its record of refusals (assembly/abi/refusal.ts), which is kept from now on. */
  trace_begin(task: number): number;
  /** The length of a path that it leaves in the record of the instance's own task. */
  trace_fd_path(fd: number): number;
  task_mountinfo(task: number, buffer: number, capacity: number): number;
  boot_kernel(maxBytes: number): number;
  attach(): number;
  thread_interrupt(thread: number): void;
  thread_resume(thread: number): void;
  lock_kernel(): void;
  unlock_kernel(): void;
  limit_tmpfs(pages: number, inodes: number): void;
  buffer_alloc(bytes: number): number;
  buffer_free(buffer: number): void;
  /** `pids`: of pids_make(), 0 or absent: the kernel's first. */
  fs_kernel(name: number, length: number, data: number, dataLength: number, pids?: number): number;
  fs_gofer(
    connection: number,
    readonly: number,
    shared: number,
    donate: number,
    uid: number,
    dcache: number,
    name: number,
    nameLength: number,
  ): number;
  fs_overlay(upper: number, lowers: number, count: number, options: number, length: number): number;
  namespace_make(root: number, flags: number, source: number, sourceLength: number): number;
  namespace_mount(
    namespace: number,
    root: number,
    path: number,
    length: number,
    flags: number,
    source: number,
    sourceLength: number,
  ): number;
  namespace_mkdir(namespace: number, path: number, length: number): number;
  namespace_mask(namespace: number, path: number, length: number): number;
  namespace_protect(namespace: number, path: number, length: number): number;
  volume_make(root: number): number;
  volume_root(volume: number): number;
  namespace_release(namespace: number): void;
  namespace_shrink(namespace: number): void;
  namespace_quiet(namespace: number): number;
  namespace_reattach(namespace: number): number;
  pids_make(): number;
  pids_hold(pids: number): void;
  pids_release(pids: number): void;
  uts_make(): number;
  uts_hold(uts: number): void;
  uts_release(uts: number): void;
  uts_set_name(which: number, name: number, length: number, uts?: number): number;
  task_make(
    namespace: number,
    uid: number,
    gid: number,
    umask: number,
    capsLow: number,
    capsHigh: number,
    pids?: number,
    uts?: number,
  ): number;
  task_set_limit(
    task: number,
    resource: number,
    softLow: number,
    softHigh: number,
    hardLow: number,
    hardHigh: number,
  ): number;
  task_add_group(task: number, gid: number): number;
  task_set_strings(task: number, which: number, strings: number, bytes: number, count: number): number;
  task_chdir(task: number, path: number, length: number): number;
  task_set_stream(task: number, fd: number, handle: number, mode: number, flags: number): number;
  task_preopen(task: number, path: number, pathLength: number, name: number, nameLength: number): number;
  task_enter(task: number): void;
  task_finish(task: number, code: number): number;
  task_state(task: number): number;
  kernel_panic(): void;
  task_kill(task: number, code: number): number;
  task_claim(task: number): number;
  task_reap(task: number): void;
  task_usage(task: number, out: number): void;
  task_free(task: number): number;
  task_id(task: number): number;
  file_open(task: number, path: number, length: number, flags: number, mode: number): number;
  file_pread(file: number, buffer: number, length: number, offset: number): number;
  file_list(file: number, buffer: number, capacity: number): number;
  file_mode(file: number): number;
  file_size(file: number): number;
  task_set_executable(task: number, file: number): void;
  file_may_execute(task: number, file: number): number;
  file_close(file: number): void;
  heap_objects(): number;
  heap_pages(): number;
}

/** What the debug kernel has besides: assembly/debug/exports.ts. */
export interface DebugKernelExports extends KernelExports {
  check_invariants(): number;
  share_files(task: number, other: number): void;
}

/** MNT_* of assembly/vfs/mount.ts. */
export const MNT_READONLY = 1;
export const MNT_NOSUID = 2;
export const MNT_NODEV = 4;
export const MNT_NOEXEC = 8;
export const MNT_NOATIME = 16;
export const MNT_NODIRATIME = 32;
export const MNT_RELATIME = 64;
export const MNT_NOSYMFOLLOW = 128;

/** UTS_* of assembly/kernel/uts.ts. */
export const UTS_NODENAME = 0;
export const UTS_DOMAINNAME = 1;

/** States of a thread, as task_state() and task_claim() return them (assembly/sched/thread.ts). */
export const THREAD_IN_GUEST = 0;
export const THREAD_IN_KERNEL = 1;
export const THREAD_GONE = 3;
