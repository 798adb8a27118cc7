// `wvisor boot` as an engine's runtime would start it, but for the anchor: with a socket that listens, and a gofer.

import { type ChildProcess, spawn } from "node:child_process";
import { closeSync, mkdirSync, openSync } from "node:fs";
import path from "node:path";
import { O_PATH } from "../../../assembly/abi/fcntl.ts";
import { goferMounts } from "../../../src/host/boot/filesystems.ts";
import { SandboxClient } from "../../../src/host/container/sandbox-client.ts";
import { disconnectGofer, startGofer } from "../../../src/host/sandbox/gofer-process.ts";
import { loadBundle } from "../../../src/host/spec/bundle.ts";
import { launcherPath } from "../../../src/native/index.ts";
import { UrpcClient } from "../../../src/urpc/client.ts";
import { CLI, type Finished } from "../cli.ts";
import { expectNoFault } from "../faults.ts";
import { requireNative } from "../gofer.ts";

const PATH_SLOT = 14;
const CLIENT_SLOT = 13;
const FIRST_FD = 3;
const SOCK_STREAM = 1;
const native = requireNative();

export class BootedSandbox {
  /** Where its control socket is, as "control". */
  readonly directory: string;
  readonly bundle: string;
  readonly process: ChildProcess;
  readonly exit: Promise<Finished>;
  readonly #gofer: number;

  /** `directory` is made, for the socket. `extra`: descriptors behind those of the gofer, which stay the caller's. */
  constructor(
    directory: string,
    bundle: string,
    flags: readonly string[] = [],
    extra: readonly number[] = [],
  ) {
    this.directory = directory;
    this.bundle = bundle;
    mkdirSync(directory, { recursive: true });
    native.registerMemory(PATH_SLOT, new TextEncoder().encode(`${path.join(directory, "control")}\0`));
    const controller = native.listenUnix(PATH_SLOT, 0);
    if (controller < 0) throw new Error(`listening: errno ${-controller}`);
    const config = loadBundle({ id: "x", bundle, overlay: "none", warn: () => {} });
    const gofer = startGofer(native, goferMounts(config), { confinement: "native" });
    this.#gofer = gofer.pid;
    const fds = [controller, ...gofer.sockets, ...extra];
    const io = gofer.sockets.map((_socket, index) => FIRST_FD + 1 + index);
    const args = [`--fds=${FIRST_FD + fds.length}`, "--", process.execPath, "--no-warnings", CLI, "boot"];
    const own = [`--bundle=${bundle}`, `--controller-fd=${FIRST_FD}`, `--io-fds=${io.join(",")}`];
    this.process = spawn(launcherPath(), [...args, ...own, ...flags], {
      stdio: ["ignore", "pipe", "pipe", ...fds],
    });
    closeSync(controller);
    disconnectGofer(native, gofer);
    this.exit = this.#collect();
  }

  #collect(): Promise<Finished> {
    const output = { stdout: "", stderr: "" };
    for (const name of ["stdout", "stderr"] as const) {
      this.process[name]!.setEncoding("utf8").on("data", (text: string) => {
        output[name] += text;
      });
    }
    return new Promise((resolve) => {
      this.process.on("close", (code, signal) => {
        native.waitpid(this.#gofer, 1);
        resolve(expectNoFault("wvisor boot", { code, signal, ...output }));
      });
    });
  }

  /** (blocks) A method of the container manager. Errors: WvisorError with the sandbox's words. */
  manager(method: string, arg: unknown, files: readonly number[] = []): unknown {
    const client = new SandboxClient(native, this.directory);
    try {
      return client.call(method, arg, files);
    } finally {
      client.close();
    }
  }

  /** (blocks) Any method, by its whole name. Errors: WvisorError. */
  call(method: string, arg: unknown = null): unknown {
    const client = this.connect();
    try {
      return client.call(method, arg).result;
    } finally {
      client.close();
    }
  }

  /** The container's, which the sandbox made up. */
  id(): string {
    return /^container (\w+):/.exec(String(this.call("debug.Stacks")))![1]!;
  }

  /** A connection of the caller's. */
  connect(): UrpcClient {
    const place = openSync(path.join(this.directory, "control"), O_PATH);
    const fd = native.connectUnix(place, SOCK_STREAM);
    closeSync(place);
    if (fd < 0) throw new Error(`connecting: errno ${-fd}`);
    return new UrpcClient(native, fd, CLIENT_SLOT);
  }

  /** Ends it, whatever it is at. */
  async kill(): Promise<void> {
    this.process.kill("SIGKILL");
    await this.exit;
  }
}
