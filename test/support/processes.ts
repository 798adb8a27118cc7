// What the system knows of running processes: /proc, for tests of what stays behind.

import { readdirSync, readFileSync, readlinkSync } from "node:fs";

/** What `read` gives, or undefined when the process went meanwhile. */
function attempt<T>(read: () => T): T | undefined {
  try {
    return read();
  } catch {
    return undefined;
  }
}

/** State and parent of a process (proc(5): stat; the name in parentheses may hold anything). */
function statOf(pid: number): { state: string; parent: number } | undefined {
  const text = attempt(() => readFileSync(`/proc/${pid}/stat`, "utf8"));
  if (text === undefined) return undefined;
  const [state, parent] = text.slice(text.lastIndexOf(")") + 2).split(" ");
  return { state: state!, parent: Number(parent) };
}

/** Whether the process exists and has not ended: a zombie is only its parent's memory of it. */
export function isRunning(pid: number): boolean {
  const stat = statOf(pid);
  return stat !== undefined && stat.state !== "Z" && stat.state !== "X";
}

export function childrenOf(parent: number): number[] {
  const pids = readdirSync("/proc").filter((name) => /^\d+$/.test(name));
  return pids.map(Number).filter((pid) => statOf(pid)?.parent === parent && isRunning(pid));
}

export function commandLine(pid: number): string {
  return attempt(() => readFileSync(`/proc/${pid}/cmdline`, "utf8").replaceAll("\0", " ")) ?? "";
}

/** The inode numbers of the sockets that a process holds. */
export function socketsOf(pid: number): number[] {
  const fds = attempt(() => readdirSync(`/proc/${pid}/fd`)) ?? [];
  const targets = fds.map((fd) => attempt(() => readlinkSync(`/proc/${pid}/fd/${fd}`)) ?? "");
  return targets.flatMap((target) => {
    const inode = /^socket:\[(\d+)\]$/.exec(target)?.[1];
    return inode === undefined ? [] : [Number(inode)];
  });
}

/** Unix sockets of the system: inode to name ("" for a socket without, "@..." for an abstract one). */
export function unixSockets(): Map<number, string> {
  const lines = readFileSync("/proc/net/unix", "utf8").trim().split("\n").slice(1);
  return new Map(
    lines.map((line) => {
      const fields = line.trim().split(/\s+/);
      return [Number(fields[6]), fields.slice(7).join(" ")];
    }),
  );
}
