// FIFOs, sockets and device nodes of tmpfs: names and attributes; what they lead to is elsewhere.

import { ENXIO } from "../../abi/errno.ts";
import { errorOf } from "../../lib/result.ts";
import { Dentry } from "../../vfs/dentry.ts";
import { TmpfsInode } from "./inode.ts";

@final
export class TmpfsSpecialFile extends TmpfsInode {
  open(_mount: usize, _dentry: Dentry, _flags: u32): usize {
    return errorOf(-ENXIO);
  }
}
