// Node's own node:fs, in a directory of a tmpfs where there is one: ours is one, and what file systems may do differently (the
// order of names, what a directory's link count tells) is then the same.

import fs from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import type { Subject } from "../case.ts";

const MEMORY = "/dev/shm";

/** Only root may become somebody else: tests of permissions run as root, as the project's others do. */
function as<T>(user: number, group: number, body: () => T): T {
  const groups = process.getgroups!();
  process.setgroups!([]);
  process.setegid!(group);
  process.seteuid!(user);
  const restore = (): void => {
    process.seteuid!(0);
    process.setegid!(0);
    process.setgroups!(groups);
  };
  try {
    const value = body();
    if (!(value instanceof Promise)) {
      restore();
      return value;
    }
    return value.finally(restore) as T;
  } catch (error) {
    restore();
    throw error;
  }
}

export function makeNodeSubject(): Subject {
  const parent = fs.existsSync(MEMORY) ? MEMORY : tmpdir();
  const base = fs.mkdtempSync(path.join(parent, "wvisor-node-fs-"));
  fs.chmodSync(base, 0o755);
  const mask = process.umask(0o022);
  return {
    fs,
    base,
    as,
    umask: (next) => process.umask(next),
    dispose() {
      process.umask(mask);
      fs.rmSync(base, { recursive: true, force: true });
    },
  };
}
