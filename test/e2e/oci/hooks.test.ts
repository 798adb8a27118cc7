// The hooks of a bundle: when they run, what they are told, and what becomes of a container whose hooks fail. The same is asked of
// runc, where Debian's package can be had.

import { readFileSync, rmSync } from "node:fs";
import path from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { install } from "../../interop/debian.ts";
import { put, ROOT, scratchDirectory } from "../../support/cli.ts";
import { buildGuests, guestFile } from "../../support/guests.ts";
import { compileC, makeBundle, needsRoot, Runtime } from "../../support/oci/runtime.ts";

const top = scratchDirectory();
const KINDS = ["prestart", "createRuntime", "createContainer", "poststart", "poststop"] as const;

/** Appends to a file what it is told: its kind and number, its namespaces, its working directory, its environment, its input. */
const HOOK = `#!/bin/sh
{
  echo "kind=$1 $2"
  echo "uts=$(readlink /proc/self/ns/uts)"
  echo "cwd=$(pwd)"
  echo "secret=\${SECRET-none} given=\${GIVEN-none}"
  cat /dev/stdin
  echo
} >> "$3"
echo told > /dev/stdout; echo complained > /dev/stderr
exit "$4"
`;

interface Told {
  readonly kind: string;
  readonly uts: string;
  readonly cwd: string;
  readonly variables: string;
  readonly state: Readonly<Record<string, unknown>>;
}

const noRunc = needsRoot ?? install("runc", "runc");
const candidates = [
  { name: "wvisor", runtime: new Runtime(path.join(top, "wvisor-root")), missing: needsRoot },
  { name: "runc", runtime: new Runtime(path.join(top, "runc-root"), ["runc"]), missing: noRunc },
] as const;

beforeAll(() => buildGuests(["spin", "exit-code", "stdin-copy"]));

for (const { name, runtime, missing } of candidates) {
  describe.skipIf(missing !== undefined)(
    missing === undefined ? name : `${name}: left out, ${missing}`,
    () => {
      const ours = name === "wvisor";
      const log = path.join(top, `${name}.log`);
      const hook = put(top, "hook.sh", HOOK);
      let program: string;

      const describeHook = (kind: string, index: number, code: number) => ({
        path: "/bin/sh",
        args: ["sh", hook, kind, String(index), log, String(code)],
        env: ["GIVEN=by the bundle", "PATH=/bin:/usr/bin"],
      });

      /** Two hooks of each kind; those that `codes` names exit with what it says. */
      function bundleWith(
        codes: Readonly<Record<string, number>>,
        changed: Record<string, unknown> = {},
      ): string {
        const kinds = KINDS.map((kind) => [
          kind,
          [0, 1].map((at) => describeHook(kind, at, codes[`${kind} ${at}`] ?? 0)),
        ]);
        const hooks = { ...Object.fromEntries(kinds), ...changed };
        return makeBundle(path.join(top, `${name}-bundle`), {
          args: ["/bin/forever"],
          files: { "bin/forever": program, "bin/exit-code": guestFile("exit-code") },
          change: (config) => Object.assign(config, { hooks }),
        });
      }

      function told(): Told[] {
        const text = readFileSync(log, "utf8");
        const found = [...text.matchAll(/kind=(.*)\nuts=(.*)\ncwd=(.*)\n(.*)\n(.*)\n/g)];
        return found.map(([, kind, uts, cwd, variables, state]) => ({
          kind: kind!,
          uts: uts!,
          cwd: cwd!,
          variables: variables!,
          state: JSON.parse(state!) as Told["state"],
        }));
      }

      const kinds = () => told().map(({ kind }) => kind);
      const both = (...names: string[]) => names.flatMap((each) => [`${each} 0`, `${each} 1`]);
      const create = (bundle: string) => runtime.code("create", "--bundle", bundle, "c1");

      beforeAll(() => {
        program = ours
          ? guestFile("spin")
          : compileC(path.join(ROOT, "test/support/oci/pause.c"), path.join(top, "pause"));
      });

      afterAll(() => {
        runtime.code("delete", "--force", "c1");
      });

      test("run in their order, in the bundle or the root directory, with the state as input", () => {
        rmSync(log, { force: true });
        const bundle = bundleWith({});
        expect(create(bundle)).toBe(0);
        const { pid } = runtime.state("c1");
        const first = both("prestart", "createRuntime", "createContainer");
        expect(kinds().slice(0, 6)).toEqual(first);
        expect(runtime.code("start", "c1")).toBe(0);
        expect(kinds()).toEqual([...first, ...both("poststart")]);
        expect(runtime.code("delete", "--force", "c1")).toBe(0);
        expect(kinds()).toEqual([...first, ...both("poststart", "poststop")]);

        const [prestart, , createRuntime, , createContainer, , poststart, , poststop] = told();
        const state = { id: "c1", bundle, annotations: { "org.example.key": "value" } };
        expect(prestart!.state).toMatchObject({ ...state, pid, status: "creating" });
        expect(createRuntime!.state).toMatchObject({ ...state, pid, status: "creating" });
        // In the container's own namespaces, before its root directory is changed.
        expect(createContainer!.state).toMatchObject({ ...state, pid: 1, status: "creating" });
        expect(createContainer!.cwd).toBe(path.join(bundle, "rootfs"));
        expect(createContainer!.uts).not.toBe(createRuntime!.uts);
        // runc 1.1 is too early here; the specification says "after start".
        expect(poststart!.state).toMatchObject({ ...state, pid, status: ours ? "running" : "created" });
        expect(poststop!.state).toMatchObject({ ...state, status: "stopped" });
        for (const { cwd, uts } of [prestart!, createRuntime!, poststart!]) {
          expect({ cwd, uts }).toEqual({ cwd: bundle, uts: createRuntime!.uts });
        }
      });

      test.each(["prestart", "createRuntime", "createContainer"])(
        "a %s hook that fails fails create",
        (kind) => {
          rmSync(log, { force: true });
          const { code, stderr } = runtime.run("create", "--bundle", bundleWith({ [`${kind} 0`]: 3 }), "c1");
          expect(code).toBe(1);
          // runc may lose its words to the end of its own child.
          if (ours || !stderr.includes("read init-p")) {
            expect(stderr).toContain("error running hook #0: error running hook: exit status 3");
            expect(stderr).toContain("stdout: told");
            expect(stderr).toContain("stderr: complained");
          }
          const before = KINDS.slice(0, KINDS.indexOf(kind as "prestart"));
          expect(kinds()).toEqual([...both(...before), `${kind} 0`, ...both("poststop")]);
          expect(runtime.run("state", "c1").code).toBe(1);
        },
      );

      test("a poststart hook that fails ends the container", () => {
        rmSync(log, { force: true });
        const failing = bundleWith({ "poststart 1": 3 });
        if (ours) {
          expect(create(failing)).toBe(0);
          const { code, stderr } = runtime.run("start", "c1");
          expect(code).toBe(1);
          expect(stderr).toContain("error running hook #1: error running hook: exit status 3");
          expect(runtime.state("c1").status).toBe("stopped");
          expect(runtime.code("delete", "c1")).toBe(0);
        } else {
          expect(create(failing)).toBe(1);
        }
        expect(kinds().slice(-4)).toEqual(both("poststart", "poststop"));
      });

      test("a poststop hook that fails keeps nothing from being deleted", () => {
        rmSync(log, { force: true });
        expect(create(bundleWith({ "poststop 0": 3 }))).toBe(0);
        const { code, stderr } = runtime.run("delete", "--force", "c1");
        expect(code).toBe(0);
        expect(stderr).toContain("hook #0: error running hook: exit status 3");
        expect(runtime.run("state", "c1").code).toBe(1);
      });

      test("one that takes too long is killed", () => {
        const bundle = bundleWith(
          {},
          { prestart: [{ path: "/bin/sleep", args: ["sleep", "1000"], timeout: 1 }] },
        );
        const { code, stderr } = runtime.run("create", "--bundle", bundle, "c1");
        expect(code).toBe(1);
        expect(stderr).toContain("error running hook #0: hook ran past specified timeout of 1.0s");
      });

      test("a program that is not there, and one that is killed", () => {
        const missingHook = bundleWith({}, { prestart: [{ path: "/nonexistent/hook" }] });
        const notThere = runtime.run("create", "--bundle", missingHook, "c1");
        expect(notThere.code).toBe(1);
        expect(notThere.stderr).toContain("/nonexistent/hook");
        expect(notThere.stderr.toLowerCase()).toContain("no such file or directory");
        const killed = bundleWith(
          {},
          { createContainer: [{ path: "/bin/sh", args: ["sh", "-c", "kill -9 $$"] }] },
        );
        const ended = runtime.run("create", "--bundle", killed, "c1");
        expect(ended.code).toBe(1);
        expect(ended.stderr).toMatch(/error running hook: (signal: killed|exit status 137)/);
      });

      test("a hook that reads nothing and prints a lot", () => {
        const script = "head -c 300000 /dev/zero; head -c 300000 /dev/zero >&2";
        const bundle = bundleWith(
          {},
          { prestart: [{ path: "/bin/sh", args: ["sh", "-c", script], env: ["PATH=/usr/bin:/bin"] }] },
        );
        expect(create(bundle)).toBe(0);
        expect(runtime.code("delete", "--force", "c1")).toBe(0);
      });
    },
  );
}

describe.skipIf(needsRoot !== undefined)(
  needsRoot === undefined ? "hooks here" : `left out: ${needsRoot}`,
  () => {
    const runtime = candidates[0].runtime;

    function bundle(name: string, hooks: Record<string, unknown>): string {
      return makeBundle(path.join(top, name), {
        args: ["/bin/spin"],
        files: {
          "bin/spin": guestFile("spin"),
          "bin/exit-code": guestFile("exit-code"),
          "bin/stdin-copy": guestFile("stdin-copy"),
        },
        change: (config) => Object.assign(config, { hooks }),
      });
    }

    afterAll(() => {
      runtime.code("delete", "--force", "h1");
    });

    const create = (directory: string) => runtime.run("create", "--bundle", directory, "h1");

    test("have the environment of the bundle and nothing of the caller's, and no descriptor", () => {
      const script = `{ /usr/bin/env; /bin/ls -l /proc/self/fd; } > ${top}/environment`;
      const directory = bundle("clean", {
        createRuntime: [{ path: "/bin/sh", args: ["sh", "-c", script], env: ["GIVEN=x"] }],
        createContainer: [
          { path: "/bin/sh", args: ["sh", "-c", `/bin/ls -l /proc/self/fd > ${top}/inside`] },
        ],
      });
      expect(runtime.code("create", "--bundle", directory, "h1")).toBe(0);
      const text = readFileSync(path.join(top, "environment"), "utf8");
      expect(text).toContain("GIVEN=x\n");
      expect(text).not.toMatch(/^(HOME|XDG|NODE)/m);
      for (const file of ["environment", "inside"]) {
        const open = readFileSync(path.join(top, file), "utf8").match(/(\d+) -> (?!\/proc\/)/g);
        expect(open).toEqual(["0 -> ", "1 -> ", "2 -> "]);
      }
      expect(runtime.code("delete", "--force", "h1")).toBe(0);
    });

    test("startContainer hooks are programs of the container, in its sandbox", () => {
      const copies = { path: "/bin/stdin-copy", args: ["stdin-copy"] };
      expect(runtime.code("create", "--bundle", bundle("good", { startContainer: [copies] }), "h1")).toBe(0);
      expect(runtime.code("start", "h1")).toBe(0);
      expect(runtime.state("h1").status).toBe("running");
      expect(JSON.parse(runtime.run("ps", "--format", "json", "h1").stdout)).toHaveLength(1);
      expect(runtime.code("delete", "--force", "h1")).toBe(0);

      const fails = { path: "/bin/exit-code", args: ["exit-code", "4"] };
      const failing = bundle("bad", { startContainer: [copies, fails] });
      expect(runtime.code("create", "--bundle", failing, "h1")).toBe(0);
      const { code, stderr } = runtime.run("start", "h1");
      expect(code).toBe(1);
      expect(stderr).toContain("error running hook #1: error running hook: exit status 4");
      expect(runtime.state("h1").status).toBe("stopped");
      expect(runtime.code("delete", "h1")).toBe(0);

      const endless = bundle("endless", { startContainer: [{ path: "/bin/spin", timeout: 1 }] });
      expect(runtime.code("create", "--bundle", endless, "h1")).toBe(0);
      expect(runtime.run("start", "h1").stderr).toContain("hook ran past specified timeout of 1.0s");
      expect(runtime.code("delete", "h1")).toBe(0);
    });

    // The host's /bin/sh is nothing to a container.
    test("a startContainer hook of the host's is not found", () => {
      const directory = bundle("host", {
        startContainer: [{ path: "/bin/sh", args: ["sh", "-c", "exit 0"] }],
      });
      expect(runtime.code("create", "--bundle", directory, "h1")).toBe(0);
      expect(runtime.run("start", "h1").stderr).toContain("no such file or directory");
      expect(runtime.code("delete", "h1")).toBe(0);
    });

    test.each([
      ["hooks.prestart[0].path", [{ path: "relative" }]],
      ["hooks.prestart[0].path", [{}]],
      ["hooks.prestart[0].timeout", [{ path: "/bin/true", timeout: 0 }]],
      ["hooks.prestart[0].env[0]", [{ path: "/bin/true", env: ["NAME"] }]],
      ["hooks.prestart[0].args[0]", [{ path: "/bin/true", args: ["a\0b"] }]],
      ["hooks.prestart", "text"],
    ])("%s that is wrong: %j", (field, prestart) => {
      const { code, stderr } = create(bundle("wrong", { prestart }));
      expect(code).toBe(1);
      expect(stderr).toContain(`config.json: ${field}: `);
    });
  },
);
