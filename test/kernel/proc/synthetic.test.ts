// What only our kernel can be asked: what the synthetic file systems leave behind when their mounts and their users are gone, and
// options of mounts that would be the host's.

import { expect, test } from "vitest";
import { O_CREAT, O_DIRECTORY, O_NONBLOCK, O_RDWR, O_WRONLY } from "../../../assembly/abi/fcntl.ts";
import { TIOCGPTN, TIOCSPTLCK } from "../../../assembly/abi/ioctl.ts";
import { Calls } from "../../support/sys/calls.ts";
import { kernelTarget } from "../../support/sys/kernel.ts";
import { makeMachine } from "../../support/wvisor.ts";

const TYPES = ["proc", "sysfs", "devpts", "mqueue", "cgroup", "cgroup2", "devtmpfs"];

function useEverything(sys: Calls): void {
  for (const path of [
    "/proc/self/status",
    "/proc/self/mountinfo",
    "/proc/self/fdinfo/0",
    "/proc/sys/kernel/random/uuid",
    "/sys/devices/system/cpu/online",
    "/cgroup2/cgroup.procs",
  ]) {
    const fd = sys.open(path);
    if (fd >= 0) expect(sys.read(fd, 4096)).toBeInstanceOf(Buffer);
  }
  const directory = sys.open("/", O_DIRECTORY);
  expect(sys.readlink(`/proc/self/fd/${directory}`)).toBe("/");
  expect(sys.open(`/proc/self/fd/${directory}/proc/self/fd`)).toBeGreaterThan(0);
  const master = sys.open("/devpts/ptmx", O_RDWR | O_NONBLOCK);
  expect(sys.ioctl(master, TIOCSPTLCK, Buffer.alloc(4))).toBe(0);
  expect(sys.ioctl(master, TIOCGPTN, Buffer.alloc(4))).toBe(0);
  const replica = sys.open("/devpts/0", O_RDWR | O_NONBLOCK);
  expect(sys.write(master, "line\n")).toBe(5);
  expect(sys.read(replica, 100)).toEqual(Buffer.from("line\n"));
  expect(sys.open("/mqueue/queue", O_CREAT | O_RDWR)).toBeGreaterThan(0);
  expect(sys.mkdir("/cgroup/group")).toBe(0);
  expect(sys.write(sys.open("/cgroup/group/tasks", O_WRONLY), "0")).toBe(1);
  expect(sys.write(sys.open("/devtmpfs/null", O_WRONLY), "gone")).toBe(4);
}

test("all that was made goes with the namespace and its tasks", () => {
  const machine = makeMachine();
  const counts = [0, 1, 2].map(() => {
    const namespace = machine.namespace(machine.tmpfs("mode=777"), false);
    for (const type of TYPES) {
      const options = type === "devpts" ? "ptmxmode=666" : "";
      machine.mount(namespace, machine.kernelFilesystem(type, options), `/${type}`, false);
    }
    const process = kernelTarget(machine, namespace, "wVisor").process();
    useEverything(new Calls(process));
    process.end();
    machine.kernel.namespace_release(namespace);
    return machine.kernel.heap_objects();
  });
  // The first round also makes what stays for the kernel's life.
  expect(counts[2]).toBeLessThanOrEqual(counts[1]!);
});

test("a hierarchy of control groups is the same wherever it is mounted, and shares no controller (CG-01)", () => {
  const machine = makeMachine();
  const namespace = machine.namespace(machine.tmpfs("mode=777"), false);
  machine.mount(namespace, machine.kernelFilesystem("cgroup", "cpu,memory"), "/one", false);
  machine.mount(namespace, machine.kernelFilesystem("cgroup", "memory,cpu"), "/two", false);
  machine.mount(namespace, machine.kernelFilesystem("cgroup", "pids"), "/three", false);
  expect(() => machine.kernelFilesystem("cgroup", "cpu")).toThrow(/EBUSY/);
  expect(() => machine.kernelFilesystem("cgroup")).toThrow(/EBUSY/);
  expect(() => machine.kernelFilesystem("cgroup", "all,cpu")).toThrow(/EINVAL/);
  expect(() => machine.kernelFilesystem("cgroup", "disk")).toThrow(/EINVAL/);
  const sys = new Calls(kernelTarget(machine, namespace, "wVisor").process());
  expect(sys.mkdir("/one/group")).toBe(0);
  expect(sys.stat("/two/group")).toMatchObject({ mode: 0o40755 });
  const read = (path: string): string => (sys.read(sys.open(path), 100) as Buffer).toString();
  expect(read("/two/group/cpu.shares")).toBe("1024\n");
  expect(sys.write(sys.open("/one/group/cpu.shares", O_WRONLY), "2048")).toBe(4);
  expect(read("/two/group/cpu.shares")).toBe("2048\n");
  expect(read("/one/cpu.cfs_quota_us")).toBe("-1\n");
  expect(read("/one/memory.limit_in_bytes")).toBe("9223372036854771712\n");
  expect(sys.rmdir("/two/group")).toBe(0);
  expect(sys.stat("/one/group")).toBe(-2);
});

test("devpts takes the options that Linux takes, and no others (DP-01)", () => {
  const machine = makeMachine();
  for (const options of ["", "newinstance", "mode=620,ptmxmode=0666,uid=1,gid=5,max=3"]) {
    expect(machine.kernelFilesystem("devpts", options)).toBeGreaterThan(0);
  }
  for (const options of ["mode=9", "mode=", "gid", "color=red"]) {
    expect(() => machine.kernelFilesystem("devpts", options)).toThrow(/EINVAL/);
  }
});
