import { mountTmpfs } from "../../../assembly/fs/tmpfs/tmpfs.ts";
import {
  dropDentries,
  exchangeDentries,
  findDentry,
  hashDentry,
  hashName,
  killDentry,
  makeDentry,
  moveDentry,
  shrinkDcache,
  unhashDentry,
} from "../../../assembly/vfs/dcache.ts";
import { DENTRY_ON_LRU, Dentry } from "../../../assembly/vfs/dentry.ts";
import { beginVfs, end } from "../support/leak-check.ts";
import { isText, putText } from "../support/text.ts";
import { Tree } from "../support/tree.ts";

const NAME: usize = memory.data(256);

/** A hashed negative dentry of a name, with one reference. */
function add(parent: Dentry, name: string): Dentry {
  const length = putText(NAME, name);
  const dentry = makeDentry(parent, NAME, length, hashName(parent, NAME, length));
  hashDentry(dentry);
  return dentry;
}

/** As add(), with no reference left: the cache may evict it. */
function cache(parent: Dentry, name: string): void {
  add(parent, name).decRef();
}

function find(parent: Dentry, name: string): Dentry | null {
  const length = putText(NAME, name);
  return findDentry(parent, NAME, length, hashName(parent, NAME, length));
}

/** Uses a cached dentry, as a lookup does. */
function touch(parent: Dentry, name: string): void {
  const dentry = find(parent, name);
  assert(dentry !== null, "it is cached");
  if (dentry === null) return;
  dentry.incRef();
  dentry.decRef();
}

export function aHashedDentryIsFoundByParentAndName(): void {
  beginVfs();
  const root = mountTmpfs(1 << 20, 0o755, 0, 0);
  const a = add(root, "a");
  const b = add(root, "b");
  const ba = add(b, "a");
  assert(find(root, "a") === a && find(root, "b") === b, "in the root");
  assert(find(b, "a") === ba, "the same name below another parent");
  assert(find(a, "a") === null && find(root, "c") === null && find(root, "") === null, "what is not there");
  ba.decRef();
  b.decRef();
  a.decRef();
  dropDentries(root.fs);
  root.decRef();
  end();
}

export function namesThatBeginAlikeAreDifferent(): void {
  beginVfs();
  const root = mountTmpfs(1 << 20, 0o755, 0, 0);
  const long = add(root, "name-that-is-long");
  assert(find(root, "name-that-is-lon") === null && find(root, "name-that-is-long-") === null, "lengths");
  assert(find(root, "name-that-is-lonG") === null, "case");
  long.decRef();
  dropDentries(root.fs);
  root.decRef();
  end();
}

export function anUnhashedDentryIsNotFoundAndEndsWithItsLastReference(): void {
  beginVfs();
  const root = mountTmpfs(1 << 20, 0o755, 0, 0);
  const a = add(root, "a");
  unhashDentry(a);
  assert(find(root, "a") === null && !a.isHashed, "not found");
  assert(root.fs.dentryCount == 2, "still there");
  a.decRef();
  assert(root.fs.dentryCount == 1, "gone");
  root.decRef();
  end();
}

export function unhashingWithoutReferencesEndsAtOnce(): void {
  beginVfs();
  const root = mountTmpfs(1 << 20, 0o755, 0, 0);
  const a = add(root, "a");
  a.decRef();
  assert(root.fs.dentryCount == 2 && find(root, "a") === a, "cached");
  unhashDentry(a);
  assert(root.fs.dentryCount == 1 && root.fs.lruHead === null, "gone, from the list as well");
  root.decRef();
  end();
}

export function aChildKeepsItsParent(): void {
  beginVfs();
  const root = mountTmpfs(1 << 20, 0o755, 0, 0);
  const a = add(root, "a");
  const b = add(a, "b");
  a.decRef();
  assert(!(a.flags & DENTRY_ON_LRU), "not evictable while it has a child");
  assert(shrinkDcache(root.fs, 10) == 0, "nothing to evict");
  b.decRef();
  assert(shrinkDcache(root.fs, 10) == 2, "the child, and then the parent");
  root.decRef();
  end();
}

export function aChainOfUnhashedParentsEndsTogether(): void {
  beginVfs();
  const root = mountTmpfs(1 << 20, 0o755, 0, 0);
  let at = root;
  for (let i = 0; i < 5000; i++) {
    const next = add(at, "d");
    unhashDentry(next);
    if (at !== root) at.decRef();
    at = next;
  }
  assert(root.fs.dentryCount == 5001, "a deep chain");
  at.decRef();
  assert(root.fs.dentryCount == 1, "and no recursion to end it");
  root.decRef();
  end();
}

// ND-11, GF-10
export function theLeastRecentlyUsedGoesFirst(): void {
  beginVfs();
  const root = mountTmpfs(1 << 20, 0o755, 0, 0);
  cache(root, "a");
  cache(root, "b");
  cache(root, "c");
  assert(shrinkDcache(root.fs, 1) == 1 && find(root, "a") === null, "the oldest");
  assert(find(root, "b") !== null && find(root, "c") !== null, "the others stay");
  cache(root, "d");
  assert(shrinkDcache(root.fs, 2) == 2 && find(root, "d") !== null, "in order");
  dropDentries(root.fs);
  root.decRef();
  end();
}

export function whatWasUsedGetsASecondChance(): void {
  beginVfs();
  const root = mountTmpfs(1 << 20, 0o755, 0, 0);
  cache(root, "a");
  cache(root, "b");
  cache(root, "c");
  touch(root, "a");
  assert(shrinkDcache(root.fs, 1) == 1, "one goes");
  assert(find(root, "a") !== null && find(root, "b") === null, "the second, since the first was used");
  assert(shrinkDcache(root.fs, 1) == 1 && find(root, "c") === null, "then the third");
  assert(shrinkDcache(root.fs, 1) == 1 && find(root, "a") === null, "a second chance is no third");
  root.decRef();
  end();
}

export function whenAllWereUsedTheOldestStillGoes(): void {
  beginVfs();
  const root = mountTmpfs(1 << 20, 0o755, 0, 0);
  cache(root, "a");
  cache(root, "b");
  touch(root, "a");
  touch(root, "b");
  assert(shrinkDcache(root.fs, 1) == 1 && find(root, "a") === null && find(root, "b") !== null, "in order");
  dropDentries(root.fs);
  root.decRef();
  end();
}

export function whatIsHeldIsNotEvicted(): void {
  beginVfs();
  const root = mountTmpfs(1 << 20, 0o755, 0, 0);
  cache(root, "a");
  const held = find(root, "a")!;
  held.incRef();
  cache(root, "b");
  assert(shrinkDcache(root.fs, 10) == 1 && find(root, "a") === held, "only the other");
  held.decRef();
  assert(shrinkDcache(root.fs, 10) == 1 && find(root, "a") === null, "now it may go");
  root.decRef();
  end();
}

// GF-11
export function theCacheIsBoundedPerFileSystem(): void {
  beginVfs();
  const root = mountTmpfs(1 << 20, 0o755, 0, 0);
  const other = mountTmpfs(1 << 20, 0o755, 0, 0);
  root.fs.dentryMax = 32;
  cache(other, "elsewhere");
  for (let i = 0; i < 1000; i++) {
    const length = putText(NAME, "n");
    store<u32>(NAME + length, i);
    const dentry = makeDentry(root, NAME, length + 4, hashName(root, NAME, length + 4));
    hashDentry(dentry);
    dentry.decRef();
    assert(root.fs.dentryCount <= 33, "never more");
  }
  assert(root.fs.dentryCount > 16, "and not emptied each time");
  assert(find(other, "elsewhere") !== null, "another file system's stay");
  dropDentries(root.fs);
  dropDentries(other.fs);
  root.decRef();
  other.decRef();
  end();
}

export function aBoundThatIsSmallIsKeptToo(): void {
  beginVfs();
  const root = mountTmpfs(1 << 20, 0o755, 0, 0);
  root.fs.dentryMax = 4;
  cache(root, "a");
  cache(root, "b");
  cache(root, "c");
  cache(root, "d");
  cache(root, "e");
  assert(root.fs.dentryCount <= 5, "one goes for one that comes");
  assert(find(root, "e") !== null && find(root, "a") === null, "the oldest");
  dropDentries(root.fs);
  root.decRef();
  end();
}

export function aKilledDentryIsDead(): void {
  beginVfs();
  const root = mountTmpfs(1 << 20, 0o755, 0, 0);
  const a = add(root, "a");
  killDentry(a);
  assert(a.isDead && find(root, "a") === null, "dead, and not found");
  a.decRef();
  root.decRef();
  end();
}

export function aMovedDentryHasTheOtherPlace(): void {
  beginVfs();
  const root = mountTmpfs(1 << 20, 0o755, 0, 0);
  const a = add(root, "a");
  const d = add(root, "d");
  const below = add(a, "below");
  const place = add(d, "new-name");
  moveDentry(a, place);
  assert(find(root, "a") === null && find(d, "new-name") === a, "found in its new place only");
  assert(a.parent === d && isText(a.name, a.nameLength, "new-name"), "parent and name");
  assert(find(a, "below") === below && below.isBelow(d), "what was below it still is");
  assert(!place.isHashed && !place.isDead, "the place's negative dentry is out of the cache");
  below.decRef();
  place.decRef();
  a.decRef();
  d.decRef();
  dropDentries(root.fs);
  root.decRef();
  end();
}

export function exchangedDentriesHaveEachOthersPlaces(): void {
  beginVfs();
  const root = mountTmpfs(1 << 20, 0o755, 0, 0);
  const d = add(root, "d");
  const a = add(root, "a");
  const b = add(d, "b");
  exchangeDentries(a, b);
  assert(find(root, "a") === b && find(d, "b") === a, "exchanged");
  exchangeDentries(a, b);
  assert(find(root, "a") === a && find(d, "b") === b, "and back");
  a.decRef();
  b.decRef();
  d.decRef();
  dropDentries(root.fs);
  root.decRef();
  end();
}

export function belowIsTheDentryItselfAndItsDescendants(): void {
  beginVfs();
  const root = mountTmpfs(1 << 20, 0o755, 0, 0);
  const a = add(root, "a");
  const b = add(a, "b");
  assert(b.isBelow(b) && b.isBelow(a) && b.isBelow(root), "below");
  assert(!a.isBelow(b) && !root.isBelow(a), "not above");
  b.decRef();
  a.decRef();
  dropDentries(root.fs);
  root.decRef();
  end();
}

// ND-07
export function missingNamesAreCachedAndForgottenWhenMade(): void {
  beginVfs();
  const t = Tree.tmpfs();
  const root = t.namespace.root.root;
  assert(!t.exists("/f"), "missing");
  const negative = find(root, "f");
  assert(negative !== null && negative.isNegative, "and known to be");
  t.make("/f");
  const positive = find(root, "f");
  assert(positive !== null && !positive.isNegative, "known to be there");
  t.unlink("/f");
  assert(find(root, "f") === null && !t.exists("/f"), "and gone again");
  t.destroy();
  end();
}
