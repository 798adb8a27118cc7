// Symbolic links of synthetic file systems, whose text is made when it is read.

import { ELOOP, ENAMETOOLONG } from "../../abi/errno.ts";
import { PATH_MAX } from "../../abi/limits.ts";
import { S_IFLNK } from "../../abi/stat.ts";
import { free } from "../../lib/ref-counted.ts";
import { errorOf } from "../../lib/result.ts";
import { Dentry } from "../../vfs/dentry.ts";
import { Text } from "../../vfs/text.ts";
import { KernfsFilesystem, KernfsInode } from "./inode.ts";

export abstract class KernfsSymlink extends KernfsInode {
  constructor(fs: KernfsFilesystem, permissions: u32) {
    super(fs, <u32>S_IFLNK | permissions);
  }

  /** Writes where the link leads. Returns 0 or -errno. Must not sleep. */
  abstract target(out: Text): i32;

  override readlink(out: usize): i32 {
    const text = new Text();
    let result = this.target(text);
    if (result == 0) {
      const length = text.length;
      result = text.failed || length >= <u32>PATH_MAX ? -ENAMETOOLONG : <i32>length;
      if (result > 0) memory.copy(out, text.start, length);
    }
    text.destroy();
    free(text);
    return result;
  }

  open(_mount: usize, _dentry: Dentry, _flags: u32): usize {
    return errorOf(-ELOOP);
  }
}

/** A link with one text for ever, ASCII. */
@final
export class ConstantSymlink extends KernfsSymlink {
  constructor(
    fs: KernfsFilesystem,
    private readonly content: string,
  ) {
    super(fs, 0o777);
    this.size = content.length;
  }

  target(out: Text): i32 {
    out.text(this.content);
    return 0;
  }
}
