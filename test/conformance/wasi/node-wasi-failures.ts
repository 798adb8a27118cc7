// The checks that node:wasi of Node 20 fails (uvwasi 0.0.20), by what is behind them.

import type { KnownFailure } from "./suite.ts";

interface Cause {
  reason: string;
  /** The checks end the run, or ruin those after them. */
  skip?: boolean;
  checks: string[];
}

const CAUSES: Cause[] = [
  {
    reason: "it leaves the descriptor locked when it refuses the flags",
    skip: true,
    checks: [
      "a time and NOW for it are INVAL and change nothing",
      "a time and NOW for it are INVAL by descriptor",
    ],
  },
  {
    reason: "it takes an absolute deadline for a span of time",
    skip: true,
    checks: ["an absolute deadline is of its own clock", "a deadline that has passed returns at once"],
  },
  {
    reason: "it counts in whole milliseconds: now and then a sleep ends too early",
    skip: true,
    checks: ["a relative sleep takes its time", "a relative sleep on the realtime clock takes its time"],
  },
  {
    reason: "it joins paths as text before it asks the host, from the preopen or the directory's old name",
    checks: [
      "dot-dot above the directory is refused behind real components",
      "a directory's descriptor confines after the directory was moved",
      "a preopened directory cannot be left",
      "dot-dot is not folded before the components are looked at",
      "a path of 4095 bytes is good and one of 4096 too long",
      "dot as the last component",
      "a link that leads out in its middle is refused though it comes back",
      "dot-dot behind a link goes to the target's parent",
      "rename of dot and onto dot is refused",
      "a removed directory's name can be used again",
    ],
  },
  {
    reason: "it refuses to make a link whose text has too many dot-dots for the preopen's root",
    checks: [
      "a link out of the directory is made and shown, and never followed",
      "a link far out of the directory is never followed",
      "a link out of the directory is not followed by its trailing slash",
      "a link inside a deep directory is taken from there",
      "every component that is a link is resolved inside",
      "a chain of links that ends outside is refused",
    ],
  },
  {
    reason: "it follows 32 links by itself instead of 40",
    checks: ["forty links are followed and forty-one are LOOP"],
  },
  {
    reason: "it follows a final link before it opens",
    checks: [
      "without SYMLINK_FOLLOW a final link is LOOP",
      "CREAT with EXCL on any link is EXIST",
      "CREAT without SYMLINK_FOLLOW on a dangling link is LOOP",
    ],
  },
  {
    reason: "it does not look at a path's bytes",
    checks: [
      "an empty path is NOENT for every call",
      "a path with a NUL is refused",
      "a path that is not UTF-8 is ILSEQ",
    ],
  },
  {
    reason: "it wants room for more than the text",
    checks: [
      "readlink cuts the text and writes nothing beyond",
      "readlink into no buffer is nothing or INVAL",
      "fd_prestat_dir_name writes the name and nothing more",
    ],
  },
  {
    reason: "it looks at rights before it looks at what the descriptor is",
    checks: [
      "a file as the directory is NOTDIR",
      "a directory's descriptor is no file",
      "fd_seek and pread on a pipe are SPIPE",
      "a file is not listed",
      "calls on sockets refuse what is none",
    ],
  },
  {
    reason: "it takes flags that do not exist",
    checks: ["unknown flags are INVAL", "link with SYMLINK_FOLLOW is INVAL"],
  },
  {
    reason: "it says INVAL about an open descriptor that is not preopened",
    checks: [
      "fd_prestat_get of what is not preopened is BADF",
      "fd_renumber onto a preopen makes it the file",
    ],
  },
  {
    reason: "it gives the host's open flags for WASI's",
    checks: ["fd_renumber keeps the position and the flags", "fdflags are WASI's and can be switched"],
  },
  {
    reason: "it allocates nothing without a word",
    checks: ["fd_allocate of nothing and of too much is refused"],
  },
  {
    reason: "it says OVERFLOW for FAULT",
    checks: [
      "pointers beyond memory are FAULT",
      "a bad pointer for the result makes no file and takes no descriptor",
      "memory that was grown is used at once",
      "the sizes of arguments and environment count the ending zeroes",
    ],
  },
  {
    reason: "it lists neither dot nor dot-dot",
    checks: [
      "dot and dot-dot come first",
      "an empty directory lists dot and dot-dot",
      "two hundred names come through buffers of any size",
      "a thousand names come once each",
    ],
  },
  {
    reason: "it waits with epoll, which refuses files and /dev/null",
    checks: [
      "a regular file is always ready",
      "a ready file does not wait for the clock",
      "stdin at its end is ready",
    ],
  },
  {
    reason: "it gives another event than the bad descriptor's",
    checks: ["a bad descriptor is BADF and does not wait"],
  },
  {
    reason: "it takes an unknown clock for one that has ended",
    checks: ["an unknown clock or subscription is INVAL"],
  },
  { reason: "it lists no inode numbers", checks: ["the inode numbers are those of stat"] },
  {
    reason: "its cookies count the names that are there now",
    checks: [
      "names that are unlinked while they are listed do not hide others",
      "names that are added while others are listed hide nothing",
      "names that are renamed while they are listed do not hide others",
      "names that another descriptor removes ahead hide none of the rest",
      "a cookie is still good when the entries around it are gone",
    ],
  },
  {
    reason: "it sets times in seconds",
    checks: [
      "times keep their nanoseconds by path",
      "times keep their nanoseconds by descriptor",
      "times far from now are kept",
      "only the time that is named changes",
      "NOW is the clock's time",
      "without SYMLINK_FOLLOW the link's own times are set",
      "times of a directory can be set",
      "setting times and linking set ctim",
    ],
  },
];

export const NODE_WASI_FAILURES: ReadonlyMap<string, KnownFailure> = new Map(
  CAUSES.flatMap(({ reason, skip = false, checks }) =>
    checks.map((name) => [name, { reason, skip }] as const),
  ),
);
