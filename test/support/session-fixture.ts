// A base directory and a session of it, made without running a program: the layer is written as the kernel's overlay leaves it.

import { mkdirSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { O_WRONLY } from "../../assembly/abi/fcntl.ts";
import { S_IFCHR, S_IFDIR, S_IFMT } from "../../assembly/abi/stat.ts";
import { type ApplyTrees, apply, openApplyTrees } from "../../src/host/apply/apply.ts";
import { findConflicts } from "../../src/host/apply/conflicts.ts";
import { readStates } from "../../src/host/apply/undo-data.ts";
import { findChanges } from "../../src/host/session/changes.ts";
import type { Session } from "../../src/host/session/session.ts";
import { Sessions } from "../../src/host/session/sessions.ts";
import type { TreeFile } from "../../src/host/trees/tree-file.ts";
import { requireNative } from "../../src/native/index.ts";

export const QUIET = { sync: false, progress: () => {} };

export class SessionFixture {
  readonly directory: string;
  readonly base: string;
  readonly sessions: Sessions;
  session: Session;

  constructor(
    directory = mkdtempSync(path.join(tmpdir(), "wvisor-apply-")),
    base = path.join(directory, "base"),
  ) {
    this.directory = directory;
    this.base = base;
    mkdirSync(base, { recursive: true });
    this.sessions = new Sessions(requireNative(), path.join(directory, "state/wvisor/sessions"));
    this.session = this.sessions.openOrCreate(undefined, base).session;
  }

  /** What a process of the session needs in its environment. */
  get env(): NodeJS.ProcessEnv {
    return { ...process.env, XDG_STATE_HOME: path.join(this.directory, "state") };
  }

  trees<T>(use: (trees: ApplyTrees) => T): T {
    const trees = openApplyTrees(requireNative(), this.session);
    try {
      return use(trees);
    } finally {
      trees.close();
    }
  }

  /** Lets another process have the session meanwhile. */
  released<T>(use: () => T): T {
    this.session.release();
    try {
      return use();
    } finally {
      this.session = this.sessions.openUnfinished(this.session.name, this.base);
    }
  }

  /** Changes the layer. */
  layer(change: (layer: Layer) => void): void {
    this.trees(({ upper }) => change(new Layer(upper)));
  }

  /** Applies everything, if nothing is in conflict; gives the conflicts. */
  applyAll(): string[] {
    return this.trees((trees) => {
      const changes = findChanges(trees, { owners: process.getuid?.() === 0 });
      const options = { states: readStates(this.session), lastRunNs: 0n };
      const conflicts = findConflicts(trees, changes, changes, options);
      if (conflicts.length === 0) apply(this.session, trees, changes, true, QUIET);
      return conflicts.map((conflict) => String(conflict.path));
    });
  }

  remove(): void {
    this.session.release();
    rmSync(this.directory, { recursive: true, force: true });
  }
}

/** The upper layer, whose directories are made as they are needed. */
export class Layer {
  readonly #upper: TreeFile;

  constructor(upper: TreeFile) {
    this.#upper = upper;
  }

  write(name: string, content: string, mode = 0o644): void {
    this.#in(name, (directory, last) => {
      if (directory.find(last) !== undefined) directory.unlink(last);
      const file = directory.create(last, mode, O_WRONLY);
      file.writeAll(0, Buffer.from(content));
      file.close();
    });
  }

  symlink(name: string, target: string): void {
    this.#in(name, (directory, last) => directory.symlink(last, Buffer.from(target)));
  }

  link(name: string, other: string): void {
    this.#in(name, (directory, last) => directory.link(last, this.#upper.reach(Buffer.from(other))));
  }

  mkdir(name: string, mode = 0o755): void {
    this.#in(name, (directory, last) => directory.mkdir(last, mode));
  }

  whiteout(name: string): void {
    this.#in(name, (directory, last) => directory.mknod(last, S_IFCHR));
  }

  setxattr(name: string, attribute: string, value: string): void {
    const file = this.#upper.reach(Buffer.from(name));
    file.setxattr(attribute, Buffer.from(value));
    file.close();
  }

  #in(name: string, use: (directory: TreeFile, last: Buffer) => void): void {
    const names = name.split("/").map((part) => Buffer.from(part));
    let directory = this.#upper.walk();
    for (const part of names.slice(0, -1)) {
      if (directory.find(part) === undefined) directory.mkdir(part, 0o755);
      const next = directory.walk(part);
      if ((next.attributes.mode & S_IFMT) !== S_IFDIR) throw new Error(`${name}: not below directories`);
      directory.close();
      directory = next;
    }
    use(directory, names.at(-1)!);
    directory.close();
  }
}
