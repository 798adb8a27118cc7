// What a qid says of a file's type.

import { P9_QTDIR, P9_QTFILE, P9_QTSYMLINK } from "../../../assembly/abi/p9.ts";
import { S_IFDIR, S_IFLNK } from "../../../assembly/abi/stat.ts";

/** The qid type of an S_IF* type. */
export function qidType(type: number): number {
  if (type === S_IFDIR) return P9_QTDIR;
  return type === S_IFLNK ? P9_QTSYMLINK : P9_QTFILE;
}
