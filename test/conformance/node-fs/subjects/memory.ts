// Ours: a file system that createFs() makes, a tmpfs of the portable kernel.

import { makeFs } from "../../../../src/fs/create.ts";
import type { NodeFs, Subject } from "../case.ts";

export function makeMemorySubject(): Subject {
  const { face, leaf } = makeFs({}, { umask: 0o022 });
  const base = "/suite";
  face.mkdirSync(base);
  face.chmodSync(base, 0o755);
  return {
    fs: face as unknown as NodeFs,
    base,
    as(uid, gid, body) {
      leaf.become({ uid, gid });
      const restore = (): void => leaf.become({ uid: 0, gid: 0 });
      try {
        const value = body();
        if (!(value instanceof Promise)) {
          restore();
          return value;
        }
        return value.finally(restore) as typeof value;
      } catch (error) {
        restore();
        throw error;
      }
    },
    umask: (mask) => leaf.umask(mask),
    dispose() {},
  };
}
