// wvisor exec: a process more in a container that runs.

import { resolve } from "node:path";
import { requireNative } from "../../native/index.ts";
import type { ProcessConfig } from "../config/sandbox-config.ts";
import { parseId } from "../config/units.ts";
import { failed } from "../container/errors.ts";
import { executeIn } from "../container/exec.ts";
import type { ContainerRecord } from "../container/record.ts";
import { convertProcess, readJson } from "../spec/bundle.ts";
import { capabilityMask } from "../spec/capabilities.ts";
import { parseProcess, SpecError, type SpecProcess } from "../spec/runtime-spec.ts";
import { type Command, type CommandInput, UsageError } from "./command.ts";
import { openContainers } from "./oci.ts";
import { preservedDescriptors } from "./preserved-fds.ts";

const USAGE = `Usage: wvisor exec [flags] ID COMMAND [ARGS]
       wvisor exec [flags] --process FILE ID

Runs a program of the container's in a container that was created or runs. It sees the container's files; user, environment,
working directory and capabilities are those of the container's own program unless a flag says otherwise.

  wvisor exec c1 /bin/cat /etc/hostname
  wvisor exec --detach --pid-file pid --process process.json c1

Flags:
  -p, --process FILE         What to run, as "process" in config.json
  -d, --detach               Do not wait for it
  -t, --tty                  Give it a terminal of its own; "terminal" says it in --process
      --console-socket PATH  With --detach: gets the master of its terminal
      --pid-file FILE        Gets the pid of the process that stands for it on the host
      --preserve-fds N       It gets our descriptors 3 to N+2 under their numbers
      --cwd DIR              Its working directory
  -e, --env NAME=VALUE       One more variable
  -u, --user UID[:GID]       Its user and group
  -g, --additional-gids GID  One more group
  -c, --cap CAP_NAME         One more capability
      --ignore-paused        In a container that is paused, too: wait until it is resumed
      --debug                With an error, show where it arose

Accepted without effect: --no-new-privs, --cgroup, --apparmor, --process-label, --pidfd-socket

Exit code: the program's own; 128+n ended by signal n; 255 an error of wVisor's.
`;

const EXIT_FAILED = 255;
const HEXADECIMAL = "0x";

export const execCommand: Command = {
  name: "exec",
  summary: "Run a program in a running container",
  usage: USAGE,
  flags: {
    process: { type: "string", short: "p" },
    detach: { type: "switch", short: "d" },
    "pid-file": { type: "string" },
    "internal-pid-file": { type: "string" },
    "console-socket": { type: "string" },
    "pidfd-socket": { type: "string" },
    tty: { type: "switch", short: "t" },
    cwd: { type: "string" },
    env: { type: "string", short: "e", multiple: true },
    user: { type: "string", short: "u" },
    "additional-gids": { type: "string", short: "g", multiple: true },
    cap: { type: "string", short: "c", multiple: true },
    "no-new-privs": { type: "switch" },
    "preserve-fds": { type: "string" },
    "ignore-paused": { type: "switch" },
    cgroup: { type: "string", multiple: true },
    apparmor: { type: "string" },
    "process-label": { type: "string" },
  },
  operandsEndFlags: true,
  exitCodes: { usage: EXIT_FAILED, refused: EXIT_FAILED },
  run: runExec,
};

function runExec(input: CommandInput): number {
  const { flags, operands } = input;
  const [id, ...args] = operands;
  if (id === undefined) throw new UsageError("which container? expected an ID");
  const file = flags.text("process");
  if (file === undefined && args.length === 0) throw new UsageError("which program? expected COMMAND [ARGS]");
  if (file !== undefined && args.length > 0)
    throw new UsageError("--process says what to run: no COMMAND besides");
  // Read before anything waits: an engine deletes it soon.
  const fromFile = file === undefined ? undefined : readProcess(resolve(file), input.warn);
  const native = requireNative();
  return executeIn(native, openContainers(native, input), {
    id,
    detached: flags.isOn("detach", false),
    terminal: fromFile?.spec.terminal ?? flags.isOn("tty", false),
    consoleSize: fromFile?.spec.consoleSize,
    consoleSocket: flags.text("console-socket"),
    ignorePaused: flags.isOn("ignore-paused", false),
    pidFile: flags.text("pid-file"),
    preserved: preservedDescriptors(native, flags),
    process: (record) => fromFile?.config ?? describeProcess(input, args, record),
  });
}

function readProcess(
  file: string,
  warn: (text: string) => void,
): { spec: SpecProcess; config: ProcessConfig } {
  try {
    const spec = parseProcess(readJson(file));
    return { spec, config: convertProcess(spec, "", warn) };
  } catch (error) {
    if (error instanceof SpecError) throw failed(`${file}: ${error.message}`, error);
    throw error;
  }
}

function describeProcess(
  { flags, warn }: CommandInput,
  args: readonly string[],
  { process }: ContainerRecord,
): ProcessConfig {
  const [uid, gid] = userOf(flags.text("user"), process);
  const groups = flags.texts("additional-gids").map((text) => idOf("--additional-gids", text));
  const added = capabilityMask(flags.texts("cap"), (name) =>
    warn(`--cap ${name}: there is no such capability`),
  );
  const cwd = flags.text("cwd") ?? process.cwd;
  if (!cwd.startsWith("/")) throw new UsageError(`--cwd ${cwd}: must be an absolute path`);
  return {
    args,
    env: [...process.env, ...flags.texts("env").map(checkVariable)],
    cwd,
    uid,
    gid,
    groups: [...process.groups, ...groups],
    umask: process.umask,
    ...(process.rlimits === undefined ? {} : { rlimits: process.rlimits }),
    capabilities: BigInt(HEXADECIMAL + process.capabilities) | added,
  };
}

function checkVariable(text: string): string {
  if (/^[^=]+=/.test(text)) return text;
  throw new UsageError(`--env ${text}: expected NAME=VALUE`);
}

function userOf(text: string | undefined, process: ContainerRecord["process"]): [uid: number, gid: number] {
  if (text === undefined) return [process.uid, process.gid];
  const [user = "", group, extra] = text.split(":");
  if (extra !== undefined) throw new UsageError(`--user ${text}: expected UID[:GID]`);
  return [idOf("--user", user), group === undefined ? process.gid : idOf("--user", group)];
}

function idOf(flag: string, text: string): number {
  const id = parseId(text);
  if (id === undefined) throw new UsageError(`${flag} ${text}: expected a number`);
  return id;
}
