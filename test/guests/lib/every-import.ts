// Each preview1 function as a call without arguments: valid ones, harmless to repeat, no allocation. Programs
// that want to be inside the kernel at an awkward moment (at the end of the stack, when they are killed) pick
// one by name.
//
// Each is a function of its own so that its frame is small: a switch over all would put the largest frame
// under each call.

import {
  CLOCK_MONOTONIC,
  LOOKUP_SYMLINK_FOLLOW,
  RIGHT_FD_READ,
  SIZEOF_SUBSCRIPTION,
} from "../../../assembly/abi/wasi.ts";
import * as wasi from "./wasi_snapshot_preview1.ts";

const PREOPEN: i32 = 3;
const NO_FD: i32 = 9999;

/** Arguments and environment land here, and everything else that is read. */
const scratch: usize = memory.data(65536, 8);
const iovec: usize = memory.data(8, 8);
const dot: usize = memory.data<u8>([0x2e]);
const missing: usize = memory.data<u8>([0x2e, 0x6e, 0x6f, 0x6e, 0x65]);
const MISSING_LENGTH: u32 = 5;

/** A clock that has long passed: poll_oneoff returns at once. */
const subscription: usize = memory.data(48, 8);

function noBytes(): usize {
  store<u32>(iovec, <u32>scratch);
  store<u32>(iovec, 0, 4);
  return iovec;
}

function openAndClose(): i32 {
  const errno = wasi.path_open(PREOPEN, LOOKUP_SYMLINK_FOLLOW, dot, 1, 0, RIGHT_FD_READ, 0, 0, scratch);
  return errno != 0 ? errno : wasi.fd_close(load<i32>(scratch));
}

function poll(): i32 {
  memory.fill(subscription, 0, SIZEOF_SUBSCRIPTION);
  store<u32>(subscription, CLOCK_MONOTONIC, 16);
  return wasi.poll_oneoff(subscription, scratch, 1, scratch + 64);
}

function exitZero(): i32 {
  wasi.proc_exit(0);
  return 0;
}

const names: string[] = [
  "args_get",
  "args_sizes_get",
  "environ_get",
  "environ_sizes_get",
  "clock_res_get",
  "clock_time_get",
  "fd_advise",
  "fd_allocate",
  "fd_close",
  "fd_datasync",
  "fd_fdstat_get",
  "fd_fdstat_set_flags",
  "fd_fdstat_set_rights",
  "fd_filestat_get",
  "fd_filestat_set_size",
  "fd_filestat_set_times",
  "fd_pread",
  "fd_prestat_get",
  "fd_prestat_dir_name",
  "fd_pwrite",
  "fd_read",
  "fd_readdir",
  "fd_renumber",
  "fd_seek",
  "fd_sync",
  "fd_tell",
  "fd_write",
  "path_create_directory",
  "path_filestat_get",
  "path_filestat_set_times",
  "path_link",
  "path_open",
  "path_readlink",
  "path_remove_directory",
  "path_rename",
  "path_symlink",
  "path_unlink_file",
  "poll_oneoff",
  "proc_exit",
  "proc_raise",
  "random_get",
  "sched_yield",
  "sock_accept",
  "sock_recv",
  "sock_send",
  "sock_shutdown",
];

const calls: (() => i32)[] = [
  (): i32 => wasi.args_get(scratch, scratch + 32768),
  (): i32 => wasi.args_sizes_get(scratch, scratch + 4),
  (): i32 => wasi.environ_get(scratch, scratch + 32768),
  (): i32 => wasi.environ_sizes_get(scratch, scratch + 4),
  (): i32 => wasi.clock_res_get(CLOCK_MONOTONIC, scratch),
  (): i32 => wasi.clock_time_get(CLOCK_MONOTONIC, 0, scratch),
  (): i32 => wasi.fd_advise(PREOPEN, 0, 0, 0),
  (): i32 => wasi.fd_allocate(PREOPEN, 0, 1),
  (): i32 => wasi.fd_close(NO_FD),
  (): i32 => wasi.fd_datasync(PREOPEN),
  (): i32 => wasi.fd_fdstat_get(PREOPEN, scratch),
  (): i32 => wasi.fd_fdstat_set_flags(NO_FD, 0),
  (): i32 => wasi.fd_fdstat_set_rights(NO_FD, 0, 0),
  (): i32 => wasi.fd_filestat_get(PREOPEN, scratch),
  (): i32 => wasi.fd_filestat_set_size(PREOPEN, 0),
  (): i32 => wasi.fd_filestat_set_times(NO_FD, 0, 0, 0),
  (): i32 => wasi.fd_pread(PREOPEN, noBytes(), 1, 0, scratch),
  (): i32 => wasi.fd_prestat_get(PREOPEN, scratch),
  (): i32 => wasi.fd_prestat_dir_name(PREOPEN, scratch, 4096),
  (): i32 => wasi.fd_pwrite(PREOPEN, noBytes(), 1, 0, scratch),
  (): i32 => wasi.fd_read(PREOPEN, noBytes(), 1, scratch),
  (): i32 => wasi.fd_readdir(PREOPEN, scratch, 4096, 0, scratch + 4096),
  (): i32 => wasi.fd_renumber(NO_FD, NO_FD + 1),
  (): i32 => wasi.fd_seek(PREOPEN, 0, 0, scratch),
  (): i32 => wasi.fd_sync(PREOPEN),
  (): i32 => wasi.fd_tell(PREOPEN, scratch),
  (): i32 => wasi.fd_write(1, noBytes(), 1, scratch),
  (): i32 => wasi.path_create_directory(PREOPEN, dot, 1),
  (): i32 => wasi.path_filestat_get(PREOPEN, 0, missing, MISSING_LENGTH, scratch),
  (): i32 => wasi.path_filestat_set_times(PREOPEN, 0, missing, MISSING_LENGTH, 0, 0, 0),
  (): i32 => wasi.path_link(PREOPEN, 0, missing, MISSING_LENGTH, PREOPEN, dot, 1),
  openAndClose,
  (): i32 => wasi.path_readlink(PREOPEN, missing, MISSING_LENGTH, scratch, 64, scratch + 64),
  (): i32 => wasi.path_remove_directory(PREOPEN, missing, MISSING_LENGTH),
  (): i32 => wasi.path_rename(PREOPEN, missing, MISSING_LENGTH, PREOPEN, missing, MISSING_LENGTH),
  (): i32 => wasi.path_symlink(missing, MISSING_LENGTH, PREOPEN, dot, 1),
  (): i32 => wasi.path_unlink_file(PREOPEN, missing, MISSING_LENGTH),
  poll,
  exitZero,
  (): i32 => wasi.proc_raise(0),
  (): i32 => wasi.random_get(scratch, 16),
  (): i32 => wasi.sched_yield(),
  (): i32 => wasi.sock_accept(PREOPEN, 0, scratch),
  (): i32 => wasi.sock_recv(PREOPEN, noBytes(), 1, 0, scratch, scratch + 8),
  (): i32 => wasi.sock_send(PREOPEN, noBytes(), 1, 0, scratch),
  (): i32 => wasi.sock_shutdown(PREOPEN, 0),
];

export function importCount(): i32 {
  return names.length;
}

export function importNamed(name: string): i32 {
  return names.indexOf(name);
}

export function nameOfImport(index: i32): string {
  return names[index];
}

/** Calls one of them; the errno, which is rarely of interest. */
export function callImport(index: i32): i32 {
  return unchecked(calls[index])();
}
