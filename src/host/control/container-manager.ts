// The methods of the control socket, with gVisor's names (CT-01). What clients send is checked here; a call that is wrong is the
// client's error and nothing else.
//
//   containerManager.WaitForLoader null            answers when the first container is created, or says why it is not
//   containerManager.StartRoot     ID
//   containerManager.StartSubcontainer ID          the same
//   containerManager.CreateSubcontainer {CID, Config, Preserved}
//                                                  adds a container; with its three streams, the socket of the process that stands
//                                                  for it, its phase file, Preserved descriptors that it gets besides (3, 4, ...), and
//                                                  a connection to the gofer for each mount of the host
//   containerManager.Wait          ID              the wait status of the container, when it has ended
//   containerManager.WaitPID       {PID, CID}      the same of one of its processes
//   containerManager.Signal        {CID, Signo, PID, Mode}
//   containerManager.Execute       ExecArgs        its pid; with its three streams, what it gets besides (3, 4, ...), and its session's socket
//   containerManager.Processes     ID              a list of processes
//   containerManager.Event         ID              what `events --stats` shows
//   containerManager.Update        {CID, MemoryBytes, Processes}
//                                                  limits of what is added from now on; 0 is none
//   containerManager.Destroy       ID              ends all processes, and answers when the container is gone
//   containerManager.ContainerRuntimeState  ID     1 being created, 2 created or running, 3 stopped
//   containerManager.Mount         {ContainerID, Destination, FsType, Source, Options}
//                                                  one more file system of the kernel's own, as mount(8) names it
//
// ID and CID name a container of the sandbox.
//
// A wait status is as wait(2) gives it: the exit code in the second byte.

import * as v from "valibot";
import { SIGKILL, SIGNAL_MAX } from "../../common/signals.ts";
import type { Native } from "../../native/index.ts";
import type { Method, Outcome } from "../../urpc/dispatcher.ts";
import type { PassedFiles } from "../../urpc/passed-files.ts";
import type { Container, Phase } from "../boot/container.ts";
import { ContainerError } from "../boot/errors.ts";
import type { Sandbox } from "../boot/sandbox.ts";
import { rlimitsSchema } from "../config/config-document.ts";
import type { MountConfig, ProcessConfig } from "../config/sandbox-config.ts";
import { cleanPath } from "../config/sandbox-path.ts";
import { MAX_ID } from "../config/units.ts";
import { convertMounts } from "../spec/mounts.ts";
import { SpecError } from "../spec/runtime-spec.ts";
import { parseArgument } from "./argument.ts";
import type { Readiness } from "./readiness.ts";
import { Session } from "./session.ts";
import { createSubcontainer } from "./subcontainer.ts";

const STREAMS = 3;
const EXIT_SHIFT = 8;
const PID_MAX = 2 ** 31 - 1;

const number = (most: number) => v.pipe(v.number(), v.integer(), v.minValue(0), v.maxValue(most));
const text = () =>
  v.pipe(
    v.string(),
    v.check((value) => !value.includes("\0"), "has a NUL character"),
  );

const containerIdSchema = v.string();
const waitPidSchema = v.strictObject({ PID: number(PID_MAX), CID: v.string() });
const signalSchema = v.strictObject({
  CID: v.string(),
  Signo: number(SIGNAL_MAX),
  PID: v.optional(number(PID_MAX), 0),
  /** 0: the process; 1 and 2, the whole container and a group: all there is, since no guest makes others. */
  Mode: v.optional(number(2), 0),
});
const execSchema = v.strictObject({
  container_id: v.string(),
  argv: v.pipe(v.array(text()), v.minLength(1)),
  envv: v.array(text()),
  wd: text(),
  KUID: number(MAX_ID),
  KGID: number(MAX_ID),
  extraKGIDs: v.array(number(MAX_ID)),
  umask: number(0o777),
  rlimits: v.optional(rlimitsSchema()),
  /** The effective ones as a bit mask, in hexadecimal digits. */
  capabilities: v.pipe(v.string(), v.regex(/^[0-9a-f]{1,16}$/)),
  host_pid: number(PID_MAX),
});

const updateSchema = v.strictObject({
  CID: v.string(),
  MemoryBytes: v.optional(number(Number.MAX_SAFE_INTEGER)),
  Processes: v.optional(number(Number.MAX_SAFE_INTEGER)),
});

const mountSchema = v.strictObject({
  ContainerID: v.string(),
  Destination: text(),
  FsType: text(),
  Source: v.optional(text(), ""),
  Options: v.optional(v.array(text()), []),
});

/** gVisor's numbers. */
const RUNTIME_STATE: Readonly<Record<Phase, number>> = { creating: 1, created: 2, running: 2, stopped: 3 };

export type ExecArguments = v.InferOutput<typeof execSchema>;

export interface ManagerOptions {
  readonly native: Native;
  readonly readiness: Readiness;
  readonly sandbox: Sandbox;
  /** Settled when the first container is created or cannot be; somebody hears of it then. */
  awaitLoaded(): Promise<void>;
}

export function containerManager(options: ManagerOptions): Record<string, Method> {
  const { sandbox } = options;
  const byId = (arg: unknown): Container => sandbox.find(parseArgument(containerIdSchema, arg));
  const start = (arg: unknown): Outcome => {
    byId(arg).start();
    return nothing;
  };
  return {
    "containerManager.WaitForLoader": async () => {
      await options.awaitLoaded();
      return nothing;
    },
    "containerManager.StartRoot": start,
    "containerManager.StartSubcontainer": start,
    "containerManager.CreateSubcontainer": async (arg, files) => {
      await createSubcontainer(options, arg, files);
      return nothing;
    },
    "containerManager.Wait": async (arg) => status(await byId(arg).exited),
    "containerManager.WaitPID": async (arg) => {
      const { PID, CID } = parseArgument(waitPidSchema, arg);
      return status(await sandbox.find(CID).wait(PID));
    },
    "containerManager.Signal": (arg) => {
      const { CID, Signo, PID, Mode } = parseArgument(signalSchema, arg);
      const container = sandbox.find(CID);
      if (Mode === 0 || PID !== 0) container.signal(Signo, PID);
      else for (const { pid } of container.processes) container.signal(Signo, pid);
      return nothing;
    },
    "containerManager.Execute": (arg, files) => {
      const parsed = parseArgument(execSchema, arg);
      return execute(options, sandbox.find(parsed.container_id), parsed, files);
    },
    "containerManager.Processes": (arg) => ({ result: byId(arg).processes.map(describe) }),
    "containerManager.Event": (arg) => ({ result: stats(byId(arg)) }),
    "containerManager.ContainerRuntimeState": (arg) => ({ result: RUNTIME_STATE[byId(arg).phase] }),
    "containerManager.Mount": async (arg) => {
      const { ContainerID, ...mount } = parseArgument(mountSchema, arg);
      await sandbox.find(ContainerID).mount(kernelMount(mount));
      return nothing;
    },
    "containerManager.Update": (arg) => {
      const { CID, MemoryBytes, Processes } = parseArgument(updateSchema, arg);
      sandbox.find(CID).update({
        ...(MemoryBytes === undefined ? {} : { memoryBytes: MemoryBytes }),
        ...(Processes === undefined ? {} : { processes: Processes }),
      });
      return nothing;
    },
    "containerManager.Destroy": async (arg) => {
      const { id } = byId(arg);
      await sandbox.remove(id);
      return nothing;
    },
  };
}

const nothing: Outcome = { result: null };

function status(code: number): Outcome {
  return { result: (code & 0xff) << EXIT_SHIFT };
}

function describe({ pid, uid, hostPid, args }: Container["processes"][number]): object {
  return { UID: uid, PID: pid, PPID: 0, HostPID: hostPid, Cmd: args[0] };
}

function stats({ id, processes }: Container): object {
  const { user, system } = process.cpuUsage();
  const nanoseconds = (microseconds: number) => microseconds * 1000;
  return {
    type: "stats",
    id,
    data: {
      cpu: {
        usage: {
          total: nanoseconds(user + system),
          kernel: nanoseconds(system),
          user: nanoseconds(user),
          percpu: [],
        },
      },
      memory: { usage: { usage: process.resourceUsage().maxRSS * 1024 } },
      pids: { current: processes.length },
    },
  };
}

/** A tree of the host has a connection to the gofer, which a call for a mount alone does not bring. */
function kernelMount(mount: Omit<v.InferOutput<typeof mountSchema>, "ContainerID">): MountConfig {
  const { Destination: destination, FsType: type, Source: source, Options: options } = mount;
  if (!destination.startsWith("/")) throw new ContainerError("mount: destination: must be an absolute path");
  try {
    const context = {
      bundle: "/",
      overlay: false,
      cache: "shared",
      hints: new Map(),
      warn: () => {},
    } as const;
    const [converted] = convertMounts([{ destination, type, source, options }], context);
    const kind = converted?.source.type;
    if (converted !== undefined && (kind === "tmpfs" || kind === "kernel")) return converted;
  } catch (error) {
    if (error instanceof SpecError)
      throw new ContainerError(error.message.replace(/^mounts\[0\]\.?/, "mount: "));
    throw error;
  }
  throw new ContainerError(`mount: ${JSON.stringify(type)} is no file system of the kernel's own`);
}

async function execute(
  { native, readiness }: ManagerOptions,
  container: Container,
  args: ExecArguments,
  files: PassedFiles,
): Promise<Outcome> {
  if (files.count <= STREAMS) {
    throw new ContainerError(`exec needs ${STREAMS + 1} descriptors, got ${files.count}`);
  }
  const last = files.count - 1;
  const config = processConfig(args);
  const streams = Array.from({ length: last }, (_, index) => files.get(index));
  let pid: number | undefined;
  const kill = (number: number): void => {
    if (container.processes.some((process) => process.pid === pid)) container.signal(number, pid);
  };
  const session = new Session(native, readiness, files.take(last), {
    signal: kill,
    hangUp: () => kill(SIGKILL),
  });
  try {
    const added = await container.execute(config, streams, args.host_pid);
    for (let index = 0; index < last; index++) files.take(index);
    pid = added.pid;
    if (session.ended) kill(SIGKILL);
    void added.exited.then((code) => session.exit(code));
    return { result: pid };
  } catch (error) {
    session.close();
    throw error;
  }
}

function processConfig(args: ExecArguments): ProcessConfig {
  const cwd = cleanPath(args.wd);
  if (cwd === undefined) throw new ContainerError("argument wd: must be an absolute path");
  return {
    args: args.argv,
    env: args.envv,
    cwd,
    uid: args.KUID,
    gid: args.KGID,
    groups: args.extraKGIDs,
    umask: args.umask,
    ...(args.rlimits === undefined ? {} : { rlimits: args.rlimits }),
    capabilities: BigInt(`0x${args.capabilities}`),
  };
}
