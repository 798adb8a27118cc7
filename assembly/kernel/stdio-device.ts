// /dev/stdin, /dev/stdout, /dev/stderr: the opener's own standard streams.
//
// Linux: symbolic links to /proc/self/fd/N, whose open makes a new description of a pipe or terminal. Here: device nodes, whose
// open shares the description, because a stream has no position that could differ.

import { ENXIO } from "../abi/errno.ts";
import { errorOf } from "../lib/result.ts";
import { currentThread } from "../sched/thread.ts";
import { Dentry } from "../vfs/dentry.ts";
import { DeviceDriver, makeDevice, registerDevice } from "../vfs/device.ts";
import { Mount } from "../vfs/mount.ts";
import { Task } from "./task.ts";

/** Linux keeps majors 240 to 254 for local use (Documentation/admin-guide/devices.txt). */
const STDIO_MAJOR: u32 = 240;

export function stdioDevice(fd: u32): u32 {
  return makeDevice(STDIO_MAJOR, fd);
}

@final
class StdioDriver extends DeviceDriver {
  constructor(private readonly fd: u32) {
    super();
  }

  open(_mount: Mount, _dentry: Dentry, _flags: u32): usize {
    const thread = currentThread();
    // The control side has no streams.
    if (!(thread instanceof Task)) return errorOf(-ENXIO);
    const entry = changetype<Task>(thread).fds.get(this.fd);
    if (entry === null) return errorOf(-ENXIO);
    entry.description.incRef();
    return entry.file;
  }
}

export function registerStdioDevices(): void {
  for (let fd: u32 = 0; fd < 3; fd++) registerDevice(stdioDevice(fd), new StdioDriver(fd));
}
