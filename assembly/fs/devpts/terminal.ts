// A pseudoterminal: what its master and its replicas share (Linux: drivers/tty/pty.c).
//
// It lives as long as a description of either side. Opening ptmx makes it, with its master; the node /dev/pts/N and its number go
// when the master is closed. From then on the terminal is hung up: readers see the end, writers EIO. A master whose last replica
// was closed gets EIO once it has read all, until a replica is opened again.
//
// Every wait is on one of the two queues, which are woken whenever anything changes for their side.

import { free, RefCounted } from "../../lib/ref-counted.ts";
import { WaitQueue } from "../../sched/wait-queue.ts";
import { LineDiscipline } from "./line-discipline.ts";
import { Output } from "./output.ts";
import { Termios } from "./termios.ts";

@final
export class Terminal extends RefCounted {
  readonly termios: Termios = new Termios();
  readonly output: Output = new Output();
  readonly discipline: LineDiscipline = new LineDiscipline();
  /** Where the master sleeps, and where readers and writers of replicas do. */
  readonly masterWait: WaitQueue = new WaitQueue();
  readonly replicaWait: WaitQueue = new WaitQueue();
  /** Replicas cannot be opened until the master has said so (TIOCSPTLCK). */
  locked: bool = true;
  /** The master was closed. */
  hungUp: bool = false;
  replicas: u32 = 0;
  /** The last replica was closed, and none opened since. */
  replicasLeft: bool = false;
  /** struct winsize. */
  winsize: u64 = 0;

  constructor(readonly index: u32) {
    super();
    this.output.begin(this.termios);
    this.discipline.begin(this.termios, this.output);
  }

  destroy(): void {
    this.discipline.destroy();
    free(this.discipline);
    this.output.queue.destroy();
    free(this.output.queue);
    free(this.output);
    this.termios.destroy();
    free(this.termios);
    free(this.masterWait);
    free(this.replicaWait);
  }

  wakeBoth(): void {
    this.masterWait.wakeAll();
    this.replicaWait.wakeAll();
  }
}
