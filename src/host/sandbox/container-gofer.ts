// The gofer of a container: what of its bundle is served on which of the descriptors that somebody else has made, and the process
// that becomes it. src/host/cmd/gofer-container.ts calls this for the command line.
//
// The root is served on the first descriptor, and each bind on the next one, in the order of the bundle. The mounts' own places are
// not made: the gofer says what they are once the links in them are followed (src/gofer/mounts), and the sandbox makes them.

import { resolve } from "node:path";
import { errnoName, WvisorError } from "../../common/errors.ts";
import type { HostPolicy } from "../../common/host-policy.ts";
import type { ListedMount } from "../../common/mount-list.ts";
import type { Native } from "../../native/index.ts";
import { describeMount, servedMounts } from "../spec/gofer-mounts.ts";
import type { RuntimeSpec } from "../spec/runtime-spec.ts";
import { becomeGofer, type ConfineOptions, type GoferMount } from "./gofer-process.ts";

/** What gVisor's gofer exits with when it cannot serve (G18-06). */
export const EXIT_GOFER_FAILED = 128;

export interface ContainerGofer {
  readonly spec: RuntimeSpec;
  /** The bundle's directory, absolute. */
  readonly bundle: string;
  /** One end of a connected unix stream socket for the root, and one for each bind. */
  readonly ioFds: readonly number[];
  /** Which of these have an overlay on top, so that nobody writes below: one entry each. */
  readonly overlaid: readonly boolean[];
  /** Gets the list of mounts, resolved. */
  readonly mountsFd?: number | undefined;
  /** Gets a byte when /proc is needed no more. */
  readonly procSyncFd?: number | undefined;
  /** RLIMIT_NOFILE; as many as there can be when absent. */
  readonly descriptors?: number | undefined;
  readonly policy: HostPolicy;
}

/** What gofer.js is told (src/gofer/config.ts), but for how it is confined. */
export interface ContainerConfig {
  readonly mounts: readonly (GoferMount & { readonly fd: number })[];
  readonly host: HostPolicy;
  readonly descriptors?: number | undefined;
  readonly list?: { readonly fd: number; readonly mounts: readonly ConfiguredMount[] } | undefined;
  readonly procSyncFd?: number | undefined;
}

interface ConfiguredMount extends ListedMount {
  readonly served: number | null;
}

/** Errors: WvisorError when mounts and descriptors do not fit each other, in gVisor's words. */
export function containerConfig(gofer: ContainerGofer): ContainerConfig {
  const { spec, bundle, ioFds, overlaid, mountsFd, procSyncFd, descriptors, policy } = gofer;
  const binds = servedMounts(spec.mounts, bundle);
  for (const [index, { mount }] of binds.entries()) {
    if (!mount.destination.startsWith("/")) {
      throw failure(`mount destination must be absolute: ${JSON.stringify(mount.destination)}`);
    }
    if (index + 1 >= ioFds.length) {
      const count = ioFds.length;
      throw failure(
        `no FD found for mount. Did you forget --io-fd? FDs: ${count}, Mount: ${describeMount(mount)}`,
      );
    }
  }
  if (binds.length + 1 !== ioFds.length) {
    throw failure(`too many FDs passed for mounts. mounts: ${binds.length + 1}, FDs: ${ioFds.length}`);
  }
  const root = { source: resolve(bundle, spec.root.path), readonly: spec.root.readonly };
  const mounts = [root, ...binds].map(({ source, readonly }, index) => ({
    fd: ioFds[index]!,
    source,
    readonly: readonly || overlaid[index]!,
    donate: true,
  }));
  const places = new Map(binds.map(({ index }, position) => [index, position + 1]));
  const list = spec.mounts.map(({ destination, type, source, options }, index) => {
    return { destination, type, source, options, served: places.get(index) ?? null };
  });
  return {
    mounts,
    host: policy,
    descriptors,
    list: mountsFd === undefined ? undefined : { fd: mountsFd, mounts: list },
    procSyncFd,
  };
}

/** This process becomes the container's gofer, with the descriptors that it has. Returns never. Errors: WvisorError. */
export function becomeContainerGofer(native: Native, gofer: ContainerGofer, confine: ConfineOptions): never {
  const config = containerConfig(gofer);
  const { ioFds, mountsFd, procSyncFd } = gofer;
  const others = [mountsFd, procSyncFd].filter((fd) => fd !== undefined);
  for (const fd of ioFds) {
    const status = native.checkUnixStream(fd);
    if (status < 0)
      throw failure(`starting connection on FD ${fd} for gofer mount failed: ${errnoName(-status)}`);
  }
  for (const fd of others) {
    if (native.fcntlGetFlags(fd) < 0) throw failure(`descriptor ${fd} is not open`);
  }
  return becomeGofer(native, config, [...ioFds, ...others], confine);
}

function failure(message: string): WvisorError {
  return new WvisorError("ERR_WVISOR_GOFER", message, EXIT_GOFER_FAILED);
}
