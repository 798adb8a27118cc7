// Who the face is: the task's effective user, its groups, and its mask of modes.

import { SYS_setgroups, SYS_setresgid, SYS_setresuid, SYS_umask } from "../../../assembly/abi/syscall.ts";
import { Names } from "./names.ts";

/** What setresuid(2) leaves as it is. */
const UNCHANGED = 0xffffffff;

export interface User {
  readonly uid: number;
  readonly gid: number;
  readonly groups?: readonly number[];
}

export class Identity extends Names {
  /** Sets the mask; returns the one before. */
  umask(mask: number): number {
    return this.call(SYS_umask, mask);
  }

  /** Becomes an effective user; one who was root before may become root again. Errors: EPERM for all others. */
  become({ uid, gid, groups = [] }: User): void {
    const set = (id: number, call: number, name: string): void => {
      this.check(this.call(call, UNCHANGED, id, UNCHANGED), name);
    };
    // Groups are changed with root's rights: before they are given up, or after they came back.
    if (uid === 0) set(uid, SYS_setresuid, "setresuid");
    for (const [i, group] of groups.entries()) this.words[(this.data >>> 2) + i] = group;
    this.check(this.call(SYS_setgroups, groups.length, this.data), "setgroups");
    set(gid, SYS_setresgid, "setresgid");
    if (uid !== 0) set(uid, SYS_setresuid, "setresuid");
  }
}
