// pipe(2): a pipe of its own, with a description for each end. The pipe itself is vfs/pipe.ts.

import { O_RDONLY, O_WRONLY } from "../abi/fcntl.ts";
import { Credentials } from "../auth/credentials.ts";
import { Dentry } from "../vfs/dentry.ts";
import { FileDescription } from "../vfs/file-description.ts";
import { Pipe, PipeFile } from "../vfs/pipe.ts";
import { makePipeDentry, pipeMount } from "./anonymous.ts";

const PREFIX = "pipe:[";
/** "pipe:[" and up to 20 digits and "]", as /proc/self/fd shows it. */
const NAME_MAX: usize = 32;

/** Makes the place of a new pipe. */
export function makePipe(cred: Credentials): Dentry {
  const dentry = makePipeDentry(cred);
  const name = heap.alloc(NAME_MAX);
  const start = String.UTF8.encodeUnsafe(changetype<usize>(PREFIX), PREFIX.length, name);
  const end = putDecimal(name + start, dentry.file.ino);
  store<u8>(end, 0x5d);
  if (dentry.name) heap.free(dentry.name);
  dentry.name = name;
  dentry.nameLength = <u32>(end + 1 - name);
  return dentry;
}

/** Writes the digits of `value`; returns where they end. */
function putDecimal(out: usize, value: u64): usize {
  let digits: usize = 1;
  for (let rest = value / 10; rest; rest /= 10) digits++;
  let rest = value;
  for (let at = out + digits; at > out; rest /= 10) store<u8>(--at, <u8>(0x30 + (rest % 10)));
  return out + digits;
}

/** The reading end of a pipe nobody has open yet; `flags` are O_NONBLOCK and O_DIRECT. */
export function openReadEnd(dentry: Dentry, flags: u32): FileDescription {
  const pipe = new Pipe();
  dentry.file.pipe = changetype<usize>(pipe);
  const file = new PipeFile(pipeMount(), dentry, flags | <u32>O_RDONLY, pipe);
  pipe.decRef();
  return file;
}

export function openWriteEnd(dentry: Dentry, flags: u32): FileDescription {
  const pipe = changetype<Pipe>(dentry.file.pipe);
  return new PipeFile(pipeMount(), dentry, flags | <u32>O_WRONLY, pipe);
}
