// Ours: a file system that createFs() makes, of the portable kernel; a tmpfs, or an overlay that is mounted in one.

import { SYS_mount } from "../../../../assembly/abi/syscall.ts";
import { makeFs } from "../../../../src/fs/create.ts";
import type { Leaf } from "../../../../src/fs/leaf/leaf.ts";
import type { NodeFs, Subject } from "../case.ts";

function makeSubject(fs: NodeFs, leaf: Leaf, base: string): Subject {
  fs.mkdirSync(base, { recursive: true });
  fs.chmodSync(base, 0o755);
  return {
    fs,
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

export function makeMemorySubject(): Subject {
  const { face, leaf } = makeFs({}, { umask: 0o022 });
  return makeSubject(face, leaf, "/suite");
}

/** What mount(2) needs of the leaf calls, which have no use for it themselves. */
interface Mounting {
  call(number: number, ...args: number[]): number;
  readonly data: number;
  readonly bytes: Uint8Array;
}

function mountOverlay(leaf: Leaf, target: string, options: string): void {
  const mounting = leaf as unknown as Mounting;
  const encoder = new TextEncoder();
  let at = mounting.data;
  const addresses = ["overlay", target, "overlay", options].map((text) => {
    const address = at;
    const bytes = encoder.encode(`${text}\0`);
    mounting.bytes.set(bytes, at);
    at += bytes.length;
    return address;
  });
  const [source, place, type, data] = addresses as [number, number, number, number];
  const result = mounting.call(SYS_mount, source, place, type, 0, data);
  if (result < 0) throw new Error(`mounting an overlay: errno ${-result}`);
}

/** Scratch directories are made in a directory of the lower layer: the first of them copies it up. */
export function makeOverlaySubject(): Subject {
  const { face, leaf } = makeFs({}, { umask: 0o022 });
  for (const name of ["/lower/suite", "/upper", "/work", "/merged"])
    face.mkdirSync(name, { recursive: true });
  mountOverlay(leaf, "/merged", "lowerdir=/lower,upperdir=/upper,workdir=/work");
  return makeSubject(face, leaf, "/merged/suite");
}
