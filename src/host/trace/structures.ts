// The structures of preview1, field by field.

import * as wasi from "../../../assembly/abi/wasi.ts";
import { intValue, type Value } from "../../trace/value.ts";
import type { GuestMemory } from "./guest-memory.ts";
import * as names from "./names.ts";
import { array, type CallSite, fdValue, outStruct, type Parameter, word } from "./parameters.ts";

export const fdstat = outStruct("stat", wasi.SIZEOF_FDSTAT, (memory, at) => ({
  fs_filetype: names.filetypeValue(memory.u8(at)),
  fs_flags: names.fdflagsValue(memory.u16(at + 2)),
  fs_rights_base: names.rightsValue(memory.u64(at + 8)),
  fs_rights_inheriting: names.rightsValue(memory.u64(at + 16)),
}));

export const filestat = outStruct("filestat", wasi.SIZEOF_FILESTAT, (memory, at) => ({
  dev: intValue(memory.u64(at)),
  ino: intValue(memory.u64(at + 8)),
  filetype: names.filetypeValue(memory.u8(at + 16)),
  nlink: intValue(memory.u64(at + 24)),
  size: intValue(memory.u64(at + 32)),
  atim: intValue(memory.u64(at + 40)),
  mtim: intValue(memory.u64(at + 48)),
  ctim: intValue(memory.u64(at + 56)),
}));

export const prestat = outStruct("prestat", wasi.SIZEOF_PRESTAT, (memory, at) => ({
  tag: names.preopentypeValue(memory.u8(at)),
  pr_name_len: memory.u32(at + 4),
}));

/** Entries that a directory shows at most; a name is at most 255 bytes. */
const SHOWN_ENTRIES = 16;
const NAME_MAX = 255;

/** fd_readdir's buffer: what it used is the cell at argument `used`, and the last entry may be cut. */
export const dirents = (used: number): Parameter => ({
  name: "buf",
  words: 1,
  out: true,
  read: (site, at) => {
    const { memory } = site;
    const start = word(site, at);
    const cell = word(site, used);
    if (!memory.has(cell, 4)) return { address: start };
    const end = start + Math.min(memory.u32(cell), word(site, at + 1));
    if (!memory.has(start, end - start)) return { address: start };
    const list: Value[] = [];
    let entry = start;
    while (entry + wasi.SIZEOF_DIRENT <= end && list.length < SHOWN_ENTRIES) {
      const length = memory.u32(entry + 16);
      const shown = Math.min(length, end - entry - wasi.SIZEOF_DIRENT);
      list.push({
        fields: {
          d_next: intValue(memory.u64(entry)),
          d_ino: intValue(memory.u64(entry + 8)),
          d_type: names.filetypeValue(memory.u8(entry + 20)),
          d_name: memory.text(entry + wasi.SIZEOF_DIRENT, shown, NAME_MAX),
        },
      });
      entry += wasi.SIZEOF_DIRENT + length;
    }
    return entry < end ? { list, more: true } : { list };
  },
});

function subscription(site: CallSite, at: number): Value {
  const { memory } = site;
  const tag = memory.u8(at + 8);
  const userdata = intValue(memory.u64(at));
  const type = names.eventtypeValue(tag);
  if (tag !== wasi.EVENTTYPE_CLOCK)
    return { fields: { userdata, type, fd: fdValue(site, memory.u32(at + 16)) } };
  return {
    fields: {
      userdata,
      type,
      id: names.clockValue(memory.u32(at + 16)),
      timeout: intValue(memory.u64(at + 24)),
      flags: names.subclockflagsValue(memory.u16(at + 40)),
    },
  };
}

function event(memory: GuestMemory, at: number): Value {
  const type = memory.u8(at + 10);
  const head = {
    userdata: intValue(memory.u64(at)),
    error: names.errnoValue(memory.u16(at + 8)),
    type: names.eventtypeValue(type),
  };
  if (type === wasi.EVENTTYPE_CLOCK) return { fields: head };
  const nbytes = intValue(memory.u64(at + 16));
  return { fields: { ...head, nbytes, flags: names.eventrwflagsValue(memory.u16(at + 24)) } };
}

/** poll_oneoff's: how many there are is the argument behind the next. */
export const subscriptions: Parameter = {
  name: "in",
  words: 1,
  out: false,
  read: (site, at) =>
    array(site, word(site, at), word(site, at + 2), wasi.SIZEOF_SUBSCRIPTION, (entry) =>
      subscription(site, entry),
    ),
};

/** As many as the cell two arguments on says. */
export const events: Parameter = {
  name: "out",
  words: 1,
  out: true,
  read: (site, at) => {
    const cell = word(site, at + 2);
    const count = site.memory.has(cell, 4) ? Math.min(site.memory.u32(cell), word(site, at + 1)) : 0;
    return array(site, word(site, at), count, wasi.SIZEOF_EVENT, (entry) => event(site.memory, entry));
  },
};
