// A pod by containerd's CRI plugin, asked as the kubelet asks it: two containers, which share a volume and a sandbox.

import { mkdirSync, mkdtempSync, readdirSync, readFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { put, ROOT, scratchDirectory } from "../support/cli.ts";
import { buildGuests, guestFile } from "../support/guests.ts";
import { compileC, needsRoot } from "../support/oci/runtime.ts";
import { Containerd, POD_CGROUP } from "./containerd.ts";
import {
  CONTAINER_EXITED,
  CONTAINER_RUNNING,
  CriClient,
  MODE_CONTAINER,
  MODE_NODE,
  MODE_POD,
} from "./cri.ts";
import { install } from "./debian.ts";
import { makeImage } from "./image.ts";
import type { Message } from "./protobuf.ts";

const missing = needsRoot ?? install("containerd", "containerd");
const GUESTS = ["spin", "cat", "exit-code", "write", "echo-args-env"] as const;
const IMAGE = "localhost/guests:1";
const PAUSE_IMAGE = "localhost/pause:1";
const POLL = { timeout: 60_000 };
const top = scratchDirectory();
const volume = path.join(top, "volume");

/** The network is the host's, so that no CNI plugin is needed. */
const namespace_options = { network: MODE_NODE, pid: MODE_CONTAINER, ipc: MODE_POD };
const POD: Message = {
  metadata: { name: "pod", uid: "0123", namespace: "default", attempt: 0 },
  log_directory: path.join(top, "logs"),
  linux: { cgroup_parent: `/${POD_CGROUP}`, security_context: { namespace_options } },
};

/** Of all processes. */
function commandLines(): string[] {
  const pids = readdirSync("/proc").filter((name) => /^\d+$/.test(name));
  return pids.map((pid) => {
    try {
      return readFileSync(`/proc/${pid}/cmdline`, "latin1");
    } catch {
      // Gone meanwhile.
      return "";
    }
  });
}

describe.skipIf(missing !== undefined)(missing === undefined ? "a pod" : `left out: ${missing}`, () => {
  let containerd: Containerd;
  let cri: CriClient;
  let pod: string;

  /** Its id. */
  async function create(name: string, ...command: string[]): Promise<string> {
    const config = {
      metadata: { name, attempt: 0 },
      image: { image: IMAGE },
      command,
      working_dir: "/data",
      envs: [{ key: "NAME", value: name }],
      mounts: [{ container_path: "/shared", host_path: volume, readonly: name === "reader" }],
      log_path: `${name}.log`,
      linux: { security_context: { namespace_options } },
    };
    const created = await cri.call("CreateContainer", { pod_sandbox_id: pod, config, sandbox_config: POD });
    return created.container_id as string;
  }

  const start = (container_id: string) => cri.call("StartContainer", { container_id });
  const remove = async (container_id: string) => {
    await cri.call("StopContainer", { container_id, timeout: 20 });
    await cri.call("RemoveContainer", { container_id });
  };
  const status = async (container_id: string) =>
    (await cri.call("ContainerStatus", { container_id })).status as Message;
  const exec = (container_id: string, ...cmd: string[]) =>
    cri.call("ExecSync", { container_id, cmd, timeout: 100 });

  beforeAll(async () => {
    await buildGuests(GUESTS);
    mkdirSync(volume);
    containerd = new Containerd(mkdtempSync(path.join(tmpdir(), "wv-cri-")), { sandboxImage: PAUSE_IMAGE });
    await containerd.started();
    const pause = compileC(path.join(ROOT, "test/support/oci/pause.c"), path.join(top, "pause"));
    const archive = (
      name: string,
      options: Omit<Parameters<typeof makeImage>[1], "name">,
      directory: string,
    ) => containerd.load(makeImage(path.join(top, directory), { ...options, name }), "k8s.io");
    archive(PAUSE_IMAGE, { files: { pause }, entrypoint: ["/pause"] }, "pause-image");
    const files = Object.fromEntries(GUESTS.map((name) => [`${name}.wasm`, guestFile(name)]));
    const note = put(top, "note", "of the image\n");
    archive(
      IMAGE,
      { files: { ...files, "data/note": note }, directories: ["tmp"], env: ["PATH=/"] },
      "image",
    );
    cri = new CriClient(containerd.socket);
    const run = await cri.call("RunPodSandbox", { config: POD, runtime_handler: "wvisor" });
    pod = run.pod_sandbox_id as string;
  });

  afterAll(async () => {
    cri.close();
    await containerd.stop();
  });

  test("the runtime answers", async () => {
    expect((await cri.call("Version", {})).runtime_name).toBe("containerd");
  });

  test("the pod is ready, though its pause program is one of Linux's: nothing runs it", async () => {
    const answer = await cri.call("PodSandboxStatus", { pod_sandbox_id: pod });
    // Ready is 0, which is not sent.
    expect(answer.status).toEqual({ id: pod });
  });

  describe("two containers", () => {
    let writer: string;
    let reader: string;

    beforeAll(async () => {
      writer = await create("writer", "/spin.wasm");
      reader = await create("reader", "/spin.wasm");
      await start(writer);
      await start(reader);
    });

    afterAll(async () => {
      await remove(writer);
      await remove(reader);
    });

    test("run", async () => {
      expect(await status(writer)).toMatchObject({ id: writer, state: CONTAINER_RUNNING });
      expect(await status(reader)).toMatchObject({ id: reader, state: CONTAINER_RUNNING });
    });

    test("share a volume, which one may write to", async () => {
      expect(await exec(writer, "/write.wasm", "/shared/note", "from the other")).toEqual({});
      expect(await exec(reader, "/cat.wasm", "/shared/note")).toEqual({ stdout: "from the other\n" });
      expect(readFileSync(path.join(volume, "note"), "utf8")).toBe("from the other\n");
      const refused = await exec(reader, "/write.wasm", "/shared/note", "x");
      expect(refused).toEqual({ stderr: "write: /shared/note: ROFS\n", exit_code: 1 });
    });

    test("see nothing else of each other's files", async () => {
      expect(await exec(writer, "/write.wasm", "/data/own", "text")).toEqual({});
      expect(await exec(reader, "/cat.wasm", "/data/own")).toMatchObject({ exit_code: 1 });
    });

    test("have the environment and the working directory that they were given", async () => {
      const { stdout } = await exec(writer, "/echo-args-env.wasm");
      expect(stdout).toContain("env 11: NAME=writer\n");
      expect(await exec(reader, "/cat.wasm", "/proc/self/cwd/note")).toEqual({ stdout: "of the image\n" });
    });

    test("count their processes from 1, each its own", async () => {
      for (const container of [writer, reader]) {
        // In the sandbox as a whole that is the number of the pod's own process.
        expect(await exec(container, "/cat.wasm", "/proc/1/cmdline")).toEqual({ stdout: "/spin.wasm\0" });
        const { stdout } = await exec(container, "/cat.wasm", "/proc/self/status");
        expect(stdout).toMatch(/^NSpid:\t([2-9]|1\d)$/m);
      }
    });

    test("are in one sandbox: one process of Node's runs both", () => {
      expect(commandLines().filter((line) => line.includes(pod) && line.includes("\0boot\0"))).toHaveLength(
        1,
      );
    });

    test("an exec's exit code, and one that takes too long", async () => {
      expect(await exec(writer, "/exit-code.wasm", "9")).toEqual({ exit_code: 9 });
      const slow = cri.call("ExecSync", { container_id: writer, cmd: ["/spin.wasm"], timeout: 1 });
      await expect(slow).rejects.toThrow("timeout");
      expect(await status(writer)).toMatchObject({ state: CONTAINER_RUNNING });
    });
  });

  test("what a container prints is in the log that the kubelet reads, and its exit code is told", async () => {
    const failing = await create("failing", "/cat.wasm", "/data/note", "/nothing");
    await start(failing);
    await expect.poll(async () => (await status(failing)).state, POLL).toBe(CONTAINER_EXITED);
    expect(await status(failing)).toMatchObject({ exit_code: 1, reason: "Error" });
    const log = readFileSync(path.join(top, "logs/failing.log"), "utf8");
    expect(log).toMatch(/ stdout F of the image$/m);
    expect(log).toMatch(/ stderr F cat: \/nothing: NOENT$/m);
    await remove(failing);
  });

  test("a container that spins is stopped by SIGTERM, and one is made anew under its name", async () => {
    const first = await create("again", "/spin.wasm");
    await start(first);
    await cri.call("StopContainer", { container_id: first, timeout: 50 });
    expect(await status(first)).toMatchObject({ state: CONTAINER_EXITED, exit_code: 143 });
    await cri.call("RemoveContainer", { container_id: first });
    const second = await create("again", "/cat.wasm", "/data/note");
    await start(second);
    await expect.poll(async () => (await status(second)).state, POLL).toBe(CONTAINER_EXITED);
    await remove(second);
  });

  test("a program that is not there is an error of the start", async () => {
    const absent = await create("absent", "/nothing");
    await expect(start(absent)).rejects.toThrow("no such file or directory");
    await remove(absent);
  });

  test("the pod is stopped and removed, and nothing is left of it", async () => {
    await cri.call("StopPodSandbox", { pod_sandbox_id: pod });
    expect((await cri.call("PodSandboxStatus", { pod_sandbox_id: pod })).status).toMatchObject({ state: 1 });
    await cri.call("RemovePodSandbox", { pod_sandbox_id: pod });
    expect(commandLines().filter((line) => line.includes(pod))).toEqual([]);
  });
});
