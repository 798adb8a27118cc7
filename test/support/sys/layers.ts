// Overlays whose layers have what a case prepares: the tree that the case's first calls make is pushed down before the first
// call that does anything else, so that this call finds its files in a lower layer.
//
// A case needs to know nothing of it. It begins on an overlay of an empty lower layer. Calls that only make files are its
// set-up; when another one follows, the overlay is taken away, its upper layer becomes a lower one, and a new overlay with a fresh
// upper layer takes its place. The case's processes are made anew on it, and files that they have open are opened again.

import {
  AT_FDCWD,
  O_CLOEXEC,
  O_CREAT,
  O_EXCL,
  O_NOFOLLOW,
  O_PATH,
  O_TMPFILE,
  O_TRUNC,
} from "../../../assembly/abi/fcntl.ts";
import * as nr from "../../../assembly/abi/syscall.ts";
import { become } from "./linux.ts";
import type { Argument, Capability, Identity, Process, Target } from "./target.ts";

/** Where a shape's layers are: directories of the store, the first one's upper layer lowest in the end. */
export interface Shape {
  /** Of each upper layer in turn, the directory in which it is made. */
  readonly places: readonly string[];
  /**
   * Names that were there and were removed before the case begins: their whiteouts are the lowest layer but one, so that what the
   * case makes of the same name is opaque, or hides what is below.
   */
  readonly decoys?: readonly string[];
  /** The last overlay has no upper layer. */
  readonly readonly?: boolean;
  /** Options of mount(2) besides the layers. */
  readonly options?: string;
}

/** Names that cases make. */
const DECOYS = ["a", "b", "d", "dir", "dir2", "f", "file", "from", "link", "new", "other", "to", "x"];

/** The case's tree lies in one lower layer. */
export const ONE_LOWER: Shape = { places: ["", ""] };

/** The case's tree lies in three, over whiteouts and what they hide. */
export const THREE_LOWERS: Shape = { places: ["", "", "", "", "", ""], decoys: DECOYS };

/** The case's tree can only be read. */
export const READ_ONLY: Shape = { places: ["", ""], readonly: true };

/** What an overlay whose lower layers have files lacks, on Linux as well. */
export const LAYERED_LACKS: ReadonlyMap<Capability, string> = new Map([
  ["whiteouts", "they would hide names of the layers"],
  ["exact lengths of attribute lists", "the names that the overlay hides are counted, as on Linux"],
  ["counts of directories", "a directory that may have several layers says 1, as on Linux"],
  ["times of use", "of a FIFO and of copy_file_range(2) nobody tells the layers' files, as on Linux"],
  ["times of birth that stay", "a copy-up makes a new file, as on Linux"],
]);

const MNT_DETACH = 2;
const SEEK_SET = 0;
const SEEK_CUR = 1;
const DEFAULT_OPTIONS = "index=on,redirect_dir=on";
const ROOT: Identity = { uid: 0, gid: 0 };

/** Calls that make files, or are needed to. */
const MAKING: ReadonlySet<number> = new Set([
  nr.SYS_mkdir,
  nr.SYS_mkdirat,
  nr.SYS_symlink,
  nr.SYS_symlinkat,
  nr.SYS_link,
  nr.SYS_linkat,
  nr.SYS_mknod,
  nr.SYS_mknodat,
  nr.SYS_creat,
  nr.SYS_write,
  nr.SYS_writev,
  nr.SYS_pwrite64,
  nr.SYS_close,
]);

/** Calls that leave something in a process that it would not have when made anew. */
const LEAVING: ReadonlySet<number> = new Set([
  nr.SYS_chdir,
  nr.SYS_fchdir,
  nr.SYS_chroot,
  nr.SYS_umask,
  nr.SYS_setuid,
  nr.SYS_setgid,
  nr.SYS_setreuid,
  nr.SYS_setregid,
  nr.SYS_setresuid,
  nr.SYS_setresgid,
  nr.SYS_setfsuid,
  nr.SYS_setfsgid,
  nr.SYS_setgroups,
  nr.SYS_capset,
  nr.SYS_unshare,
  nr.SYS_mount,
  nr.SYS_pipe,
  nr.SYS_pipe2,
  nr.SYS_dup,
  nr.SYS_dup2,
  nr.SYS_dup3,
  nr.SYS_fcntl,
  nr.SYS_flock,
  nr.SYS_eventfd,
  nr.SYS_eventfd2,
  nr.SYS_memfd_create,
  nr.SYS_inotify_init,
  nr.SYS_inotify_init1,
]);

interface OpenFile {
  readonly path: string;
  readonly flags: number;
}

function must(result: number, what: string): number {
  if (result < 0) throw new Error(`${what}: errno ${-result}`);
  return result;
}

/** A process whose root directory is the overlay's: one of the store after the other. */
class LayeredProcess implements Process {
  readonly identity: Identity;
  /** Descriptors of files that can be opened again. */
  readonly files = new Map<number, OpenFile>();
  /** It has something that another one in its place would not have. */
  pinned = false;
  readonly #layers: Layers;
  #inner: Process;
  #offsets: number[] = [];

  constructor(layers: Layers, identity: Identity | undefined) {
    this.#layers = layers;
    this.identity = identity ?? ROOT;
    this.#inner = layers.enter(this.identity);
  }

  syscall(number: number, ...args: readonly Argument[]): number {
    const file = opening(number, args);
    const making = MAKING.has(number) || (file !== undefined && (file.flags & O_CREAT) !== 0);
    this.#layers.before(making);
    const result = this.#inner.syscall(number, ...args);
    if (result >= 0) {
      if (making) this.#layers.changed = true;
      this.#note(number, args, file, result);
    }
    return result;
  }

  #note(number: number, args: readonly Argument[], file: OpenFile | undefined, result: number): void {
    if (LEAVING.has(number)) this.pinned = true;
    if (number === nr.SYS_close) this.files.delete(args[0] as number);
    if (file !== undefined) this.files.set(result, file);
    else if (isOpen(number)) this.pinned = true;
  }

  /** Leaves the overlay: it must not be in use when the next one takes its layers. */
  leave(): void {
    this.#offsets = [...this.files.keys()].map((fd) => this.#inner.syscall(nr.SYS_lseek, fd, 0, SEEK_CUR));
    this.#inner.end();
  }

  /** Goes over to the overlay that is there now. The process must be root's when files are open. */
  enter(): void {
    this.#inner = this.#layers.enter(this.identity);
    for (const [index, [fd, { path, flags }]] of [...this.files].entries()) {
      this.#openAgain(fd, path, flags & ~(O_CREAT | O_EXCL | O_TRUNC), this.#offsets[index]!);
    }
  }

  #openAgain(fd: number, path: string, flags: number, offset: number): void {
    const opened = must(
      this.#inner.syscall(nr.SYS_openat, AT_FDCWD, path, flags, 0),
      `opening ${path} again`,
    );
    if (opened !== fd) {
      must(this.#inner.syscall(nr.SYS_dup3, opened, fd, flags & O_CLOEXEC), "dup3");
      this.#inner.syscall(nr.SYS_close, opened);
    }
    if (offset > 0) must(this.#inner.syscall(nr.SYS_lseek, fd, offset, SEEK_SET), "lseek");
  }

  end(): void {
    this.#inner.end();
    this.files.clear();
  }
}

function isOpen(number: number): boolean {
  return (
    number === nr.SYS_open || number === nr.SYS_openat || number === nr.SYS_openat2 || number === nr.SYS_creat
  );
}

/** What an open(2) of a path from the working directory would open, when it can be opened again. */
function opening(number: number, args: readonly Argument[]): OpenFile | undefined {
  const at = number === nr.SYS_openat ? 1 : number === nr.SYS_open ? 0 : -1;
  if (at < 0 || (at === 1 && args[0] !== AT_FDCWD)) return undefined;
  const path = args[at];
  const flags = args[at + 1];
  if (typeof path !== "string" || typeof flags !== "number") return undefined;
  if (flags & (O_PATH | O_NOFOLLOW) || (flags & O_TMPFILE) === O_TMPFILE) return undefined;
  return { path, flags };
}

class Layers {
  /** Files were made since the last overlay. */
  changed = false;
  /** How many times the tree was pushed down. */
  pushed = 0;
  readonly processes: LayeredProcess[] = [];
  readonly #store: Target;
  readonly #keeper: Process;
  readonly #shape: Shape;
  /** Directories, topmost first. */
  readonly #lowers: string[] = [];
  #top = "/merged0";
  /** The case has begun with what it is about. */
  #settled = false;

  constructor(store: Target, shape: Shape) {
    this.#store = store;
    this.#shape = shape;
    this.#keeper = store.process();
    this.#makeDirectory("/empty");
    this.#lowers.push("/empty");
    this.#mount();
    if (shape.decoys !== undefined) this.#placeDecoys(shape.decoys);
  }

  #call(number: number, ...args: readonly Argument[]): number {
    return must(this.#keeper.syscall(number, ...args), `call ${number} of ${String(args[0])}`);
  }

  #makeDirectory(path: string): void {
    this.#call(nr.SYS_mkdir, path, 0o777);
  }

  /** Directories with a file, which then are removed by way of the next overlay. */
  #placeDecoys(names: readonly string[]): void {
    const root = this.enter(ROOT);
    for (const name of names) {
      must(root.syscall(nr.SYS_mkdir, name, 0o755), `mkdir ${name}`);
      must(root.syscall(nr.SYS_mkdir, `${name}/decoy`, 0o755), "mkdir");
    }
    root.end();
    this.#pushDown();
    const again = this.enter(ROOT);
    for (const name of names) {
      must(again.syscall(nr.SYS_rmdir, `${name}/decoy`), "rmdir");
      must(again.syscall(nr.SYS_rmdir, name), `rmdir ${name}`);
    }
    again.end();
    this.#pushDown();
  }

  #mount(): void {
    const place = this.#shape.places[this.pushed]!;
    const upper = `${place}/${this.pushed}`;
    const lowers = `lowerdir=${this.#lowers.join(":")}`;
    const last = this.pushed === this.#shape.places.length - 1;
    let layers = lowers;
    if (!last || !this.#shape.readonly) {
      this.#makeDirectory(upper);
      this.#makeDirectory(`${upper}/upper`);
      this.#makeDirectory(`${upper}/work`);
      layers = `${lowers},upperdir=${upper}/upper,workdir=${upper}/work`;
    }
    this.#top = `/merged${this.pushed}`;
    this.#makeDirectory(this.#top);
    const options = `${layers},${this.#shape.options ?? DEFAULT_OPTIONS}`;
    this.#call(nr.SYS_mount, "overlay", this.#top, "overlay", 0, options);
  }

  /** The upper layer becomes the topmost lower one. */
  #pushDown(): void {
    this.#call(nr.SYS_umount2, this.#top, MNT_DETACH);
    const lower = `${this.#shape.places[this.pushed]}/${this.pushed}/upper`;
    this.#lowers.unshift(lower);
    this.pushed++;
    this.#mount();
    this.changed = false;
  }

  /** A process of the store in the overlay. */
  enter(identity: Identity): Process {
    const made = this.#store.process();
    must(made.syscall(nr.SYS_chdir, this.#top), "chdir");
    must(made.syscall(nr.SYS_chroot, "."), "chroot");
    if (identity.uid !== 0 || identity.gid !== 0 || identity.groups !== undefined) become(made, identity);
    return made;
  }

  /** Is told of each call before it is made. */
  before(making: boolean): void {
    if (!this.changed || this.#settled) return;
    const left = this.#shape.places.length - 1 - this.pushed;
    // The last one is kept for the first call that does not prepare.
    if (left <= (making ? 1 : 0)) return;
    const stays = ({ pinned, files, identity }: LayeredProcess) =>
      pinned || (files.size > 0 && identity.uid !== 0);
    if (making && this.processes.some(({ files }) => files.size > 0)) return;
    this.#settled = !making;
    if (this.processes.some(stays)) return;
    for (const each of this.processes) each.leave();
    while (!making && this.#shape.places.length - 1 - this.pushed > 1) this.#pushDown();
    this.#pushDown();
    for (const each of this.processes) each.enter();
  }
}

export interface LayeredTarget extends Target {
  /** How many times the case's tree was pushed down; 0 when its calls gave no occasion. */
  readonly pushed: () => number;
}

/** An overlay in `store`, an empty tree of which nobody else knows. */
export function layeredTarget(store: Target, shape: Shape): LayeredTarget {
  const layers = new Layers(store, shape);
  const begun = layers.pushed;
  return {
    name: store.name,
    ...(store.lacks === undefined ? {} : { lacks: store.lacks }),
    process(identity) {
      const made = new LayeredProcess(layers, identity);
      layers.processes.push(made);
      return made;
    },
    pushed: () => layers.pushed - begun,
    end: () => store.end(),
  };
}
