// The life of a container, call by call and state by state: what runc does is what engines expect. The same calls are made to
// runc, where Debian's package can be had.

import path from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { install } from "../../interop/debian.ts";
import { ROOT, scratchDirectory } from "../../support/cli.ts";
import { buildGuests, guestFile } from "../../support/guests.ts";
import { compileC, makeBundle, needsRoot, Runtime } from "../../support/oci/runtime.ts";

const top = scratchDirectory();

interface Candidate {
  readonly name: string;
  readonly runtime: Runtime;
  /** Why it cannot be asked. */
  readonly missing: string | undefined;
  /** A program that runs until it is told not to. */
  readonly program: () => string;
}

const noRunc = needsRoot ?? install("runc", "runc");
const candidates: readonly Candidate[] = [
  {
    name: "wvisor",
    runtime: new Runtime(path.join(top, "wvisor-root")),
    missing: needsRoot,
    program: () => guestFile("spin"),
  },
  {
    name: "runc",
    runtime: new Runtime(path.join(top, "runc-root"), ["runc"]),
    missing: noRunc,
    program: () => compileC(path.join(ROOT, "test/support/oci/pause.c"), path.join(top, "pause")),
  },
];

beforeAll(() => buildGuests(["spin"]));

for (const { name, runtime, missing, program } of candidates) {
  const title = missing === undefined ? name : `${name}: left out, ${missing}`;
  describe.skipIf(missing !== undefined)(title, () => {
    let bundle: string;

    beforeAll(() => {
      bundle = makeBundle(path.join(top, `${name}-bundle`), {
        args: ["/bin/forever"],
        files: { "bin/forever": program() },
      });
    });

    afterAll(() => {
      for (const id of ["c1", "c2", "c3"]) runtime.code("delete", "--force", id);
    });

    const create = (id: string) => runtime.code("create", "--bundle", bundle, id);

    test("nothing is there at first", () => {
      for (const command of ["state", "start", "kill", "delete"]) {
        const { code, stderr } = runtime.run(command, "c1");
        expect({ command, code }).toEqual({ command, code: 1 });
        expect(stderr).toContain("does not exist");
      }
      expect(runtime.code("delete", "--force", "c1")).toBe(0);
    });

    test.each(["bad/id", "..", "/x", "", "a b", "ü"])("an id may not be %j", (id) => {
      expect(create(id)).toBe(1);
    });

    test("created, running, stopped, deleted", async () => {
      expect(create("c1")).toBe(0);
      expect(runtime.state("c1")).toMatchObject({
        id: "c1",
        status: "created",
        bundle,
        annotations: { "org.example.key": "value" },
      });
      expect(create("c1")).toBe(1);
      expect(runtime.run("create", "--bundle", bundle, "c1").stderr).toContain("already exists");

      expect(runtime.code("start", "c1")).toBe(0);
      const { status, pid } = runtime.state("c1");
      expect(status).toBe("running");
      expect(pid).toBeGreaterThan(0);
      expect(runtime.run("start", "c1").code).toBe(1);
      expect(runtime.run("delete", "c1").code).toBe(1);
      expect(JSON.parse(runtime.run("ps", "--format", "json", "c1").stdout)).toEqual([pid]);
      expect(runtime.run("list", "-q").stdout).toBe("c1\n");

      expect(runtime.run("kill", "c1", "NOSUCH").code).toBe(1);
      expect(runtime.run("kill", "c1", "SIGKILL").code).toBe(0);
      await expect.poll(() => runtime.state("c1").status, { timeout: 30_000 }).toBe("stopped");
      expect(runtime.state("c1").pid).toBe(0);
      expect(runtime.run("start", "c1").code).toBe(1);
      expect(runtime.run("kill", "c1", "9").stderr).toContain("container not running");
      expect(runtime.run("kill", "c1", "9").code).toBe(1);
      expect(runtime.run("kill", "--all", "c1", "9").code).toBe(0);
      expect(runtime.run("exec", "c1", "/bin/forever").code).toBe(255);

      expect(runtime.run("delete", "c1").code).toBe(0);
      expect(runtime.run("delete", "c1").code).toBe(1);
      expect(runtime.run("list", "-f", "json").stdout.trim()).toMatch(/^(\[\]|null)$/);
    });

    test("one that was created can be killed and deleted", async () => {
      expect(create("c2")).toBe(0);
      expect(runtime.run("kill", "c2", "KILL").code).toBe(0);
      await expect.poll(() => runtime.state("c2").status, { timeout: 30_000 }).toBe("stopped");
      expect(runtime.run("delete", "c2").code).toBe(0);
      expect(create("c2")).toBe(0);
      expect(runtime.run("delete", "--force", "c2").code).toBe(0);
      expect(runtime.run("state", "c2").code).toBe(1);
    });

    test("one that runs is deleted by force", () => {
      expect(create("c3")).toBe(0);
      expect(runtime.code("start", "c3")).toBe(0);
      expect(runtime.run("delete", "--force", "c3").code).toBe(0);
      expect(runtime.run("state", "c3").code).toBe(1);
    });

    test("a program that is not there is an error of create", () => {
      const config = (args: string[]) =>
        makeBundle(path.join(top, `${name}-${args[0]!.replaceAll("/", "_")}`), {
          args,
          files: { "bin/forever": program() },
        });
      const missingPath = runtime.run("create", "--bundle", config(["/bin/nothing"]), "c1");
      expect(missingPath.code).toBe(1);
      expect(missingPath.stderr).toContain("stat /bin/nothing: no such file or directory");
      const missingName = runtime.run("create", "--bundle", config(["nothing"]), "c1");
      expect(missingName.code).toBe(1);
      expect(missingName.stderr).toContain("executable file not found in $PATH");
      expect(runtime.run("state", "c1").code).toBe(1);
    });
  });
}
