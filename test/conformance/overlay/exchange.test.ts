// Layers on a disk that Linux's overlay and ours take turns in: each sees what the other left, whatever it did. Ours has them
// through a gofer. Needs root, for Linux's side to mount.

import { mkdirSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { afterAll, describe, expect, test } from "vitest";
import { O_APPEND, O_CREAT, O_TRUNC, O_WRONLY, RENAME_EXCHANGE } from "../../../assembly/abi/fcntl.ts";
import * as nr from "../../../assembly/abi/syscall.ts";
import { serve } from "../../support/gofer-mount.ts";
import { kernelTarget } from "../../support/sys/kernel.ts";
import { isRoot, LinuxProcess } from "../../support/sys/linux.ts";
import type { Target } from "../../support/sys/target.ts";
import { makeMachine } from "../../support/wvisor.ts";
import { Layers } from "../syscalls/cases/overlay.ts";

const CLONE_NEWNS = 0x20000;
const MS_REC = 0x4000;
const MS_PRIVATE = 0x40000;
const LAYERS = ["l", "l2", "u", "w", "m"];
const NAMES = ["a", "b", "c", "d"];
const STEPS = 100;
const TURNS = 4;
const PROGRAMS = 6;

const folder = mkdtempSync(path.join(tmpdir(), "wvisor-exchange-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** mulberry32: the same numbers for the same seed everywhere. */
function randomNumbers(seed: number): (below: number) => number {
  let state = seed;
  return (below) => {
    state = (state + 0x6d2b79f5) | 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) % below;
  };
}

/** Linux, in a mount namespace that ends with the process, with `directory` as its root. */
function onLinux(directory: string): Target {
  const made = new LinuxProcess();
  made.syscall(nr.SYS_unshare, CLONE_NEWNS);
  made.syscall(nr.SYS_mount, "none", "/", null, MS_REC | MS_PRIVATE, null);
  made.syscall(nr.SYS_chdir, directory);
  made.syscall(nr.SYS_chroot, ".");
  made.syscall(nr.SYS_umask, 0);
  return { name: "Linux", process: () => made, end: () => made.end() };
}

function onOurs(directory: string): Target {
  const gofer = serve({ source: directory, readonly: false, donate: true });
  const machine = makeMachine({ sockets: gofer.sockets });
  const root = machine.gofer(0, { readonly: false, shared: false, uid: 0 });
  const target = kernelTarget(machine, machine.namespace(root, false), "wVisor");
  return {
    ...target,
    end() {
      target.end();
      gofer.close();
    },
  };
}

/** Does random work below `top`. Results are left alone: what could not be done was not done. */
function work({ sys }: Layers, top: string, seed: number, steps: number): void {
  const below = randomNumbers(seed);
  const pick = (): string => {
    let at = top;
    for (let depth = 1 + below(3); depth > 0; depth--) at += `/${NAMES[below(NAMES.length)]}`;
    return at;
  };
  const write = (at: string, flags: number): void => {
    const fd = sys.open(at, O_CREAT | O_WRONLY | flags);
    if (fd < 0) return;
    sys.write(fd, `text ${below(1000)}`);
    sys.close(fd);
  };
  for (let step = 0; step < steps; step++) {
    const kind = below(16);
    const at = pick();
    if (kind < 4) sys.rename(at, pick());
    else if (kind < 5) sys.rename(at, pick(), RENAME_EXCHANGE);
    else if (kind < 8) sys.mkdir(at);
    else if (kind < 10) write(at, O_TRUNC);
    else if (kind < 11) write(at, O_APPEND);
    else if (kind < 12) sys.unlink(at);
    else if (kind < 13) sys.rmdir(at);
    else if (kind < 14) sys.link(at, pick());
    else if (kind < 15) sys.setxattr(at, "user.note", `note ${below(9)}`);
    else sys.symlink(`to ${below(9)}`, at);
  }
}

/** All that a tree shows, but for times and numbers. */
function dump(on: Layers, at: string): string[] {
  return on.names(at).flatMap((name) => {
    const file = `${at}/${name}`;
    const { mode, nlink } = on.stat(file);
    const type = mode & 0o170000;
    if (type === 0o120000) return [`${file} -> ${on.sys.readlink(file)}`];
    const head = `${file} ${mode.toString(8)} ${on.get(file, "user.note")}`;
    if (type === 0o040000) return [head, ...dump(on, file)];
    return [`${head} ${nlink} ${on.read(file)}`];
  });
}

describe.runIf(isRoot)("Linux's overlay and ours take turns [needs root]", () => {
  test.for(["redirect_dir=on", "redirect_dir=off", "redirect_dir=on,index=on"])(
    "with %s",
    { timeout: 60_000 },
    (extra) => {
      const options = `lowerdir=/l:/l2,upperdir=/u,workdir=/w,${extra}`;
      for (let program = 1; program <= PROGRAMS; program++) {
        const top = mkdtempSync(path.join(folder, "layers-"));
        for (const name of LAYERS) mkdirSync(path.join(top, name));
        const host = new Layers(onLinux(top), true);
        work(host, "/l", program * 100, 80);
        work(host, "/l2", program * 100 + 1, 80);
        host.end();
        let before: string[] | undefined;
        for (let turn = 0; turn < TURNS; turn++) {
          const on = new Layers(turn % 2 ? onOurs(top) : onLinux(top), true).mounted(options);
          const found = dump(on, "/m");
          if (before !== undefined) expect(found, `program ${program}, turn ${turn}`).toEqual(before);
          work(on, "/m", program * 100 + 10 + turn, STEPS);
          before = dump(on, "/m");
          on.end();
        }
      }
    },
  );
});
