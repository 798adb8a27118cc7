// Which handler answers which message.

import * as p9 from "../../../../assembly/abi/p9.ts";
import type { Handler } from "../session.ts";
import { getattr, readlink, statfs } from "./attr.ts";
import { createAttributes, lcreate, link, mkdir, mknod, symlink, tmpfile } from "./create.ts";
import { getlock, lock } from "./lock.ts";
import { multiGetattr } from "./multi-getattr.ts";
import { connect, lopen } from "./open.ts";
import { allocate, copyRange, seek } from "./range.ts";
import { fsync, read, write } from "./read-write.ts";
import { readdir } from "./readdir.ts";
import { rename, renameat, renameat2 } from "./rename.ts";
import { setattr } from "./setattr.ts";
import { remove, unlinkat } from "./unlink.ts";
import { attach, auth, clunk, clunks, flush, version } from "./version.ts";
import { walk, walkAttributes, walkFids } from "./walk.ts";
import { xattrcreate, xattrremove, xattrwalk } from "./xattr.ts";

const PLAIN: readonly (readonly [number, Handler])[] = [
  [p9.P9_TVERSION, version],
  [p9.P9_TAUTH, auth],
  [p9.P9_TATTACH, attach],
  [p9.P9_TFLUSH, flush],
  [p9.P9_TCLUNK, clunk],
  [p9.P9_TWALK, walk],
  [p9.P9_TGETATTR, getattr],
  [p9.P9_TSTATFS, statfs],
  [p9.P9_TREADLINK, readlink],
  [p9.P9_TLOPEN, lopen],
  [p9.P9_TREAD, read],
  [p9.P9_TWRITE, write],
  [p9.P9_TFSYNC, fsync],
  [p9.P9_TREADDIR, readdir],
  [p9.P9_TSETATTR, setattr],
  [p9.P9_TLCREATE, lcreate],
  [p9.P9_TMKDIR, mkdir],
  [p9.P9_TSYMLINK, symlink],
  [p9.P9_TMKNOD, mknod],
  [p9.P9_TLINK, link],
  [p9.P9_TRENAMEAT, renameat],
  [p9.P9_TRENAME, rename],
  [p9.P9_TUNLINKAT, unlinkat],
  [p9.P9_TREMOVE, remove],
  [p9.P9_TLOCK, lock],
  [p9.P9_TGETLOCK, getlock],
  [p9.P9_TXATTRWALK, xattrwalk],
  [p9.P9_TXATTRCREATE, xattrcreate],
];

const EXTENSION: readonly (readonly [number, Handler])[] = [
  [p9.P9_TWALKATTR, walkAttributes],
  [p9.P9_TWALKFIDS, walkFids],
  [p9.P9_TCREATEATTR, createAttributes],
  [p9.P9_TTMPFILE, tmpfile],
  [p9.P9_TRENAMEAT2, renameat2],
  [p9.P9_TALLOCATE, allocate],
  [p9.P9_TSEEK, seek],
  [p9.P9_TCOPYRANGE, copyRange],
  [p9.P9_TXATTRREMOVE, xattrremove],
  [p9.P9_TCLUNKS, clunks],
  [p9.P9_TMULTIGETATTR, multiGetattr],
  [p9.P9_TCONNECT, connect],
];

/** Messages of plain 9P2000.L. */
export const HANDLERS: readonly (Handler | undefined)[] = table(PLAIN);

/** With wVisor's extension. */
export const EXTENDED_HANDLERS: readonly (Handler | undefined)[] = table([...PLAIN, ...EXTENSION]);

function table(entries: readonly (readonly [number, Handler])[]): (Handler | undefined)[] {
  const handlers = new Array<Handler | undefined>(256).fill(undefined);
  for (const [type, handler] of entries) handlers[type] = handler;
  return handlers;
}
