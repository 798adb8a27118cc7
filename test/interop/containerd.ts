// Debian's containerd beside the test: root, state and sockets of its own, and wVisor as its runtime.

import { type ChildProcess, spawn } from "node:child_process";
import { openSync, readdirSync, readFileSync, rmdirSync, rmSync, writeFileSync } from "node:fs";
import path from "node:path";
import { type Finished, runCommand } from "../support/cli.ts";
import { WVISOR } from "../support/oci/runtime.ts";

const START_TIMEOUT_MS = 120_000;
const END_TIMEOUT_MS = 30_000;
const CGROUPS = "/sys/fs/cgroup";
/** ctr's, and by that the cgroup of what it runs. */
const NAMESPACE = "wvisor-test";
/** The cgroup of pods. */
export const POD_CGROUP = "wvisor-test-pods";

export interface ContainerdOptions {
  /** Of pods. */
  readonly sandboxImage?: string;
}

/** Without a network for pods: they have the host's. */
const config = (directory: string, { sandboxImage = "" }: ContainerdOptions) => `
version = 2
root = "${directory}/root"
state = "${directory}/state"
[grpc]
  address = "${directory}/socket"
[plugins."io.containerd.internal.v1.opt"]
  path = "${directory}/opt"
[plugins."io.containerd.grpc.v1.cri"]
  sandbox_image = "${sandboxImage}"
  stream_server_address = "127.0.0.1"
  disable_apparmor = true
  restrict_oom_score_adj = true
  [plugins."io.containerd.grpc.v1.cri".cni]
    bin_dir = "${directory}/cni"
    conf_dir = "${directory}/cni"
  [plugins."io.containerd.grpc.v1.cri".containerd]
    snapshotter = "native"
    default_runtime_name = "wvisor"
    [plugins."io.containerd.grpc.v1.cri".containerd.runtimes.wvisor]
      runtime_type = "io.containerd.runc.v2"
      pod_annotations = ["dev.wvisor.*"]
      [plugins."io.containerd.grpc.v1.cri".containerd.runtimes.wvisor.options]
        BinaryName = "${WVISOR}"
`;

export class Containerd {
  readonly socket: string;
  readonly directory: string;
  readonly #process: ChildProcess;

  /** `directory` is short: sockets lie in it. */
  constructor(directory: string, options: ContainerdOptions = {}) {
    this.directory = directory;
    this.socket = path.join(directory, "socket");
    writeFileSync(path.join(directory, "config.toml"), config(directory, options));
    const log = openSync(path.join(directory, "log"), "w");
    this.#process = spawn("containerd", ["--config", path.join(directory, "config.toml")], {
      stdio: ["ignore", log, log],
    });
  }

  /** Until it answers. */
  async started(): Promise<void> {
    const deadline = performance.now() + START_TIMEOUT_MS;
    while (this.run("version").code !== 0) {
      if (this.#process.exitCode !== null || performance.now() > deadline) {
        throw new Error(
          `containerd does not start: ${readFileSync(path.join(this.directory, "log"), "utf8")}`,
        );
      }
      await new Promise((resolve) => setTimeout(resolve, 100));
    }
  }

  /** ctr. */
  run(...args: string[]): Finished {
    return runCommand("ctr", this.arguments(args));
  }

  /**
   * ctr for a program that copies its input: `input` ends only when it has come back. ctr forgets an end that comes before there
   * is a task.
   */
  talk(input: string, ...args: string[]): Promise<Finished> {
    const child = spawn("ctr", this.arguments(args), { stdio: "pipe" });
    let stdout = "";
    let stderr = "";
    child.stderr.setEncoding("utf8").on("data", (text: string) => {
      stderr += text;
    });
    child.stdout.setEncoding("utf8").on("data", (text: string) => {
      stdout += text;
      if (stdout.length >= input.length) child.stdin.end();
    });
    child.stdin.write(input);
    return new Promise((resolve) =>
      child.once("close", (code, signal) => resolve({ code, signal, stdout, stderr })),
    );
  }

  arguments(args: readonly string[], namespace = NAMESPACE): string[] {
    return ["--address", this.socket, "--namespace", namespace, ...args];
  }

  /** For `namespace` "k8s.io", the one of the CRI plugin, too. Throws when it cannot. */
  load(archive: string, namespace = NAMESPACE): void {
    const args = ["images", "import", "--all-platforms", "--snapshotter", "native", archive];
    const { code, stderr } = runCommand("ctr", this.arguments(args, namespace));
    if (code !== 0) throw new Error(`ctr images import: ${stderr}`);
  }

  /** Containers are gone by now. */
  async stop(): Promise<void> {
    const ended = new Promise<void>((resolve) => this.#process.once("exit", () => resolve()));
    this.#process.kill("SIGTERM");
    const timer = setTimeout(() => this.#process.kill("SIGKILL"), END_TIMEOUT_MS);
    await ended;
    clearTimeout(timer);
    rmSync(this.directory, { recursive: true, force: true });
    for (const parent of [NAMESPACE, POD_CGROUP]) removeCgroup(parent);
  }
}

/** What the containers' cgroups were made in; nobody removes that. */
function removeCgroup(name: string): void {
  for (const hierarchy of ["", ...readdirSync(CGROUPS)]) {
    try {
      rmdirSync(path.join(CGROUPS, hierarchy, name));
    } catch {
      // There is none, or it is in use.
    }
  }
}
