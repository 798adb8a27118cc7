// Files of /proc/PID that can be written: comm, oom_score_adj, mem.

import { CAP_SYS_RESOURCE } from "../../abi/capability.ts";
import { EACCES, EINVAL, EIO, ESRCH } from "../../abi/errno.ts";
import { currentTask } from "../../kernel/current-task.ts";
import { COMM_MAX } from "../../kernel/task.ts";
import { Text } from "../../vfs/text.ts";
import { KernfsFile } from "../kernfs/file.ts";
import { KernfsFilesystem } from "../kernfs/inode.ts";
import { parseSigned } from "../kernfs/numbers.ts";
import { mayInspect, taskOf } from "./task.ts";

@final
export class CommFile extends KernfsFile {
  constructor(
    fs: KernfsFilesystem,
    private readonly pid: u32,
  ) {
    super(fs, 0o644);
  }

  show(out: Text): i32 {
    const task = taskOf(this.pid);
    if (task === null) return -ESRCH;
    out.bytes(task.comm, task.commLength).byte(0x0a);
    return 0;
  }

  /** A thread of the same process may; what is too long is cut. Errors: ESRCH, EINVAL. Linux: comm_write(). */
  override store(text: usize, length: u32, _offset: i64): i64 {
    const task = taskOf(this.pid);
    if (task === null) return -ESRCH;
    if (currentTask() !== task) return -EINVAL;
    let end: u32 = 0;
    while (end < length && end < COMM_MAX && load<u8>(text + end) != 0) end++;
    task.setComm(text, end);
    return length;
  }
}

const OOM_SCORE_ADJ_MIN: i64 = -1000;
const OOM_SCORE_ADJ_MAX: i64 = 1000;

@final
export class OomScoreAdjFile extends KernfsFile {
  constructor(
    fs: KernfsFilesystem,
    private readonly pid: u32,
  ) {
    super(fs, 0o644);
  }

  show(out: Text): i32 {
    const task = taskOf(this.pid);
    if (task === null) return -ESRCH;
    out.signed(task.oomScoreAdj).byte(0x0a);
    return 0;
  }

  /** Errors: EINVAL, ESRCH, EACCES for less than before without CAP_SYS_RESOURCE. Linux: oom_score_adj_write(). */
  override store(text: usize, length: u32, _offset: i64): i64 {
    const value = parseSigned(text, length);
    if (value < OOM_SCORE_ADJ_MIN || value > OOM_SCORE_ADJ_MAX) return -EINVAL;
    const task = taskOf(this.pid);
    if (task === null) return -ESRCH;
    const self = currentTask();
    const may = self === null || self.cred.hasCapability(CAP_SYS_RESOURCE);
    if (value < <i64>task.oomScoreAdj && !may) return -EACCES;
    task.oomScoreAdj = <i32>value;
    return length;
  }
}

/** /proc/PID/mem: a Wasm guest's memory is its module's own, and has no addresses that another process could name. */
@final
export class MemFile extends KernfsFile {
  constructor(
    fs: KernfsFilesystem,
    private readonly pid: u32,
  ) {
    super(fs, 0o600);
  }

  override mayOpen(_flags: u32): i32 {
    const task = taskOf(this.pid);
    return task === null ? -ESRCH : mayInspect(task);
  }

  show(_out: Text): i32 {
    return -EIO;
  }

  override store(_text: usize, _length: u32, _offset: i64): i64 {
    return -EIO;
  }
}
