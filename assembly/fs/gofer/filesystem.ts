// One mounted gofer tree: its connection, its options, and what is kept on its behalf.

import { P9_MAXWELEM, P9_NAMES_MAX } from "../../abi/p9.ts";
import { free } from "../../lib/ref-counted.ts";
import { P9Client } from "../../p9/client.ts";
import { P9StatFs } from "../../p9/messages.ts";
import { PathNames } from "../../p9/path-names.ts";
import { StatFs } from "../../vfs/attributes.ts";
import { shrinkDcache } from "../../vfs/dcache.ts";
import { Filesystem } from "../../vfs/dentry.ts";
import { FS_9P } from "../../vfs/filesystem-type.ts";
import { Text } from "../../vfs/text.ts";
import { InodeTable } from "./inode-table.ts";
import { KeepList } from "./keep-list.ts";
import { ListingBudget } from "./listing.ts";

/** Each dentry may hold a fid, and a server of ours allows 16,384 of these. */
const GOFER_DENTRIES_MAX: u32 = 8192;
const DENTRIES_MIN: u32 = 256;
/** Open handles that inodes keep. */
const HANDLES_MAX: u32 = 1024;
/** Bytes of directory listings that inodes keep, and that there are at all. */
const LISTINGS_KEPT_MAX: u32 = 1048576;
const LISTINGS_MAX: u32 = 4194304;
const MIN_EVICTION: u32 = 64;

@final
export class GoferFilesystem extends Filesystem {
  readonly client: P9Client;
  readonly inodes: InodeTable = new InodeTable();
  readonly handles: KeepList;
  readonly listings: KeepList = new KeepList(LISTINGS_KEPT_MAX);
  readonly listingBudget: ListingBudget = new ListingBudget(LISTINGS_MAX);
  rootFid: u32 = 0;
  /** It is a layer of an overlay whose attributes the server may not set as trusted ones (user-names.ts). */
  usesUserNames: bool = false;
  /** The server may give files to other users than the one who attached; false once it said that it may not. */
  canChown: bool = true;
  /** Moves on with every name that comes, goes or moves, and with every change of a file (GoferNode.touch()). */
  changes: u64 = 0;
  // Of the path under way (path-lookup.ts), for whoever holds the connection.
  readonly names: PathNames = new PathNames();
  pathEnds: bool = false;
  /** For each component of the path under way: how often its inode had changed before the server was asked. */
  readonly changesBefore: StaticArray<u32> = new StaticArray<u32>(P9_MAXWELEM);
  /** Of the lookup of many names under way (listed-names.ts): their places in the listing. */
  readonly listed: StaticArray<u32> = new StaticArray<u32>(P9_NAMES_MAX);

  constructor(
    connection: i32,
    readonly: bool,
    /** Others change the tree too: nothing is believed without asking. */
    readonly isShared: bool,
    donates: bool,
    /** Names and handles that are kept; 0: the default. */
    dcache: u32,
  ) {
    super();
    this.client = new P9Client(connection, donates);
    this.readonly = readonly;
    this.revalidates = isShared;
    this.preparesWalks = true;
    this.dentryMax = dcache ? min(dcache, GOFER_DENTRIES_MAX) : GOFER_DENTRIES_MAX;
    this.handles = new KeepList(dcache ? min(dcache, HANDLES_MAX) : HANDLES_MAX);
  }

  override destroy(): void {
    this.client.destroy();
    free(this.client);
    this.inodes.destroy();
    free(this.inodes);
    free(this.handles);
    free(this.listings);
    free(this.listingBudget);
    free(this.names);
    free(this.changesBefore);
    free(this.listed);
    super.destroy();
  }

  typeId(): u32 {
    return FS_9P;
  }

  /** As gVisor shows them (GF-01, GF-04): the server's descriptor and paths of the host are nobody's business here. */
  override showOptions(out: Text): void {
    out.text(",trans=fd,aname=/,dcache=").decimal(this.dentryMax);
    if (this.isShared) out.text(",cache=remote_revalidating");
  }

  statfs(out: StatFs): i32 {
    const answer = new P9StatFs();
    const result = this.client.statfs(this.rootFid, answer);
    if (result == 0) {
      out.type = answer.type;
      out.blockSize = answer.blockSize;
      out.blocks = answer.blocks;
      out.free = answer.free;
      out.available = answer.available;
      out.files = answer.files;
      out.filesFree = answer.filesFree;
      out.nameMax = answer.nameMax;
    }
    free(answer);
    return result;
  }

  /** The server is out of fids or descriptors: gives back some, and from now on holds fewer. */
  reclaim(): void {
    this.handles.shrink(this.handles.used >> 1);
    shrinkDcache(this, max(this.dentryCount >> 3, MIN_EVICTION));
    this.dentryMax = min(this.dentryMax, max(this.dentryCount, DENTRIES_MIN));
  }
}
