// The files at the top of /proc that tell about the system (Linux: fs/proc/meminfo.c, stat.c, loadavg.c ...). The system is the
// kernel in its memory, with one processor: which processors run guests is the host's business.

import { pagesMax, pagesUsed } from "mm/page";
import { uptime } from "../../kernel/clock.ts";
import { currentTask } from "../../kernel/current-task.ts";
import { firstPids, PidNamespace } from "../../kernel/pid-namespace.ts";
import { UTS_RELEASE, UTS_SYSNAME, UTS_VERSION } from "../../kernel/uts.ts";
import { processTime } from "../../sched/cpu-time.ts";
import { realTime } from "../../vfs/clock.ts";
import { nextFilesystemType, TYPE_NODEV } from "../../vfs/filesystem-type.ts";
import { Text } from "../../vfs/text.ts";
import { TICKS_PER_SECOND } from "./task-memory.ts";

const SECOND: i64 = 1_000_000_000;
const TICK: i64 = SECOND / <i64>TICKS_PER_SECOND;

/** Hundredths of a second, as two numbers. */
function seconds(out: Text, nanoseconds: i64): void {
  out
    .decimal(<u64>(nanoseconds / SECOND))
    .byte(0x2e)
    .digits(<u64>((nanoseconds % SECOND) / 10_000_000), 2);
}

/** Nanoseconds that the one processor had nothing to do for this process. */
function idleTime(): i64 {
  return max<i64>(uptime() - processTime(), 0);
}

/** Since boot, and idle. */
export function showUptime(out: Text): i32 {
  seconds(out, uptime());
  out.byte(0x20);
  seconds(out, idleTime());
  out.byte(0x0a);
  return 0;
}

export function showVersion(out: Text): i32 {
  out.text(UTS_SYSNAME).text(" version ").text(UTS_RELEASE).byte(0x20).text(UTS_VERSION).byte(0x0a);
  return 0;
}

export function showCmdline(out: Text): i32 {
  out.byte(0x0a);
  return 0;
}

/** Of who asks. Others' processes count for nobody. */
function currentPids(): PidNamespace {
  const self = currentTask();
  return self === null ? firstPids() : self.pids;
}

export function showLoadavg(out: Text): i32 {
  const pids = currentPids();
  out.text("0.00 0.00 0.00 1/").decimal(pids.count()).byte(0x20).decimal(pids.last).byte(0x0a);
  return 0;
}

/** The name with its colon, 16 wide, and the value, 8 wide. */
function memoryLine(out: Text, name: string, kilobytes: u64): void {
  out
    .text(name)
    .byte(0x3a)
    .spaces(15 - name.length)
    .padded(kilobytes, 8)
    .text(" kB\n");
}

export function showMeminfo(out: Text): i32 {
  const total = <u64>pagesMax() * 4;
  const free = <u64>(pagesMax() - pagesUsed()) * 4;
  memoryLine(out, "MemTotal", total);
  memoryLine(out, "MemFree", free);
  memoryLine(out, "MemAvailable", free);
  memoryLine(out, "Buffers", 0);
  memoryLine(out, "Cached", 0);
  memoryLine(out, "SwapCached", 0);
  memoryLine(out, "Active", 0);
  memoryLine(out, "Inactive", 0);
  memoryLine(out, "Active(anon)", 0);
  memoryLine(out, "Inactive(anon)", 0);
  memoryLine(out, "Active(file)", 0);
  memoryLine(out, "Inactive(file)", 0);
  memoryLine(out, "Unevictable", 0);
  memoryLine(out, "Mlocked", 0);
  memoryLine(out, "SwapTotal", 0);
  memoryLine(out, "SwapFree", 0);
  memoryLine(out, "Dirty", 0);
  memoryLine(out, "Writeback", 0);
  memoryLine(out, "AnonPages", 0);
  memoryLine(out, "Mapped", 0);
  memoryLine(out, "Shmem", 0);
  memoryLine(out, "KReclaimable", 0);
  memoryLine(out, "Slab", total - free);
  memoryLine(out, "SReclaimable", 0);
  memoryLine(out, "SUnreclaim", total - free);
  memoryLine(out, "KernelStack", 0);
  memoryLine(out, "PageTables", 0);
  memoryLine(out, "CommitLimit", total);
  memoryLine(out, "Committed_AS", total - free);
  memoryLine(out, "VmallocTotal", 0);
  memoryLine(out, "VmallocUsed", 0);
  memoryLine(out, "VmallocChunk", 0);
  return 0;
}

export function showVmstat(out: Text): i32 {
  const free = pagesMax() - pagesUsed();
  out.text("nr_free_pages ").decimal(free).text("\nnr_slab_unreclaimable ").decimal(pagesUsed());
  out.text("\npgpgin 0\npgpgout 0\npswpin 0\npswpout 0\npgfault 0\npgmajfault 0\n");
  return 0;
}

export function showCpuinfo(out: Text): i32 {
  out.text("processor\t: 0\nvendor_id\t: wVisor\ncpu family\t: 0\nmodel\t\t: 0\nmodel name\t: WebAssembly\n");
  out.text("stepping\t: 0\nphysical id\t: 0\nsiblings\t: 1\ncore id\t\t: 0\ncpu cores\t: 1\n");
  out.text("fpu\t\t: yes\nfpu_exception\t: no\nwp\t\t: yes\nflags\t\t: fpu\nbugs\t\t:\n\n");
  return 0;
}

/** user, nice, system, idle; six more, in ticks. The host does not tell user and system time apart. */
function showTimes(out: Text): void {
  out
    .decimal(<u64>(processTime() / TICK))
    .text(" 0 0 ")
    .decimal(<u64>(idleTime() / TICK));
  out.text(" 0 0 0 0 0 0\n");
}

export function showStat(out: Text): i32 {
  out.text("cpu  ");
  showTimes(out);
  out.text("cpu0 ");
  showTimes(out);
  out.text("intr 0\nctxt 0\nbtime ");
  out.decimal(<u64>((realTime() - uptime()) / SECOND));
  out.text("\nprocesses ").decimal(currentPids().last);
  out.text("\nprocs_running 1\nprocs_blocked 0\nsoftirq 0 0 0 0 0 0 0 0 0 0 0\n");
  return 0;
}

/** The types that are registered, oldest first, which is last in their list. */
export function showFilesystems(out: Text): i32 {
  let count = 0;
  let type = nextFilesystemType(null);
  for (; type !== null; type = nextFilesystemType(type)) count++;
  for (let skipped = count - 1; skipped >= 0; skipped--) {
    type = nextFilesystemType(null);
    for (let i = 0; i < skipped && type !== null; i++) type = nextFilesystemType(type);
    if (type === null) break;
    out
      .text(type.flags & TYPE_NODEV ? "nodev\t" : "\t")
      .text(type.name)
      .byte(0x0a);
  }
  return 0;
}

export function showCgroups(out: Text): i32 {
  out.text("#subsys_name\thierarchy\tnum_cgroups\tenabled\n");
  out.text("cpuset\t0\t1\t1\ncpu\t0\t1\t1\ncpuacct\t0\t1\t1\nmemory\t0\t1\t1\npids\t0\t1\t1\n");
  return 0;
}

export function showDevices(out: Text): i32 {
  out.text("Character devices:\n  1 mem\n  5 /dev/tty\n  5 /dev/console\n  5 /dev/ptmx\n128 ptm\n136 pts\n");
  out.text("\nBlock devices:\n");
  return 0;
}

/** There is none, and then Linux shows not even the heading. */
export function showPartitions(_out: Text): i32 {
  return 0;
}

export function showSwaps(out: Text): i32 {
  out.text("Filename\t\t\t\tType\t\tSize\t\tUsed\t\tPriority\n");
  return 0;
}
