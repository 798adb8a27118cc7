// Path resolution (Linux: fs/namei.c, link_path_walk() and path_lookupat()).
//
// Iterative: a symbolic link's text is pushed in front of what is left of the path, on a stack of at most MAXSYMLINKS
// segments, and one budget of 40 links covers the whole resolution. `..` never leaves the walk's root.
//
// A PathWalk is reused: begin() sets where it starts, run() resolves, release() gives back what it holds. After a successful
// run() `mount` and `dentry` are where it arrived: the file itself, or with WALK_PARENT the directory of the last component,
// which is then described by lastName, lastLength, lastType and lastSlash.
//
// May sleep in lookups. Before that, and when it has arrived, it takes references on where it is; until then its caller keeps the
// place alive, or it has it from the cache just now. What the task's root and working directory are changes meanwhile only by another
// task's pivot_root(2), which then has the walk hold its own (pin()). Every few names the walk lets others into the kernel.

import { EACCES, ELOOP, ENAMETOOLONG, ENOENT, ENOTDIR, EXDEV } from "../abi/errno.ts";
import { MAXSYMLINKS, PATH_MAX } from "../abi/limits.ts";
import {
  REFUSED_ESCAPE_ABSOLUTE,
  REFUSED_ESCAPE_DOTDOT,
  REFUSED_ESCAPE_JUMP,
  REFUSED_ESCAPE_LINK,
  REFUSED_ESCAPE_MOVED,
  REFUSED_NOSYMFOLLOW,
  REFUSED_TOO_MANY_LINKS,
} from "../abi/refusal.ts";
import { Credentials } from "../auth/credentials.ts";
import { free } from "../lib/ref-counted.ts";
import { isError } from "../lib/result.ts";
import { pause } from "../sched/pause.ts";
import { refuse, refuseAtMount } from "../sched/refusal.ts";
import { touchAtime } from "./atime.ts";
import { Dentry, LinkTarget } from "./dentry.ts";
import { findKnown, lookupCached, lookupOne, needsAsking } from "./lookup.ts";
import { findMount, MNT_NOSYMFOLLOW, Mount, MountList } from "./mount.ts";
import { dentryOf, mountOf, PathCache } from "./path-cache.ts";
import { isReachable } from "./pathname.ts";
import { isSearchable } from "./permission.ts";
import { refusedAt } from "./refused-place.ts";
import { treeGeneration } from "./tree-generation.ts";

/** A final symbolic link is followed. */
export const WALK_FOLLOW: u32 = 1;
/** Stop before the last component. */
export const WALK_PARENT: u32 = 2;
/** The result must be a directory. */
export const WALK_DIRECTORY: u32 = 4;
/** Leaving the starting directory is an error (RESOLVE_BENEATH). */
export const WALK_BENEATH: u32 = 8;
/** Leaving the root, and a path that begins with a slash, are errors rather than clamped. */
export const WALK_STRICT_ROOT: u32 = 16;
/** Any symbolic link is ELOOP (RESOLVE_NO_SYMLINKS). */
export const WALK_NO_SYMLINKS: u32 = 32;
/** A magic link, one that jumps instead of having a text, is ELOOP (RESOLVE_NO_MAGICLINKS). */
export const WALK_NO_MAGICLINKS: u32 = 64;
/** Crossing from mount to mount is EXDEV (RESOLVE_NO_XDEV). */
export const WALK_NO_XDEV: u32 = 128;
/** The starting directory is the root of the walk (RESOLVE_IN_ROOT). */
export const WALK_IN_ROOT: u32 = 256;
/** A name that the dentry cache does not know is EAGAIN (RESOLVE_CACHED). */
export const WALK_CACHED: u32 = 512;

export const LAST_NORM: i32 = 0;
export const LAST_DOT: i32 = 1;
export const LAST_DOTDOT: i32 = 2;
/** The path has no component: "/". */
export const LAST_ROOT: i32 = 3;

/** How many names are resolved before others are let into the kernel: a path and its links have up to 84,000. */
const NAMES_AT_ONCE: u32 = 64;

const SLASH: u32 = 0x2f;
const DOT: u32 = 0x2e;

@final
export class PathWalk {
  /** What was looked for was not there, and was made (vfs/open.ts). */
  made: bool = false;
  /** Room for the path: PATH_MAX bytes. The caller puts the path here. */
  readonly path: usize = heap.alloc(PATH_MAX);
  mount: Mount | null = null;
  dentry: Dentry | null = null;
  lastName: usize = 0;
  lastLength: u32 = 0;
  lastType: i32 = LAST_NORM;
  /** The last component was followed by a slash. */
  lastSlash: bool = false;
  /** The error was an attempt to leave the root or the start. */
  escaped: bool = false;

  /** What a new file's mode loses, unless its directory has a default access control list. Set after begin(). */
  umask: u32 = 0;

  /** It has references on `mount` and `dentry`. */
  private holds: bool = false;
  private cred: Credentials | null = null;
  private rootMount: Mount | null = null;
  private rootDentry: Dentry | null = null;
  private startMount: Mount | null = null;
  private startDentry: Dentry | null = null;
  private links: u32 = 0;
  private mustBeDirectory: bool = false;
  private readonly cache: PathCache = new PathCache();
  /** A ".." was followed: while the walk slept, what it is in may have been moved out of the start. */
  private wentUp: bool = false;
  /**
   * The walk has needed its root. Until then Linux does not know that it is on the same mount, and an absolute link met by
   * WALK_NO_XDEV is EXDEV (nd_jump_root()).
   */
  private rootIsSet: bool = false;
  /** The walk so far is one that the cache may keep. */
  private plain: bool = false;
  // Where and when it began, and with which text.
  private textMount: usize = 0;
  private textDentry: usize = 0;
  private text: usize = 0;
  private generation: u64 = 0;
  // A mount and a directory that it shows, and in which generation of the tree.
  private showing: usize = 0;
  private shown: usize = 0;
  private shownAt: u64 = 0;
  /** References on root and start are held. */
  private isPinned: bool = false;
  // What is left to resolve: the innermost segment, and below it the remainders on the stack.
  private at: usize = 0;
  private end: usize = 0;
  /** The heap buffer of the innermost segment when that is a link's text, else 0. */
  private buffer: usize = 0;
  private depth: u32 = 0;
  private readonly linkTarget: LinkTarget = new LinkTarget();
  /** (at, end, buffer) triples of u32. */
  private readonly stack: usize = heap.alloc((<usize>MAXSYMLINKS + 1) * 12);

  /** Sets out from (mount, dentry) below (rootMount, rootDentry); all borrowed and kept alive by the caller. */
  begin(rootMount: Mount, rootDentry: Dentry, mount: Mount, dentry: Dentry, cred: Credentials): void {
    if (this.mount !== null) this.release();
    this.rootMount = rootMount;
    this.rootDentry = rootDentry;
    this.startMount = mount;
    this.startDentry = dentry;
    this.cred = cred;
    this.cache.useFor(cred);
    this.umask = 0;
    this.holds = false;
    this.mount = mount;
    this.dentry = dentry;
  }

  /** Before the walk sleeps, and when it has arrived. */
  private hold(): void {
    if (this.holds) return;
    this.holds = true;
    this.resultMount.incRef();
    this.result.incRef();
  }

  /** The task is about to lose its root or working directory: a walk in progress holds its root and start until it is released. */
  pin(): void {
    if (this.mount === null || this.isPinned) return;
    this.isPinned = true;
    changetype<Mount>(changetype<usize>(this.rootMount)).incRef();
    changetype<Dentry>(changetype<usize>(this.rootDentry)).incRef();
    changetype<Mount>(changetype<usize>(this.startMount)).incRef();
    changetype<Dentry>(changetype<usize>(this.startDentry)).incRef();
  }

  private unpin(): void {
    this.isPinned = false;
    changetype<Dentry>(changetype<usize>(this.rootDentry)).decRef();
    changetype<Mount>(changetype<usize>(this.rootMount)).decRef();
    changetype<Dentry>(changetype<usize>(this.startDentry)).decRef();
    changetype<Mount>(changetype<usize>(this.startMount)).decRef();
  }

  get credentials(): Credentials {
    return changetype<Credentials>(changetype<usize>(this.cred));
  }
  get resultMount(): Mount {
    return changetype<Mount>(changetype<usize>(this.mount));
  }
  get result(): Dentry {
    return changetype<Dentry>(changetype<usize>(this.dentry));
  }

  /** Gives back references and link texts. */
  release(): void {
    if (this.holds) {
      this.holds = false;
      this.result.decRef();
      this.resultMount.decRef();
    }
    if (this.isPinned) this.unpin();
    this.mount = null;
    this.dentry = null;
    if (this.depth != 0 || this.buffer != 0) this.dropSegments();
    this.links = 0;
    this.mustBeDirectory = false;
    this.escaped = false;
  }

  /** Ends the object itself. */
  destroy(): void {
    this.release();
    free(this.linkTarget);
    this.cache.destroy();
    free(this.cache);
    heap.free(this.path);
    heap.free(this.stack);
  }

  /** Resolves the `length` bytes at `path`. Errors: ENOENT, ENOTDIR, EACCES, ELOOP, ENAMETOOLONG, EXDEV, and what lookups give. */
  run(length: u32, flags: u32): i32 {
    if (length == 0) return -ENOENT;
    if (length >= <u32>PATH_MAX) return -ENAMETOOLONG;
    this.at = this.path;
    this.end = this.path + length;
    this.wentUp = false;
    this.rootIsSet = (flags & (WALK_BENEATH | WALK_IN_ROOT)) != 0 || load<u8>(this.path) == <u8>SLASH;
    if (flags & WALK_IN_ROOT) {
      this.rootMount = this.startMount;
      this.rootDentry = this.startDentry;
    }
    if (load<u8>(this.at) == <u8>SLASH) {
      const result = this.jumpToRoot(flags, true);
      if (result < 0) return result;
    }
    this.takeShortcut(flags);
    const result = this.resume(flags);
    if (result == 0) this.hold();
    return result;
  }

  /** Goes to the directory of the last component at once if the cache knows it; else prepares to tell it. */
  private takeShortcut(flags: u32): void {
    this.plain = false;
    const length = directoryLength(this.at, this.end);
    if (length == 0 || this.result.fs.revalidates || flags & WALK_NO_XDEV) return;
    const known = this.cache.find(this.resultMount, this.result, this.at, length);
    if (known) {
      if (this.holds) {
        this.stepTo(mountOf(known), dentryOf(known));
      } else {
        this.mount = mountOf(known);
        this.dentry = dentryOf(known);
      }
      this.at += length;
      return;
    }
    this.plain = true;
    this.textMount = changetype<usize>(this.mount);
    this.textDentry = changetype<usize>(this.dentry);
    this.text = this.at;
    this.generation = treeGeneration();
  }

  /** The last component begins at `name`: tells the cache where the text before it led. */
  private keepShortcut(name: usize): void {
    this.plain = false;
    const start = changetype<Dentry>(this.textDentry);
    const mount = changetype<Mount>(this.textMount);
    const length = <u32>(name - this.text);
    this.cache.keep(mount, start, this.text, length, this.resultMount, this.result, this.generation);
  }

  /** Goes on with the text of `link`, a symbolic link in the current directory that run(WALK_PARENT) stopped at. */
  followLast(link: Dentry, flags: u32): i32 {
    if (this.lastSlash) this.mustBeDirectory = true;
    const result = this.pushLink(link, flags);
    return result < 0 ? result : this.resume(flags);
  }

  /** Takes the step of the last component that run(WALK_PARENT) stopped at, when that is no name (Linux: handle_dots()). */
  stepDots(flags: u32): i32 {
    return this.lastType == LAST_DOTDOT ? this.walkUp(flags) : 0;
  }

  private resume(flags: u32): i32 {
    const cred = this.credentials;
    let names: u32 = 0;
    this.lastType = LAST_ROOT;
    this.lastLength = 0;
    this.lastSlash = false;
    while (true) {
      // The next component, and whether it is the last of all.
      let at = this.at;
      const end = this.end;
      while (at < end && load<u8>(at) == <u8>SLASH) at++;
      if (at == end) {
        this.at = at;
        if (this.depth == 0) break;
        this.popSegment();
        continue;
      }
      if (++names % NAMES_AT_ONCE == 0) {
        this.hold();
        const paused = pause();
        if (paused < 0) return paused;
      }
      const name = at;
      while (at < end && load<u8>(at) != <u8>SLASH) at++;
      const length = <u32>(at - name);
      const slash = at < end;
      while (at < end && load<u8>(at) == <u8>SLASH) at++;
      this.at = at;
      const last = at == end && this.depth == 0;

      const place = this.result;
      const directory = place.file;
      if (!directory.isDirectory) return -ENOTDIR;
      if (this.plain && last && name != this.text) this.keepShortcut(name);
      if (!isSearchable(directory, cred)) return refusedAt(this.resultMount, place, -EACCES);

      const type = typeOfComponent(name, length);
      if (last) {
        this.lastType = type;
        this.lastName = name;
        this.lastLength = length;
        this.lastSlash = slash || this.mustBeDirectory;
        if (slash) this.mustBeDirectory = true;
        if (flags & WALK_PARENT) return 0;
      }
      if (type == LAST_DOT) continue;
      if (type == LAST_DOTDOT) {
        const up = this.walkUp(flags);
        if (up < 0) return up;
        continue;
      }
      // What the cache knows is borrowed until the walk has stepped to it; what is looked up has a reference.
      const known = findKnown(place, name, length);
      let child: Dentry;
      if (known !== null) {
        child = known;
      } else {
        this.hold();
        if (!last && place.fs.preparesWalks) this.prepare(name, length, flags);
        const found =
          flags & WALK_CACHED ? lookupCached(place, name, length) : lookupOne(place, name, length);
        if (isError(found)) return <i32>found;
        child = changetype<Dentry>(found);
      }
      const result = this.enter(child, last, known !== null, flags);
      if (result < 0) return result;
    }
    if (this.wentUp && flags & (WALK_BENEATH | WALK_IN_ROOT) && !this.isBelowStart()) {
      return this.escape(REFUSED_ESCAPE_MOVED, flags);
    }
    if ((this.mustBeDirectory || flags & WALK_DIRECTORY) && !this.result.file.isDirectory) return -ENOTDIR;
    return 0;
  }

  /** Goes to `child`, or on with its text when it is a link to be followed. Gives up the reference on it unless that is `borrowed`. */
  private enter(child: Dentry, last: bool, borrowed: bool, flags: u32): i32 {
    const inode = child.inode;
    let result = 0;
    if (inode === null) {
      result = -ENOENT;
    } else if (inode.isSymlink && (!last || flags & WALK_FOLLOW || this.mustBeDirectory)) {
      if (borrowed) child.incRef();
      this.hold();
      result = this.pushLink(child, flags);
      child.decRef();
      return result;
    } else {
      result = this.moveTo(this.resultMount, child, flags);
      if (this.plain && this.result.fs.revalidates) this.plain = false;
    }
    if (!borrowed) child.decRef();
    return result;
  }

  /** More names follow this one: lets the file system ask for all of them at once. */
  private prepare(name: usize, length: u32, flags: u32): void {
    if (!needsAsking(this.result, name, length)) return;
    let end = this.end;
    // The last name of all is the caller's to look up then, with the directory's lock.
    if (this.depth == 0 && flags & WALK_PARENT) end = name + directoryLength(name, end);
    this.result.file.prepareWalk(this.result, name, end);
  }

  /** Steps to a dentry, or to the root of what is mounted on it. Takes references of its own. Errors: EXDEV. */
  private moveTo(mount: Mount, dentry: Dentry, flags: u32): i32 {
    let over = mount;
    let at = dentry;
    while (at.mounts) {
      const next = findMount(over, at);
      if (next === null) break;
      if (flags & WALK_NO_XDEV) return -EXDEV;
      over = next;
      at = next.root;
    }
    this.stepTo(over, at);
    return 0;
  }

  /** Steps to exactly this place. Takes references of its own. */
  private stepTo(mount: Mount, dentry: Dentry): void {
    if (!this.holds) {
      this.mount = mount;
      this.dentry = dentry;
      this.hold();
      return;
    }
    dentry.incRef();
    const before = this.result;
    if (mount !== this.mount) {
      mount.incRef();
      const beforeMount = this.resultMount;
      this.mount = mount;
      this.dentry = dentry;
      before.decRef();
      beforeMount.decRef();
      return;
    }
    this.dentry = dentry;
    before.decRef();
  }

  /** Enters what is mounted where the walk arrived: for a path such as "." that stepped onto nothing. Linux: handle_lookup_down(). */
  lookDown(): void {
    this.moveTo(this.resultMount, this.result, 0);
  }

  /** Whether the walk arrived at the root of a mount (Linux: path_mounted()). */
  get isAtMount(): bool {
    return this.result === this.resultMount.root;
  }

  /** The namespace that the walk's root directory is in. */
  get namespace(): MountList | null {
    const root = this.rootMount;
    return root === null ? null : root.namespace;
  }

  /** Linux: path_is_under(). */
  private isBelowStart(): bool {
    const mount = changetype<Mount>(changetype<usize>(this.startMount));
    const dentry = changetype<Dentry>(changetype<usize>(this.startDentry));
    return isReachable(this.resultMount, this.result, mount, dentry);
  }

  private walkUp(flags: u32): i32 {
    this.plain = false;
    this.wentUp = true;
    this.rootIsSet = true;
    let mount = this.resultMount;
    let dentry = this.result;
    while (true) {
      if (flags & WALK_BENEATH && mount === this.startMount && dentry === this.startDentry)
        return this.escape(REFUSED_ESCAPE_DOTDOT, flags);
      if (mount === this.rootMount && dentry === this.rootDentry) {
        if (flags & WALK_STRICT_ROOT) return this.escape(REFUSED_ESCAPE_DOTDOT, flags);
        break;
      }
      if (dentry !== mount.root) {
        const parent = dentry.parent;
        if (parent === null) break;
        // A directory that was moved out of what this mount shows has no way up (Linux: path_connected()).
        if (!this.isConnected(mount, parent)) return -ENOENT;
        dentry = parent;
        break;
      }
      const above = mount.parent;
      const mountPoint = mount.mountPoint;
      if (above === null || mountPoint === null) break;
      if (flags & WALK_NO_XDEV) return -EXDEV;
      mount = above;
      dentry = mountPoint;
    }
    return this.moveTo(mount, dentry, flags);
  }

  /**
   * Whether a directory is one of those that the mount shows. The way up to the mount's root may be long: it ends at a directory of
   * which this is known.
   */
  private isConnected(mount: Mount, directory: Dentry): bool {
    const root = mount.root;
    if (root.parent === null) return true;
    const generation = treeGeneration();
    const isKnown = this.shownAt == generation && this.showing == changetype<usize>(mount);
    const known: usize = isKnown ? this.shown : 0;
    let at: Dentry | null = directory;
    while (at !== null && at !== root && changetype<usize>(at) != known) at = at.parent;
    if (at === null) return false;
    this.showing = changetype<usize>(mount);
    this.shown = changetype<usize>(directory);
    this.shownAt = generation;
    return true;
  }

  /** Linux: nd_jump_root(). `ofPath`: the path itself begins with a slash, not a link's text. What covers the root is not entered. */
  private jumpToRoot(flags: u32, ofPath: bool): i32 {
    if (flags & WALK_BENEATH || (ofPath && flags & WALK_STRICT_ROOT)) {
      return this.escape(ofPath ? REFUSED_ESCAPE_ABSOLUTE : REFUSED_ESCAPE_LINK, flags);
    }
    const root = changetype<Mount>(changetype<usize>(this.rootMount));
    const elsewhere = !this.rootIsSet || root !== this.resultMount;
    if (flags & WALK_NO_XDEV && !ofPath && elsewhere) return -EXDEV;
    this.stepTo(root, changetype<Dentry>(changetype<usize>(this.rootDentry)));
    return 0;
  }

  private escape(reason: u32, flags: u32): i32 {
    this.escaped = true;
    const error = refuse(EXDEV, reason, flags & WALK_BENEATH ? 0 : 1);
    const mount = changetype<Mount>(changetype<usize>(this.startMount));
    return refusedAt(mount, changetype<Dentry>(changetype<usize>(this.startDentry)), error);
  }

  /** Puts a link's text in front of what is left. May sleep: reads the link. */
  private pushLink(link: Dentry, flags: u32): i32 {
    this.plain = false;
    if (flags & WALK_NO_SYMLINKS) return -ELOOP;
    if (++this.links > <u32>MAXSYMLINKS) return refuse(ELOOP, REFUSED_TOO_MANY_LINKS, MAXSYMLINKS);
    const mount = this.resultMount;
    if (mount.flags & MNT_NOSYMFOLLOW) return refuseAtMount(ELOOP, REFUSED_NOSYMFOLLOW, mount.id);
    const jumped = this.followMagic(link, flags);
    if (jumped != 0) return min(jumped, 0);
    const text = heap.alloc(PATH_MAX);
    touchAtime(this.resultMount, link.file);
    const length = link.file.readlink(text);
    if (length <= 0) {
      heap.free(text);
      return length < 0 ? length : -ENOENT;
    }
    if (this.at < this.end) {
      const slot = this.stack + <usize>this.depth * 12;
      store<u32>(slot, <u32>this.at);
      store<u32>(slot, <u32>this.end, 4);
      store<u32>(slot, <u32>this.buffer, 8);
      this.depth++;
    } else if (this.buffer) {
      heap.free(this.buffer);
    }
    this.at = text;
    this.end = text + length;
    this.buffer = text;
    return load<u8>(text) == <u8>SLASH ? this.jumpToRoot(flags, false) : 0;
  }

  /**
   * Goes where a magic link jumps: 1, or 0 when `link` is an ordinary one. What is mounted there is not entered, and a walk that
   * may not leave its start is not let out (Linux: nd_jump_link()).
   */
  private followMagic(link: Dentry, flags: u32): i32 {
    const target = this.linkTarget;
    const result = link.file.jump(target);
    if (result <= 0) return result;
    const mount = changetype<Mount>(target.mount);
    const dentry = changetype<Dentry>(changetype<usize>(target.dentry));
    target.mount = 0;
    target.dentry = null;
    const scoped = (flags & (WALK_BENEATH | WALK_IN_ROOT)) != 0;
    if (flags & WALK_NO_MAGICLINKS || scoped) {
      dentry.decRef();
      mount.decRef();
      return flags & WALK_NO_MAGICLINKS ? -ELOOP : this.escape(REFUSED_ESCAPE_JUMP, flags);
    }
    const beforeMount = this.resultMount;
    if (flags & WALK_NO_XDEV && mount !== beforeMount) {
      dentry.decRef();
      mount.decRef();
      return -EXDEV;
    }
    const before = this.result;
    this.mount = mount;
    this.dentry = dentry;
    before.decRef();
    beforeMount.decRef();
    return 1;
  }

  private popSegment(): void {
    if (this.buffer) heap.free(this.buffer);
    this.depth--;
    const slot = this.stack + <usize>this.depth * 12;
    this.at = load<u32>(slot);
    this.end = load<u32>(slot, 4);
    this.buffer = load<u32>(slot, 8);
  }

  private dropSegments(): void {
    while (this.depth > 0) this.popSegment();
    if (this.buffer) heap.free(this.buffer);
    this.buffer = 0;
    this.at = 0;
    this.end = 0;
  }
}

/** Bytes of a path in front of its last component, with the slashes before that; 0 when there is but one component. */
function directoryLength(at: usize, end: usize): u32 {
  let last = end;
  while (last > at && load<u8>(last - 1) == <u8>SLASH) last--;
  while (last > at && load<u8>(last - 1) != <u8>SLASH) last--;
  return <u32>(last - at);
}

function typeOfComponent(name: usize, length: u32): i32 {
  if (length > 2 || load<u8>(name) != <u8>DOT) return LAST_NORM;
  if (length == 1) return LAST_DOT;
  return load<u8>(name, 1) == <u8>DOT ? LAST_DOTDOT : LAST_NORM;
}
