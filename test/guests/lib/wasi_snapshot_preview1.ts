// The functions of WASI preview1 as a guest imports them. AssemblyScript takes the import module's name from
// the file's name, which is why this one has underscores. A program imports only what it calls: the compiler
// drops the rest.
//
// Pointers and sizes are 32 bits, rights and file sizes 64. Each function but proc_exit returns a WASI errno.

export declare function args_get(argv: usize, argvBuffer: usize): i32;
export declare function args_sizes_get(argc: usize, argvBufferSize: usize): i32;
export declare function environ_get(environ: usize, environBuffer: usize): i32;
export declare function environ_sizes_get(count: usize, bufferSize: usize): i32;

export declare function clock_res_get(clock: u32, resolution: usize): i32;
export declare function clock_time_get(clock: u32, precision: u64, time: usize): i32;

export declare function fd_advise(fd: i32, offset: u64, length: u64, advice: i32): i32;
export declare function fd_allocate(fd: i32, offset: u64, length: u64): i32;
export declare function fd_close(fd: i32): i32;
export declare function fd_datasync(fd: i32): i32;
export declare function fd_fdstat_get(fd: i32, fdstat: usize): i32;
export declare function fd_fdstat_set_flags(fd: i32, flags: i32): i32;
export declare function fd_fdstat_set_rights(fd: i32, base: u64, inheriting: u64): i32;
export declare function fd_filestat_get(fd: i32, filestat: usize): i32;
export declare function fd_filestat_set_size(fd: i32, size: u64): i32;
export declare function fd_filestat_set_times(fd: i32, atim: u64, mtim: u64, flags: i32): i32;
export declare function fd_pread(fd: i32, iovs: usize, iovCount: u32, offset: u64, read: usize): i32;
export declare function fd_prestat_get(fd: i32, prestat: usize): i32;
export declare function fd_prestat_dir_name(fd: i32, name: usize, length: u32): i32;
export declare function fd_pwrite(fd: i32, iovs: usize, iovCount: u32, offset: u64, written: usize): i32;
export declare function fd_read(fd: i32, iovs: usize, iovCount: u32, read: usize): i32;
export declare function fd_readdir(fd: i32, buffer: usize, length: u32, cookie: u64, used: usize): i32;
export declare function fd_renumber(from: i32, to: i32): i32;
export declare function fd_seek(fd: i32, offset: i64, whence: i32, position: usize): i32;
export declare function fd_sync(fd: i32): i32;
export declare function fd_tell(fd: i32, position: usize): i32;
export declare function fd_write(fd: i32, iovs: usize, iovCount: u32, written: usize): i32;

export declare function path_create_directory(fd: i32, path: usize, pathLength: u32): i32;
export declare function path_filestat_get(
  fd: i32,
  lookupFlags: i32,
  path: usize,
  pathLength: u32,
  filestat: usize,
): i32;
export declare function path_filestat_set_times(
  fd: i32,
  lookupFlags: i32,
  path: usize,
  pathLength: u32,
  atim: u64,
  mtim: u64,
  flags: i32,
): i32;
export declare function path_link(
  oldFd: i32,
  oldFlags: i32,
  oldPath: usize,
  oldPathLength: u32,
  newFd: i32,
  newPath: usize,
  newPathLength: u32,
): i32;
export declare function path_open(
  fd: i32,
  lookupFlags: i32,
  path: usize,
  pathLength: u32,
  oflags: i32,
  rightsBase: u64,
  rightsInheriting: u64,
  fdflags: i32,
  opened: usize,
): i32;
export declare function path_readlink(
  fd: i32,
  path: usize,
  pathLength: u32,
  buffer: usize,
  bufferLength: u32,
  used: usize,
): i32;
export declare function path_remove_directory(fd: i32, path: usize, pathLength: u32): i32;
export declare function path_rename(
  fd: i32,
  oldPath: usize,
  oldPathLength: u32,
  newFd: i32,
  newPath: usize,
  newPathLength: u32,
): i32;
export declare function path_symlink(
  target: usize,
  targetLength: u32,
  fd: i32,
  path: usize,
  pathLength: u32,
): i32;
export declare function path_unlink_file(fd: i32, path: usize, pathLength: u32): i32;

export declare function poll_oneoff(
  subscriptions: usize,
  events: usize,
  subscriptionCount: u32,
  eventCount: usize,
): i32;
export declare function proc_exit(code: i32): void;
export declare function proc_raise(signal: i32): i32;
export declare function random_get(buffer: usize, length: u32): i32;
export declare function sched_yield(): i32;
export declare function sock_accept(fd: i32, flags: i32, accepted: usize): i32;
export declare function sock_recv(
  fd: i32,
  iovs: usize,
  iovCount: u32,
  flags: i32,
  received: usize,
  outFlags: usize,
): i32;
export declare function sock_send(fd: i32, iovs: usize, iovCount: u32, flags: i32, sent: usize): i32;
export declare function sock_shutdown(fd: i32, how: i32): i32;
