import {
  CAP_CHOWN,
  CAP_DAC_OVERRIDE,
  CAP_DAC_READ_SEARCH,
  CAP_FOWNER,
  CAP_FSETID,
} from "../../../assembly/abi/capability.ts";
import { EACCES, EPERM } from "../../../assembly/abi/errno.ts";
import { Credentials } from "../../../assembly/auth/credentials.ts";
import { GROUPS_MAX } from "../../../assembly/auth/group-info.ts";
import { free } from "../../../assembly/lib/ref-counted.ts";
import {
  ATTR_ATIME,
  ATTR_GID,
  ATTR_MODE,
  ATTR_MTIME,
  ATTR_MTIME_SET,
  ATTR_SIZE,
  ATTR_UID,
  Attributes,
} from "../../../assembly/vfs/attributes.ts";
import { Inode } from "../../../assembly/vfs/dentry.ts";
import {
  checkPermission,
  checkSticky,
  MAY_EXEC,
  MAY_READ,
  MAY_WRITE,
  prepareAttributes,
} from "../../../assembly/vfs/permission.ts";
import { beginVfs, end } from "../support/leak-check.ts";
import { Tree } from "../support/tree.ts";

const OWNER: u32 = 1000;
const GROUP: u32 = 100;
const STRANGER: u32 = 2000;

function capability(bit: i32): u64 {
  return (<u64>1) << (<u64>bit);
}

/** A file, or a directory, of OWNER and GROUP; borrowed from the tree. */
function node(t: Tree, directory: bool, mode: u32): Inode {
  if (directory) t.mkdir("/x");
  else t.make("/x");
  const inode = t.inode("/x");
  inode.uid = OWNER;
  inode.gid = GROUP;
  inode.mode = (inode.mode & 0o170000) | mode;
  return inode;
}

/** The MAY_* bits that are granted one by one. */
function granted(inode: Inode, uid: u32, gid: u32, capabilities: u64): u32 {
  const cred = new Credentials(uid, gid, capabilities);
  let mask: u32 = 0;
  for (let bit: u32 = 1; bit <= 4; bit <<= 1) {
    const result = checkPermission(inode, cred, bit);
    assert(result == 0 || result == -EACCES, "granted or EACCES");
    if (result == 0) mask |= bit;
  }
  // All together are granted exactly when each is, but for the capability that is for reading alone.
  if (mask == 7) assert(checkPermission(inode, cred, 7) == 0, "all at once");
  cred.decRef();
  return mask;
}

export function eachClassHasItsOwnBits(): void {
  beginVfs();
  const t = Tree.tmpfs();
  const inode = node(t, false, 0);
  for (let mode: u32 = 0; mode < 0o1000; mode++) {
    inode.mode = (inode.mode & 0o170000) | mode;
    assert(granted(inode, OWNER, GROUP, 0) == mode >> 6, "the owner, though in the group");
    assert(granted(inode, STRANGER, GROUP, 0) == ((mode >> 3) & 7), "the group");
    assert(granted(inode, STRANGER, STRANGER, 0) == (mode & 7), "everybody else");
  }
  t.destroy();
  end();
}

export function supplementaryGroupsCount(): void {
  beginVfs();
  const t = Tree.tmpfs();
  const inode = node(t, false, 0o040);
  const cred = new Credentials(STRANGER, STRANGER, 0);
  assert(checkPermission(inode, cred, MAY_READ) == -EACCES, "not yet");
  cred.addGroup(5);
  cred.addGroup(GROUP);
  assert(cred.inGroup(GROUP) && cred.inGroup(5) && cred.inGroup(STRANGER) && !cred.inGroup(6), "groups");
  assert(checkPermission(inode, cred, MAY_READ) == 0, "now");
  cred.decRef();
  t.destroy();
  end();
}

export function groupsAreBounded(): void {
  beginVfs();
  const cred = new Credentials(1, 1, 0);
  for (let i: u32 = 0; i < GROUPS_MAX; i++) assert(cred.addGroup(1000 + i), "room");
  assert(!cred.addGroup(7) && !cred.inGroup(7), "and then none");
  assert(cred.inGroup(1000 + GROUPS_MAX - 1), "the last one counts");
  cred.decRef();
  end();
}

export function theOverrideCapabilityOpensEverythingButExecution(): void {
  beginVfs();
  const t = Tree.tmpfs();
  const file = node(t, false, 0);
  const all = capability(CAP_DAC_OVERRIDE);
  assert(granted(file, STRANGER, STRANGER, all) == (MAY_READ | MAY_WRITE), "a file that nobody may execute");
  file.mode |= 0o010;
  assert(granted(file, STRANGER, STRANGER, all) == 7, "that somebody may");
  t.unlink("/x");
  assert(granted(node(t, true, 0), STRANGER, STRANGER, all) == 7, "a directory");
  t.destroy();
  end();
}

export function theReadSearchCapabilityReadsAndSearches(): void {
  beginVfs();
  const t = Tree.tmpfs();
  const reads = capability(CAP_DAC_READ_SEARCH);
  const file = node(t, false, 0o111);
  file.mode &= ~0o001;
  assert(granted(file, STRANGER, STRANGER, reads) == MAY_READ, "a file");
  t.unlink("/x");
  const directory = node(t, true, 0);
  assert(granted(directory, STRANGER, STRANGER, reads) == (MAY_READ | MAY_EXEC), "a directory");
  t.destroy();
  end();
}

export function otherCapabilitiesOpenNothing(): void {
  beginVfs();
  const t = Tree.tmpfs();
  const file = node(t, false, 0);
  const rest = ~(capability(CAP_DAC_OVERRIDE) | capability(CAP_DAC_READ_SEARCH));
  assert(granted(file, STRANGER, STRANGER, rest) == 0, "nothing");
  assert(granted(file, 0, 0, 0) == 0, "nor does the number 0");
  t.destroy();
  end();
}

export function theStickyBitKeepsOthersNames(): void {
  beginVfs();
  const t = Tree.tmpfs();
  const directory = node(t, true, 0o1777);
  t.make("/f");
  const victim = t.inode("/f");
  victim.uid = 3000;
  const stranger = new Credentials(STRANGER, STRANGER, 0);
  const owner = new Credentials(3000, 1, 0);
  const keeper = new Credentials(OWNER, 1, 0);
  const capable = new Credentials(STRANGER, 1, capability(CAP_FOWNER));
  assert(checkSticky(directory, victim, stranger) == -EPERM, "a stranger");
  assert(checkSticky(directory, victim, owner) == 0, "the file's owner");
  assert(checkSticky(directory, victim, keeper) == 0, "the directory's owner");
  assert(checkSticky(directory, victim, capable) == 0, "a capability");
  directory.mode &= ~0o1000;
  assert(checkSticky(directory, victim, stranger) == 0, "without the bit, anybody");
  stranger.decRef();
  owner.decRef();
  keeper.decRef();
  capable.decRef();
  t.destroy();
  end();
}

export function aStickyDirectoryRefusesUnlinkAndRename(): void {
  beginVfs();
  const t = Tree.tmpfs();
  t.mkdirMode("/tmp", 0o1777);
  t.become(OWNER, 0);
  t.make("/tmp/mine", 0o666);
  t.become(STRANGER, 0);
  t.make("/tmp/his");
  assert(t.unlink("/tmp/mine") == -EPERM && t.rename("/tmp/mine", "/tmp/x") == -EPERM, "not his");
  assert(t.rename("/tmp/his", "/tmp/mine") == -EPERM, "nor to be replaced by him");
  assert(t.rename("/tmp/his", "/tmp/new") == 0 && t.unlink("/tmp/new") == 0, "his own");
  t.become(OWNER, 0);
  assert(t.unlink("/tmp/mine") == 0, "the owner");
  t.destroy();
  end();
}

/** prepareAttributes() by uid and capabilities, with one group; the resulting mode, or the error. */
function prepare(inode: Inode, a: Attributes, uid: u32, gid: u32, capabilities: u64): i32 {
  const cred = new Credentials(uid, gid, capabilities);
  const result = prepareAttributes(inode, a, cred);
  cred.decRef();
  if (result < 0) return result;
  return a.valid & ATTR_MODE ? <i32>a.mode : <i32>(inode.mode & 0o7777);
}

function chown(inode: Inode, uid: u32, by: u32, capabilities: u64): i32 {
  const a = new Attributes();
  a.valid = ATTR_UID;
  a.uid = uid;
  const result = prepare(inode, a, by, GROUP, capabilities);
  free(a);
  return result;
}

function chgrp(inode: Inode, gid: u32, by: u32, group: u32, capabilities: u64): i32 {
  const a = new Attributes();
  a.valid = ATTR_GID;
  a.gid = gid;
  const result = prepare(inode, a, by, group, capabilities);
  free(a);
  return result;
}

function chmod(inode: Inode, mode: u32, by: u32, group: u32, capabilities: u64): i32 {
  const a = new Attributes();
  a.valid = ATTR_MODE;
  a.mode = mode;
  const result = prepare(inode, a, by, group, capabilities);
  free(a);
  return result;
}

function resize(inode: Inode, by: u32, group: u32, capabilities: u64): i32 {
  const a = new Attributes();
  a.valid = ATTR_SIZE;
  const result = prepare(inode, a, by, group, capabilities);
  free(a);
  return result;
}

function setTimes(inode: Inode, valid: u32, by: u32, capabilities: u64): i32 {
  const a = new Attributes();
  a.valid = valid;
  const result = prepare(inode, a, by, STRANGER, capabilities);
  free(a);
  return result;
}

export function filesAreGivenAwayByCapabilityOnly(): void {
  beginVfs();
  const t = Tree.tmpfs();
  const f = node(t, false, 0o644);
  assert(
    chown(f, STRANGER, OWNER, 0) == -EPERM && chown(f, STRANGER, STRANGER, 0) == -EPERM,
    "not otherwise",
  );
  assert(chown(f, OWNER, OWNER, 0) == 0o644, "to whom it belongs already");
  assert(chown(f, STRANGER, STRANGER, capability(CAP_CHOWN)) == 0o644, "by capability");
  t.destroy();
  end();
}

export function theOwnerMayChooseAmongHisGroups(): void {
  beginVfs();
  const t = Tree.tmpfs();
  const f = node(t, false, 0o644);
  assert(chgrp(f, 77, OWNER, 77, 0) == 0o644, "a group that he is in");
  assert(chgrp(f, GROUP, OWNER, 77, 0) == 0o644, "the group that it has");
  assert(chgrp(f, 78, OWNER, 77, 0) == -EPERM, "not another");
  assert(chgrp(f, 77, STRANGER, 77, 0) == -EPERM, "nor somebody else's file");
  assert(chgrp(f, 78, STRANGER, 77, capability(CAP_CHOWN)) == 0o644, "but by capability");
  t.destroy();
  end();
}

export function modesAreTheOwnersToChange(): void {
  beginVfs();
  const t = Tree.tmpfs();
  const f = node(t, false, 0o644);
  assert(chmod(f, 0o4755, OWNER, GROUP, 0) == 0o4755, "the owner");
  assert(chmod(f, 0o600, STRANGER, GROUP, 0) == -EPERM, "nobody else");
  assert(chmod(f, 0o600, STRANGER, GROUP, capability(CAP_FOWNER)) == 0o600, "but by capability");
  assert(chmod(f, 0o2755, OWNER, GROUP, 0) == 0o2755, "set-group-id for a member of the group");
  assert(chmod(f, 0o2755, OWNER, 77, 0) == 0o755, "is dropped for another");
  assert(chmod(f, 0o2755, OWNER, 77, capability(CAP_FSETID)) == 0o2755, "unless capable");
  t.destroy();
  end();
}

export function changingTheOwnerDropsSetIds(): void {
  beginVfs();
  const t = Tree.tmpfs();
  const f = node(t, false, 0o6755);
  // The loss of a bit is a change of the mode, which is the owner's.
  const give = capability(CAP_CHOWN) | capability(CAP_FOWNER);
  const may = give | capability(CAP_FSETID);
  assert(chown(f, 5, 0, may & ~capability(CAP_FOWNER)) == -EPERM, "not by who may only give away");
  assert(chown(f, 5, 0, may) == 0o755, "both, even for the capable");
  assert(chgrp(f, GROUP, OWNER, GROUP, 0) == 0o755, "also with the group");
  f.mode = (f.mode & 0o170000) | 0o2644;
  assert(chown(f, 5, 0, may) == 0o2644, "set-group-id without execution is none");
  assert(chown(f, 5, 9, give) == 0o2644, "GROUP is the caller's group here");
  assert(chgrp(f, 5, 9, 9, give) == 0o644, "a stranger to the group loses it");
  t.unlink("/x");
  assert(chown(node(t, true, 0o2755), 5, 0, may) == 0o2755, "directories keep it");
  t.destroy();
  end();
}

export function changingTheSizeDropsSetIds(): void {
  beginVfs();
  const t = Tree.tmpfs();
  const f = node(t, false, 0o6777);
  assert(resize(f, STRANGER, STRANGER, 0) == 0o777, "both");
  assert(resize(f, OWNER, GROUP, 0) == 0o777, "also for the owner");
  assert(resize(f, 0, 0, capability(CAP_FSETID)) == 0o6777, "unless capable");
  t.destroy();
  end();
}

export function timesAreTheOwnersToChoose(): void {
  beginVfs();
  const t = Tree.tmpfs();
  const f = node(t, false, 0o646);
  const now = ATTR_ATIME | ATTR_MTIME;
  assert(setTimes(f, now | ATTR_MTIME_SET, OWNER, 0) >= 0, "any time, by the owner");
  assert(setTimes(f, now | ATTR_MTIME_SET, STRANGER, 0) == -EPERM, "not by another");
  assert(setTimes(f, now | ATTR_MTIME_SET, STRANGER, capability(CAP_FOWNER)) >= 0, "but by capability");
  assert(setTimes(f, now, STRANGER, 0) >= 0, "now, by whoever may write");
  assert(setTimes(f, ATTR_MTIME, STRANGER, 0) == -EPERM, "but not one of the two");
  f.mode &= ~0o002;
  assert(setTimes(f, now, STRANGER, 0) == -EACCES, "not by who may not");
  t.destroy();
  end();
}

export function aSetGroupIdDirectoryPassesItsGroupOn(): void {
  beginVfs();
  const t = Tree.tmpfs();
  const directory = node(t, true, 0o2777);
  t.become(STRANGER, 0);
  t.make("/x/f");
  t.mkdir("/x/d");
  t.symlink("y", "/x/l");
  assert(t.inode("/x/f").gid == directory.gid && t.inode("/x/d").gid == directory.gid, "its group");
  assert(
    (t.inode("/x/d").mode & 0o2000) != 0 && (t.inode("/x/f").mode & 0o2000) == 0,
    "directories also the bit",
  );
  assert(t.inode("/x/f").uid == STRANGER, "the owner is who made it");
  t.destroy();
  end();
}
