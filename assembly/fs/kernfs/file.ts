// Files whose content is made when it is read (Linux: fs/seq_file.c, single_open()).
//
// A description makes the text at the first read, and again at each read from position 0 or from elsewhere than where the last
// one ended: so reads in a row see one text, however small they are. What is written goes to the file at once, at most a page.

import { EINVAL, ENOMEM } from "../../abi/errno.ts";
import { S_IFREG } from "../../abi/stat.ts";
import { free } from "../../lib/ref-counted.ts";
import { errorOf } from "../../lib/result.ts";
import { IovIter } from "../../mm/iov-iter.ts";
import { Dentry } from "../../vfs/dentry.ts";
import { FileDescription } from "../../vfs/file-description.ts";
import { Mount } from "../../vfs/mount.ts";
import { Text } from "../../vfs/text.ts";
import { KernfsFilesystem, KernfsInode } from "./inode.ts";

/** Bytes of one write that a file takes (Linux: PAGE_SIZE). */
const WRITE_MAX: u32 = 4096;

export abstract class KernfsFile extends KernfsInode {
  constructor(fs: KernfsFilesystem, permissions: u32) {
    super(fs, <u32>S_IFREG | permissions);
  }

  /** Writes the file's content to `out`. Returns 0 or -errno. Must not sleep. */
  abstract show(out: Text): i32;

  /** Whether an open may go on: 0 or -errno. */
  mayOpen(_flags: u32): i32 {
    return 0;
  }

  /** Takes what was written, a NUL behind it. Returns how many bytes it used, or -errno. */
  store(_text: usize, _length: u32, _offset: i64): i64 {
    return this.kernfs.writeError;
  }

  open(mount: usize, dentry: Dentry, flags: u32): usize {
    const allowed = this.mayOpen(flags);
    if (allowed < 0) return errorOf(allowed);
    return changetype<usize>(new KernfsDescription(changetype<Mount>(mount), dentry, flags));
  }
}

@final
class KernfsDescription extends FileDescription {
  private readonly text: Text = new Text();
  /** Where the last read ended; -1 before the first. */
  private end: i64 = -1;

  override destroy(): void {
    this.text.destroy();
    free(this.text);
    super.destroy();
  }

  override read(to: IovIter, offset: i64): i64 {
    const text = this.text;
    if (offset == 0 || offset != this.end) {
      text.clear();
      const result = changetype<KernfsFile>(this.inode).show(text);
      if (result < 0) return result;
      if (text.failed) return -ENOMEM;
    }
    if (offset >= <i64>text.length) return 0;
    const moved = to.put(text.start + <usize>offset, text.length - <u32>offset);
    this.end = offset + moved;
    return moved;
  }

  override write(from: IovIter, offset: i64): i64 {
    const length = min(from.remaining, WRITE_MAX - 1);
    const copy = heap.alloc(WRITE_MAX);
    from.take(copy, length);
    store<u8>(copy + length, 0);
    const result = changetype<KernfsFile>(this.inode).store(copy, length, offset);
    heap.free(copy);
    return result;
  }

  /** Linux: seq_lseek(), which knows no end. */
  override seek(offset: i64, whence: i32): i64 {
    return whence == 2 ? -EINVAL : super.seek(offset, whence);
  }
}

/** A file that is one function. */
@final
export class ShowFile extends KernfsFile {
  constructor(
    fs: KernfsFilesystem,
    permissions: u32,
    private readonly shows: (out: Text) => i32,
  ) {
    super(fs, permissions);
  }

  show(out: Text): i32 {
    return this.shows(out);
  }
}

/** A file with one text for ever, ASCII. */
@final
export class ConstantFile extends KernfsFile {
  constructor(
    fs: KernfsFilesystem,
    permissions: u32,
    private readonly content: string,
  ) {
    super(fs, permissions);
  }

  show(out: Text): i32 {
    out.text(this.content);
    return 0;
  }
}
