// Two containers of one kernel: what each sees of itself, and that it sees nothing of the other; what is left when they are gone.
// The rules are Linux's of pid_namespaces(7) and uts_namespaces(7), where the first namespace, which sees all, is nobody's.

import { beforeEach, expect, test } from "vitest";
import { ENOENT, ESRCH } from "../../../assembly/abi/errno.ts";
import { O_DIRECTORY, O_RDWR, O_WRONLY } from "../../../assembly/abi/fcntl.ts";
import * as nr from "../../../assembly/abi/syscall.ts";
import type { Machine, NamespaceHandle, PidsHandle, UtsHandle } from "../../../src/host/boot/machine.ts";
import { scaled } from "../../support/scale.ts";
import { Calls } from "../../support/sys/calls.ts";
import { checkInvariants, KernelProcess } from "../../support/sys/kernel.ts";
import { kernelModules, makeMachine } from "../../support/wvisor.ts";

const ROOT = { uid: 0, gid: 0 };
const CYCLES = scaled(1000);

let machine: Machine;

beforeEach(() => {
  machine = makeMachine({ modules: kernelModules("peek", true) });
});

class Container {
  readonly namespace: NamespaceHandle;
  readonly pids: PidsHandle;
  readonly uts: UtsHandle;
  readonly processes: KernelProcess[] = [];

  constructor(name: string) {
    this.pids = machine.pids();
    this.uts = machine.uts();
    machine.setNames(name, undefined, this.uts);
    this.namespace = machine.namespace(machine.tmpfs("mode=777"), false);
    for (const type of ["proc", "devtmpfs", "cgroup", "cgroup2"]) {
      machine.mount(this.namespace, machine.kernelFilesystem(type, "", this.pids), `/${type}`, false);
    }
    machine.mount(this.namespace, machine.kernelFilesystem("devpts", "ptmxmode=666"), "/devpts", false);
  }

  process(): Calls {
    const process = new KernelProcess(machine, this.namespace, ROOT, this);
    this.processes.push(process);
    return new Calls(process);
  }

  end(): void {
    for (const process of this.processes) process.end();
    machine.releaseNamespace(this.namespace);
    machine.releasePids(this.pids);
    machine.releaseUts(this.uts);
  }
}

function text(sys: Calls, path: string): string | number {
  const fd = sys.open(path);
  if (fd < 0) return fd;
  const read = sys.read(fd, 4096);
  sys.close(fd);
  return typeof read === "number" ? read : read.toString();
}

/** The numbers in a directory of a container's, as its newest process lists it. */
function numbers({ processes }: Container, directory: string): string[] {
  const { task } = processes.at(-1)!;
  return machine.list(task, directory).flatMap(({ name }) => (/^\d+$/.test(name) ? [name] : []));
}

test("process numbers begin at 1 in each, and /proc has one's own", () => {
  const [one, other] = [new Container("one"), new Container("other")];
  const [first, second] = [one.process(), one.process()];
  const stranger = other.process();
  expect(one.processes.map(({ task }) => machine.kernel.task_id(task))).toEqual([1, 2]);
  expect(other.processes.map(({ task }) => machine.kernel.task_id(task))).toEqual([1]);
  expect(numbers(one, "/proc")).toEqual(["1", "2"]);
  expect(numbers(other, "/proc")).toEqual(["1"]);
  expect(numbers(one, "/proc/2/task")).toEqual(["2"]);
  expect([first, second, stranger].map((sys) => sys.readlink("/proc/self"))).toEqual(["1", "2", "1"]);
  expect(second.readlink("/proc/thread-self")).toBe("2/task/2");
  expect(stranger.open("/proc/2/status")).toBe(-ENOENT);
  expect(text(second, "/proc/self/status")).toMatch(/^Pid:\t2$/m);
  expect(text(second, "/proc/self/stat")).toMatch(/^2 /);
  expect(text(stranger, "/proc/loadavg")).toMatch(/\/1 1\n$/);
  checkInvariants(machine);
});

test("the /proc of another container shows nothing of a process that is not in it", () => {
  const [one, other] = [new Container("one"), new Container("other")];
  const sys = one.process();
  other.process();
  const foreign = machine.kernelFilesystem("proc", "", other.pids);
  machine.mount(one.namespace, foreign, "/foreign", false);
  expect(numbers(one, "/foreign")).toEqual(["1"]);
  // Linux: proc_self_get_link().
  expect(sys.readlink("/foreign/self")).toBe(-ENOENT);
});

test("a /proc that a process mounts itself shows its own namespace", () => {
  const one = new Container("one");
  new Container("other").process();
  const sys = one.process();
  expect(sys.mkdir("/again")).toBe(0);
  expect(one.processes[0]!.syscall(nr.SYS_mount, "proc", "/again", "proc", 0, "")).toBe(0);
  expect(numbers(one, "/again")).toEqual(["1"]);
});

test("names of the system are each container's own", () => {
  const [one, other] = [new Container("one"), new Container("other")];
  const [first, stranger] = [one.process(), other.process()];
  expect(text(first, "/proc/sys/kernel/hostname")).toBe("one\n");
  expect(first.write(first.open("/proc/sys/kernel/hostname", O_WRONLY), "changed\n")).toBe(8);
  expect(text(first, "/proc/sys/kernel/hostname")).toBe("changed\n");
  expect(text(stranger, "/proc/sys/kernel/hostname")).toBe("other\n");
});

test("namespaces have numbers of their own", () => {
  const [one, other] = [new Container("one"), new Container("other")];
  const [first, second, stranger] = [one.process(), one.process(), other.process()];
  for (const kind of ["pid", "uts"]) {
    const link = (sys: Calls) => sys.readlink(`/proc/self/ns/${kind}`);
    expect(link(first)).toBe(link(second));
    expect(link(first)).not.toBe(link(stranger));
    expect(link(first)).toMatch(/^(pid|uts):\[40265\d{5}\]$/);
  }
});

test("control groups hold and show one's own processes, by one's own numbers", () => {
  const [one, other] = [new Container("one"), new Container("other")];
  const [first, stranger] = [one.process(), other.process()];
  one.process();
  expect(first.mkdir("/cgroup/mine")).toBe(0);
  expect(stranger.open("/cgroup/mine", O_DIRECTORY)).toBe(-ENOENT);
  expect(first.write(first.open("/cgroup/mine/tasks", O_RDWR), "2")).toBe(1);
  expect(text(first, "/cgroup/mine/tasks")).toBe("2\n");
  expect(text(first, "/cgroup/tasks")).toBe("1\n");
  expect(first.write(first.open("/cgroup/mine/tasks", O_RDWR), "3")).toBe(-ESRCH);
  expect(text(stranger, "/cgroup2/cgroup.procs")).toBe("1\n");
});

test(`nothing stays of ${CYCLES} containers`, () => {
  const counts: number[] = [];
  for (let cycle = 0; cycle < CYCLES; cycle++) {
    const container = new Container("name");
    const sys = container.process();
    expect(text(sys, "/proc/self/status")).toContain("Pid:\t1\n");
    expect(sys.mkdir("/cgroup/group")).toBe(0);
    expect(sys.open("/devtmpfs/null", O_RDWR)).toBeGreaterThanOrEqual(0);
    container.end();
    counts.push(machine.kernel.heap_objects());
  }
  // The first round also makes what stays for the kernel's life.
  expect(counts.at(-1)).toBeLessThanOrEqual(counts[1]!);
  checkInvariants(machine);
});
