// What a connection keeps count of: fid numbers, tags, and what inodes keep for later; and how names and times are told.

import { initPages } from "mm/page";
import { objectsUsed } from "mm/slab";
import { P9_NOFID, P9_NOTAG, P9_TGETATTR } from "../../../assembly/abi/p9.ts";
import { KeepList, KeepSlot } from "../../../assembly/fs/gofer/keep-list.ts";
import { ByteWriter } from "../../../assembly/lib/byte-writer.ts";
import { free, RefCounted } from "../../../assembly/lib/ref-counted.ts";
import { FidTable } from "../../../assembly/p9/fid-table.ts";
import { isDots, isName, isText, putTime } from "../../../assembly/p9/messages.ts";
import { Pending, PendingList } from "../../../assembly/p9/pending.ts";

const MEMORY: u32 = 0x8000000;
const SCRATCH = memory.data(64);

export function aTimeBeforeTheEpochHasPositiveNanoseconds(): void {
  initPages(MEMORY);
  const writer = new ByteWriter();
  writer.reset(SCRATCH, 16);
  putTime(writer, -1);
  assert(load<i64>(SCRATCH) == -1, "one second before");
  assert(load<i64>(SCRATCH, 8) == 999999999, "and nearly one behind that");
}

export function namesOfOneComponentAreTold(): void {
  const slash = memory.data<u8>([0x61, 0x2f, 0x62]);
  assert(isName(slash, 1), "a");
  assert(!isName(slash, 0), "the empty name");
  assert(!isName(slash, 3), "a/b");
  const dots = memory.data<u8>([0x2e, 0x2e, 0x2e]);
  assert(isDots(dots, 1) && isDots(dots, 2), ". and ..");
  assert(!isDots(dots, 3), "three dots are a name");
  assert(isText(dots, 2, "..") && !isText(dots, 2, "...") && !isText(dots, 2, ".a"), "compared in full");
}

export function aFidIsFreeAgainOnlyWhenItsClunkWasAnswered(): void {
  initPages(MEMORY);
  const fids = new FidTable();
  const first = fids.alloc();
  const second = fids.alloc();
  assert(first != second, "two numbers");
  fids.queue(first);
  fids.queue(second);
  assert(fids.alloc() == 2, "queued numbers are not given out");
  assert(fids.dequeue() == first, "the first queued goes first");
  assert(fids.alloc() == 3, "nor those whose clunk is under way");
  fids.release(first);
  assert(fids.alloc() == first, "an answered one is");
  assert(fids.queued == 1, "the other still waits");
}

export function fidsRunOutWithoutHarm(): void {
  initPages(MEMORY);
  const fids = new FidTable();
  let count: u32 = 0;
  while (fids.alloc() != P9_NOFID) count++;
  assert(count == 32768, "the limit");
  for (let fid: u32 = 0; fid < count; fid++) fids.queue(fid);
  for (let fid: u32 = 0; fid < count; fid++) fids.release(fids.dequeue());
  assert(fids.queued == 0 && fids.used == 0, "all are free");
  assert(fids.alloc() != P9_NOFID, "and can be used again");
}

export function tagsInUseAreSkippedAndNotagIsNeverGiven(): void {
  initPages(MEMORY);
  const list = new PendingList();
  const kept = list.push(P9_TGETATTR, P9_NOFID);
  for (let i = 0; i < 70000; i++) {
    const pending = list.push(P9_TGETATTR, P9_NOFID);
    assert(pending.tag != kept.tag, "the tag is in use");
    assert(pending.tag < <u32>P9_NOTAG, "no tag is none");
    list.remove(pending);
  }
  assert(list.find(kept.tag) === kept && list.count == 1, "the one that waits is still there");
}

export function pendingRequestsLeaveInAnyOrder(): void {
  initPages(MEMORY);
  const list = new PendingList();
  const before = objectsUsed();
  const a = list.push(P9_TGETATTR, 1);
  const b = list.push(P9_TGETATTR, 2);
  const c = list.push(P9_TGETATTR, 3);
  assert(a.next === b && b.next === c, "in the order of sending");
  list.remove(b);
  assert(a.next === c, "the others are joined");
  list.remove(c);
  const d: Pending = list.push(P9_TGETATTR, 4);
  assert(a.next === d, "the end was moved back");
  list.destroy();
  assert(list.count == 0 && objectsUsed() == before, "nothing is left");
}

class Value extends RefCounted {
  destroy(): void {}
}

export function theLeastRecentlyUsedGoesWhenTheLimitIsReached(): void {
  initPages(MEMORY);
  const list = new KeepList(10);
  const slots = [new KeepSlot(), new KeepSlot(), new KeepSlot()];
  const value = new Value();
  list.put(slots[0], value, 4);
  list.put(slots[1], value, 4);
  list.touch(slots[0]);
  list.put(slots[2], value, 4);
  assert(slots[1].value === null, "the one that was not touched");
  assert(slots[0].value !== null && slots[2].value !== null && list.used == 8, "the others stay");
  list.put(slots[0], value, 1);
  assert(list.used == 5, "a slot holds one value");
  list.put(slots[1], value, 11);
  assert(list.used == 0 && value.refs == 1, "what is larger than all may be is not kept, and evicts");
  free(value);
}
