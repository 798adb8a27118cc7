// wvisor create: from a bundle to a container that waits for the start signal.
//
// Killed at any point this leaves nothing behind that runs: until the record is written and the anchor was told so, the anchor ends
// with the creator.

import { closeSync, openSync, unlinkSync, writeFileSync } from "node:fs";
import { userInfo } from "node:os";
import { join } from "node:path";
import type { Native } from "../../native/index.ts";
import { goferMounts } from "../boot/filesystems.ts";
import { guestMemoryLimit } from "../cgroups/limits.ts";
import { encodeConfig } from "../config/config-document.ts";
import type { BindSource, CachePolicy, SandboxConfig } from "../config/sandbox-config.ts";
import type { ConfineOptions } from "../sandbox/gofer-process.ts";
import { type BundleOptions, readBundle } from "../spec/bundle.ts";
import { mountPlace } from "../spec/mounts.ts";
import { podRole } from "../spec/pod.ts";
import type { RuntimeSpec } from "../spec/runtime-spec.ts";
import { type Anchor, callOffAnchor, commitAnchor, type Place, startAnchor } from "./anchor.ts";
import { anchorMounts } from "./anchor-mounts.ts";
import { type CgroupManager, setUpCgroup } from "./container-cgroup.ts";
import type { Containers, FoundContainer, LockedContainer } from "./containers.ts";
import { failed } from "./errors.ts";
import { hookState, runHooks, runPoststop } from "./hooks.ts";
import { keepLaterHooks } from "./later-hooks.ts";
import { findSandbox, startMember } from "./member.ts";
import { writePidFile } from "./pid-file.ts";
import { identify } from "./process-id.ts";
import { CONTROL, type ContainerRecord, GOFER, PHASE, PHASE_CREATED, writeRecord } from "./record.ts";
import { SandboxClient } from "./sandbox-client.ts";
import { openTerminal, type Terminal } from "./terminal.ts";
import { withUpperLayers } from "./upper-layers.ts";

const PATH_SLOT = 14;
const CONFIG = "config.json";
const OCI_VERSION = "1.0.2";
const HEXADECIMAL = 16;
const FIRST_PID = 1;

export interface CreateOptions extends ConfineOptions {
  readonly id: string;
  /** Absolute. */
  readonly bundle: string;
  readonly overlay: BundleOptions["overlay"];
  readonly overlayBytes?: BundleOptions["overlayBytes"];
  readonly cache: CachePolicy;
  readonly mountCache: CachePolicy;
  /** The directory of the host below which an overlay's changes go; memory when undefined. */
  readonly overlayDirectory: string | undefined;
  readonly cgroupManager: CgroupManager;
  /** Gets the anchor's pid, in decimal digits. */
  readonly pidFile: string | undefined;
  /** Descriptors of ours from 3 on, one after the other, that the program gets. They stay ours. */
  readonly preserved: readonly number[];
  /** Nobody waits for it in the foreground. */
  readonly detached: boolean;
  /** A path of the engine's, who gets the master of the container's terminal. */
  readonly consoleSocket: string | undefined;
  warn(text: string): void;
}

export interface Created {
  /** The anchor. */
  readonly pid: number;
  /** Of the container's terminal, unless it has none or an engine has it. The caller's. */
  readonly master: number | undefined;
}

/** Errors: WvisorError; then there is no such container. */
export function createContainer(native: Native, containers: Containers, options: CreateOptions): Created {
  const { spec, config } = readBundle(options);
  const terminal = openTerminal(native, { ...spec.process, ...options });
  try {
    const { pid } = make(native, containers, { spec, config, terminal }, options);
    return { pid, master: terminal?.takeMaster() };
  } finally {
    terminal?.close();
  }
}

/** What a container is made of. */
interface Parts {
  readonly spec: RuntimeSpec;
  readonly config: SandboxConfig;
  readonly terminal: Terminal | undefined;
}

function make(native: Native, containers: Containers, given: Parts, options: CreateOptions): Anchor {
  const { spec } = given;
  const container = containers.create(options.id);
  try {
    const config = withUpperLayers(container.directory, given.config, options.overlayDirectory);
    const parts = { ...given, config };
    const sandbox = findSandbox(containers, spec, options.id);
    const anchor =
      sandbox === undefined
        ? start(native, container, parts, options)
        : joinSandbox(native, containers, sandbox, container, parts, options);
    try {
      if (spec.hooks) keepLaterHooks(container.directory, spec.hooks);
      finish(native, container, anchor, sandbox, parts, options);
      return anchor;
    } catch (error) {
      callOffAnchor(native, anchor);
      throw error;
    }
  } catch (error) {
    discard(container);
    if (spec.hooks) runPoststop(spec.hooks.poststop, identityOf(spec, options), options.warn);
    throw error;
  } finally {
    container.unlock();
  }
}

/** What led here is the error that is told; what stays is found by the next who names the container. */
function discard(container: LockedContainer): void {
  try {
    container.remove();
  } catch {}
}

function start(native: Native, container: LockedContainer, parts: Parts, options: CreateOptions): Anchor {
  const { spec, config } = parts;
  const place = placeOf(container, parts, options);
  const limited = place.cgroupFiles.length === 0 ? config : withinCgroup(config);
  const controller = listen(native, container, CONTROL);
  // A pod's other containers bring trees that nobody knows of yet.
  const isPod = podRole(spec.annotations, container.id)?.type === "sandbox";
  const goferControl = isPod ? listen(native, container, GOFER) : undefined;
  const document = passedDocument(container, JSON.stringify(encodeConfig(limited)));
  const phase = openPhase(container);
  try {
    return startAnchor(native, {
      confinement: options.confinement,
      jitless: options.jitless,
      report: options.report,
      ...place,
      preserved: options.preserved,
      bundle: options.bundle,
      served: goferMounts(config),
      controller,
      goferControl,
      config: document,
      phase,
    });
  } finally {
    native.close(controller);
    if (goferControl !== undefined) native.close(goferControl);
    closeSync(document);
    closeSync(phase);
  }
}

function placeOf(
  { directory }: LockedContainer,
  { spec, config, terminal }: Parts,
  options: CreateOptions,
): Place {
  const { linux, process } = spec;
  return {
    cgroupFiles: setUpCgroup(directory, {
      manager: options.cgroupManager,
      path: linux?.cgroupsPath ?? "",
      resources: linux?.resources ?? {},
      warn: options.warn,
    }),
    oomScoreAdj: process.oomScoreAdj ?? undefined,
    namespaces: linux?.namespaces ?? [],
    rootfs: rootOf(config),
    mounts: anchorMounts(config, namedPlaces(spec)),
    readonlyRoot: spec.root.readonly,
    hostname: config.hostname,
    args: config.process.args,
    terminal: terminal?.slave,
    prepare: hasCreateHooks(spec) ? (pid) => runCreateHooks(spec, rootOf(config), pid, options) : undefined,
  };
}

/** The limit of memory is one for the whole sandbox there. */
function withinCgroup(config: SandboxConfig): SandboxConfig {
  const { limits } = config;
  return { ...config, limits: { ...limits, memoryBytes: guestMemoryLimit(limits.memoryBytes) } };
}

function hasCreateHooks({ hooks }: RuntimeSpec): boolean {
  if (!hooks) return false;
  return hooks.prestart.length + hooks.createRuntime.length + hooks.createContainer.length > 0;
}

/** While the container's namespaces wait for them. Errors: WvisorError. */
function runCreateHooks(spec: RuntimeSpec, rootfs: string, pid: number, options: CreateOptions): void {
  const { prestart, createRuntime, createContainer } = spec.hooks!;
  const identity = identityOf(spec, options);
  const state = hookState(identity, "creating", pid);
  runHooks(prestart, state, { directory: options.bundle });
  runHooks(createRuntime, state, { directory: options.bundle });
  // In a pid namespace of its own the container is this one to them.
  const isolated = spec.linux?.namespaces.some(({ type, path }) => type === "pid" && path === "") ?? false;
  const inside = hookState(identity, "creating", isolated ? FIRST_PID : pid);
  runHooks(createContainer, inside, { directory: rootfs, entered: pid });
}

/** In the sandbox of another container. */
function joinSandbox(
  native: Native,
  containers: Containers,
  sandbox: FoundContainer,
  container: LockedContainer,
  parts: Parts,
  options: CreateOptions,
): Anchor {
  const phase = openPhase(container);
  try {
    const place = placeOf(container, parts, options);
    const { preserved } = options;
    return startMember(native, containers, sandbox, container, {
      ...place,
      config: parts.config,
      phase,
      preserved,
    });
  } finally {
    closeSync(phase);
  }
}

/** The container's root directory as the bundle has it. */
function rootOf({ root }: SandboxConfig): string {
  return root.type === "overlay" ? root.lowers[0]! : (root as BindSource).source;
}

/** Where the bundle mounts something. */
function namedPlaces({ mounts }: RuntimeSpec): ReadonlySet<string> {
  return new Set(mounts.map(({ destination }) => mountPlace(destination) ?? ""));
}

function listen(native: Native, container: LockedContainer, name: string): number {
  native.registerMemory(PATH_SLOT, new TextEncoder().encode(`${container.socketPath(name)}\0`));
  const fd = native.listenUnix(PATH_SLOT, 0);
  if (fd < 0) throw failed(`the control socket: errno ${-fd}`);
  return fd;
}

/** A descriptor of a file that has no name any more. */
function passedDocument({ directory }: LockedContainer, text: string): number {
  const file = join(directory, CONFIG);
  writeFileSync(file, text, { mode: 0o600 });
  const fd = openSync(file, "r");
  unlinkSync(file);
  return fd;
}

function openPhase({ directory }: LockedContainer): number {
  const file = join(directory, PHASE);
  writeFileSync(file, PHASE_CREATED, { mode: 0o600 });
  return openSync(file, "r+");
}

/** The container is known from here on, and lives on without us. */
function finish(
  native: Native,
  container: LockedContainer,
  anchor: Anchor,
  sandbox: FoundContainer | undefined,
  { spec, config, terminal }: Parts,
  options: CreateOptions,
): void {
  const client = new SandboxClient(native, container.directory);
  client.call("WaitForLoader", null);
  client.close();
  terminal?.sendMaster();
  writeRecord(container.directory, recordOf(spec, config, anchor, sandbox, options));
  if (options.pidFile !== undefined) writePidFile(options.pidFile, anchor.pid);
  commitAnchor(native, anchor);
}

function identityOf(
  { ociVersion = OCI_VERSION, annotations }: RuntimeSpec,
  { id, bundle }: CreateOptions,
): Pick<ContainerRecord, "id" | "ociVersion" | "bundle" | "annotations"> {
  return { id, ociVersion, bundle, annotations };
}

function recordOf(
  spec: RuntimeSpec,
  config: SandboxConfig,
  { pid }: Anchor,
  sandbox: FoundContainer | undefined,
  options: CreateOptions,
): ContainerRecord {
  const anchor = identify(pid);
  if (anchor === undefined) throw failed("the container ended at its start");
  const { env, cwd, uid, gid, groups, umask, rlimits, capabilities } = config.process;
  return {
    ...identityOf(spec, options),
    anchor,
    rootfs: rootOf(config),
    created: new Date().toISOString(),
    owner: ownerName(),
    sandbox: sandbox?.record.id,
    process: {
      env,
      cwd,
      uid,
      gid,
      groups,
      umask,
      ...(rlimits === undefined ? {} : { rlimits }),
      capabilities: capabilities.toString(HEXADECIMAL),
    },
  };
}

function ownerName(): string {
  try {
    return userInfo().username;
  } catch {
    // An id without a name.
    return "";
  }
}
