// Finds out which level of confinement this system allows, by trying: a gofer is started at each level, with nobody to serve.

import { spawnSync } from "node:child_process";
import { existsSync, readFileSync } from "node:fs";
import { dirname } from "node:path";
import type { ConfinementLevel } from "../../common/confinement.ts";
import { errnoName } from "../../common/errors.ts";
import { launcherPath, loadNative, NATIVE_REMEDY, type Native, nativeProblem } from "../../native/index.ts";
import { confineArguments, goferProgram, NODE_FLAGS, openPair } from "./gofer-process.ts";

export interface Finding {
  readonly name: string;
  readonly ok: boolean;
  /** What was found, or what is wrong. */
  readonly detail: string;
  /** What would make it work; absent where nothing is wrong. */
  readonly remedy?: string;
}

export interface Examination {
  /** What a sandbox gets when nothing is asked for; null when none can be started. */
  readonly level: ConfinementLevel | null;
  readonly findings: readonly Finding[];
}

const SOCKET_FD = 3;
const TIME_LIMIT_MS = 30_000;

export function examine(): Examination {
  const native = loadNative();
  if (native === undefined) {
    const helper = { name: "native helper", ok: false, detail: nativeProblem(), remedy: NATIVE_REMEDY };
    return { level: null, findings: [helper] };
  }
  const findings: Finding[] = [{ name: "native helper", ok: true, detail: "loaded" }];
  if (!existsSync(launcherPath())) {
    findings.push({
      name: "launcher",
      ok: false,
      detail: `${launcherPath()} is missing`,
      remedy: NATIVE_REMEDY,
    });
    return { level: null, findings };
  }
  findings.push(findLandlock(native));
  const plain = tryLevel(native, "native");
  findings.push(found("gofer", plain, "runs with seccomp and without new privileges", remedyFor));
  if (plain !== "") return { level: null, findings };
  const caged = tryLevel(native, "native+ns");
  findings.push(found("namespaces", caged, "the gofer runs in a root directory of its own", remedyFor));
  return { level: caged === "" ? "native+ns" : "native", findings };
}

function findLandlock(native: Native): Finding {
  const ruleset = native.landlockCreate(1);
  if (ruleset >= 0) {
    native.close(ruleset);
    return { name: "Landlock", ok: true, detail: "files outside what is served are out of reach" };
  }
  return {
    name: "Landlock",
    ok: false,
    detail: errnoName(-ruleset),
    remedy: "Linux 5.19 or later, with landlock in its list of security modules (boot parameter lsm=)",
  };
}

function found(name: string, failure: string, good: string, remedy: (failure: string) => string): Finding {
  if (failure === "") return { name, ok: true, detail: good };
  return { name, ok: false, detail: failure, remedy: remedy(failure) };
}

/** Why no gofer can be started at the level, or "". */
function tryLevel(native: Native, level: ConfinementLevel): string {
  const program = goferProgram();
  const mount = { fd: SOCKET_FD, source: dirname(program), readonly: true, donate: false };
  const [ours, theirs] = openPair(native);
  // Nobody is there: the gofer ends as soon as it would serve.
  native.close(ours);
  const launch = [
    `--fds=${SOCKET_FD + 1}`,
    ...confineArguments(native, program, { confinement: level }),
    "--",
  ];
  const { status, signal, stderr, error } = spawnSync(
    launcherPath(),
    [...launch, process.execPath, ...NODE_FLAGS, program, "--config-fd=0"],
    {
      stdio: ["pipe", "ignore", "pipe", theirs],
      input: JSON.stringify({ mounts: [mount], confine: { level, report: false } }),
      encoding: "utf8",
      timeout: TIME_LIMIT_MS,
      env: {},
    },
  );
  native.close(theirs);
  if (status === 0) return "";
  // A launcher that ends at once may do so before it was told anything, which is an error too: but it has said more.
  const said = (stderr ?? "").trim().replace(/^wv-launch: (namespaces: )?/, "");
  return said !== "" ? said : (error?.message ?? `the gofer ended with ${signal ?? status}`);
}

/** The settings with which systems forbid namespaces, where they do. */
const SETTINGS: readonly (readonly [file: string, forbidden: string, remedy: string])[] = [
  ["user/max_user_namespaces", "0", "sysctl user.max_user_namespaces=10000"],
  ["kernel/unprivileged_userns_clone", "0", "sysctl kernel.unprivileged_userns_clone=1"],
  [
    "kernel/apparmor_restrict_unprivileged_userns",
    "1",
    "sysctl kernel.apparmor_restrict_unprivileged_userns=0, or an AppArmor profile for wv-launch",
  ],
];

function remedyFor(failure: string): string {
  const remedies = SETTINGS.filter(([file, forbidden]) => settingOf(file) === forbidden).map(
    ([, , remedy]) => remedy,
  );
  if (remedies.length > 0) return remedies.join("; ");
  if (/\bproc\b/.test(failure)) {
    return "a /proc that nothing is mounted over (in docker: --security-opt systempaths=unconfined)";
  }
  return "a system that lets this user make user namespaces (in docker: a seccomp profile that allows clone and mount)";
}

function settingOf(file: string): string | undefined {
  try {
    return readFileSync(`/proc/sys/${file}`, "utf8").trim();
  } catch {
    // This system has no such setting.
    return undefined;
  }
}
