// Where the destination of a mount is, once the symbolic links in it are followed inside the container's root (G23-08, G23-30).
//
// The walk
//   The root's files are hostile, and may change while it walks. So every name is opened from the descriptor of its directory, as a
//   client's are (host-fs.ts), and links are followed here: an absolute one from the container's root, ".." to where the walk has
//   come from, and at the root nowhere. Nothing is looked at by path, and nothing is made.
//   It goes where Linux would go: "link/.." is the directory above what the link leads to.
//   What is not there yet is taken as it is written: the sandbox makes it.
//
// Mounts that come earlier in the list are crossed: a link may lie in the files of one.
//
// Bounds
//   A link can name others, and these others more: what counts is how many are followed and looked up in all, however deep.

import { EBUSY, EILSEQ, ELOOP, ENAMETOOLONG, ENOENT, ENOTDIR } from "../../../assembly/abi/errno.ts";
import { NAME_MAX, PATH_MAX } from "../../../assembly/abi/limits.ts";
import { S_IFDIR, S_IFLNK } from "../../../assembly/abi/stat.ts";
import { NAME_A, PATH } from "../../p9/server/memory.ts";
import { SLOT } from "../arena.ts";
import type { DescriptorBudget } from "../host-fs/budget.ts";
import type { HostFs } from "../host-fs/host-fs.ts";
import type { HostNode } from "../host-fs/host-node.ts";

/** Links that one destination may lead through, as in gVisor. */
export const LINKS_MAX = 255;
/** Names that are looked up for one destination: twice those that fit into its own path. */
export const LOOKUPS_MAX = 4096;
/** The offset that stands for "": the link itself. */
const SELF = -1;

/** One step from the root down. Names are bytes, as a string of characters below 256. */
interface Place {
  readonly name: string;
  /** What is there; null when nothing is, or nothing that the gofer knows. */
  readonly node: HostNode | null;
  /** The walk's own reference; a mount's root is not. */
  readonly isOwned: boolean;
}

export class DestinationWalk {
  private readonly host: HostFs;
  private readonly root: HostNode;
  private readonly budget: DescriptorBudget;
  /** Mounts by their resolved destinations; null for one whose files the gofer does not serve. */
  private readonly mounts = new Map<string, HostNode | null>();

  private places: Place[] = [];
  private links = 0;
  private lookups = 0;

  /** Ownership: borrows `root`. A walk holds one descriptor of `budget` for each directory on the way. */
  constructor(host: HostFs, root: HostNode, budget: DescriptorBudget) {
    this.host = host;
    this.root = root;
    this.budget = budget;
  }

  /**
   * The resolved path of an absolute one, or -errno: ELOOP over either bound, EBUSY for the root itself, EILSEQ for names that are
   * no UTF-8 and so no JSON, ENAMETOOLONG, ENOTDIR, EMFILE, and the host's.
   */
  resolve(destination: string): string | number {
    this.links = 0;
    this.lookups = 0;
    const status = this.walk(splitPath(Buffer.from(destination).toString("latin1")));
    const path = this.path;
    this.leave(0);
    if (status < 0) return status;
    if (path === "/") return -EBUSY;
    try {
      return new TextDecoder("utf-8", { fatal: true }).decode(Buffer.from(path, "latin1"));
    } catch {
      return -EILSEQ;
    }
  }

  /** From now on the files of `node`, or unknown ones, are at a resolved path. Ownership: borrows `node`. */
  mount(path: string, node: HostNode | null): void {
    this.mounts.set(Buffer.from(path).toString("latin1"), node);
  }

  /** `pending`: the names to go, the next one last. */
  private walk(pending: string[]): number {
    for (let name = pending.pop(); name !== undefined; name = pending.pop()) {
      const dir = this.here;
      if (dir !== null && dir.type !== S_IFDIR) return -ENOTDIR;
      if (name === ".") continue;
      if (name === "..") {
        this.leave(this.places.length - 1);
        continue;
      }
      const status = this.enter(dir, name);
      if (status < 0) return status;
      const reached = this.here;
      if (reached === null || reached.type !== S_IFLNK) continue;
      const target = this.follow(reached);
      if (typeof target === "number") return target;
      this.leave(target.startsWith("/") ? 0 : this.places.length - 1);
      pending.push(...splitPath(target));
    }
    return 0;
  }

  /** One step down. Returns 0 or -errno. */
  private enter(dir: HostNode | null, name: string): number {
    if (name.length > NAME_MAX) return -ENAMETOOLONG;
    if (++this.lookups > LOOKUPS_MAX) return -ELOOP;
    const node = dir === null ? -ENOENT : this.lookup(dir, name);
    if (typeof node === "number" && node !== -ENOENT) return node;
    this.places.push({ name, node: typeof node === "number" ? null : node, isOwned: true });
    const { path } = this;
    if (path.length >= PATH_MAX) return -ENAMETOOLONG;
    const mounted = this.mounts.get(path);
    if (mounted === undefined) return 0;
    this.leave(this.places.length - 1);
    this.places.push({ name, node: mounted, isOwned: false });
    return 0;
  }

  private lookup(dir: HostNode, name: string): HostNode | number {
    const { bytes } = this.host.arena;
    bytes.set(Buffer.from(`${name}\0`, "latin1"), NAME_A);
    return this.host.openChild(dir, NAME_A, name.length, this.budget);
  }

  /** The target of a link, or -errno. */
  private follow(link: HostNode): string | number {
    if (++this.links > LINKS_MAX) return -ELOOP;
    const { native, arena } = this.host;
    const length = native.readlinkat(link.fd, SLOT, SELF, PATH, PATH_MAX);
    if (length < 0) return length;
    if (length === 0) return -ENOENT;
    return Buffer.from(arena.bytes.subarray(PATH, PATH + length)).toString("latin1");
  }

  private get here(): HostNode | null {
    const last = this.places.at(-1);
    return last === undefined ? this.root : last.node;
  }

  private get path(): string {
    return `/${this.places.map(({ name }) => name).join("/")}`;
  }

  /** Back up to so many steps from the root. */
  private leave(depth: number): void {
    for (const { node, isOwned } of this.places.splice(Math.max(depth, 0))) if (isOwned) node?.decRef();
  }
}

/** The names of a path, the first one last. */
function splitPath(path: string): string[] {
  return path
    .split("/")
    .filter((name) => name !== "")
    .reverse();
}
