// poll_oneoff of what a conformance program cannot make by itself: pipes, FIFOs, counters, terminals, streams of the host, another
// thread. They are made by Linux's calls of the same process.

import { closeSync, openSync, writeSync } from "node:fs";
import { afterAll, afterEach, beforeAll, describe, expect, test } from "vitest";
import { O_CREAT, O_NONBLOCK, O_RDWR, O_WRONLY } from "../../../assembly/abi/fcntl.ts";
import { IN_CREATE } from "../../../assembly/abi/inotify.ts";
import { TIOCGPTN, TIOCSPTLCK } from "../../../assembly/abi/ioctl.ts";
import {
  CLOCK_MONOTONIC,
  CLOCK_REALTIME,
  EVENTRWFLAGS_FD_READWRITE_HANGUP,
  EVENTTYPE_CLOCK,
  EVENTTYPE_FD_READ,
  EVENTTYPE_FD_WRITE,
  RIGHT_POLL_FD_READWRITE,
  RIGHTS_ALL,
  SIZEOF_EVENT,
  SIZEOF_SUBSCRIPTION,
  SUBCLOCKFLAGS_ABSTIME,
  WASI_EBADF,
  WASI_EFAULT,
  WASI_EINVAL,
  WASI_ENOTCAPABLE,
} from "../../../assembly/abi/wasi.ts";
import type { Machine, NamespaceHandle } from "../../../src/host/boot/machine.ts";
import { loadNative } from "../../../src/native/index.ts";
import { DescriptorCalls } from "../../support/sys/descriptor-calls.ts";
import { KernelProcess } from "../../support/sys/kernel.ts";
import { loadPrograms, Threads, within } from "../../support/threads.ts";
import { kernelModules, makeMachine, memoryNamespace } from "../../support/wvisor.ts";

const HANGUP = EVENTRWFLAGS_FD_READWRITE_HANGUP;
const MILLISECOND = 1_000_000n;
const SHORT = 20n * MILLISECOND;
const FAR = 20_000n * MILLISECOND;
const NO_FD = 999;
const SUBSCRIPTIONS_MAX = 1024;
const GUEST_BYTES = 65536;
/** Addresses in the guest's memory. */
const EVENTS = 0;
const COUNT = 4096;
const TIME = 4104;
const SUBSCRIPTIONS = 8192;
const ROOT = { uid: 0, gid: 0 };
const LATEST_MS = 20_000;
const KILL_CODE = 137;

/** A subscription; its position is its userdata. */
type Subscription =
  | { readonly read: number }
  | { readonly write: number }
  | { readonly clock: number; readonly timeout: bigint; readonly absolute?: boolean };

/** "2 read 5" is: the subscription at 2, to read, 5 bytes. "hangup" or an errno may follow. */
type Told = string;

const TYPE_NAMES = new Map([
  [EVENTTYPE_CLOCK, "clock"],
  [EVENTTYPE_FD_READ, "read"],
  [EVENTTYPE_FD_WRITE, "write"],
]);

class Poller extends DescriptorCalls {
  readonly #process: KernelProcess;

  constructor(process: KernelProcess) {
    super(process);
    this.#process = process;
  }

  call(name: string, ...args: (number | bigint)[]): number {
    return (this.#process.kernel[name] as (...all: (number | bigint)[]) => number)(...args);
  }

  get #view(): DataView {
    return new DataView(this.#process.guest.buffer);
  }

  now(clock: number): bigint {
    expect(this.call("clock_time_get", clock, 0n, TIME)).toBe(0);
    return this.#view.getBigUint64(TIME, true);
  }

  put(subscriptions: readonly Subscription[]): void {
    const view = this.#view;
    for (const [index, each] of subscriptions.entries()) {
      const at = SUBSCRIPTIONS + index * SIZEOF_SUBSCRIPTION;
      for (let word = 0; word < SIZEOF_SUBSCRIPTION; word += 8) view.setBigUint64(at + word, 0n, true);
      view.setBigUint64(at, BigInt(index), true);
      if ("clock" in each) {
        view.setUint8(at + 8, EVENTTYPE_CLOCK);
        view.setUint32(at + 16, each.clock, true);
        view.setBigUint64(at + 24, each.timeout, true);
        view.setUint16(at + 40, each.absolute ? SUBCLOCKFLAGS_ABSTIME : 0, true);
      } else {
        view.setUint8(at + 8, "read" in each ? EVENTTYPE_FD_READ : EVENTTYPE_FD_WRITE);
        view.setUint32(at + 16, "read" in each ? each.read : each.write, true);
      }
    }
  }

  /** The events, or the errno. */
  oneoff(...subscriptions: readonly Subscription[]): Told[] | number {
    this.put(subscriptions);
    const errno = this.call("poll_oneoff", SUBSCRIPTIONS, EVENTS, subscriptions.length, COUNT);
    if (errno !== 0) return errno;
    return Array.from({ length: this.#view.getUint32(COUNT, true) }, (_, index) => this.#event(index));
  }

  #event(index: number): Told {
    const view = this.#view;
    const at = EVENTS + index * SIZEOF_EVENT;
    const words = [`${view.getBigUint64(at, true)}`, TYPE_NAMES.get(view.getUint8(at + 10)) ?? "unknown"];
    const errno = view.getUint16(at + 8, true);
    if (errno !== 0) words.push(`errno ${errno}`);
    else if (words[1] !== "clock") words.push(`${view.getBigUint64(at + 16, true)}`);
    if (view.getUint16(at + 24, true) & HANGUP) words.push("hangup");
    return words.join(" ");
  }

  /** What is told at once; nothing when the clock comes first. */
  ready(...subscriptions: readonly Subscription[]): Told[] {
    const told = this.oneoff(...subscriptions, { clock: CLOCK_MONOTONIC, timeout: 0n });
    if (typeof told === "number") throw new Error(`poll_oneoff: ${told}`);
    expect(told.at(-1)).toBe(`${subscriptions.length} clock`);
    return told.slice(0, -1);
  }

  openPty(): { master: number; replica: number } {
    const master = this.open("/pts/ptmx", O_RDWR | O_NONBLOCK);
    expect(this.ioctl(master, TIOCSPTLCK, Buffer.alloc(4))).toBe(0);
    const number = Buffer.alloc(4);
    expect(this.ioctl(master, TIOCGPTN, number)).toBe(0);
    const replica = this.open(`/pts/${number.readUInt32LE()}`, O_RDWR | O_NONBLOCK);
    expect(replica).toBeGreaterThanOrEqual(0);
    return { master, replica };
  }
}

let machine: Machine;
let namespace: NamespaceHandle;
let processes: KernelProcess[] = [];

function start(): { process: KernelProcess; sys: Poller } {
  const process = new KernelProcess(machine, namespace, ROOT);
  processes.push(process);
  return { process, sys: new Poller(process) };
}

function poller(): Poller {
  return start().sys;
}

beforeAll(async () => {
  await loadPrograms("block");
  machine = makeMachine({ modules: kernelModules("peek", true) });
  namespace = memoryNamespace(machine);
  const { sys } = start();
  expect(sys.mkdir("/pts")).toBe(0);
  machine.mount(namespace, machine.kernelFilesystem("devpts"), "/pts", false);
});

afterEach(() => {
  for (const each of processes) each.end();
  processes = [];
});

describe("poll_oneoff of one end and the other", () => {
  test("a pipe tells its bytes, its room and its hangup", () => {
    const sys = poller();
    const [reader, writer] = sys.pipe();
    const both = [{ read: reader }, { write: writer }] as const;
    expect(sys.ready(...both)).toEqual(["1 write 1"]);
    sys.write(writer, "hello");
    expect(sys.ready(...both)).toEqual(["0 read 5", "1 write 1"]);
    sys.close(writer);
    expect(sys.ready({ read: reader })).toEqual(["0 read 5 hangup"]);
    sys.read(reader, 5);
    expect(sys.ready({ read: reader })).toEqual(["0 read 0 hangup"]);
  });

  test("a pipe that is full is not ready, and one without a reader is a hangup", () => {
    const sys = poller();
    const [reader, writer] = sys.pipe(O_NONBLOCK);
    sys.write(writer, Buffer.alloc(65536));
    expect(sys.ready({ write: writer })).toEqual([]);
    sys.close(reader);
    expect(sys.ready({ write: writer })).toEqual(["0 write 0 hangup"]);
  });

  test("a FIFO that a guest opens tells the bytes of another process", () => {
    const sys = poller();
    const other = poller();
    sys.mkfifo("/tmp/fifo");
    const fd = sys.open("/tmp/fifo", O_NONBLOCK);
    expect(sys.ready({ read: fd })).toEqual([]);
    const writer = other.open("/tmp/fifo", O_WRONLY);
    other.write(writer, "abc");
    expect(sys.ready({ read: fd })).toEqual(["0 read 3"]);
    other.close(writer);
    expect(sys.ready({ read: fd })).toEqual(["0 read 3 hangup"]);
    sys.unlink("/tmp/fifo");
  });

  test("an event counter is ready to be read from one on, and to be written below its greatest value", () => {
    const sys = poller();
    const fd = sys.eventfd(0, O_NONBLOCK);
    const both = [{ read: fd }, { write: fd }] as const;
    expect(sys.ready(...both)).toEqual(["1 write 1"]);
    const value = Buffer.alloc(8);
    value.writeBigUInt64LE(0xfffffffffffffffen);
    sys.write(fd, value);
    expect(sys.ready(...both)).toEqual(["0 read 1"]);
  });

  test("a terminal tells a whole line, and its master what was echoed and that nobody has it open", () => {
    const sys = poller();
    const { master, replica } = sys.openPty();
    expect(sys.ready({ read: replica }, { read: master }, { write: replica })).toEqual(["2 write 1"]);
    sys.write(master, "par");
    expect(sys.ready({ read: replica })).toEqual([]);
    sys.write(master, "t\n");
    expect(sys.ready({ read: replica }, { read: master })).toEqual(["0 read 5", "1 read 6"]);
    sys.close(replica);
    expect(sys.ready({ read: master })).toEqual(["0 read 6 hangup"]);
  });

  test("a terminal without its master is a hangup that can be read", () => {
    const sys = poller();
    const { master, replica } = sys.openPty();
    sys.close(master);
    expect(sys.ready({ read: replica })).toEqual(["0 read 1 hangup"]);
  });

  test("an inotify instance tells the bytes of its events", () => {
    const sys = poller();
    const fd = sys.inotify(O_NONBLOCK);
    sys.addWatch(fd, "/tmp", IN_CREATE);
    expect(sys.ready({ read: fd })).toEqual([]);
    sys.close(sys.open("/tmp/new", O_CREAT | O_RDWR));
    expect(sys.ready({ read: fd })).toEqual(["0 read 32"]);
    sys.unlink("/tmp/new");
  });

  test("a regular file tells the bytes up to its end, a directory and a device are ready", () => {
    const sys = poller();
    const fd = sys.open("/tmp/file", O_CREAT | O_RDWR);
    sys.write(fd, "0123456789");
    expect(sys.ready({ read: fd })).toEqual(["0 read 0"]);
    sys.seek(fd, 4, 0);
    expect(sys.ready({ read: fd })).toEqual(["0 read 6"]);
    const top = sys.open("/tmp");
    const zero = sys.open("/dev/zero");
    expect(sys.ready({ read: top }, { read: zero })).toEqual(["0 read 1", "1 read 1"]);
    sys.unlink("/tmp/file");
  });

  test("the same descriptor twice is told twice", () => {
    const sys = poller();
    const [reader, writer] = sys.pipe();
    sys.write(writer, "x");
    expect(sys.ready({ read: reader }, { read: reader }, { write: writer })).toEqual([
      "0 read 1",
      "1 read 1",
      "2 write 1",
    ]);
  });
});

describe("poll_oneoff of a stream of the host", () => {
  const native = loadNative()!;
  const ends = new Int32Array(2);
  native.registerMemory(7, new Uint8Array(ends.buffer));
  const opened: number[] = [];

  /** Two ends of a host's stream, the first of them the process's stdin. */
  function withStdin(): { sys: Poller; far: number } {
    expect(native.socketpair(7, 0)).toBe(0);
    const [near, far] = [ends[0]!, ends[1]!];
    opened.push(near, far);
    new Uint8Array(machine.shared.handles)[near] = 1;
    const { process, sys } = start();
    machine.setStream(process.task, 0, near, 0o010600, 2);
    return { sys, far };
  }

  afterAll(() => {
    for (const fd of opened) closeSync(fd);
  });

  test("it tells that there is something, with a pipe of the kernel's own beside it or without", () => {
    const { sys, far } = withStdin();
    const [reader, writer] = sys.pipe();
    expect(sys.ready({ read: 0 }, { write: 0 }, { read: reader })).toEqual(["1 write 1"]);
    writeSync(far, "x");
    expect(sys.oneoff({ read: 0 })).toEqual(["0 read 1"]);
    expect(sys.oneoff({ read: reader }, { read: 0 })).toEqual(["1 read 1"]);
    sys.write(writer, "yz");
    expect(sys.oneoff({ read: reader }, { read: 0 })).toEqual(["0 read 2", "1 read 1"]);
  });

  test("a clock ends the wait for it, with a pipe of the kernel's own beside it or without", () => {
    const { sys } = withStdin();
    const [reader] = sys.pipe();
    for (const others of [[], [{ read: reader }]]) {
      const before = sys.now(CLOCK_MONOTONIC);
      expect(sys.oneoff({ clock: CLOCK_MONOTONIC, timeout: SHORT }, { read: 0 }, ...others)).toEqual([
        "0 clock",
      ]);
      expect(sys.now(CLOCK_MONOTONIC) - before).toBeGreaterThanOrEqual(SHORT);
    }
  });

  test("the far end's end is a hangup", () => {
    const { sys, far } = withStdin();
    closeSync(far);
    opened.splice(opened.indexOf(far), 1);
    expect(sys.oneoff({ read: 0 })).toEqual(["0 read 1 hangup"]);
  });

  test("a host file is always ready", () => {
    const file = openSync("/dev/null", "r");
    opened.push(file);
    new Uint8Array(machine.shared.handles)[file] = 1;
    const { process, sys } = start();
    machine.setStream(process.task, 0, file, 0o020666, 2);
    expect(sys.oneoff({ read: 0 }, { clock: CLOCK_MONOTONIC, timeout: FAR })).toEqual(["0 read 1"]);
  });
});

describe("poll_oneoff of clocks", () => {
  test("of several only those that are due are told, each by its own clock", () => {
    const sys = poller();
    const monotonic = sys.now(CLOCK_MONOTONIC);
    const realtime = sys.now(CLOCK_REALTIME);
    expect(
      sys.oneoff(
        { clock: CLOCK_MONOTONIC, timeout: FAR },
        { clock: CLOCK_REALTIME, timeout: realtime + FAR, absolute: true },
        { clock: CLOCK_MONOTONIC, timeout: monotonic, absolute: true },
        { clock: CLOCK_REALTIME, timeout: realtime, absolute: true },
        { clock: CLOCK_REALTIME, timeout: 0n },
        // The realtime clock's time is no time of the monotonic one: decades away.
        { clock: CLOCK_MONOTONIC, timeout: realtime, absolute: true },
      ),
    ).toEqual(["2 clock", "3 clock", "4 clock"]);
  });

  test("the first of a relative and an absolute one ends the wait, whatever their order", () => {
    const sys = poller();
    for (const first of [0, 1]) {
      const before = sys.now(CLOCK_MONOTONIC);
      const clocks = [
        { clock: CLOCK_REALTIME, timeout: sys.now(CLOCK_REALTIME) + (first ? FAR : SHORT), absolute: true },
        { clock: CLOCK_MONOTONIC, timeout: first ? SHORT : FAR },
      ];
      expect(sys.oneoff(...clocks)).toEqual([`${first} clock`]);
      expect(sys.now(CLOCK_MONOTONIC) - before).toBeGreaterThanOrEqual(SHORT - MILLISECOND);
    }
  });

  test("a clock that never comes does not wrap round", () => {
    const sys = poller();
    const never = 0xffffffffffffffffn;
    expect(
      sys.oneoff(
        { clock: CLOCK_MONOTONIC, timeout: never },
        { clock: CLOCK_REALTIME, timeout: never, absolute: true },
        { clock: CLOCK_MONOTONIC, timeout: SHORT },
      ),
    ).toEqual(["2 clock"]);
  });

  test("a clock is told beside a descriptor that is ready", () => {
    const sys = poller();
    const [, writer] = sys.pipe();
    expect(sys.oneoff({ clock: CLOCK_MONOTONIC, timeout: 0n }, { write: writer })).toEqual([
      "0 clock",
      "1 write 1",
    ]);
    expect(sys.oneoff({ clock: CLOCK_MONOTONIC, timeout: FAR }, { write: writer })).toEqual(["1 write 1"]);
  });
});

describe("poll_oneoff of what is wrong", () => {
  test("no subscription and too many are INVAL", () => {
    const sys = poller();
    expect(sys.oneoff()).toBe(WASI_EINVAL);
    const many = Array.from({ length: SUBSCRIPTIONS_MAX }, () => ({ clock: CLOCK_MONOTONIC, timeout: 0n }));
    sys.put(many);
    // The events would overwrite the subscriptions: they are copied first.
    expect(sys.call("poll_oneoff", SUBSCRIPTIONS, SUBSCRIPTIONS, SUBSCRIPTIONS_MAX, COUNT)).toBe(0);
    expect(sys.call("poll_oneoff", SUBSCRIPTIONS, SUBSCRIPTIONS, SUBSCRIPTIONS_MAX + 1, COUNT)).toBe(
      WASI_EINVAL,
    );
  });

  test("a bad descriptor and one without the right are told at once beside others", () => {
    const sys = poller();
    const [reader, writer] = sys.pipe();
    const rights = BigInt(RIGHTS_ALL & ~RIGHT_POLL_FD_READWRITE);
    expect(sys.call("fd_fdstat_set_rights", reader, rights, 0n)).toBe(0);
    expect(
      sys.oneoff(
        { read: NO_FD },
        { clock: CLOCK_MONOTONIC, timeout: FAR },
        { read: reader },
        { write: writer },
        { write: NO_FD },
      ),
    ).toEqual([
      `0 read errno ${WASI_EBADF}`,
      `2 read errno ${WASI_ENOTCAPABLE}`,
      "3 write 1",
      `4 write errno ${WASI_EBADF}`,
    ]);
  });

  test("a pointer out of memory is FAULT, wherever it is", () => {
    const sys = poller();
    sys.put([{ clock: CLOCK_MONOTONIC, timeout: 0n }]);
    const last = GUEST_BYTES - 8;
    expect(sys.call("poll_oneoff", last, EVENTS, 1, COUNT)).toBe(WASI_EFAULT);
    expect(sys.call("poll_oneoff", SUBSCRIPTIONS, last, 1, COUNT)).toBe(WASI_EFAULT);
    expect(sys.call("poll_oneoff", SUBSCRIPTIONS, EVENTS, 1, GUEST_BYTES)).toBe(WASI_EFAULT);
  });

  test("a clock flag that there is not is INVAL", () => {
    const sys = poller();
    sys.put([{ clock: CLOCK_MONOTONIC, timeout: 0n }]);
    const memory = new Uint8Array(processes[0]!.guest.buffer);
    memory[SUBSCRIPTIONS + 40] = 2;
    expect(sys.call("poll_oneoff", SUBSCRIPTIONS, EVENTS, 1, COUNT)).toBe(WASI_EINVAL);
  });
});

describe("poll_oneoff in another thread", () => {
  async function withGuest(
    body: (threads: Threads, guest: ReturnType<Threads["start"]>, writer: DescriptorCalls) => Promise<void>,
  ): Promise<void> {
    const threads = new Threads({ provider: "peek", debug: true });
    const process = new KernelProcess(threads.machine, threads.namespace, ROOT);
    const sys = new DescriptorCalls(process);
    expect(sys.mkfifo("/work/fifo")).toBe(0);
    const guest = threads.start("block", ["poll", "/work/fifo"]);
    await guest.thread.started;
    try {
      await body(threads, guest, sys);
    } finally {
      process.end();
      threads.close();
    }
  }

  test("a write to a FIFO wakes who polls it", async () => {
    await withGuest(async (threads, guest, sys) => {
      await new Promise((resolve) => setTimeout(resolve, 50));
      const fd = sys.open("/work/fifo", O_RDWR);
      sys.write(fd, "x");
      const ended = await within(LATEST_MS, "the guest's end", threads.finish(guest));
      expect(ended).toMatchObject({ code: 0, message: undefined, stderr: "" });
    });
  });

  test("a kill ends who polls a FIFO", async () => {
    await withGuest(async (_threads, guest) => {
      await new Promise((resolve) => setTimeout(resolve, 50));
      const exit = await within(LATEST_MS, "the kill", guest.thread.kill(KILL_CODE));
      expect(exit).toMatchObject({ code: KILL_CODE, message: undefined });
      guest.close();
    });
  });
});
