// inotify(7): what changes in the kernel's files.

import { EAGAIN } from "../../../assembly/abi/errno.ts";
import { IN_CLOEXEC, IN_NONBLOCK } from "../../../assembly/abi/inotify.ts";
import {
  SYS_inotify_add_watch,
  SYS_inotify_init1,
  SYS_inotify_rm_watch,
  SYS_read,
} from "../../../assembly/abi/syscall.ts";
import type { CheckedPath } from "../validators.ts";
import { Attributes } from "./attributes.ts";
import { DATA_AREA } from "./kernel-caller.ts";

export interface InotifyEvent {
  /** The watch descriptor; -1 when events were lost. */
  readonly watch: number;
  readonly mask: number;
  /** Of what in a directory that is watched. Empty for the watched file itself. */
  readonly name: Uint8Array;
}

// struct inotify_event: i32 wd, u32 mask, u32 cookie, u32 length, and the name with NULs behind it.
const MASK = 1;
const LENGTH = 3;
const HEADER = 16;

export class Inotify extends Attributes {
  inotifyInit(): number {
    return this.check(this.call(SYS_inotify_init1, IN_NONBLOCK | IN_CLOEXEC), "watch");
  }

  /** Returns the watch descriptor. */
  inotifyAddWatch(fd: number, path: CheckedPath, mask: number): number {
    return this.check(this.call(SYS_inotify_add_watch, fd, this.placePath(path), mask), "watch", path);
  }

  /** A watch whose file is gone has ended already. */
  inotifyRemoveWatch(fd: number, watch: number): void {
    this.call(SYS_inotify_rm_watch, fd, watch);
  }

  /** The events that wait, none if there are none. */
  inotifyRead(fd: number): InotifyEvent[] {
    const used = this.call(SYS_read, fd, this.data, DATA_AREA);
    if (used === -EAGAIN) return [];
    this.check(used, "watch");
    const { bytes, words } = this;
    const events: InotifyEvent[] = [];
    for (let at = this.data; at < this.data + used; ) {
      const word = at >>> 2;
      const end = at + HEADER + words[word + LENGTH]!;
      const name = bytes.slice(at + HEADER, end);
      const nul = name.indexOf(0);
      events.push({
        watch: words[word]! | 0,
        mask: words[word + MASK]!,
        name: nul < 0 ? name : name.subarray(0, nul),
      });
      at = end;
    }
    return events;
  }
}
