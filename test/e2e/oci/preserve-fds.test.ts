// --preserve-fds: descriptors of the caller's that the program gets under the same numbers, and what is none of them.

import { spawnSync } from "node:child_process";
import { closeSync, openSync, readFileSync } from "node:fs";
import path from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { CLI, put, scratchDirectory } from "../../support/cli.ts";
import { buildGuests, guestFile } from "../../support/guests.ts";
import { makeBundle, needsRoot, Runtime } from "../../support/oci/runtime.ts";

const top = scratchDirectory();
const runtime = new Runtime(path.join(top, "root"));
const GUESTS = ["handed", "spin"] as const;
const CRI = "io.kubernetes.cri";

describe.skipIf(needsRoot !== undefined)(
  needsRoot === undefined ? "--preserve-fds" : `left out: ${needsRoot}`,
  () => {
    let input: number;
    let output: number;
    let sink: number;

    const bundle = (args: string[], annotations: Record<string, string> = {}) =>
      makeBundle(path.join(top, args[0]!.replaceAll("/", "_")), {
        args,
        change: (config) => {
          config.annotations = annotations;
        },
        files: {
          ...Object.fromEntries(GUESTS.map((name) => [`bin/${name}`, guestFile(name)])),
          "etc/note": put(top, "note", "a note\n"),
        },
      });
    /** With `fds` as descriptors from 3 on. */
    const call = (fds: number[], ...args: string[]) =>
      spawnSync(runtime.command[0]!, runtime.arguments(args), {
        stdio: ["ignore", sink, "pipe", ...fds],
        encoding: "utf8",
      });
    const shown = () => readFileSync(path.join(top, "sink"), "utf8");

    beforeAll(() => buildGuests(GUESTS));

    afterAll(() => {
      for (const id of ["c1", "member", "other", "pod"]) runtime.code("delete", "--force", id);
      for (const fd of [input, output, sink]) closeSync(fd);
    });

    function open(): void {
      input = openSync(put(top, "input", "asked\n"), "r");
      output = openSync(path.join(top, "output"), "w");
      sink = openSync(path.join(top, "sink"), "w");
    }

    test("of create: read and written under their numbers, with what is preopened behind them", async () => {
      open();
      const directory = bundle(["/bin/handed", "/etc/note"]);
      // The container holds its error stream: nothing may wait for the end of a pipe.
      const created = spawnSync(
        runtime.command[0]!,
        runtime.arguments(["create", "--bundle", directory, "--preserve-fds", "2", "c1"]),
        { stdio: ["ignore", sink, sink, input, output] },
      );
      expect([created.status, shown()]).toEqual([0, ""]);
      expect(runtime.code("start", "c1")).toBe(0);
      await expect.poll(() => runtime.state("c1").status, { timeout: 60_000 }).toBe("stopped");
      expect(shown()).toBe("asked\na note\n");
      expect(readFileSync(path.join(top, "output"), "utf8")).toBe("answered\n");
      expect(runtime.code("delete", "c1")).toBe(0);
    });

    test("of exec", () => {
      expect(runtime.code("create", "--bundle", bundle(["/bin/spin"]), "c1")).toBe(0);
      expect(runtime.code("start", "c1")).toBe(0);
      open();
      const added = call([input, output], "exec", "--preserve-fds", "2", "c1", "/bin/handed", "/etc/note");
      expect([added.status, added.stderr]).toEqual([0, ""]);
      expect(shown()).toBe("asked\na note\n");
      expect(readFileSync(path.join(top, "output"), "utf8")).toBe("answered\n");
    });

    test("of create in the sandbox of a pod: a container's descriptors are its own", async () => {
      // A pause program is looked up, and not run.
      const pod = bundle(["/etc/note"], { [`${CRI}.container-type`]: "sandbox" });
      expect(runtime.code("create", "--bundle", pod, "pod")).toBe(0);
      expect(runtime.code("start", "pod")).toBe(0);
      const member = { [`${CRI}.container-type`]: "container", [`${CRI}.sandbox-id`]: "pod" };
      open();
      const directory = bundle(["/bin/handed", "/etc/note"], member);
      const created = spawnSync(
        runtime.command[0]!,
        runtime.arguments(["create", "--bundle", directory, "--preserve-fds", "2", "member"]),
        { stdio: ["ignore", sink, sink, input, output] },
      );
      expect([created.status, shown()]).toEqual([0, ""]);
      expect(runtime.code("start", "member")).toBe(0);
      await expect.poll(() => runtime.state("member").status, { timeout: 60_000 }).toBe("stopped");
      expect(shown()).toBe("asked\na note\n");
      expect(readFileSync(path.join(top, "output"), "utf8")).toBe("answered\n");
      // The next one has nothing of them.
      open();
      expect(runtime.code("create", "--bundle", directory, "other")).toBe(0);
      expect(runtime.code("start", "other")).toBe(0);
      await expect.poll(() => runtime.state("other").status, { timeout: 60_000 }).toBe("stopped");
      expect(readFileSync(path.join(top, "output"), "utf8")).toBe("");
    });

    test("without the flag a program gets none of them", () => {
      open();
      const added = call([input, output], "exec", "c1", "/bin/handed", "/etc/note");
      expect(added.status).toBe(1);
      expect(shown()).toBe("");
    });

    test("more than there are is refused: Node's own are not given away", () => {
      open();
      for (const count of ["3", "20"]) {
        const added = call(
          [input, output],
          "exec",
          "--preserve-fds",
          count,
          "c1",
          "/bin/handed",
          "/etc/note",
        );
        expect(added.status).toBe(255);
        expect(added.stderr).toContain("descriptor 5 is not open");
      }
      const directly = spawnSync(
        process.execPath,
        [CLI, ...runtime.arguments(["exec", "--preserve-fds", "1", "c1", "/bin/spin"])],
        {
          stdio: ["ignore", "ignore", "pipe", input],
          encoding: "utf8",
          env: {},
        },
      );
      expect(directly.stderr).toContain("descriptor 3 is not open");
    });

    test("a directory is refused, and so is a number that is none", () => {
      open();
      const directory = openSync(top, "r");
      const refused = call([directory], "exec", "--preserve-fds", "1", "c1", "/bin/handed", "/etc/note");
      closeSync(directory);
      expect(refused.status).toBe(255);
      expect(refused.stderr).toContain("descriptor 3 is no file, pipe, socket or character device");
      for (const count of ["-1", "x", "65", "1e1"]) {
        const wrong = call([], "exec", `--preserve-fds=${count}`, "c1", "/bin/spin");
        expect(wrong.stderr).toContain("expected a number up to 64");
      }
    });
  },
);
