// Tasks: guests. A Task is a Thread with credentials, a root and working directory, descriptors, arguments and environment.
//
//   made      by the control side; not yet running
//   running   its instance entered the guest
//   ended     released all it owned, by itself (exitTask) or by the killer (reapTask); its exit code is known
//   freed     the host has taken the exit code
//
// The Task owns its credentials, mount namespace, walks, buffers and descriptors. Only the task itself uses them, or the
// control side before it runs and after it was claimed.

import { freePages } from "mm/page";
import { FD_MAX, IOV_MAX } from "../abi/limits.ts";
import { RLIMIT_NOFILE } from "../abi/resource.ts";
import { Credentials } from "../auth/credentials.ts";
import { free } from "../lib/ref-counted.ts";
import { IovIter } from "../mm/iov-iter.ts";
import { Thread } from "../sched/thread.ts";
import { Dentry } from "../vfs/dentry.ts";
import { FileDescription } from "../vfs/file-description.ts";
import { Mount } from "../vfs/mount.ts";
import { MountNamespace } from "../vfs/mount-namespace.ts";
import { PathWalk, WALK_DIRECTORY, WALK_FOLLOW } from "../vfs/path-walk.ts";
import { checkPermission, MAY_EXEC } from "../vfs/permission.ts";
import { FdEntry, FdTable } from "./fd-table.ts";
import { PidNamespace, removeTask } from "./pid-namespace.ts";
import { ResourceLimits } from "./resource-limits.ts";
import { UtsNamespace } from "./uts.ts";

/** Bytes of scratch memory that a task has for small transfers. */
export const TASK_PAGE: u32 = 8192;

/** Bytes of a task's name (Linux: TASK_COMM_LEN, less the NUL). */
export const COMM_MAX: u32 = 15;

@final
export class Task extends Thread {
  fds: FdTable = new FdTable();
  readonly limits: ResourceLimits = new ResourceLimits();
  rootMount: Mount;
  rootDentry: Dentry;
  cwdMount: Mount;
  cwdDentry: Dentry;
  umask: u32 = 0o022;
  exitCode: i32 = 0;
  /** Owned resources were given back. */
  ended: bool = false;
  /** NUL-terminated strings, one behind the other. */
  args: usize = 0;
  argsBytes: u32 = 0;
  argsCount: u32 = 0;
  env: usize = 0;
  envBytes: u32 = 0;
  envCount: u32 = 0;
  /** Its name, commLength bytes. */
  readonly comm: usize = heap.alloc(COMM_MAX);
  commLength: u32 = 0;
  /** When it was made, in nanoseconds since boot. */
  startTime: i64 = 0;
  /** What /proc/PID/oom_score_adj remembers. */
  oomScoreAdj: i32 = 0;
  /** Bytes of its guest's memory when its last call ended. */
  memoryBytes: u64 = 0;
  // What /proc/PID/io counts.
  bytesRead: u64 = 0;
  bytesWritten: u64 = 0;
  reads: u64 = 0;
  writes: u64 = 0;
  /** The program, with references; both null until the loader says. */
  exeMount: Mount | null = null;
  exeDentry: Dentry | null = null;
  readonly walk: PathWalk = new PathWalk();
  /** The second path of rename and link. */
  readonly otherWalk: PathWalk = new PathWalk();
  readonly iov: IovIter = new IovIter();
  /** IOV_MAX pairs. */
  readonly vector: usize = heap.alloc((<usize>IOV_MAX) << 3);
  readonly page: usize = heap.alloc(TASK_PAGE);
  // The descriptions that the call under way holds. No call takes more than two descriptors; a poll set holds its own.
  held: FileDescription | null = null;
  private heldToo: FileDescription | null = null;

  /** Takes over the references on the namespaces and `cred`. */
  constructor(
    public namespace: MountNamespace,
    readonly pids: PidNamespace,
    readonly uts: UtsNamespace,
    public cred: Credentials,
  ) {
    super();
    const root = namespace.root;
    this.rootMount = root;
    this.cwdMount = root;
    this.rootDentry = root.root;
    this.cwdDentry = root.root;
    root.incRef();
    root.incRef();
    root.root.incRef();
    root.root.incRef();
  }

  /**
   * The entry of an open descriptor, or null. Its description stays until the call ends, although another task that has the table too
   * may close the descriptor while this one sleeps (Linux: fdget(), fdput()). A table of this task's own is closed by nobody else: there
   * only the debug kernel holds, so that every test goes this way. The entry itself is the table's, and not to be used after a sleep.
   */
  fdget(fd: u32): FdEntry | null {
    const entry = this.fds.peek(fd);
    if (entry !== null && (this.fds.users > 1 || !ASC_NO_ASSERT)) this.hold(entry.description);
    return entry;
  }

  private hold(file: FileDescription): void {
    if (this.held === file) return;
    file.incRef();
    if (this.held === null) {
      this.held = file;
    } else {
      assert(this.heldToo === null, "a call takes two descriptors at the most");
      this.heldToo = file;
    }
  }

  /** Gives back what fdget() held; `held` is not null. At the end of each call. */
  fdput(): void {
    const file = changetype<FileDescription>(changetype<usize>(this.held));
    const other = this.heldToo;
    this.held = null;
    file.decRef();
    if (other === null) return;
    this.heldToo = null;
    other.decRef();
  }

  /** Begins the task's first walk at its working directory. */
  beginAtCwd(): PathWalk {
    const walk = this.walk;
    walk.begin(this.rootMount, this.rootDentry, this.cwdMount, this.cwdDentry, this.cred);
    return walk;
  }

  /** Becomes who `cred` says; takes over the reference. */
  setCredentials(cred: Credentials): void {
    this.cred.decRef();
    this.cred = cred;
  }

  /** Makes a directory the working directory; both borrowed. */
  setCwd(mount: Mount, dentry: Dentry): void {
    mount.incRef();
    dentry.incRef();
    this.cwdDentry.decRef();
    this.cwdMount.decRef();
    this.cwdMount = mount;
    this.cwdDentry = dentry;
  }

  /** Makes a directory the root directory; both borrowed. */
  setRoot(mount: Mount, dentry: Dentry): void {
    mount.incRef();
    dentry.incRef();
    this.rootDentry.decRef();
    this.rootMount.decRef();
    this.rootMount = mount;
    this.rootDentry = dentry;
  }

  /** chdir(2) to the path of `length` bytes in `walk.path`. */
  changeDirectory(length: u32): i32 {
    const walk = this.beginAtCwd();
    let result = walk.run(length, WALK_FOLLOW | WALK_DIRECTORY);
    if (result == 0) result = checkPermission(walk.result.file, this.cred, MAY_EXEC);
    if (result == 0) this.setCwd(walk.resultMount, walk.result);
    walk.release();
    return result;
  }

  /** Counts a read of that result, which it returns (Linux: add_rchar(), inc_syscr()). */
  countRead(moved: i64): i64 {
    this.reads++;
    if (moved > 0) this.bytesRead += moved;
    return moved;
  }

  countWrite(moved: i64): i64 {
    this.writes++;
    if (moved > 0) this.bytesWritten += moved;
    return moved;
  }

  /** Takes the first COMM_MAX bytes as its name. */
  setComm(name: usize, length: u32): void {
    this.commLength = min(length, COMM_MAX);
    memory.copy(this.comm, name, this.commLength);
  }

  /** What the task runs, for /proc/PID/exe, and its name from that; takes references of its own. */
  setExecutable(mount: Mount, dentry: Dentry): void {
    const oldMount = this.exeMount;
    const oldDentry = this.exeDentry;
    mount.incRef();
    dentry.incRef();
    this.exeMount = mount;
    this.exeDentry = dentry;
    this.setComm(dentry.name, dentry.nameLength);
    if (oldDentry !== null) oldDentry.decRef();
    if (oldMount !== null) oldMount.decRef();
  }

  /** Has the descriptors of another task from now on, and none of its own (Linux: CLONE_FILES). */
  shareFiles(other: Task): void {
    other.fds.users++;
    this.leaveFiles();
    this.fds = other.fds;
  }

  /** As prlimit(2). More descriptors than there can be are as many as there can be. Errors: EINVAL. */
  setLimit(resource: u32, soft: u64, hard: u64): i32 {
    if (resource != <u32>RLIMIT_NOFILE) return this.limits.set(resource, soft, hard);
    const most = min<u64>(soft, FD_MAX);
    const result = this.limits.set(resource, most, min<u64>(hard, FD_MAX));
    if (result == 0) this.fds.limit = <u32>most;
    return result;
  }

  private leaveFiles(): void {
    const fds = this.fds;
    if (--fds.users > 0) return;
    fds.closeAll();
    fds.destroy();
    free(fds);
  }

  /** Gives back all that the task owns. Never sleeps. */
  release(): void {
    if (this.ended) return;
    this.ended = true;
    removeTask(this, this.pids);
    if (this.held !== null) this.fdput();
    this.leaveFiles();
    this.walk.destroy();
    free(this.walk);
    this.otherWalk.destroy();
    free(this.otherWalk);
    free(this.iov);
    heap.free(this.vector);
    heap.free(this.page);
    heap.free(this.comm);
    this.limits.destroy();
    free(this.limits);
    const exeMount = this.exeMount;
    const exeDentry = this.exeDentry;
    if (exeDentry !== null) exeDentry.decRef();
    if (exeMount !== null) exeMount.decRef();
    this.rootDentry.decRef();
    this.rootMount.decRef();
    this.cwdDentry.decRef();
    this.cwdMount.decRef();
    this.namespace.decRef();
    this.pids.decRef();
    this.uts.decRef();
    this.cred.decRef();
    if (this.args) heap.free(this.args);
    if (this.env) heap.free(this.env);
    if (this.refusal) heap.free(this.refusal);
    this.refusal = 0;
    if (this.messageBuffer) freePages(this.messageBuffer);
    this.messageBuffer = 0;
  }
}
