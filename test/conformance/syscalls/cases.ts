// Cases in system calls. Each is written once and passes on real Linux, on whatever file system (linux.test.ts), and on the
// kernel's file systems (kernel.test.ts).

import { describe, expect, test } from "vitest";
import { EEXIST, ENOENT } from "../../../assembly/abi/errno.ts";
import { O_CREAT, O_EXCL, O_RDWR } from "../../../assembly/abi/fcntl.ts";
import { Calls } from "../../support/sys/calls.ts";
import type { Target } from "../../support/sys/target.ts";
import { attributeCases } from "./cases/attributes.ts";
import { changeCases } from "./cases/changes.ts";
import { dataCases } from "./cases/data.ts";
import { descriptorCases } from "./cases/descriptors.ts";
import { directoryCases } from "./cases/directories.ts";
import { inotifyCases } from "./cases/inotify.ts";
import { inotifyEndCases } from "./cases/inotify-ends.ts";
import { lockCases } from "./cases/locks.ts";
import { memfdCases, sealCases } from "./cases/memfd.ts";
import { nameCases } from "./cases/names.ts";
import { olderCallCases } from "./cases/older-calls.ts";
import { openCases } from "./cases/open.ts";
import { pathCases } from "./cases/paths.ts";
import { permissionCases } from "./cases/permissions.ts";
import { pipeCases } from "./cases/pipes.ts";
import { pollCases } from "./cases/poll.ts";
import { spaceCases } from "./cases/space.ts";
import { timesCases } from "./cases/times.ts";
import { userCases } from "./cases/users.ts";
import { xattrCases } from "./cases/xattr.ts";

/** Declares the cases on trees that `make` gives, each an empty one. */
export function syscallCases(make: () => Target): void {
  describe("a new file", () => {
    test("has what was written to it, and its size", () => {
      const target = make();
      const sys = new Calls(target.process());
      const fd = sys.open("file", O_CREAT | O_EXCL | O_RDWR, 0o640);
      expect(sys.write(fd, "content")).toBe(7);
      expect(sys.pread(fd, 10, 3)).toEqual(Buffer.from("tent"));
      expect(sys.stat("file")).toMatchObject({ size: 7, mode: 0o100640, nlink: 1 });
      expect(sys.fstat(fd)).toMatchObject({ size: 7 });
      expect(sys.close(fd)).toBe(0);
      expect(sys.open("file", O_CREAT | O_EXCL)).toBe(-EEXIST);
      expect(sys.unlink("file")).toBe(0);
      expect(sys.stat("file")).toBe(-ENOENT);
      target.end();
    });
  });
  attributeCases(make);
  directoryCases(make);
  nameCases(make);
  olderCallCases(make);
  openCases(make);
  pathCases(make);
  permissionCases(make);
  changeCases(make);
  userCases(make);
  xattrCases(make);
  descriptorCases(make);
  pipeCases(make);
  inotifyCases(make);
  inotifyEndCases(make);
  lockCases(make);
  memfdCases(make);
  sealCases(make);
  pollCases(make);
  dataCases(make);
  spaceCases(make);
  timesCases(make);
}
