// The directory of all containers, which one user has to itself, and a directory in it for each of them.

import { closeSync, fstatSync, lstatSync, mkdirSync, openSync, readdirSync, rmSync, statSync } from "node:fs";
import { join } from "node:path";
import { EAGAIN } from "../../../assembly/abi/errno.ts";
import { ErrnoError } from "../../common/errors.ts";
import type { Native } from "../../native/index.ts";
import { reasonOf } from "../config/host-file.ts";
import { removeContainerCgroup } from "./container-cgroup.ts";
import { checkContainerId, directoryName } from "./container-id.ts";
import { alreadyExists, failed, NoContainerError } from "./errors.ts";
import { type ContainerRecord, readRecord, STATE_FILES } from "./record.ts";
import { removeUpperLayers } from "./upper-layers.ts";

const LOCK_EX = 2;
const LOCK_NB = 4;
const OTHERS_WRITE = 0o022;
const PERMISSIONS = 0o777;
/** Of a container's directory. */
const PRIVATE = 0o700;

/** A directory that this process holds the lock of. */
export class LockedContainer {
  readonly id: string;
  readonly directory: string;
  /** The directory's. */
  readonly fd: number;

  constructor(id: string, directory: string, fd: number) {
    this.id = id;
    this.directory = directory;
    this.fd = fd;
  }

  /** Short enough for the address of a socket, however long the directory's path is. */
  socketPath(name: string): string {
    return `/proc/self/fd/${this.fd}/${name}`;
  }

  unlock(): void {
    closeSync(this.fd);
  }

  /** (blocks) Directory, layers and cgroup are gone when this returns. Errors: WvisorError when processes stay in the cgroup. */
  remove(): void {
    removeContainerCgroup(this.directory);
    removeUpperLayers(this.directory);
    rmSync(this.directory, { recursive: true, force: true });
  }
}

export interface FoundContainer {
  readonly directory: string;
  readonly record: ContainerRecord;
}

/** Where root and other users have theirs when nobody says otherwise. */
export function defaultRoot(env: Readonly<Record<string, string | undefined>>, uid: number): string {
  // As runc: what a user's environment names may be the user's, who has no say in root's containers.
  if (uid === 0) return "/run/wvisor";
  const runtime = env.XDG_RUNTIME_DIR;
  if (runtime?.startsWith("/")) return join(runtime, "wvisor");
  throw failed("where are the containers? --root DIR or XDG_RUNTIME_DIR says it");
}

export class Containers {
  readonly #native: Native;
  readonly #root: string;

  constructor(native: Native, root: string) {
    this.#native = native;
    this.#root = root;
  }

  /** Makes the directory of a new container. Errors: WvisorError. */
  create(id: string): LockedContainer {
    checkContainerId(id);
    this.#makeRoot();
    const directory = this.#directoryOf(id);
    for (;;) {
      const made = makeDirectory(directory);
      const locked = this.#lock(id, directory, true);
      // Removed between the two.
      if (locked === undefined) continue;
      if (locked === "busy") throw alreadyExists(id);
      if (made || (readRecord(directory) === undefined && isHalfMade(locked))) return this.#emptied(locked);
      locked.unlock();
      throw alreadyExists(id);
    }
  }

  /** What a `create` left that was killed. */
  #emptied(locked: LockedContainer): LockedContainer {
    removeContainerCgroup(locked.directory);
    removeUpperLayers(locked.directory);
    for (const name of readdirSync(locked.directory))
      rmSync(join(locked.directory, name), { recursive: true });
    return locked;
  }

  /** Waits for the lock of a container. Errors: WvisorError when there is none. */
  lock(id: string): LockedContainer & { readonly record: ContainerRecord } {
    const directory = this.#directoryOf(checkContainerId(id));
    const locked = this.#lock(id, directory, false);
    if (locked === undefined || locked === "busy") throw new NoContainerError(id);
    const record = readRecord(directory);
    if (record === undefined) {
      // Its creator was killed: nothing of it runs, and nothing is to be kept.
      if (isHalfMade(locked)) locked.remove();
      locked.unlock();
      throw new NoContainerError(id);
    }
    return Object.assign(locked, { record });
  }

  /** Without the lock. Errors: WvisorError when there is none. */
  find(id: string): FoundContainer {
    const found = this.#read(this.#directoryOf(checkContainerId(id)));
    if (found === undefined) throw new NoContainerError(id);
    return found;
  }

  /** Without the locks. */
  list(): FoundContainer[] {
    const found = readdirSync(this.#root).map((name) => this.#read(join(this.#root, name)));
    return found.filter((container) => container !== undefined);
  }

  #read(directory: string): FoundContainer | undefined {
    const record = readRecord(directory);
    return record === undefined ? undefined : { directory, record };
  }

  #directoryOf(id: string): string {
    return join(this.#root, directoryName(id));
  }

  /** Who could write here could have us believe anything. */
  #makeRoot(): void {
    try {
      mkdirSync(this.#root, { recursive: true, mode: 0o700 });
      const stats = lstatSync(this.#root);
      if (!stats.isDirectory()) throw failed(`${this.#root}: not a directory`);
      if (stats.uid !== process.getuid?.() || (stats.mode & OTHERS_WRITE) !== 0) {
        throw failed(`${this.#root}: others may write there`);
      }
    } catch (error) {
      if ((error as NodeJS.ErrnoException).syscall === undefined) throw error;
      throw failed(`${this.#root}: ${reasonOf(error)}`, error);
    }
  }

  /** Undefined when the directory is not there, or was removed while this waited. */
  #lock(id: string, directory: string, atOnce: boolean): LockedContainer | "busy" | undefined {
    let fd: number;
    try {
      fd = openSync(directory, "r");
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === "ENOENT") return undefined;
      throw error;
    }
    const result = this.#native.flock(fd, LOCK_EX | (atOnce ? LOCK_NB : 0));
    if (result === 0 && isSame(directory, fd)) return new LockedContainer(id, directory, fd);
    closeSync(fd);
    if (result === -EAGAIN) return "busy";
    if (result < 0) throw new ErrnoError(-result, "flock");
    return undefined;
  }
}

/** Where --root leads to is a mistake now and then: what is somebody else's stays. The native front looks at the same. */
function isHalfMade({ directory, fd }: LockedContainer): boolean {
  const { uid, mode } = fstatSync(fd);
  if (uid !== process.getuid?.() || (mode & PERMISSIONS) !== PRIVATE) return false;
  return readdirSync(directory).every((name) => STATE_FILES.has(name.replace(/^\./, "")));
}

function isSame(directory: string, fd: number): boolean {
  const there = statSync(directory, { throwIfNoEntry: false });
  const ours = fstatSync(fd);
  return there !== undefined && there.ino === ours.ino && there.dev === ours.dev;
}

/** Whether it was not there before. */
function makeDirectory(directory: string): boolean {
  try {
    mkdirSync(directory, { mode: PRIVATE });
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "EEXIST") return false;
    throw error;
  }
}
