// mqueue: POSIX message queues as files (Linux: ipc/mqueue.c). Queues can be made, listed, looked at and removed by their names;
// messages go through system calls of their own, which there are none of here, so that every queue is empty.

import { memoryIsShort } from "mm/page";
import { EINVAL, ENOSPC } from "../../abi/errno.ts";
import { S_IFREG } from "../../abi/stat.ts";
import { errorOf } from "../../lib/result.ts";
import { StatFs } from "../../vfs/attributes.ts";
import { realTime } from "../../vfs/clock.ts";
import { makeRootDentry } from "../../vfs/dcache.ts";
import { Dentry } from "../../vfs/dentry.ts";
import { FS_MQUEUE, MountOptions } from "../../vfs/filesystem-type.ts";
import { Text } from "../../vfs/text.ts";
import { KernfsDirectory } from "../kernfs/directory.ts";
import { KernfsFile } from "../kernfs/file.ts";
import { KernfsFilesystem } from "../kernfs/inode.ts";

const MQUEUE_MAGIC: u64 = 0x19800202;
/** DFLT_QUEUESMAX. */
const QUEUES_MAX: u32 = 256;
/** What a queue's file says its size is (FILENT_SIZE), and what each adds to its directory's (DIRENT_SIZE). */
const FILE_SIZE: i64 = 80;
const ENTRY_SIZE: i64 = 20;

@final
class MqueueFilesystem extends KernfsFilesystem {
  constructor() {
    super();
    this.writeError = -EINVAL;
  }

  typeId(): u32 {
    return FS_MQUEUE;
  }

  statfs(out: StatFs): i32 {
    out.type = MQUEUE_MAGIC;
    return 0;
  }
}

@final
class Queue extends KernfsFile {
  show(out: Text): i32 {
    out.text("QSIZE:0          NOTIFY:0     SIGNO:0     NOTIFY_PID:0     \n");
    return 0;
  }
}

@final
class MqueueDirectory extends KernfsDirectory {
  private count: u32 = 0;

  /** Errors: ENOSPC. */
  override create(child: Dentry, mode: u32, uid: u32, gid: u32): i32 {
    if (this.count >= QUEUES_MAX || memoryIsShort()) return -ENOSPC;
    const queue = new Queue(this.kernfs, mode & 0o7777);
    queue.mode = <u32>S_IFREG | (mode & 0o7777);
    queue.uid = uid;
    queue.gid = gid;
    queue.size = FILE_SIZE;
    queue.incRef();
    this.addNamed(child.name, child.nameLength, queue);
    child.instantiate(queue);
    this.count++;
    this.changed(ENTRY_SIZE);
    return 0;
  }

  override unlink(child: Dentry): i32 {
    const queue = child.file;
    queue.nlink = 0;
    queue.ctime = realTime();
    this.removeFixed(queue);
    this.count--;
    this.changed(-ENTRY_SIZE);
    return 0;
  }

  private changed(size: i64): void {
    const now = realTime();
    this.size += size;
    this.mtime = now;
    this.ctime = now;
  }
}

/** A new instance, with queues of its own: its root dentry with one reference, or an error: EINVAL for any option. */
export function mountMqueue(options: MountOptions): usize {
  if (options.dataLength) return errorOf(-EINVAL);
  const fs = new MqueueFilesystem();
  const top = new MqueueDirectory(fs, 0o1777);
  top.size = 2 * ENTRY_SIZE;
  const root = makeRootDentry(fs, top);
  fs.decRef();
  return changetype<usize>(root);
}
