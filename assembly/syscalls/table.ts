// The system call table: numbers to functions. docs/compatibility.md is made from it.

import { ENOSYS } from "../abi/errno.ts";
import { AT_FDCWD } from "../abi/fcntl.ts";
import * as nr from "../abi/syscall.ts";
import { Task } from "../kernel/task.ts";
import * as access from "./access.ts";
import * as attributes from "./attributes.ts";
import * as capabilities from "./capabilities.ts";
import * as copy from "./copy.ts";
import * as credentials from "./credentials.ts";
import * as descriptors from "./descriptors.ts";
import * as directories from "./directories.ts";
import * as inotify from "./inotify.ts";
import * as ioctl from "./ioctl.ts";
import * as locks from "./locks.ts";
import * as memfd from "./memfd.ts";
import * as mount from "./mount.ts";
import * as names from "./names.ts";
import * as open from "./open.ts";
import * as pipe from "./pipe.ts";
import * as poll from "./poll.ts";
import * as seek from "./seek.ts";
import * as space from "./space.ts";
import * as stat from "./stat.ts";
import * as statx from "./statx.ts";
import * as sync from "./sync.ts";
import * as times from "./times.ts";
import * as transfer from "./transfer.ts";
import * as xattr from "./xattr.ts";

/** Runs one call. Arguments are as in the registers of Linux; pointers are addresses in kernel memory (arguments.ts). */
export function dispatch(task: Task, number: i32, a: i64, b: i64, c: i64, d: i64, e: i64, f: i64): i64 {
  switch (number) {
    // Opening and closing.
    case nr.SYS_open:
      return open.open(task, <usize>a, <u32>b, <u32>c);
    case nr.SYS_openat:
      return open.openat(task, <i32>a, <usize>b, <u32>c, <u32>d);
    case nr.SYS_openat2:
      return open.openat2(task, <i32>a, <usize>b, <usize>c, <u64>d);
    case nr.SYS_creat:
      return open.creat(task, <usize>a, <u32>b);
    case nr.SYS_close:
      return open.close(task, <i32>a);

    // Reading and writing.
    case nr.SYS_read:
      return transfer.read(task, <i32>a, <u64>b, <u64>c);
    case nr.SYS_write:
      return transfer.write(task, <i32>a, <u64>b, <u64>c);
    case nr.SYS_pread64:
      return transfer.pread(task, <i32>a, <u64>b, <u64>c, d);
    case nr.SYS_pwrite64:
      return transfer.pwrite(task, <i32>a, <u64>b, <u64>c, d);
    case nr.SYS_readv:
      return transfer.readv(task, <i32>a, <usize>b, <u64>c, 0);
    case nr.SYS_writev:
      return transfer.writev(task, <i32>a, <usize>b, <u64>c, 0);
    case nr.SYS_preadv:
      return transfer.preadv(task, <i32>a, <usize>b, <u64>c, d, 0);
    case nr.SYS_pwritev:
      return transfer.pwritev(task, <i32>a, <usize>b, <u64>c, d, 0);
    case nr.SYS_preadv2:
      return transfer.preadv2(task, <i32>a, <usize>b, <u64>c, d, <u32>f);
    case nr.SYS_pwritev2:
      return transfer.pwritev2(task, <i32>a, <usize>b, <u64>c, d, <u32>f);
    case nr.SYS_lseek:
      return seek.lseek(task, <i32>a, b, <u32>c);
    case nr.SYS_sendfile:
      return copy.sendfile(task, <i32>a, <i32>b, <usize>c, <u64>d);
    case nr.SYS_copy_file_range:
      return copy.copyFileRange(task, <i32>a, <usize>b, <i32>c, <usize>d, <u64>e, <u32>f);

    // Space and storage.
    case nr.SYS_truncate:
      return space.truncate(task, <usize>a, b);
    case nr.SYS_ftruncate:
      return space.ftruncate(task, <i32>a, b);
    case nr.SYS_fallocate:
      return space.fallocate(task, <i32>a, <u32>b, c, d);
    case nr.SYS_fsync:
      return sync.fsync(task, <i32>a, false);
    case nr.SYS_fdatasync:
      return sync.fsync(task, <i32>a, true);
    case nr.SYS_sync:
      return sync.sync(task);
    case nr.SYS_syncfs:
      return sync.syncfs(task, <i32>a);
    case nr.SYS_sync_file_range:
      return sync.syncFileRange(task, <i32>a, b, c, <u32>d);
    case nr.SYS_fadvise64:
      return sync.fadvise(task, <i32>a, b, c, <u32>d);
    case nr.SYS_readahead:
      return sync.readahead(task, <i32>a, b, c);

    // Devices.
    case nr.SYS_ioctl:
      return ioctl.ioctl(task, <i32>a, <u32>b, <usize>c);

    // Attributes.
    case nr.SYS_stat:
      return stat.stat(task, <usize>a, <usize>b);
    case nr.SYS_lstat:
      return stat.lstat(task, <usize>a, <usize>b);
    case nr.SYS_fstat:
      return stat.fstat(task, <i32>a, <usize>b);
    case nr.SYS_newfstatat:
      return stat.newfstatat(task, <i32>a, <usize>b, <usize>c, <u32>d);
    case nr.SYS_statx:
      return statx.statx(task, <i32>a, <usize>b, <u32>c, <u32>d, <usize>e);
    case nr.SYS_statfs:
      return statx.statfs(task, <usize>a, <usize>b);
    case nr.SYS_fstatfs:
      return statx.fstatfs(task, <i32>a, <usize>b);
    case nr.SYS_access:
      return access.access(task, <usize>a, <u32>b);
    case nr.SYS_faccessat:
      return access.faccessat(task, <i32>a, <usize>b, <u32>c);
    case nr.SYS_faccessat2:
      return access.faccessat2(task, <i32>a, <usize>b, <u32>c, <u32>d);
    case nr.SYS_chmod:
      return attributes.chmod(task, <usize>a, <u32>b);
    case nr.SYS_fchmod:
      return attributes.fchmod(task, <i32>a, <u32>b);
    case nr.SYS_fchmodat:
      return attributes.fchmodat2(task, <i32>a, <usize>b, <u32>c, 0);
    case nr.SYS_fchmodat2:
      return attributes.fchmodat2(task, <i32>a, <usize>b, <u32>c, <u32>d);
    case nr.SYS_chown:
      return attributes.chown(task, <usize>a, <u32>b, <u32>c);
    case nr.SYS_lchown:
      return attributes.lchown(task, <usize>a, <u32>b, <u32>c);
    case nr.SYS_fchown:
      return attributes.fchown(task, <i32>a, <u32>b, <u32>c);
    case nr.SYS_fchownat:
      return attributes.fchownat(task, <i32>a, <usize>b, <u32>c, <u32>d, <u32>e);
    case nr.SYS_umask:
      return attributes.umask(task, <u32>a);
    case nr.SYS_utimensat:
      return times.utimensat(task, <i32>a, <usize>b, <usize>c, <u32>d);
    case nr.SYS_futimesat:
      return times.futimesat(task, <i32>a, <usize>b, <usize>c);
    case nr.SYS_utimes:
      return times.utimes(task, <usize>a, <usize>b);
    case nr.SYS_utime:
      return times.utime(task, <usize>a, <usize>b);

    // Directories.
    case nr.SYS_getdents64:
      return directories.getdents64(task, <i32>a, <usize>b, <u32>c);
    case nr.SYS_getdents:
      return directories.getdents(task, <i32>a, <usize>b, <u32>c);
    case nr.SYS_getcwd:
      return directories.getcwd(task, <usize>a, <u64>b);
    case nr.SYS_chdir:
      return directories.chdir(task, <usize>a);
    case nr.SYS_fchdir:
      return directories.fchdir(task, <i32>a);
    case nr.SYS_chroot:
      return directories.chroot(task, <usize>a);

    // Mounts.
    case nr.SYS_mount:
      return mount.mount(task, <usize>a, <usize>b, <usize>c, <u32>d, <usize>e);
    case nr.SYS_umount2:
      return mount.umount2(task, <usize>a, <u32>b);
    case nr.SYS_pivot_root:
      return mount.pivot_root(task, <usize>a, <usize>b);
    case nr.SYS_unshare:
      return mount.unshare(task, <u32>a);
    case nr.SYS_mount_setattr:
      return mount.mount_setattr(task, <i32>a, <usize>b, <u32>c, <usize>d, <u64>e);

    // Names.
    case nr.SYS_mkdir:
      return names.mkdir(task, <usize>a, <u32>b);
    case nr.SYS_mkdirat:
      return names.mkdirat(task, <i32>a, <usize>b, <u32>c);
    case nr.SYS_mknod:
      return names.mknodat(task, AT_FDCWD, <usize>a, <u32>b, <u32>c);
    case nr.SYS_mknodat:
      return names.mknodat(task, <i32>a, <usize>b, <u32>c, <u32>d);
    case nr.SYS_rmdir:
      return names.rmdir(task, <usize>a);
    case nr.SYS_unlink:
      return names.unlink(task, <usize>a);
    case nr.SYS_unlinkat:
      return names.unlinkat(task, <i32>a, <usize>b, <u32>c);
    case nr.SYS_symlink:
      return names.symlink(task, <usize>a, <usize>b);
    case nr.SYS_symlinkat:
      return names.symlinkat(task, <usize>a, <i32>b, <usize>c);
    case nr.SYS_link:
      return names.link(task, <usize>a, <usize>b);
    case nr.SYS_linkat:
      return names.linkat(task, <i32>a, <usize>b, <i32>c, <usize>d, <u32>e);
    case nr.SYS_rename:
      return names.rename(task, <usize>a, <usize>b);
    case nr.SYS_renameat:
      return names.renameat2(task, <i32>a, <usize>b, <i32>c, <usize>d, 0);
    case nr.SYS_renameat2:
      return names.renameat2(task, <i32>a, <usize>b, <i32>c, <usize>d, <u32>e);
    case nr.SYS_readlink:
      return names.readlink(task, <usize>a, <usize>b, <i32>c);
    case nr.SYS_readlinkat:
      return names.readlinkat(task, <i32>a, <usize>b, <usize>c, <i32>d);

    // Credentials.
    case nr.SYS_getuid:
      return task.cred.uid;
    case nr.SYS_geteuid:
      return task.cred.euid;
    case nr.SYS_getgid:
      return task.cred.gid;
    case nr.SYS_getegid:
      return task.cred.egid;
    case nr.SYS_setuid:
      return credentials.setuid(task, <u32>a);
    case nr.SYS_setgid:
      return credentials.setgid(task, <u32>a);
    case nr.SYS_setreuid:
      return credentials.setreuid(task, <u32>a, <u32>b);
    case nr.SYS_setregid:
      return credentials.setregid(task, <u32>a, <u32>b);
    case nr.SYS_setresuid:
      return credentials.setresuid(task, <u32>a, <u32>b, <u32>c);
    case nr.SYS_setresgid:
      return credentials.setresgid(task, <u32>a, <u32>b, <u32>c);
    case nr.SYS_getresuid:
      return credentials.getresuid(task, <usize>a, <usize>b, <usize>c);
    case nr.SYS_getresgid:
      return credentials.getresgid(task, <usize>a, <usize>b, <usize>c);
    case nr.SYS_setfsuid:
      return credentials.setfsuid(task, <u32>a);
    case nr.SYS_setfsgid:
      return credentials.setfsgid(task, <u32>a);
    case nr.SYS_getgroups:
      return credentials.getgroups(task, <i32>a, <usize>b);
    case nr.SYS_setgroups:
      return credentials.setgroups(task, <i32>a, <usize>b);
    case nr.SYS_capget:
      return capabilities.capget(task, <usize>a, <usize>b);
    case nr.SYS_capset:
      return capabilities.capset(task, <usize>a, <usize>b);

    // Extended attributes.
    case nr.SYS_setxattr:
      return xattr.setxattr(task, <usize>a, <usize>b, <usize>c, <u64>d, <u32>e);
    case nr.SYS_lsetxattr:
      return xattr.lsetxattr(task, <usize>a, <usize>b, <usize>c, <u64>d, <u32>e);
    case nr.SYS_fsetxattr:
      return xattr.fsetxattr(task, <i32>a, <usize>b, <usize>c, <u64>d, <u32>e);
    case nr.SYS_getxattr:
      return xattr.getxattr(task, <usize>a, <usize>b, <usize>c, <u64>d);
    case nr.SYS_lgetxattr:
      return xattr.lgetxattr(task, <usize>a, <usize>b, <usize>c, <u64>d);
    case nr.SYS_fgetxattr:
      return xattr.fgetxattr(task, <i32>a, <usize>b, <usize>c, <u64>d);
    case nr.SYS_listxattr:
      return xattr.listxattr(task, <usize>a, <usize>b, <u64>c);
    case nr.SYS_llistxattr:
      return xattr.llistxattr(task, <usize>a, <usize>b, <u64>c);
    case nr.SYS_flistxattr:
      return xattr.flistxattr(task, <i32>a, <usize>b, <u64>c);
    case nr.SYS_removexattr:
      return xattr.removexattr(task, <usize>a, <usize>b);
    case nr.SYS_lremovexattr:
      return xattr.lremovexattr(task, <usize>a, <usize>b);
    case nr.SYS_fremovexattr:
      return xattr.fremovexattr(task, <i32>a, <usize>b);
    // Descriptors, pipes, events, locks.
    case nr.SYS_dup:
      return descriptors.dup(task, <i32>a);
    case nr.SYS_dup2:
      return descriptors.dup2(task, <i32>a, <i32>b);
    case nr.SYS_dup3:
      return descriptors.dup3(task, <i32>a, <i32>b, <u32>c);
    case nr.SYS_close_range:
      return descriptors.closeRange(task, <u32>a, <u32>b, <u32>c);
    case nr.SYS_fcntl:
      return descriptors.fcntl(task, <i32>a, <i32>b, c);
    case nr.SYS_pipe:
      return pipe.pipe2(task, <usize>a, 0);
    case nr.SYS_pipe2:
      return pipe.pipe2(task, <usize>a, <u32>b);
    case nr.SYS_eventfd:
      return pipe.eventfd2(task, <u32>a, 0);
    case nr.SYS_eventfd2:
      return pipe.eventfd2(task, <u32>a, <u32>b);
    case nr.SYS_memfd_create:
      return memfd.memfdCreate(task, <usize>a, <u32>b);
    case nr.SYS_poll:
      return poll.poll(task, <usize>a, <u32>b, <i32>c);
    case nr.SYS_ppoll:
      return poll.ppoll(task, <usize>a, <u32>b, <usize>c, <usize>d, <u64>e);
    case nr.SYS_inotify_init:
      return inotify.inotifyInit1(task, 0);
    case nr.SYS_inotify_init1:
      return inotify.inotifyInit1(task, <u32>a);
    case nr.SYS_inotify_add_watch:
      return inotify.inotifyAddWatch(task, <i32>a, <usize>b, <u32>c);
    case nr.SYS_inotify_rm_watch:
      return inotify.inotifyRmWatch(task, <i32>a, <i32>b);
    case nr.SYS_flock:
      return locks.flock(task, <i32>a, <i32>b);

    default:
      return -ENOSYS;
  }
}
