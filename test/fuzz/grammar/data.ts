// What is in files: read, written, cut, allocated, copied.

import * as nr from "../../../assembly/abi/syscall.ts";
import type { Generator, Rule } from "../generator.ts";
import type { StepArgument } from "../step.ts";

const KEEP_SIZE = 1;
const PUNCH_HOLE = 2;
const COLLAPSE_RANGE = 8;
const ZERO_RANGE = 16;
const INSERT_RANGE = 32;
const UNSHARE_RANGE = 64;

function fileFd(g: Generator): StepArgument {
  return g.random.chance(0.9) ? g.fd("f") : g.fd();
}

function spans(g: Generator): number[] {
  return Array.from({ length: 1 + g.random.below(5) }, () =>
    g.random.chance(0.2) ? 0 : g.random.below(3000),
  );
}

function dataSpans(g: Generator): Uint8Array[] {
  return spans(g).map((length, index) => Buffer.alloc(length, "vwz"[index % 3]!));
}

/** RWF_*: none, APPEND, DSYNC, SYNC, NOWAIT, NOAPPEND, and one that nobody knows. */
function transferFlags(g: Generator): number {
  return g.random.weighted([
    [8, 0],
    [2, 0x10],
    [1, 2],
    [1, 4],
    [1, 8],
    [g.lacks.has("RWF_NOAPPEND") ? 0 : 1, 0x20],
    [1, 0x400],
  ]);
}

/** Where to and how far: small enough that no test fills a memory. */
function near(g: Generator): number {
  const offset = g.offset();
  return offset < 0 || offset > 2 ** 41 ? offset : Math.min(offset, 1 << 20);
}

export const DATA_RULES: readonly Rule[] = [
  {
    name: "read",
    number: nr.SYS_read,
    weight: 16,
    run(g) {
      const out = g.out();
      const fd = fileFd(g);
      g.call(nr.SYS_read, [fd, out, out.out], "bytes");
    },
  },
  {
    name: "pread64",
    number: nr.SYS_pread64,
    weight: 14,
    run(g) {
      const out = g.out();
      g.call(nr.SYS_pread64, [fileFd(g), out, out.out, g.offset()], "bytes");
    },
  },
  {
    name: "readv",
    number: nr.SYS_readv,
    weight: 5,
    run(g) {
      const outs = spans(g);
      const fd = fileFd(g);
      g.call(nr.SYS_readv, [fd, { outs }, outs.length], "bytes");
    },
  },
  {
    name: "preadv",
    number: nr.SYS_preadv,
    weight: 4,
    run(g) {
      const outs = spans(g);
      g.call(nr.SYS_preadv, [fileFd(g), { outs }, outs.length, g.offset(), 0], "bytes");
    },
  },
  {
    name: "preadv2",
    number: nr.SYS_preadv2,
    weight: 3,
    run(g) {
      const outs = spans(g);
      g.call(nr.SYS_preadv2, [fileFd(g), { outs }, outs.length, near(g), 0, transferFlags(g)], "bytes");
    },
  },
  {
    name: "write",
    number: nr.SYS_write,
    weight: 30,
    run(g) {
      const data = g.data();
      g.call(nr.SYS_write, [fileFd(g), data, data.length]);
    },
  },
  {
    name: "pwrite64",
    number: nr.SYS_pwrite64,
    weight: 20,
    run(g) {
      const data = g.data();
      g.call(nr.SYS_pwrite64, [fileFd(g), data, data.length, g.offset()]);
    },
  },
  {
    name: "writev",
    number: nr.SYS_writev,
    weight: 6,
    run(g) {
      const data = dataSpans(g);
      g.call(nr.SYS_writev, [fileFd(g), data, data.length]);
    },
  },
  {
    name: "pwritev",
    number: nr.SYS_pwritev,
    weight: 5,
    run(g) {
      const data = dataSpans(g);
      g.call(nr.SYS_pwritev, [fileFd(g), data, data.length, g.offset(), 0]);
    },
  },
  {
    name: "pwritev2",
    number: nr.SYS_pwritev2,
    weight: 4,
    run(g) {
      const data = dataSpans(g);
      g.call(nr.SYS_pwritev2, [fileFd(g), data, data.length, near(g), 0, transferFlags(g)]);
    },
  },
  {
    name: "truncate",
    number: nr.SYS_truncate,
    weight: 6,
    run: (g) => g.call(nr.SYS_truncate, [g.plain(g.absolute("f")), g.offset()]),
  },
  {
    name: "ftruncate",
    number: nr.SYS_ftruncate,
    weight: 8,
    run: (g) => g.call(nr.SYS_ftruncate, [fileFd(g), g.offset()]),
  },
  {
    name: "fallocate",
    number: nr.SYS_fallocate,
    weight: 8,
    run(g) {
      const mode = g.random.weighted([
        [4, 0],
        [4, KEEP_SIZE],
        [6, KEEP_SIZE | PUNCH_HOLE],
        [3, ZERO_RANGE],
        [2, ZERO_RANGE | KEEP_SIZE],
        [1, PUNCH_HOLE],
        [1, COLLAPSE_RANGE],
        [1, INSERT_RANGE],
        [1, UNSHARE_RANGE],
        [1, 256],
      ]);
      const offset = g.random.pick([0, 1, 4096, 5000, 65536, -1, 200_000]);
      g.call(nr.SYS_fallocate, [fileFd(g), mode, offset, g.random.pick([0, 1, 4096, 10_000, 100_000, -1])]);
    },
  },
  {
    name: "copy_file_range",
    number: nr.SYS_copy_file_range,
    weight: 5,
    run(g) {
      const offset = (): StepArgument => {
        if (g.random.chance(0.4)) return null;
        const bytes = Buffer.alloc(8);
        bytes.writeBigInt64LE(BigInt(g.random.pick([0, 1, 100, 4096, 10_000, -1])));
        return bytes;
      };
      const flags = g.random.chance(0.05) ? 1 : 0;
      g.call(nr.SYS_copy_file_range, [fileFd(g), offset(), fileFd(g), offset(), g.length(), flags]);
    },
  },
  {
    name: "sendfile",
    number: nr.SYS_sendfile,
    weight: 4,
    run: (g) => g.call(nr.SYS_sendfile, [fileFd(g), fileFd(g), null, g.length()]),
  },
  { name: "fsync", number: nr.SYS_fsync, weight: 2, run: (g) => g.call(nr.SYS_fsync, [g.fd()]) },
  { name: "fdatasync", number: nr.SYS_fdatasync, weight: 2, run: (g) => g.call(nr.SYS_fdatasync, [g.fd()]) },
  { name: "syncfs", number: nr.SYS_syncfs, weight: 1, run: (g) => g.call(nr.SYS_syncfs, [g.fd()]) },
  {
    name: "sync_file_range",
    number: nr.SYS_sync_file_range,
    weight: 1,
    run: (g) => g.call(nr.SYS_sync_file_range, [g.fd(), g.offset(), g.length(), g.random.below(9)]),
  },
  {
    name: "fadvise64",
    number: nr.SYS_fadvise64,
    weight: 1,
    run: (g) => g.call(nr.SYS_fadvise64, [g.fd(), g.offset(), g.length(), g.random.below(8)]),
  },
  {
    name: "readahead",
    number: nr.SYS_readahead,
    weight: 1,
    run: (g) => g.call(nr.SYS_readahead, [g.fd(), g.random.below(9000), g.length()]),
  },
  {
    name: "poll",
    number: nr.SYS_poll,
    weight: 2,
    run(g) {
      const bytes = Buffer.alloc(8);
      bytes.writeInt32LE(g.random.below(20), 0);
      bytes.writeInt16LE(g.random.below(64), 4);
      g.call(nr.SYS_poll, [bytes, 1, 0], "out");
    },
  },
];
