// The parameters of each function of wasi_snapshot_preview1, under the names that its witx file has.

import * as p from "./parameters.ts";
import { dirents, events, fdstat, filestat, prestat, subscriptions } from "./structures.ts";

/** args_get and environ_get are told by none of their arguments how many strings there are. */
export interface StringCounts {
  readonly args: number;
  readonly env: number;
}

export function callTable(counts: StringCounts): ReadonlyMap<string, readonly p.Parameter[]> {
  const iovs = [p.ciovs, p.u32("iovs_len")];
  const filled = (used: number) => [p.iovs(used), p.u32("iovs_len")];
  return new Map<string, readonly p.Parameter[]>([
    ["args_get", [p.outStrings("argv", counts.args), p.address("argv_buf")]],
    ["args_sizes_get", [p.outU32("argc"), p.outU32("argv_buf_size")]],
    ["clock_res_get", [p.clock, p.outU64("resolution")]],
    ["clock_time_get", [p.clock, p.u64("precision"), p.outU64("time")]],
    ["environ_get", [p.outStrings("environ", counts.env), p.address("environ_buf")]],
    ["environ_sizes_get", [p.outU32("environc"), p.outU32("environ_buf_size")]],
    ["fd_advise", [p.fd(), p.i64("offset"), p.i64("len"), p.advice]],
    ["fd_allocate", [p.fd(), p.i64("offset"), p.i64("len")]],
    ["fd_close", [p.fd()]],
    ["fd_datasync", [p.fd()]],
    ["fd_fdstat_get", [p.fd(), fdstat]],
    ["fd_fdstat_set_flags", [p.fd(), p.fdflags]],
    ["fd_fdstat_set_rights", [p.fd(), p.rights("fs_rights_base"), p.rights("fs_rights_inheriting")]],
    ["fd_filestat_get", [p.fd(), filestat]],
    ["fd_filestat_set_size", [p.fd(), p.i64("size")]],
    ["fd_filestat_set_times", [p.fd(), p.i64("atim"), p.i64("mtim"), p.fstflags]],
    ["fd_pread", [p.fd(), ...filled(4), p.i64("offset"), p.outU32("nread")]],
    ["fd_prestat_dir_name", [p.fd(), p.outBuffer("path", undefined), p.u32("path_len")]],
    ["fd_prestat_get", [p.fd(), prestat]],
    ["fd_pwrite", [p.fd(), ...iovs, p.i64("offset"), p.outU32("nwritten")]],
    ["fd_read", [p.fd(), ...filled(3), p.outU32("nread")]],
    ["fd_readdir", [p.fd(), dirents(4), p.u32("buf_len"), p.u64("cookie"), p.outU32("bufused")]],
    ["fd_renumber", [p.fd("fd"), p.fd("to")]],
    ["fd_seek", [p.fd(), p.i64("offset"), p.whence, p.outU64("newoffset")]],
    ["fd_sync", [p.fd()]],
    ["fd_tell", [p.fd(), p.outU64("offset")]],
    ["fd_write", [p.fd(), ...iovs, p.outU32("nwritten")]],
    ["path_create_directory", [p.fd(), p.path()]],
    ["path_filestat_get", [p.fd(), p.lookupflags, p.path(), filestat]],
    ["path_filestat_set_times", [p.fd(), p.lookupflags, p.path(), p.i64("atim"), p.i64("mtim"), p.fstflags]],
    ["path_link", [p.fd("old_fd"), p.lookupflags, p.path("old_path"), p.fd("new_fd"), p.path("new_path")]],
    [
      "path_open",
      [
        p.fd(),
        p.lookupflags,
        p.path(),
        p.oflags,
        p.rights("fs_rights_base"),
        p.rights("fs_rights_inheriting"),
        p.fdflags,
        p.outFd,
      ],
    ],
    ["path_readlink", [p.fd(), p.path(), p.outBuffer("buf", 5), p.u32("buf_len"), p.outU32("bufused")]],
    ["path_remove_directory", [p.fd(), p.path()]],
    ["path_rename", [p.fd("fd"), p.path("old_path"), p.fd("new_fd"), p.path("new_path")]],
    ["path_symlink", [p.path("old_path"), p.fd(), p.path("new_path")]],
    ["path_unlink_file", [p.fd(), p.path()]],
    ["poll_oneoff", [subscriptions, events, p.u32("nsubscriptions"), p.outU32("nevents")]],
    ["proc_exit", [p.u32("rval")]],
    ["proc_raise", [p.u32("sig")]],
    ["random_get", [p.outBuffer("buf", undefined), p.u32("buf_len")]],
    ["sched_yield", []],
    ["sock_accept", [p.fd(), p.fdflags, p.outU32("new_fd")]],
    ["sock_recv", [p.fd(), ...filled(4), p.u32("ri_flags"), p.outU32("ro_datalen"), p.outU32("ro_flags")]],
    ["sock_send", [p.fd(), ...iovs, p.u32("si_flags"), p.outU32("so_datalen")]],
    ["sock_shutdown", [p.fd(), p.u32("how")]],
  ]);
}
