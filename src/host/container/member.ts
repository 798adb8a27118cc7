// A container that is created in the sandbox of another: its anchor stands for it on the host, the sandbox's gofer serves its files and
// the sandbox's sentry runs it. Its control socket is the sandbox's, under a second name.

import { existsSync, linkSync, statSync } from "node:fs";
import { join } from "node:path";
import type { Native } from "../../native/index.ts";
import { DESCRIPTORS_MAX } from "../../urpc/protocol.ts";
import { goferMounts } from "../boot/filesystems.ts";
import { encodeConfig } from "../config/config-document.ts";
import type { SandboxConfig } from "../config/sandbox-config.ts";
import { GoferControl } from "../sandbox/gofer-control.ts";
import { openPair } from "../sandbox/gofer-process.ts";
import { podRole } from "../spec/pod.ts";
import type { RuntimeSpec } from "../spec/runtime-spec.ts";
import { type Anchor, callOffAnchor, type Place, startMemberAnchor } from "./anchor.ts";
import { directoryName } from "./container-id.ts";
import type { Containers, FoundContainer, LockedContainer } from "./containers.ts";
import { failed, NoContainerError } from "./errors.ts";
import { isRunning } from "./process-id.ts";
import { CONTROL, GOFER } from "./record.ts";
import { SandboxClient } from "./sandbox-client.ts";
import { connectSocket } from "./socket.ts";

const STREAMS: readonly number[] = [0, 1, 2];
const NO_LAUNCHER = -1;
/** Of every container, besides its connections. */
const OTHER_FILES = 5;

/**
 * The sandbox that a container belongs to, by its annotations; undefined where that is none of ours that takes others. Errors:
 * WvisorError for one that has stopped.
 */
export function findSandbox(
  containers: Containers,
  { annotations }: RuntimeSpec,
  id: string,
): FoundContainer | undefined {
  const role = podRole(annotations, id);
  if (role?.type !== "container" || role.sandbox === id) return undefined;
  const found = findContainer(containers, role.sandbox);
  if (found === undefined || !existsSync(join(found.directory, GOFER))) return undefined;
  if (!isRunning(found.record.anchor)) throw failed(`the sandbox ${role.sandbox} is not running`);
  return found;
}

function findContainer(containers: Containers, id: string): FoundContainer | undefined {
  try {
    return containers.find(id);
  } catch (error) {
    if (error instanceof NoContainerError) return undefined;
    throw error;
  }
}

export interface MemberOptions extends Place {
  readonly config: SandboxConfig;
  /** Its phase file. */
  readonly phase: number;
  /** What the program gets behind its standard streams. */
  readonly preserved: readonly number[];
}

/** Errors: WvisorError; then nothing of it is left in the sandbox. */
export function startMember(
  native: Native,
  containers: Containers,
  sandbox: FoundContainer,
  container: LockedContainer,
  options: MemberOptions,
): Anchor {
  const { id } = container;
  linkSync(join(sandbox.directory, CONTROL), join(container.directory, CONTROL));
  const config = { ...options.config, joins: joinedNamespaces(containers, sandbox, options) };
  const [ours, theirs] = openPair(native);
  const io: number[] = [];
  let anchor: Anchor | undefined;
  try {
    serve(native, sandbox, id, config, { io, others: OTHER_FILES + options.preserved.length });
    anchor = startMemberAnchor(native, options, theirs);
    const client = new SandboxClient(native, container.directory);
    const streams = STREAMS.map((stream) => options.terminal ?? stream);
    const files = [...streams, ours, options.phase, ...options.preserved, ...io];
    const argument = { CID: id, Config: encodeConfig(config), Preserved: options.preserved.length };
    client.call("CreateSubcontainer", argument, files);
    client.close();
    return anchor;
  } catch (error) {
    if (anchor !== undefined) callOffAnchor(native, anchor);
    throw error;
  } finally {
    for (const fd of [ours, theirs, ...io]) native.close(fd);
  }
}

interface Connections {
  /** Our ends: those that were made. */
  readonly io: number[];
  /** How many descriptors go with them in one message. */
  readonly others: number;
}

/** Has the sandbox's gofer serve the container's trees. Errors: WvisorError. */
function serve(
  native: Native,
  sandbox: FoundContainer,
  id: string,
  config: SandboxConfig,
  { io, others }: Connections,
): void {
  const mounts = goferMounts(config);
  const most = DESCRIPTORS_MAX - others;
  if (mounts.length > most) throw failed(`a container of a sandbox has at most ${most} mounts of the host`);
  const gofer = new GoferControl(native, connectSocket(native, join(sandbox.directory, GOFER)), NO_LAUNCHER);
  try {
    // A name of its own for each attempt: what is left of an earlier one may still be about to go.
    const attempt = process.hrtime.bigint().toString(36);
    mounts.forEach(({ source, readonly, donate }, index) => {
      const name = `${directoryName(id)}.${process.pid}.${attempt}.${index}`;
      io.push(gofer.addAttachPoint(source, { name, readonly, donate }));
    });
  } finally {
    gofer.close();
  }
}

/** Namespaces that the kernel has: those that the container asks for by a path are another container's of the sandbox. */
function joinedNamespaces(
  containers: Containers,
  sandbox: FoundContainer,
  { namespaces }: Place,
): NonNullable<SandboxConfig["joins"]> {
  const others = [sandbox, ...containers.list().filter(({ record }) => record.sandbox === sandbox.record.id)];
  const ownerOf = (type: "pid" | "uts"): string | undefined => {
    const wanted = namespaces.find((namespace) => namespace.type === type);
    // Without an entry it is the host's: what the pod shares, where that shows nothing of other containers' processes.
    if (wanted === undefined) return type === "pid" ? undefined : sandbox.record.id;
    if (wanted.path === "") return undefined;
    const there = others.find(({ record }) =>
      isSameFile(wanted.path, `/proc/${record.anchor.pid}/ns/${type}`),
    );
    return there?.record.id;
  };
  return { pid: ownerOf("pid"), uts: ownerOf("uts") };
}

function isSameFile(one: string, other: string): boolean {
  const [first, second] = [one, other].map((file) => statSync(file, { throwIfNoEntry: false }));
  return first !== undefined && second !== undefined && first.dev === second.dev && first.ino === second.ino;
}
