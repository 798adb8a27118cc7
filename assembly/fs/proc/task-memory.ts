// What /proc/PID says of a task's memory (Linux: fs/proc/task_mmu.c, array.c).
//
// A guest's memory is the linear memory of its module: one range from 0 up, private, read and written, which only grows. Its
// pages are Wasm's, which is what libc for WASI says of itself. How much of it the host holds in store is not known, and all of
// it counts as resident. Code, tables and the call stack are the engine's, and have no addresses.

import { currentTask } from "../../kernel/current-task.ts";
import { Task } from "../../kernel/task.ts";
import { guestMemorySize } from "../../mm/usercopy.ts";
import { Text } from "../../vfs/text.ts";

/** Bytes of a page of a guest's memory. */
export const GUEST_PAGE: u64 = 65536;
const KILOBYTE: u64 = 1024;
/** Where Linux begins to write what a range is, behind addresses of any length. */
const NAME_COLUMN: u32 = 73;
const NAME: string = "[anon:linear memory]";

/** Bytes of memory: one's own as it is, another's as its last call left it. */
export function memoryOf(task: Task): u64 {
  return currentTask() === task ? guestMemorySize() : task.memoryBytes;
}

function kilobytes(out: Text, name: string, bytes: u64): void {
  out
    .text(name)
    .text(":\t")
    .padded(bytes / KILOBYTE, 8)
    .text(" kB\n");
}

/** Its lines in status (Linux: task_mem()). */
export function showMemory(task: Task, out: Text): void {
  const bytes = memoryOf(task);
  kilobytes(out, "VmPeak", bytes);
  kilobytes(out, "VmSize", bytes);
  kilobytes(out, "VmLck", 0);
  kilobytes(out, "VmPin", 0);
  kilobytes(out, "VmHWM", bytes);
  kilobytes(out, "VmRSS", bytes);
  kilobytes(out, "RssAnon", bytes);
  kilobytes(out, "RssFile", 0);
  kilobytes(out, "RssShmem", 0);
  kilobytes(out, "VmData", bytes);
  kilobytes(out, "VmStk", 0);
  kilobytes(out, "VmExe", 0);
  kilobytes(out, "VmLib", 0);
  kilobytes(out, "VmPTE", 0);
  kilobytes(out, "VmSwap", 0);
  kilobytes(out, "HugetlbPages", 0);
}

/** size, resident, shared, text, lib, data, dt; in pages. */
export function showStatm(task: Task, out: Text): void {
  const pages = memoryOf(task) / GUEST_PAGE;
  out.decimal(pages).byte(0x20).decimal(pages).text(" 0 0 0 ").decimal(pages).text(" 0\n");
}

/** The head of a range (Linux: show_vma_header_prefix()), and its name in its column. */
function showRange(end: u64, permissions: string, name: string, out: Text): void {
  const before = out.length;
  out.text("00000000-").hex(end, 8).byte(0x20).text(permissions).text(" 00000000 00:00 0 ");
  out.spaces(<i32>(NAME_COLUMN - (out.length - before)));
  out.text(name).byte(0x0a);
}

export function showMaps(task: Task, out: Text): void {
  const bytes = memoryOf(task);
  if (bytes) showRange(bytes, "rw-p", NAME, out);
}

/** The name with its colon, and a number of kilobytes in the next columns. */
function smapsLine(out: Text, name: string, bytes: u64): void {
  out
    .text(name)
    .byte(0x3a)
    .spaces(15 - name.length)
    .padded(bytes / KILOBYTE, 8)
    .text(" kB\n");
}

/** What smaps and its sum have in common; the sum tells which part of the dirty pages is whose. */
function showSums(bytes: u64, rolledUp: bool, out: Text): void {
  smapsLine(out, "Rss", bytes);
  smapsLine(out, "Pss", bytes);
  smapsLine(out, "Pss_Dirty", bytes);
  if (rolledUp) {
    smapsLine(out, "Pss_Anon", bytes);
    smapsLine(out, "Pss_File", 0);
    smapsLine(out, "Pss_Shmem", 0);
  }
  smapsLine(out, "Shared_Clean", 0);
  smapsLine(out, "Shared_Dirty", 0);
  smapsLine(out, "Private_Clean", 0);
  smapsLine(out, "Private_Dirty", bytes);
  smapsLine(out, "Referenced", bytes);
  smapsLine(out, "Anonymous", bytes);
  smapsLine(out, "KSM", 0);
  smapsLine(out, "LazyFree", 0);
  smapsLine(out, "AnonHugePages", 0);
  smapsLine(out, "ShmemPmdMapped", 0);
  smapsLine(out, "FilePmdMapped", 0);
  smapsLine(out, "Shared_Hugetlb", 0);
  smapsLine(out, "Private_Hugetlb", 0);
  smapsLine(out, "Swap", 0);
  smapsLine(out, "SwapPss", 0);
  smapsLine(out, "Locked", 0);
}

export function showSmaps(task: Task, out: Text): void {
  const bytes = memoryOf(task);
  if (!bytes) return;
  showRange(bytes, "rw-p", NAME, out);
  smapsLine(out, "Size", bytes);
  smapsLine(out, "KernelPageSize", GUEST_PAGE);
  smapsLine(out, "MMUPageSize", GUEST_PAGE);
  showSums(bytes, false, out);
  out.text("THPeligible:           0\nVmFlags: rd wr mr mw me ac \n");
}

export function showSmapsRollup(task: Task, out: Text): void {
  const bytes = memoryOf(task);
  showRange(bytes, "---p", "[rollup]", out);
  showSums(bytes, true, out);
}

// Entries of the vector that a program is started with (Linux: include/uapi/linux/auxvec.h).
const AT_PAGESZ: u64 = 6;
const AT_UID: u64 = 11;
const AT_EUID: u64 = 12;
const AT_GID: u64 = 13;
const AT_EGID: u64 = 14;
const AT_CLKTCK: u64 = 17;
const AT_SECURE: u64 = 23;
const AT_NULL: u64 = 0;
/** sysconf(_SC_CLK_TCK). */
export const TICKS_PER_SECOND: u64 = 100;

function entry(out: Text, type: u64, value: u64): void {
  const at = out.take(16);
  if (!at) return;
  store<u64>(at, type);
  store<u64>(at, value, 8);
}

/** What of the start-up vector is true of a guest, which got none: there are no program headers, and no addresses of strings. */
export function showAuxv(task: Task, out: Text): void {
  const cred = task.cred;
  entry(out, AT_PAGESZ, GUEST_PAGE);
  entry(out, AT_CLKTCK, TICKS_PER_SECOND);
  entry(out, AT_UID, cred.uid);
  entry(out, AT_EUID, cred.euid);
  entry(out, AT_GID, cred.gid);
  entry(out, AT_EGID, cred.egid);
  entry(out, AT_SECURE, 0);
  entry(out, AT_NULL, 0);
}
