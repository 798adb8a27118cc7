// Propagation of mounts: shared, slave, private, unbindable (Linux: fs/pnode.c, Documentation/filesystems/sharedsubtree.rst).
//
// Linux chains peers and slaves from mount to mount; here a PeerGroup has both lists. What a mount receives is the same: an
// event at one member reaches the other members, then the slaves of the group, and where a slave is shared itself, its
// group and that group's slaves.

import { ROOT_LAST_PEER_GROUP_ID } from "../abi/kernel-layout.ts";
import { MS_SHARED, MS_SLAVE, MS_UNBINDABLE } from "../abi/mount.ts";
import { free } from "../lib/ref-counted.ts";
import { Mount, MountList, PeerGroup } from "./mount.ts";

/** Gives `mount` a group of its own unless it has one. */
export function makeShared(mount: Mount): void {
  mount.isUnbindable = false;
  if (mount.group !== null) return;
  const id = load<u32>(ROOT_LAST_PEER_GROUP_ID) + 1;
  store<u32>(ROOT_LAST_PEER_GROUP_ID, id);
  joinGroup(mount, new PeerGroup(id));
}

export function joinGroup(mount: Mount, group: PeerGroup): void {
  mount.group = group;
  mount.nextMember = group.members;
  group.members = mount;
}

export function becomeSlave(mount: Mount, master: PeerGroup): void {
  mount.master = master;
  mount.nextSlave = master.slaves;
  master.slaves = mount;
}

/** Changes to MS_SHARED, MS_SLAVE, MS_PRIVATE or MS_UNBINDABLE (Linux: change_mnt_propagation()). */
export function changePropagation(mount: Mount, type: u32): void {
  if (type == <u32>MS_SHARED) {
    makeShared(mount);
    return;
  }
  const master = leaveGroup(mount);
  stopReceiving(mount);
  if (type == <u32>MS_SLAVE) {
    if (master !== null) becomeSlave(mount, master);
  } else {
    mount.isUnbindable = type == <u32>MS_UNBINDABLE;
  }
}

/**
 * Takes `mount` out of its group; returns whom it would receive from as a slave: what is left of the group, else its master. The
 * slaves of a group that ends go to its master.
 */
function leaveGroup(mount: Mount): PeerGroup | null {
  const group = mount.group;
  if (group === null) return mount.master;
  removeMember(group, mount);
  if (group.members !== null) return group;
  const master = mount.master;
  let slave = group.slaves;
  while (slave !== null) {
    const next = slave.nextSlave;
    slave.nextSlave = null;
    slave.master = null;
    if (master !== null) becomeSlave(slave, master);
    slave = next;
  }
  free(group);
  return master;
}

function removeMember(group: PeerGroup, mount: Mount): void {
  let previous: Mount | null = null;
  let at = group.members;
  while (at !== null && at !== mount) {
    previous = at;
    at = at.nextMember;
  }
  if (previous === null) group.members = mount.nextMember;
  else previous.nextMember = mount.nextMember;
  mount.nextMember = null;
  mount.group = null;
}

function stopReceiving(mount: Mount): void {
  const master = mount.master;
  if (master === null) return;
  let previous: Mount | null = null;
  let at = master.slaves;
  while (at !== null && at !== mount) {
    previous = at;
    at = at.nextSlave;
  }
  if (previous === null) master.slaves = mount.nextSlave;
  else previous.nextSlave = mount.nextSlave;
  mount.nextSlave = null;
  mount.master = null;
}

/**
 * The mounts that receive what happens at `origin`, without itself, linked by nextTarget: masters before their slaves, the members
 * of a group together. Borrowed, and good until the next call.
 */
export function collectTargets(origin: Mount): Mount | null {
  const group = origin.group;
  if (group === null) return null;
  const list = new TargetList();
  list.visit(group);
  let at: PeerGroup | null = group;
  while (at !== null) {
    let member = at.members;
    while (member !== null) {
      if (member !== origin) list.add(member);
      member = member.nextMember;
    }
    let slave = at.slaves;
    while (slave !== null) {
      const own = slave.group;
      if (own === null) list.add(slave);
      else if (!own.visited) list.visit(own);
      slave = slave.nextSlave;
    }
    at = at.nextVisited;
  }
  const first = list.end(group);
  free(list);
  return first;
}

@final
class TargetList {
  private first: Mount | null = null;
  private last: Mount | null = null;
  private lastGroup: PeerGroup | null = null;

  add(mount: Mount): void {
    mount.nextTarget = null;
    const last = this.last;
    if (last === null) this.first = mount;
    else last.nextTarget = mount;
    this.last = mount;
  }

  visit(group: PeerGroup): void {
    group.visited = true;
    group.nextVisited = null;
    const last = this.lastGroup;
    if (last !== null) last.nextVisited = group;
    this.lastGroup = group;
  }

  end(firstGroup: PeerGroup): Mount | null {
    let group: PeerGroup | null = firstGroup;
    while (group !== null) {
      group.visited = false;
      group = group.nextVisited;
    }
    return this.first;
  }
}

/** The nearest group above `mount` of whose members one got a copy, or `origin`, where the event was. */
export function masterWithCopy(mount: Mount, origin: PeerGroup): PeerGroup {
  let at = mount.master;
  while (at !== null && at !== origin && at.copy === null) {
    const member = at.members;
    at = member === null ? null : member.master;
  }
  return at === null ? origin : at;
}

/**
 * The nearest group above `mount` that has a member which is shown in that namespace (Mount.isShown), by its id; 0: none. Linux:
 * get_dominating_id().
 */
export function dominatingId(mount: Mount, namespace: MountList): u32 {
  let group = mount.master;
  while (group !== null) {
    let member = group.members;
    const above: PeerGroup | null = member === null ? null : member.master;
    while (member !== null) {
      if (member.isShown && member.namespace === namespace) return group.id;
      member = member.nextMember;
    }
    group = above;
  }
  return 0;
}
