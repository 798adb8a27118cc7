// One inotify instance for all watchers of a file system. The kernel has no way to call out: while anybody watches, it is asked
// every few milliseconds.

import type * as NodeFs from "node:fs";
import {
  IN_ATTRIB,
  IN_CREATE,
  IN_DELETE,
  IN_DELETE_SELF,
  IN_IGNORED,
  IN_MODIFY,
  IN_MOVE_SELF,
  IN_MOVED_FROM,
  IN_MOVED_TO,
} from "../../../assembly/abi/inotify.ts";
import type { InotifyEvent } from "../leaf/inotify.ts";
import type { Leaf } from "../leaf/leaf.ts";
import type { CheckedPath } from "../validators.ts";

/** How often the kernel is asked. */
const INTERVAL_MS = 10;

/** What libuv asks for. */
const WATCHED =
  IN_ATTRIB | IN_CREATE | IN_MODIFY | IN_DELETE | IN_DELETE_SELF | IN_MOVE_SELF | IN_MOVED_FROM | IN_MOVED_TO;
const CHANGES = IN_ATTRIB | IN_MODIFY;

// Watching goes on under a test's fake clock, as it does in Node.
const { setInterval: startTimer, clearInterval: stopTimer } = globalThis;

/** `name`: of what in the watched directory; undefined for the watched file itself. */
export type OnEvent = (eventType: NodeFs.WatchEventType, name: Uint8Array | undefined) => void;

/** Somebody's interest in a path. */
export class Watch {
  readonly #hub: WatchHub;
  readonly descriptor: number;
  readonly onEvent: OnEvent;
  isPersistent: boolean;

  constructor(hub: WatchHub, descriptor: number, onEvent: OnEvent, isPersistent: boolean) {
    this.#hub = hub;
    this.descriptor = descriptor;
    this.onEvent = onEvent;
    this.isPersistent = isPersistent;
  }

  setPersistent(isPersistent: boolean): void {
    this.isPersistent = isPersistent;
    this.#hub.adjust();
  }

  close(): void {
    this.#hub.remove(this);
  }
}

export class WatchHub {
  readonly #leaf: Leaf;
  /** By watch descriptor: two watchers of one file share the kernel's watch. */
  readonly #watches = new Map<number, Set<Watch>>();
  #inotify = -1;
  #timer: ReturnType<typeof setInterval> | undefined;

  constructor(leaf: Leaf) {
    this.#leaf = leaf;
  }

  /** Watches `path`. Errors: those of inotify_add_watch(2). */
  add(path: CheckedPath, onEvent: OnEvent, isPersistent: boolean): Watch {
    // What happened before belongs to those who watched then.
    if (this.#inotify < 0) this.#inotify = this.#leaf.inotifyInit();
    else this.#drain();
    const descriptor = this.#addOrEnd(path);
    const watch = new Watch(this, descriptor, onEvent, isPersistent);
    const others = this.#watches.get(descriptor);
    if (others === undefined) this.#watches.set(descriptor, new Set([watch]));
    else others.add(watch);
    this.adjust();
    return watch;
  }

  #addOrEnd(path: CheckedPath): number {
    try {
      return this.#leaf.inotifyAddWatch(this.#inotify, path, WATCHED);
    } catch (error) {
      this.adjust();
      throw error;
    }
  }

  remove(watch: Watch): void {
    const watches = this.#watches.get(watch.descriptor);
    if (!watches?.delete(watch)) return;
    if (watches.size === 0) {
      this.#watches.delete(watch.descriptor);
      this.#leaf.inotifyRemoveWatch(this.#inotify, watch.descriptor);
    }
    this.adjust();
  }

  /** The timer runs while anybody watches, and keeps the process alive while one who watches wants it. */
  adjust(): void {
    if (this.#watches.size === 0) {
      stopTimer(this.#timer);
      this.#timer = undefined;
      if (this.#inotify >= 0) this.#leaf.close(this.#inotify);
      this.#inotify = -1;
      return;
    }
    this.#timer ??= startTimer(() => this.#drain(), INTERVAL_MS);
    const wanted = [...this.#watches.values()].some((set) => [...set].some((watch) => watch.isPersistent));
    // A browser's timers are numbers and keep nothing alive.
    const timer = this.#timer as Partial<NodeJS.Timeout>;
    if (wanted) timer.ref?.();
    else timer.unref?.();
  }

  #drain(): void {
    while (this.#inotify >= 0) {
      const events = this.#leaf.inotifyRead(this.#inotify);
      if (events.length === 0) return;
      for (const event of events) this.#tell(event);
    }
  }

  #tell({ watch, mask, name }: InotifyEvent): void {
    const watches = this.#watches.get(watch);
    if (watches === undefined || mask === IN_IGNORED) return;
    const shown = name.length > 0 ? name : undefined;
    // A set may change while it is told: who comes or goes meanwhile is not.
    for (const each of [...watches]) {
      if (!watches.has(each)) continue;
      if (mask & CHANGES) each.onEvent("change", shown);
      if (mask & ~CHANGES) each.onEvent("rename", shown);
    }
  }
}
