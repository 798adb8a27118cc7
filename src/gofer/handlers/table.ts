// Which handler answers which message.

import * as p9 from "../../../assembly/abi/p9.ts";
import type { Handler } from "../session.ts";
import { getattr, readlink, statfs } from "./attr.ts";
import { lopen } from "./open.ts";
import { fsync, read, write } from "./read-write.ts";
import { readdir } from "./readdir.ts";
import { attach, auth, clunk, flush, version } from "./version.ts";
import { walk, walkAttributes } from "./walk.ts";

/** Messages of plain 9P2000.L. */
export const HANDLERS: readonly (Handler | undefined)[] = table([
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
]);

/** With wVisor's extension. */
export const EXTENDED_HANDLERS: readonly (Handler | undefined)[] = HANDLERS.with(
  p9.P9_TWALKATTR,
  walkAttributes,
);

function table(entries: readonly (readonly [number, Handler])[]): (Handler | undefined)[] {
  const handlers = new Array<Handler | undefined>(256).fill(undefined);
  for (const [type, handler] of entries) handlers[type] = handler;
  return handlers;
}
