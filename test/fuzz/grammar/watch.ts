// Instances of inotify: what they tell of all the other calls.

import * as f from "../../../assembly/abi/fcntl.ts";
import {
  IN_ALL_EVENTS,
  IN_DONT_FOLLOW,
  IN_EXCL_UNLINK,
  IN_MASK_ADD,
  IN_MASK_CREATE,
  IN_ONESHOT,
  IN_ONLYDIR,
} from "../../../assembly/abi/inotify.ts";
import * as nr from "../../../assembly/abi/syscall.ts";
import type { Rule } from "../generator.ts";

export const WATCH_RULES: readonly Rule[] = [
  {
    name: "inotify_init1",
    number: nr.SYS_inotify_init1,
    weight: 1,
    run(g) {
      if (g.fds.filter(({ type }) => type === "i").length > 2) return;
      g.opened(g.call(nr.SYS_inotify_init1, [f.O_NONBLOCK]), "/?", "i");
    },
  },
  {
    name: "inotify_add_watch",
    number: nr.SYS_inotify_add_watch,
    weight: 6,
    run(g) {
      const flags = g.random.bits(
        [IN_ONLYDIR, IN_DONT_FOLLOW, IN_MASK_ADD, IN_MASK_CREATE, IN_ONESHOT, IN_EXCL_UNLINK],
        0.1,
      );
      const events = g.random.chance(0.6) ? IN_ALL_EVENTS : g.random.below(IN_ALL_EVENTS + 1);
      const type = g.random.chance(0.6) ? "d" : undefined;
      g.call(nr.SYS_inotify_add_watch, [g.fd("i"), g.plain(g.absolute(type)), (events | flags) >>> 0]);
    },
  },
  {
    name: "inotify_rm_watch",
    number: nr.SYS_inotify_rm_watch,
    weight: 1,
    run: (g) => g.call(nr.SYS_inotify_rm_watch, [g.fd("i"), g.random.below(8)]),
  },
  {
    name: "read of events",
    number: nr.SYS_inotify_init1,
    weight: 10,
    run(g) {
      const size = g.random.pick([16384, 16384, 16384, 40, 10]);
      g.call(nr.SYS_read, [g.fd("i"), { out: size }, size], "bytes");
    },
  },
];
