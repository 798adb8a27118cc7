// wvisor boot: the sentry of a container as a process of its own. What `create` starts, by way of the anchor.

import { resolve } from "node:path";
import { type Native, requireNative } from "../../native/index.ts";
import { bootSandbox } from "../boot/boot.ts";
import { goferMounts } from "../boot/filesystems.ts";
import { tellOn } from "../boot/tell.ts";
import { readConfig } from "../config/config-document.ts";
import { randomId } from "../config/defaults.ts";
import type { SandboxConfig } from "../config/sandbox-config.ts";
import { loadBundle } from "../spec/bundle.ts";
import { type Command, type CommandInput, UsageError } from "./command.ts";
import { CONFINE_FLAGS, confineOptions } from "./confine-flags.ts";
import { EXIT_WVISOR_ERROR } from "./exit-code.ts";
import type { Flags } from "./flags.ts";

const STDERR = 2;

const USAGE = `Usage: wvisor boot --bundle DIR --controller-fd N [flags]

Launches a sandbox process (internal use only): the container waits for containerManager.StartRoot on its control socket.

Flags:
      --bundle DIR        The bundle's directory. Required
      --controller-fd N   A unix socket that listens: for the control server. Required
      --io-fds N,...      A connection to the gofer, for each of its mounts: the root first, then binds as in config.json
      --windows-fds N,N   The memory that the connections go through besides, and its bell
      --preserved-fds N,...  What the program gets as descriptors 3, 4, ...
      --config-fd N       The configuration that create made of the bundle; without it config.json is read
      --session-fd N      The anchor's socket
      --phase-fd N        A file that says in its first byte whether the container was started
      --console           Standard streams are a terminal
      --apply-caps        Accepted: this process keeps no capability in any case
      --restore-fd N      A checkpoint to restore; this version restores none
      --confine LEVEL     none: this process is not confined (default: it is)
      --confine-report    Report what confinement does not allow instead of ending the process
      --debug             With an error, show where in wVisor it arose

Exit code: the container's.
`;

export const bootCommand: Command = {
  name: "boot",
  summary: "Launch a sandbox process (internal use only)",
  usage: USAGE,
  flags: {
    bundle: { type: "string" },
    "controller-fd": { type: "string" },
    "io-fds": { type: "string", multiple: true },
    "windows-fds": { type: "string" },
    "preserved-fds": { type: "string", multiple: true },
    "config-fd": { type: "string" },
    "session-fd": { type: "string" },
    "phase-fd": { type: "string" },
    console: { type: "boolean" },
    "apply-caps": { type: "boolean" },
    "restore-fd": { type: "string" },
    ...CONFINE_FLAGS,
  },
  operandsEndFlags: false,
  exitCodes: { usage: EXIT_WVISOR_ERROR, refused: EXIT_WVISOR_ERROR },
  run: runBoot,
};

function runBoot({ flags, operands, warn }: CommandInput): Promise<number> {
  const bundle = flags.text("bundle") ?? "";
  const controller = descriptor(flags, "controller-fd");
  if (bundle === "") throw new UsageError("--bundle is required");
  if (controller === undefined) throw new UsageError("--controller-fd is required");
  if (operands.length > 0) throw new UsageError(`unexpected argument ${operands[0]}`);
  if ((descriptor(flags, "restore-fd") ?? -1) >= 0)
    throw new UsageError("--restore-fd: this version restores nothing");
  const native = requireNative();
  const config = configuration(flags, resolve(bundle), warn);
  const io = descriptors(flags, "io-fds");
  checkConnections(native, config, io);
  return bootSandbox(config, {
    ...confineOptions(flags),
    native,
    controller,
    io,
    windows: windows(flags),
    preserved: descriptors(flags, "preserved-fds"),
    session: descriptor(flags, "session-fd"),
    phase: descriptor(flags, "phase-fd"),
    tell: (text) => tellOn(native, STDERR, text),
  });
}

/** -1, gVisor's default, is none. */
function descriptor(flags: Flags, name: string): number | undefined {
  const text = flags.text(name);
  if (text === undefined || text === "-1") return undefined;
  return parseDescriptor(name, text);
}

function descriptors(flags: Flags, name: string): number[] {
  return flags
    .texts(name)
    .flatMap((list) => list.split(","))
    .map((text) => parseDescriptor(name, text));
}

function parseDescriptor(name: string, text: string): number {
  if (!/^\d{1,7}$/.test(text)) throw new UsageError(`--${name} ${text}: expected the number of a descriptor`);
  return Number(text);
}

function configuration(flags: Flags, bundle: string, warn: (text: string) => void): SandboxConfig {
  const fd = descriptor(flags, "config-fd");
  if (fd !== undefined) return readConfig(fd);
  return loadBundle({ id: randomId(), bundle, overlay: "none", warn });
}

/** As src/native/src/window.h has them. */
function windows(flags: Flags): readonly [number, number] | undefined {
  const text = flags.text("windows-fds");
  if (text === undefined) return undefined;
  const [memory, bell, ...more] = text.split(",").map((each) => parseDescriptor("windows-fds", each));
  if (memory !== undefined && bell !== undefined && more.length === 0) return [memory, bell];
  throw new UsageError(`--windows-fds ${text}: expected two descriptors`);
}

/** One connection for each tree of the host, neither too few (D18-05) nor left over (D18-06). */
function checkConnections(native: Native, config: SandboxConfig, io: readonly number[]): void {
  const wanted = goferMounts(config).length;
  if (io.length !== wanted)
    throw new UsageError(`--io-fds: ${wanted} mounts of the host, ${io.length} connections`);
  for (const fd of io) {
    if (native.checkUnixStream(fd) < 0)
      throw new UsageError(`--io-fds ${fd}: not a connected unix stream socket`);
  }
}
