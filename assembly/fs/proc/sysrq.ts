// /proc/sysrq-trigger: root may write to it, and nothing happens: its keys are for the machine, and a sandbox is none.

import { Text } from "../../vfs/text.ts";
import { KernfsFile } from "../kernfs/file.ts";
import { KernfsFilesystem } from "../kernfs/inode.ts";

@final
export class SysrqTrigger extends KernfsFile {
  constructor(fs: KernfsFilesystem) {
    super(fs, 0o200);
  }

  show(_out: Text): i32 {
    return 0;
  }

  override store(_text: usize, length: u32, _offset: i64): i64 {
    return length;
  }
}
