// A directory of the host that a gofer serves, made as new for each tree.

import { execFileSync } from "node:child_process";
import { chmodSync, chownSync, mkdirSync, mkdtempSync, readdirSync, rmSync, utimesSync } from "node:fs";
import path from "node:path";
import { SYS_listxattr, SYS_removexattr } from "../../assembly/abi/syscall.ts";
import { LinuxProcess } from "../support/sys/linux.ts";

/** A tmpfs of the host that every Linux has. */
const HOST_TMPFS = "/dev/shm";
const NAMES_MAX = 65536;

export class HostTree {
  readonly source: string;
  readonly #folder = mkdtempSync(path.join(HOST_TMPFS, "wvisor-fuzz-"));
  /** Makes the calls that Node does not know. */
  readonly #helper = new LinuxProcess();

  constructor() {
    this.source = path.join(this.#folder, "tree");
    mkdirSync(this.source);
  }

  /** Empties the directory, which stays: it is what the gofer holds. */
  clear(): void {
    const { source } = this;
    for (const name of readdirSync(source)) removeTree(path.join(source, name));
    const list = Buffer.alloc(NAMES_MAX);
    const length = this.#helper.syscall(SYS_listxattr, source, list, list.length);
    for (const name of list.toString("utf8", 0, Math.max(length, 0)).split("\0").filter(Boolean)) {
      this.#helper.syscall(SYS_removexattr, source, name);
    }
    chownSync(source, 0, 0);
    chmodSync(source, 0o777);
    const now = new Date();
    utimesSync(source, now, now);
  }

  remove(): void {
    this.#helper.end();
    removeTree(this.#folder);
  }
}

function removeTree(name: string): void {
  try {
    rmSync(name, { recursive: true, force: true });
  } catch {
    // Node goes by paths, and a tree may be deeper than a path can be.
    execFileSync("rm", ["-rf", name]);
  }
}
