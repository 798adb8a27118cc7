// Calls that change who a task is: setuid(2), setreuid(2), setresuid(2), setfsuid(2) and the same for groups. An id of -1 says
// "leave it" where the call has more than one.

import { CAP_SETGID, CAP_SETUID } from "../abi/capability.ts";
import { EFAULT, EINVAL, EPERM } from "../abi/errno.ts";
import { Credentials } from "../auth/credentials.ts";
import { GROUPS_MAX, GroupInfo } from "../auth/group-info.ts";
import { fixCapabilities, fixFileCapabilities } from "../auth/set-ids.ts";
import { Task } from "../kernel/task.ts";
import { isMemory } from "./arguments.ts";

const NONE: u32 = u32.MAX_VALUE;

/** Errors: EINVAL for -1; EPERM without CAP_SETUID, unless it is the real or the saved id. */
export function setuid(task: Task, uid: u32): i64 {
  if (uid == NONE) return -EINVAL;
  const old = task.cred;
  const capable = old.hasCapability(CAP_SETUID);
  if (!capable && uid != old.uid && uid != old.suid) return -EPERM;
  const made = old.copy();
  if (capable) {
    made.uid = uid;
    made.suid = uid;
  }
  made.euid = uid;
  made.fsuid = uid;
  return becomeUser(task, made);
}

/** Errors: EINVAL for -1; EPERM without CAP_SETGID, unless it is the real or the saved id. */
export function setgid(task: Task, gid: u32): i64 {
  if (gid == NONE) return -EINVAL;
  const old = task.cred;
  const capable = old.hasCapability(CAP_SETGID);
  if (!capable && gid != old.gid && gid != old.sgid) return -EPERM;
  const made = old.copy();
  if (capable) {
    made.gid = gid;
    made.sgid = gid;
  }
  made.egid = gid;
  made.fsgid = gid;
  task.setCredentials(made);
  return 0;
}

/**
 * The saved id follows the effective one when the real one is set, or the effective one to something else than the real one was.
 * Errors: EPERM without CAP_SETUID for a real id that was neither real nor effective, or an effective one that was none at all.
 */
export function setreuid(task: Task, uid: u32, euid: u32): i64 {
  const old = task.cred;
  const capable = old.hasCapability(CAP_SETUID);
  if (uid != NONE && !capable && uid != old.uid && uid != old.euid) return -EPERM;
  if (euid != NONE && !capable && !hasUser(old, euid)) return -EPERM;
  const made = old.copy();
  if (uid != NONE) made.uid = uid;
  if (euid != NONE) made.euid = euid;
  if (uid != NONE || (euid != NONE && euid != old.uid)) made.suid = made.euid;
  made.fsuid = made.euid;
  return becomeUser(task, made);
}

/** As setreuid(), but an effective id must have been one of the three, too (Linux: __sys_setregid()). */
export function setregid(task: Task, gid: u32, egid: u32): i64 {
  const old = task.cred;
  const capable = old.hasCapability(CAP_SETGID);
  if (gid != NONE && !capable && gid != old.gid && gid != old.egid) return -EPERM;
  if (egid != NONE && !capable && !hasGroup(old, egid)) return -EPERM;
  const made = old.copy();
  if (gid != NONE) made.gid = gid;
  if (egid != NONE) made.egid = egid;
  if (gid != NONE || (egid != NONE && egid != old.gid)) made.sgid = made.egid;
  made.fsgid = made.egid;
  task.setCredentials(made);
  return 0;
}

/** Errors: EPERM without CAP_SETUID for an id that is not one of the three. */
export function setresuid(task: Task, uid: u32, euid: u32, suid: u32): i64 {
  const old = task.cred;
  // Nothing changes then, not even the file id; the credentials stay the same object.
  const keepsEffective = euid == NONE || (euid == old.euid && euid == old.fsuid);
  if (keepsEffective && (uid == NONE || uid == old.uid) && (suid == NONE || suid == old.suid)) return 0;
  if (!old.hasCapability(CAP_SETUID)) {
    if (uid != NONE && !hasUser(old, uid)) return -EPERM;
    if (euid != NONE && !hasUser(old, euid)) return -EPERM;
    if (suid != NONE && !hasUser(old, suid)) return -EPERM;
  }
  const made = old.copy();
  if (uid != NONE) made.uid = uid;
  if (euid != NONE) made.euid = euid;
  if (suid != NONE) made.suid = suid;
  made.fsuid = made.euid;
  return becomeUser(task, made);
}

/** Errors: EPERM without CAP_SETGID for an id that is not one of the three. */
export function setresgid(task: Task, gid: u32, egid: u32, sgid: u32): i64 {
  const old = task.cred;
  const keepsEffective = egid == NONE || (egid == old.egid && egid == old.fsgid);
  if (keepsEffective && (gid == NONE || gid == old.gid) && (sgid == NONE || sgid == old.sgid)) return 0;
  if (!old.hasCapability(CAP_SETGID)) {
    if (gid != NONE && !hasGroup(old, gid)) return -EPERM;
    if (egid != NONE && !hasGroup(old, egid)) return -EPERM;
    if (sgid != NONE && !hasGroup(old, sgid)) return -EPERM;
  }
  const made = old.copy();
  if (gid != NONE) made.gid = gid;
  if (egid != NONE) made.egid = egid;
  if (sgid != NONE) made.sgid = sgid;
  made.fsgid = made.egid;
  task.setCredentials(made);
  return 0;
}

/** Returns the id that it was, whether it changed or not: there are no errors. */
export function setfsuid(task: Task, uid: u32): i64 {
  const old = task.cred;
  const before = <i64>old.fsuid;
  if (uid == NONE || uid == old.fsuid) return before;
  if (!hasUser(old, uid) && !old.hasCapability(CAP_SETUID)) return before;
  const made = old.copy();
  made.fsuid = uid;
  fixFileCapabilities(made, old);
  task.setCredentials(made);
  return before;
}

/** As setfsuid(). */
export function setfsgid(task: Task, gid: u32): i64 {
  const old = task.cred;
  const before = <i64>old.fsgid;
  if (gid == NONE || gid == old.fsgid) return before;
  if (!hasGroup(old, gid) && !old.hasCapability(CAP_SETGID)) return before;
  const made = old.copy();
  made.fsgid = gid;
  task.setCredentials(made);
  return before;
}

/** Errors: EPERM without CAP_SETGID, EINVAL for more than NGROUPS_MAX, EFAULT, EINVAL for the group -1. */
export function setgroups(task: Task, count: i32, list: usize): i64 {
  if (!task.cred.hasCapability(CAP_SETGID)) return -EPERM;
  if (<u32>count > GROUPS_MAX) return -EINVAL;
  if (count > 0 && !isMemory(list, (<u64>count) << 2)) return -EFAULT;
  for (let i = 0; i < count; i++) {
    if (load<u32>(list + ((<usize>i) << 2)) == NONE) return -EINVAL;
  }
  const groups = new GroupInfo();
  groups.takeAll(list, count);
  const made = task.cred.copy();
  made.setGroups(groups);
  groups.decRef();
  task.setCredentials(made);
  return 0;
}

/** Returns how many groups there are, and puts them to `list` unless `size` is 0. Errors: EINVAL when they are more, EFAULT. */
export function getgroups(task: Task, size: i32, list: usize): i64 {
  if (size < 0) return -EINVAL;
  const groups = task.cred.groups;
  const count = groups.count;
  if (size == 0) return count;
  if (count > <u32>size) return -EINVAL;
  if (count > 0 && !isMemory(list, (<u64>count) << 2)) return -EFAULT;
  for (let i: u32 = 0; i < count; i++) store<u32>(list + ((<usize>i) << 2), groups.at(i));
  return count;
}

/** Errors: EFAULT. */
export function getresuid(task: Task, uid: usize, euid: usize, suid: usize): i64 {
  const cred = task.cred;
  return putThree(uid, cred.uid, euid, cred.euid, suid, cred.suid);
}

/** Errors: EFAULT. */
export function getresgid(task: Task, gid: usize, egid: usize, sgid: usize): i64 {
  const cred = task.cred;
  return putThree(gid, cred.gid, egid, cred.egid, sgid, cred.sgid);
}

function putThree(a: usize, first: u32, b: usize, second: u32, c: usize, third: u32): i64 {
  if (!isMemory(a, 4)) return -EFAULT;
  store<u32>(a, first);
  if (!isMemory(b, 4)) return -EFAULT;
  store<u32>(b, second);
  if (!isMemory(c, 4)) return -EFAULT;
  store<u32>(c, third);
  return 0;
}

function becomeUser(task: Task, made: Credentials): i64 {
  fixCapabilities(made, task.cred);
  task.setCredentials(made);
  return 0;
}

function hasUser(cred: Credentials, uid: u32): bool {
  return uid == cred.uid || uid == cred.euid || uid == cred.suid;
}

function hasGroup(cred: Credentials, gid: u32): bool {
  return gid == cred.gid || gid == cred.egid || gid == cred.sgid;
}
