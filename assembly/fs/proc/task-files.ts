// The files of /proc/PID that only tell (Linux: fs/proc/array.c, base.c); those of its memory are in task-memory.ts. What the kernel
// does not count for a guest is 0: its thread is the host's to schedule.

import {
  RLIMIT_AS,
  RLIMIT_CORE,
  RLIMIT_CPU,
  RLIMIT_DATA,
  RLIMIT_FSIZE,
  RLIMIT_LOCKS,
  RLIMIT_MEMLOCK,
  RLIMIT_MSGQUEUE,
  RLIMIT_NICE,
  RLIMIT_NOFILE,
  RLIMIT_NPROC,
  RLIMIT_RSS,
  RLIMIT_RTPRIO,
  RLIMIT_RTTIME,
  RLIMIT_SIGPENDING,
  RLIMIT_STACK,
} from "../../abi/resource.ts";
import { currentTask } from "../../kernel/current-task.ts";
import { Task } from "../../kernel/task.ts";
import { threadTime } from "../../sched/cpu-time.ts";
import { Text } from "../../vfs/text.ts";
import { GUEST_PAGE, memoryOf, showMemory, TICKS_PER_SECOND } from "./task-memory.ts";

/** Bytes of argv or environ in one file, at most. */
const STRINGS_MAX: u32 = 1 << 19;
/** Nanoseconds of one clock tick. */
const TICK: i64 = 1_000_000_000 / <i64>TICKS_PER_SECOND;

/** Slots of a new process's table of descriptors (Linux: NR_OPEN_DEFAULT). */
const FDSIZE_MIN: u32 = 64;

/** Nanoseconds: one's own, another's as its last sleep found it, in which most tasks are. */
function cpuTimeOf(task: Task): i64 {
  return currentTask() === task ? threadTime() : task.cpuTime;
}

/** R for the reader itself, S for who is elsewhere. */
function stateOf(task: Task): u32 {
  return currentTask() === task ? 0x52 : 0x53;
}

function line(out: Text, name: string, value: u64): void {
  out.text(name).text(":\t").decimal(value).byte(0x0a);
}

function mask(out: Text, name: string, value: u64): void {
  out.text(name).text(":\t").hex(value, 16).byte(0x0a);
}

function ids(out: Text, name: string, real: u32, effective: u32, saved: u32, ofFiles: u32): void {
  out.text(name).text(":\t").decimal(real).byte(0x09).decimal(effective).byte(0x09).decimal(saved);
  out.byte(0x09).decimal(ofFiles).byte(0x0a);
}

/** comm with line ends and backslashes escaped (Linux: proc_task_name()). */
function showName(task: Task, out: Text): void {
  for (let i: u32 = 0; i < task.commLength; i++) {
    const byte: u32 = load<u8>(task.comm + i);
    if (byte == 0x0a) out.text("\\n");
    else if (byte == 0x5c) out.text("\\\\");
    else out.byte(byte);
  }
}

export function showStatus(task: Task, out: Text): void {
  out.text("Name:\t");
  showName(task, out);
  out.text("\nUmask:\t0").octal(task.umask, 3);
  const cred = task.cred;
  const state = stateOf(task);
  out
    .text("\nState:\t")
    .byte(state)
    .text(state == 0x52 ? " (running)\n" : " (sleeping)\n");
  line(out, "Tgid", task.pid);
  line(out, "Ngid", 0);
  line(out, "Pid", task.pid);
  line(out, "PPid", 0);
  line(out, "TracerPid", 0);
  ids(out, "Uid", cred.uid, cred.euid, cred.suid, cred.fsuid);
  ids(out, "Gid", cred.gid, cred.egid, cred.sgid, cred.fsgid);
  line(out, "FDSize", max(task.fds.size, FDSIZE_MIN));
  out.text("Groups:\t");
  for (let i: u32 = 0; i < cred.groups.count; i++) out.decimal(cred.groups.at(i)).byte(0x20);
  // The blank at the end is Linux's own.
  out.text(cred.groups.count ? "\n" : " \n");
  line(out, "NStgid", task.pid);
  line(out, "NSpid", task.pid);
  line(out, "NSpgid", task.pid);
  line(out, "NSsid", task.pid);
  line(out, "Kthread", 0);
  showMemory(task, out);
  line(out, "CoreDumping", 0);
  line(out, "THP_enabled", 0);
  line(out, "Threads", 1);
  out.text("SigQ:\t0/0\n");
  mask(out, "SigPnd", 0);
  mask(out, "ShdPnd", 0);
  mask(out, "SigBlk", 0);
  mask(out, "SigIgn", 0);
  mask(out, "SigCgt", 0);
  mask(out, "CapInh", cred.inheritable);
  mask(out, "CapPrm", cred.permitted);
  mask(out, "CapEff", cred.effective);
  mask(out, "CapBnd", cred.bounding);
  mask(out, "CapAmb", 0);
  line(out, "NoNewPrivs", 0);
  line(out, "Seccomp", 0);
  line(out, "Seccomp_filters", 0);
  out.text("Cpus_allowed:\t1\nCpus_allowed_list:\t0\nMems_allowed:\t1\nMems_allowed_list:\t0\n");
  line(out, "voluntary_ctxt_switches", task.sleeps);
  line(out, "nonvoluntary_ctxt_switches", 0);
}

/** 52 fields; proc(5) names them. */
export function showStat(task: Task, out: Text): void {
  out.decimal(task.pid).text(" (");
  showName(task, out);
  out.text(") ").byte(stateOf(task)).text(" 0 ").decimal(task.pid).byte(0x20).decimal(task.pid);
  // tty_nr, tpgid; flags, faults.
  out.text(" 0 -1 0 0 0 0 0 ");
  // utime; stime, which the host does not tell apart, and the times of children.
  out.decimal(<u64>(cpuTimeOf(task) / TICK)).text(" 0 0 0");
  // priority, nice, num_threads, itrealvalue, starttime, vsize, rss, rsslim.
  const bytes = memoryOf(task);
  out
    .text(" 20 0 1 0 ")
    .decimal(<u64>(task.startTime / TICK))
    .byte(0x20);
  out
    .decimal(bytes)
    .byte(0x20)
    .decimal(bytes / GUEST_PAGE);
  out.byte(0x20).decimal(u64.MAX_VALUE);
  for (let i = 0; i < 12; i++) out.text(" 0");
  // exit_signal: SIGCHLD.
  out.text(" 17");
  for (let i = 0; i < 14; i++) out.text(" 0");
  out.byte(0x0a);
}

export function showCmdline(task: Task, out: Text): void {
  out.bytes(task.args, min(task.argsBytes, STRINGS_MAX));
}

export function showEnviron(task: Task, out: Text): void {
  out.bytes(task.env, min(task.envBytes, STRINGS_MAX));
}

/** It waits in no function of the kernel that has a name. */
export function showWchan(_task: Task, out: Text): void {
  out.byte(0x30);
}

/** PER_LINUX. */
export function showPersonality(_task: Task, out: Text): void {
  out.text("00000000\n");
}

export function showNothing(_task: Task, _out: Text): void {}

/** The name, 26 wide; the limits, 21 wide each; the unit, 10 wide (Linux: proc_pid_limits()). */
function limit(task: Task, out: Text, name: string, resource: u32, unit: string): void {
  out.text(name).spaces(26 - name.length);
  limitValue(out, task.limits.soft(resource));
  limitValue(out, task.limits.hard(resource));
  if (unit.length) out.text(unit).spaces(10 - unit.length);
  out.byte(0x0a);
}

function limitValue(out: Text, value: u64): void {
  const before = out.length;
  if (value == u64.MAX_VALUE) out.text("unlimited");
  else out.decimal(value);
  out.spaces(21 - <i32>(out.length - before));
}

export function showLimits(task: Task, out: Text): void {
  out.text("Limit                     Soft Limit           Hard Limit           Units     \n");
  limit(task, out, "Max cpu time", RLIMIT_CPU, "seconds");
  limit(task, out, "Max file size", RLIMIT_FSIZE, "bytes");
  limit(task, out, "Max data size", RLIMIT_DATA, "bytes");
  limit(task, out, "Max stack size", RLIMIT_STACK, "bytes");
  limit(task, out, "Max core file size", RLIMIT_CORE, "bytes");
  limit(task, out, "Max resident set", RLIMIT_RSS, "bytes");
  limit(task, out, "Max processes", RLIMIT_NPROC, "processes");
  limit(task, out, "Max open files", RLIMIT_NOFILE, "files");
  limit(task, out, "Max locked memory", RLIMIT_MEMLOCK, "bytes");
  limit(task, out, "Max address space", RLIMIT_AS, "bytes");
  limit(task, out, "Max file locks", RLIMIT_LOCKS, "locks");
  limit(task, out, "Max pending signals", RLIMIT_SIGPENDING, "signals");
  limit(task, out, "Max msgqueue size", RLIMIT_MSGQUEUE, "bytes");
  limit(task, out, "Max nice priority", RLIMIT_NICE, "");
  limit(task, out, "Max realtime priority", RLIMIT_RTPRIO, "");
  limit(task, out, "Max realtime timeout", RLIMIT_RTTIME, "us");
}

export function showCgroup(_task: Task, out: Text): void {
  out.text("0::/\n");
}

export function showOomScore(_task: Task, out: Text): void {
  out.text("0\n");
}

/** The pages that a core dump would have: private and shared anonymous ones, ELF headers, private huge pages. */
export function showCoredumpFilter(_task: Task, out: Text): void {
  out.text("00000033\n");
}

/** What went through read(2), write(2) and their kin; no block device is behind any of it. */
export function showIo(task: Task, out: Text): void {
  out.text("rchar: ").decimal(task.bytesRead).text("\nwchar: ").decimal(task.bytesWritten);
  out.text("\nsyscr: ").decimal(task.reads).text("\nsyscw: ").decimal(task.writes);
  out.text("\nread_bytes: 0\nwrite_bytes: 0\ncancelled_write_bytes: 0\n");
}

/** One user namespace, in which every number is itself. */
export function showIdMap(_task: Task, out: Text): void {
  out.padded(0, 10).byte(0x20).padded(0, 10).byte(0x20).padded(u32.MAX_VALUE, 10).byte(0x0a);
}

export function showSetgroups(_task: Task, out: Text): void {
  out.text("allow\n");
}
