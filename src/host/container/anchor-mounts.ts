// What the anchor's root shows of a container's mounts: to whoever copies files in or out by way of the anchor, and to hooks.
//
// A bind is the same directory or file of the host as the sandbox has. What only the sandbox has, in its memory or merged by it, is an
// empty directory that nobody can write into: what the host has at that place is not what the container has there.

import type { MountSource, SandboxConfig } from "../config/sandbox-config.ts";
import { depthOf } from "../config/sandbox-path.ts";

/** The anchor has one of its own there. */
const PROC = "/proc";

/** Of the sandbox's own file systems, which a bundle need not name. */
const UNNAMED = ["/dev", "/sys", "/tmp"];

/** The list that wv-anchor reads (src/native/anchor/mounts.c). `named`: the destinations that the bundle has, clean. */
export function anchorMounts({ root, mounts }: SandboxConfig, named: ReadonlySet<string>): string {
  const shown = mounts.filter(({ destination }) => named.has(destination) && !isProc(destination));
  const ordered = shown.toSorted((a, b) => depthOf(a.destination) - depthOf(b.destination));
  return [
    isOfHost(root) ? "" : line("e", "/", ""),
    ...UNNAMED.filter((place) => isTaken(place, mounts, named)).map((place) => line("c", place, "")),
    ...ordered.map(({ destination, source }) => {
      if (!isOfHost(source)) return line("e", destination, "");
      return line(source.readonly ? "r" : "w", destination, source.source);
    }),
  ].join("");
}

/** Nobody asked for what the sandbox has there. A /tmp it has only where the root keeps nothing there. */
function isTaken(place: string, mounts: SandboxConfig["mounts"], named: ReadonlySet<string>): boolean {
  if (named.has(place)) return false;
  return place !== "/tmp" || mounts.some(({ destination }) => destination === place);
}

function isProc(destination: string): boolean {
  return destination === PROC || destination.startsWith(`${PROC}/`);
}

function isOfHost(source: MountSource): source is MountSource & { type: "bind" } {
  return source.type === "bind" && !source.overlay;
}

function line(kind: "w" | "r" | "e" | "c", destination: string, source: string): string {
  return `${kind}\0${destination}\0${source}\0`;
}
