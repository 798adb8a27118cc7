// An OCI bundle: a directory with config.json and, usually, the root directory. It is input from outside: read once, bounded,
// checked, and turned into a SandboxConfig.

import { basename, join, resolve } from "node:path";
import { WvisorError } from "../../common/errors.ts";
import { memoryLimitOf, pidsLimitOf, type Resources } from "../cgroups/resources.ts";
import { DEFAULT_HOSTNAME, DEFAULT_TMPFS, DEFAULT_UMASK } from "../config/defaults.ts";
import { checkSources, wantsTmp } from "../config/mounts.ts";
import type { BindSource, CachePolicy, ProcessConfig, SandboxConfig } from "../config/sandbox-config.ts";
import { cleanPath } from "../config/sandbox-path.ts";
import { capabilityMask } from "./capabilities.ts";
import { DocumentError, parseDocument, readFileText } from "./json-document.ts";
import { convertMounts, memoryOverlay } from "./mounts.ts";
import { podRole } from "./pod.ts";
import { convertRlimits } from "./rlimits.ts";
import { parseRuntimeSpec, type RuntimeSpec, SpecError, type SpecProcess } from "./runtime-spec.ts";
import { parseVolumeHints } from "./volume-hints.ts";

export interface BundleOptions {
  readonly id: string;
  /** The bundle's directory, absolute. */
  readonly bundle: string;
  /** Which writable binds get an overlay in memory. */
  readonly overlay: "none" | "root" | "all";
  /** Bytes of file data that each of these overlays may have; the kernel's own limit when undefined. */
  readonly overlayBytes?: number | undefined;
  /** Whether others may change the root's tree meanwhile; "exclusive" when absent. */
  readonly cache?: CachePolicy;
  /** The same of the binds; as of the root when absent. */
  readonly mountCache?: CachePolicy;
  warn(text: string): void;
}

/** Errors: WvisorError that names config.json and the field, or the source of a mount. */
export function loadBundle(options: BundleOptions): SandboxConfig {
  const { spec, config } = readBundle(options);
  if (Object.values(spec.hooks ?? {}).some((hooks) => hooks.length > 0)) {
    options.warn("hooks: ignoring them, only containers (create, run --detach) have any");
  }
  return config;
}

/** The same, and what the bundle says besides. */
export function readBundle(options: BundleOptions): { spec: RuntimeSpec; config: SandboxConfig } {
  const value = readJson(join(options.bundle, "config.json"));
  let spec: RuntimeSpec;
  let config: SandboxConfig;
  try {
    spec = parseRuntimeSpec(value);
    config = convertSpec(spec, options);
  } catch (error) {
    if (error instanceof SpecError) throw bundleError(`config.json: ${error.message}`, error);
    throw error;
  }
  checkSources([config.root, ...config.mounts.map((mount) => mount.source)]);
  return { spec, config };
}

function bundleError(problem: string, cause?: unknown): WvisorError {
  return new WvisorError("ERR_WVISOR_BUNDLE", `loading bundle: ${problem}`, undefined, { cause });
}

/** Errors: WvisorError that names the file. */
export function readJson(file: string): unknown {
  const text = orBundleError(() => readFileText(file), file);
  return orBundleError(() => parseDocument(text), basename(file));
}

function orBundleError<T>(read: () => T, name: string): T {
  try {
    return read();
  } catch (error) {
    if (error instanceof DocumentError) throw bundleError(`${name}: ${error.message}`, error);
    throw error;
  }
}

function convertSpec(spec: RuntimeSpec, options: BundleOptions): SandboxConfig {
  const { bundle, overlay, overlayBytes, warn } = options;
  const rootReadonly = spec.root.readonly;
  const root: BindSource = {
    type: "bind",
    source: resolve(bundle, spec.root.path),
    readonly: rootReadonly,
    ...memoryOverlay(overlay !== "none" && !rootReadonly, overlayBytes),
    cache: options.cache ?? "exclusive",
  };
  const mounts = convertMounts(spec.mounts, {
    bundle,
    overlay: overlay === "all",
    overlayBytes,
    cache: options.mountCache ?? root.cache,
    hints: parseVolumeHints(spec.annotations, warn),
    warn,
  });
  const places = mounts.map(({ destination }) => destination);
  if (wantsTmp(root, places)) mounts.push({ destination: "/tmp", source: DEFAULT_TMPFS });
  return {
    id: options.id,
    hostname: spec.hostname ?? DEFAULT_HOSTNAME,
    ...(spec.domainname === undefined ? {} : { domainname: spec.domainname }),
    root,
    mounts,
    process: convertProcess(spec.process, "process.", warn),
    // As runc does: images name directories that they do not have.
    makesCwd: true,
    ...coveredPaths(spec),
    ...(podRole(spec.annotations, options.id)?.type === "sandbox" ? { pauses: true } : {}),
    runtimes: [],
    limits: limitsOf(spec.linux?.resources),
  };
}

function limitsOf(resources: Resources | null | undefined): SandboxConfig["limits"] {
  const processes = pidsLimitOf(resources);
  const memoryBytes = memoryLimitOf(resources);
  return { memoryBytes, ...(processes > 0 ? { processes } : {}), timeoutMs: 0 };
}

/** Propagation to a host that never sees these mounts. */
const PROPAGATIONS = ["private", "slave", "shared", "unbindable"].flatMap((each) => [each, `r${each}`]);

/** Errors: SpecError. */
function coveredPaths({ linux }: RuntimeSpec): Pick<SandboxConfig, "maskedPaths" | "readonlyPaths"> {
  const { maskedPaths = [], readonlyPaths = [], rootfsPropagation = "" } = linux ?? {};
  if (rootfsPropagation !== "" && !PROPAGATIONS.includes(rootfsPropagation)) {
    throw new SpecError("linux.rootfsPropagation", `${rootfsPropagation} is not supported`);
  }
  return {
    maskedPaths: absolutePaths(maskedPaths, "linux.maskedPaths"),
    readonlyPaths: absolutePaths(readonlyPaths, "linux.readonlyPaths"),
  };
}

/** Errors: SpecError. */
function absolutePaths(paths: readonly string[], where: string): string[] {
  return paths.map((path, index) => {
    const clean = cleanPath(path);
    if (clean === undefined || clean === "/")
      throw new SpecError(`${where}[${index}]`, "must be an absolute path");
    return clean;
  });
}

/** Errors: SpecError. */
function rlimitsOf(
  { rlimits }: SpecProcess,
  path: string,
  warn: (text: string) => void,
): Pick<ProcessConfig, "rlimits"> {
  if (!rlimits?.length) return {};
  const problem = (index: number, text: string): never => {
    throw new SpecError(`${path}rlimits[${index}]`, text);
  };
  return { rlimits: convertRlimits(rlimits, warn, problem) };
}

/** `path`: where it stands in its document. Errors: SpecError. */
export function convertProcess(
  process: SpecProcess,
  path: string,
  warn: (text: string) => void,
): ProcessConfig {
  const { args, env, user } = process;
  const cwd = cleanPath(process.cwd);
  if (cwd === undefined) throw new SpecError(`${path}cwd`, "must be a path of at most 4095 bytes");
  if (args[0] === "") throw new SpecError(`${path}args[0]`, "must not be empty");
  return {
    args,
    env,
    cwd,
    uid: user.uid,
    gid: user.gid,
    groups: user.additionalGids,
    umask: user.umask ?? DEFAULT_UMASK,
    ...rlimitsOf(process, path, warn),
    capabilities: capabilityMask(process.capabilities?.effective ?? [], (name) =>
      warn(`${path}capabilities.effective: ignoring unknown capability "${name}"`),
    ),
  };
}
