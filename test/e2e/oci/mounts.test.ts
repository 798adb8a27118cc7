// The mounts of containers: what a program sees of them, and what whoever joins the container's namespaces does. The same bundles go to
// runc, where Debian's package can be had.

import { spawn } from "node:child_process";
import { existsSync, mkdirSync, readdirSync, readFileSync, symlinkSync, writeFileSync } from "node:fs";
import path from "node:path";
import { afterAll, afterEach, beforeAll, describe, expect, test } from "vitest";
import { install } from "../../interop/debian.ts";
import { put, ROOT, scratchDirectory } from "../../support/cli.ts";
import { buildGuests, guestFile } from "../../support/guests.ts";
import {
  buildMonitor,
  compileC,
  Monitored,
  makeBundle,
  needsRoot,
  Runtime,
} from "../../support/oci/runtime.ts";

const SWAPPER = path.join(ROOT, "test/support/swapper.mjs");
const ADDON = path.join(ROOT, "build/native/wv.node");

const top = scratchDirectory();
const noRunc = needsRoot ?? install("runc", "runc");
const candidates = [
  {
    name: "wvisor",
    runtime: new Runtime(path.join(top, "wvisor-root")),
    missing: needsRoot,
    program: () => guestFile("probe-files"),
  },
  {
    name: "runc",
    runtime: new Runtime(path.join(top, "runc-root"), ["/usr/sbin/runc"]),
    missing: noRunc,
    program: () => compileC(path.join(ROOT, "test/support/oci/probe-files.c"), path.join(top, "probe-files")),
  },
];

interface Mount {
  readonly destination: string;
  readonly type?: string;
  readonly source?: string;
  readonly options?: readonly string[];
}

interface Spec {
  readonly mounts?: readonly Mount[];
  readonly readonly?: boolean;
  readonly cwd?: string;
  readonly linux?: object;
  /** Files of the root directory. */
  readonly files?: Readonly<Record<string, string>>;
  /** Links in the root directory, and where they lead. */
  readonly links?: Readonly<Record<string, string>>;
}

const bind = (source: string, destination: string, ...options: string[]): Mount => ({
  destination,
  type: "bind",
  source,
  options: ["rbind", ...options],
});

let count = 0;

/** A bundle of its own whose program does `operations`; its directory. */
function makeProbe(program: string, operations: readonly string[], spec: Spec): string {
  const directory = path.join(top, `bundle-${count++}`);
  for (const [name, text] of Object.entries(spec.files ?? {})) put(directory, `rootfs/${name}`, text);
  for (const [name, target] of Object.entries(spec.links ?? {})) {
    mkdirSync(path.dirname(path.join(directory, "rootfs", name)), { recursive: true });
    symlinkSync(target, path.join(directory, "rootfs", name));
  }
  return makeBundle(directory, {
    args: ["/bin/probe", ...operations],
    files: { "bin/probe": program },
    change: (config) => {
      config.root = { path: "rootfs", readonly: spec.readonly ?? false };
      (config.mounts as Mount[]).push(...(spec.mounts ?? []));
      Object.assign(config.process as object, { cwd: spec.cwd ?? "/" });
      Object.assign(config.linux as object, spec.linux);
    },
  });
}

/** A directory of the host with files. */
function makeVolume(files: Readonly<Record<string, string>>): string {
  const directory = path.join(top, `volume-${count++}`);
  mkdirSync(directory);
  for (const [name, text] of Object.entries(files)) put(directory, name, text);
  return directory;
}

beforeAll(async () => {
  buildMonitor();
  await buildGuests(["probe-files", "spin"]);
});

for (const { name, runtime, missing, program } of candidates) {
  const title = missing === undefined ? name : `${name}: left out, ${missing}`;
  describe.skipIf(missing !== undefined)(title, () => {
    const id = `mounts-${name}`;

    afterEach(() => {
      runtime.code("delete", "--force", id);
    });

    afterAll(() => {
      expect(existsSync(runtime.root) ? readdirSync(runtime.root) : []).toEqual([]);
    });

    /** What the program says of each operation, run as a container. */
    async function probe(operations: readonly string[], spec: Spec, ...flags: string[]): Promise<string[]> {
      const directory = makeProbe(program(), operations, spec);
      const pidFile = path.join(top, `pid-${count++}`);
      const command = ["run", "--detach", "--bundle", directory, "--pid-file", pidFile, ...flags, id];
      const monitor = new Monitored(runtime, pidFile, command);
      const { code } = await monitor.started();
      expect({ code, errors: monitor.errors }).toEqual({ code: 0, errors: "" });
      expect(await monitor.ended()).toBe("exited 0");
      expect(runtime.run("delete", id).code).toBe(0);
      return answersIn(monitor.output, operations);
    }

    /** A container that waits to be started; the root directory that its process has. */
    function create(spec: Spec, ...flags: string[]): string {
      const directory = makeProbe(program(), [], spec);
      expect(runtime.code("create", "--bundle", directory, ...flags, id)).toBe(0);
      return `/proc/${runtime.state(id).pid}/root`;
    }

    test("binds: of directories and files, read-only by the last of ro and rw, in each other (V21-26, V21-27)", async () => {
      const outer = makeVolume({ note: "outer", "inner/hidden": "" });
      const inner = makeVolume({ note: "inner" });
      const file = path.join(makeVolume({ single: "one file" }), "single");
      const spec: Spec = {
        mounts: [
          bind(inner, "/data/inner", "ro"),
          bind(outer, "/data", "ro", "rw"),
          bind(outer, "/locked", "rw", "ro"),
          bind(file, "/etc/single", "ro"),
        ].toSorted((a, b) => a.destination.length - b.destination.length),
      };
      const seen = await probe(
        [
          "read:/data/note",
          "read:/data/inner/note",
          "write:/data/made",
          "write:/data/inner/made",
          "write:/locked/made",
          "read:/etc/single",
          "write:/etc/single",
          "kind:/etc/single",
        ],
        spec,
      );
      expect(seen).toEqual(['"outer"', '"inner"', "ok", "ROFS", "ROFS", '"one file"', "ROFS", "file"]);
      expect(readFileSync(path.join(outer, "made"), "utf8")).toBe("written");
      expect(readdirSync(inner)).toEqual(["note"]);
    });

    test("sources relative to the bundle, destinations that are missing or links (V21-34 to V21-36, CM-01)", async () => {
      const volume = makeVolume({ note: "here" });
      const spec: Spec = {
        links: { "var/run": "/run", out: "../../../../../etc/out" },
        files: { "run/kept": "", "etc/kept": "" },
        mounts: [
          bind(volume, "/new/deep/place"),
          bind(volume, "/var/run/linked"),
          bind(volume, "/out/there"),
          bind("../volume-relative", "/relative"),
        ],
      };
      mkdirSync(path.join(top, "volume-relative"), { recursive: true });
      writeFileSync(path.join(top, "volume-relative/note"), "relative");
      const seen = await probe(
        [
          "read:/new/deep/place/note",
          "read:/run/linked/note",
          "read:/etc/out/there/note",
          "read:/relative/note",
          "list:/new/deep",
        ],
        spec,
      );
      expect(seen).toEqual(['"here"', '"here"', '"here"', '"relative"', "place"]);
    });

    test("the directories of mounts are in listings", async () => {
      const spec: Spec = {
        mounts: [
          { destination: "/scratch", type: "tmpfs", source: "tmpfs" },
          { destination: "/tmp", type: "tmpfs", source: "tmpfs" },
          { destination: "/dev", type: "tmpfs", source: "tmpfs" },
          // The sandbox has one where the bundle names none, and runc does not.
          { destination: "/sys", type: "tmpfs", source: "tmpfs" },
          bind(makeVolume({}), "/volume"),
        ],
      };
      expect(await probe(["list:/"], spec)).toEqual(["bin dev proc scratch sys tmp volume"]);
    });

    test("tmpfs with its options (V21-26)", async () => {
      const spec: Spec = {
        mounts: [
          {
            destination: "/few",
            type: "tmpfs",
            source: "x",
            options: ["size=64k", "nr_inodes=3", "mode=700"],
          },
          { destination: "/fixed", type: "tmpfs", source: "x", options: ["ro"] },
        ],
      };
      const operations = ["mkdir:/few/1", "mkdir:/few/2", "mkdir:/few/3", "mkdir:/fixed/1"];
      expect(await probe(operations, spec)).toEqual(["ok", "ok", "NOSPC", "ROFS"]);
    });

    test("a read-only root, in which places of mounts are missing (V21-13, V21-23)", async () => {
      const spec: Spec = {
        readonly: true,
        mounts: [
          { destination: "/scratch", type: "tmpfs", source: "tmpfs" },
          bind(makeVolume({ note: "here" }), "/a/b"),
        ],
      };
      const operations = ["mkdir:/x", "mkdir:/scratch/x", "read:/a/b/note", "write:/a/b/made", "mkdir:/a/x"];
      expect(await probe(operations, spec)).toEqual(["ROFS", "ok", '"here"', "ok", "ROFS"]);
    });

    test("a working directory that is missing is made", async () => {
      expect(await probe(["kind:/work/here"], { cwd: "/work/here" })).toEqual(["directory"]);
    });

    test("masked and read-only paths", async () => {
      const spec: Spec = {
        files: { "secret/key": "the key", "etc/shadow": "hashes", "fixed/note": "old" },
        linux: {
          maskedPaths: ["/secret", "/etc/shadow", "/not/there"],
          readonlyPaths: ["/fixed", "/proc/sys", "/nor/this"],
        },
      };
      const operations = [
        "list:/secret",
        "write:/secret/x",
        "read:/etc/shadow",
        "read:/fixed/note",
        "write:/fixed/note",
        "write:/proc/sys/kernel/hostname",
        "write:/etc/other",
      ];
      expect(await probe(operations, spec)).toEqual(["", "ROFS", '""', '"old"', "ROFS", "ROFS", "ok"]);
    });

    test("who joins the container finds the volumes in its root, and nothing of the host by a link (D18-17, G23-23)", () => {
      const volume = makeVolume({ note: "of the volume" });
      const locked = makeVolume({ note: "locked" });
      const root = create({
        links: { "var/run": "/run" },
        files: { "run/kept": "" },
        mounts: [bind(volume, "/data"), bind(locked, "/locked", "ro"), bind(volume, "/var/run/linked")],
      });
      expect(readFileSync(`${root}/data/note`, "utf8")).toBe("of the volume");
      expect(readFileSync(`${root}/run/linked/note`, "utf8")).toBe("of the volume");
      writeFileSync(`${root}/data/copied`, "in");
      expect(readFileSync(path.join(volume, "copied"), "utf8")).toBe("in");
      expect(() => writeFileSync(`${root}/locked/x`, "")).toThrow(/EROFS/);
    });

    test("who joins a container with a read-only root cannot change it", () => {
      const volume = makeVolume({});
      const root = create({ readonly: true, mounts: [bind(volume, "/data")] });
      expect(() => mkdirSync(`${root}/x`)).toThrow(/EROFS/);
      writeFileSync(`${root}/data/copied`, "in");
      expect(readdirSync(volume)).toEqual(["copied"]);
    });

    if (name === "wvisor") wvisorOnly({ runtime, program, probe, create });
  });
}

interface Tools {
  readonly runtime: Runtime;
  readonly program: () => string;
  probe(operations: readonly string[], spec: Spec, ...flags: string[]): Promise<string[]>;
  create(spec: Spec, ...flags: string[]): string;
}

/** What runc does not have. */
function wvisorOnly({ runtime, program, probe, create }: Tools): void {
  test("mounts of the sandbox's memory are empty to who joins the container, and cannot be changed", () => {
    const root = create({
      files: { "scratch/below": "" },
      mounts: [
        { destination: "/scratch", type: "tmpfs", source: "tmpfs" },
        { destination: "/dev", type: "tmpfs", source: "tmpfs" },
        { destination: "/dev/pts", type: "devpts", source: "devpts" },
      ],
    });
    expect(readdirSync(`${root}/scratch`)).toEqual([]);
    expect(() => writeFileSync(`${root}/scratch/x`, "")).toThrow(/EROFS/);
    expect(() => mkdirSync(`${root}/dev/x`)).toThrow(/EROFS/);
  });

  test("an overlay of the root takes all changes, and the host keeps its files (V21-16, V21-17)", async () => {
    const spec: Spec = { files: { "etc/note": "below" } };
    const operations = ["write:/etc/note", "read:/etc/note", "mkdir:/x"];
    expect(await probe(operations, spec, "--overlay2=root:memory")).toEqual(["ok", '"written"', "ok"]);
    const root = path.join(top, `bundle-${count - 2}`, "rootfs");
    expect(readFileSync(path.join(root, "etc/note"), "utf8")).toBe("below");
    expect(readdirSync(root).toSorted()).toEqual(["bin", "etc"]);
  });

  test("an overlay of every bind, one of a single file too (V21-19, V21-20, D18-14)", async () => {
    const volume = makeVolume({ note: "below" });
    const locked = makeVolume({ note: "locked" });
    const spec: Spec = {
      mounts: [
        bind(volume, "/data"),
        bind(path.join(volume, "note"), "/etc/single"),
        bind(locked, "/locked", "ro"),
      ],
    };
    const operations = ["write:/data/note", "write:/etc/single", "read:/etc/single", "write:/locked/note"];
    const seen = await probe(operations, spec, "--overlay2", "all:memory");
    expect(seen).toEqual(["ok", "ok", '"written"', "ROFS"]);
    expect(readFileSync(path.join(volume, "note"), "utf8")).toBe("below");
  });

  test("who joins a container with an overlay finds neither the lower layer nor a place to write", () => {
    const volume = makeVolume({ note: "plain" });
    const spec: Spec = { files: { "etc/note": "below" }, mounts: [bind(volume, "/data/here")] };
    const root = create(spec, "--overlay2=root:memory");
    expect(readdirSync(root).toSorted()).toEqual(["data", "proc"]);
    expect(() => mkdirSync(`${root}/x`)).toThrow(/EROFS/);
    expect(readFileSync(`${root}/data/here/note`, "utf8")).toBe("plain");
    runtime.code("delete", "--force", "mounts-wvisor");
    const all = create(spec, "--overlay2=all:memory");
    expect(readdirSync(`${all}/data/here`)).toEqual([]);
    expect(() => mkdirSync(`${all}/data/here/x`)).toThrow(/EROFS/);
    expect(readFileSync(path.join(volume, "note"), "utf8")).toBe("plain");
  });

  test("an overlay's changes go to a directory of the host, which goes with the container", () => {
    const within = makeVolume({});
    const volume = makeVolume({ note: "below", "sub/kept": "" });
    const spec: Spec = {
      files: { "etc/note": "below" },
      mounts: [bind(volume, "/data"), bind(path.join(volume, "note"), "/etc/single")],
    };
    const directory = makeProbe(guestFile("spin"), [], spec);
    put(directory, "rootfs/bin/ask", readFileSync(guestFile("probe-files")));
    const flags = ["--bundle", directory, `--overlay2=all:dir=${within}`];
    expect(runtime.code("run", "--detach", ...flags, "mounts-wvisor")).toBe(0);
    const operations = [
      "write:/etc/note",
      "write:/data/note",
      "write:/etc/single",
      "mkdir:/data/made",
      "list:/data",
    ];
    const { stdout } = runtime.run("exec", "mounts-wvisor", "/bin/ask", ...operations);
    expect(answersIn(stdout, operations)).toEqual(["ok", "ok", "ok", "ok", "made note sub"]);
    expect(readFileSync(path.join(directory, "rootfs/etc/note"), "utf8")).toBe("below");
    expect(readFileSync(path.join(volume, "note"), "utf8")).toBe("below");
    expect(readdirSync(volume).toSorted()).toEqual(["note", "sub"]);
    const [store, ...more] = readdirSync(within);
    expect(more).toEqual([]);
    expect(readFileSync(path.join(within, store!, "1/note"), "utf8")).toBe("written");
    expect(readFileSync(path.join(within, store!, "2"), "utf8")).toBe("written");
    // However deep a tree its programs have made.
    mkdirSync(path.join(within, store!, "1", ...Array.from({ length: 300 }, () => "deep")), {
      recursive: true,
    });
    expect(runtime.code("delete", "--force", "mounts-wvisor")).toBe(0);
    expect(readdirSync(within)).toEqual([]);
  });

  test("a create that fails leaves no layers behind", () => {
    const within = makeVolume({});
    const directory = makeProbe(program(), [], {});
    const config = path.join(directory, "config.json");
    writeFileSync(config, readFileSync(config, "utf8").replace("/bin/probe", "/bin/missing"));
    expect(
      runtime.code("create", "--bundle", directory, `--overlay2=root:dir=${within}`, "mounts-wvisor"),
    ).toBe(1);
    expect(readdirSync(within)).toEqual([]);
    const nowhere = `--overlay2=root:dir=${within}/missing`;
    expect(runtime.code("create", "--bundle", directory, nowhere, "mounts-wvisor")).toBe(1);
  });

  test("a mount of an unknown type is left out with a warning (V21-26)", () => {
    const spec: Spec = { mounts: [{ destination: "/z", type: "zfs", source: "pool" }] };
    const directory = makeProbe(program(), ["kind:/z"], spec);
    const { code, stdout, stderr } = runtime.run("run", "--bundle", directory, "mounts-wvisor");
    expect({ code, stdout }).toEqual({ code: 0, stdout: "kind:/z NOENT\n" });
    expect(stderr).toBe('wvisor run: warning: mounts[1].type: ignoring unknown filesystem type "zfs"\n');
  });

  test("in the foreground the same mounts are seen", () => {
    const volume = makeVolume({ note: "here" });
    const spec: Spec = { cwd: "/work", mounts: [bind(volume, "/data", "rw", "ro")] };
    const operations = ["read:/data/note", "write:/data/x", "kind:/work"];
    const directory = makeProbe(program(), operations, spec);
    const { stdout, stderr } = runtime.run("run", "--bundle", directory, "mounts-wvisor");
    expect(stderr).toBe("");
    expect(answersIn(stdout, operations)).toEqual(['"here"', "ROFS", "directory"]);
  });

  test("files are accessed as the flags say: what the host changes shows, or need not", () => {
    const directory = makeProbe(program(), ["read:/note"], { files: { note: "first" } });
    const created = (...flags: string[]) => {
      writeFileSync(path.join(directory, "rootfs/note"), "first");
      const command = ["run", "--bundle", directory, ...flags, "mounts-wvisor"];
      return runtime.run(...command);
    };
    for (const access of ["exclusive", "shared"]) {
      const { code, stdout } = created(`--file-access=${access}`, "--file-access-mounts", access);
      expect({ code, stdout }).toEqual({ code: 0, stdout: 'read:/note "first"\n' });
    }
    expect(created("--file-access=never").code).toBe(125);
  });

  test("a root that is changed meanwhile leads no mount out of it (G23-28, G23-29)", async () => {
    const outside = makeVolume({ place: "" });
    const volume = makeVolume({ note: "of the volume" });
    const before = mountsBelow(outside);
    const directory = makeProbe(program(), [], {
      files: { "swapped/place/kept": "" },
      links: { other: outside },
      mounts: [bind(volume, "/swapped/place"), bind(volume, "/swapped/new")],
    });
    const rootfs = path.join(directory, "rootfs");
    const stop = path.join(top, `stop-${count++}`);
    const pairs = JSON.stringify([[path.join(rootfs, "swapped"), path.join(rootfs, "other")]]);
    const swapper = spawn(process.execPath, [SWAPPER, ADDON, stop, pairs], {
      stdio: ["ignore", "pipe", "inherit"],
    });
    await new Promise((resolve) => swapper.stdout.once("data", resolve));
    for (let i = 0; i < 8; i++) {
      // It may fail: what the places are is never the same for long.
      runtime.code("create", "--bundle", directory, "mounts-wvisor");
      runtime.code("delete", "--force", "mounts-wvisor");
    }
    writeFileSync(stop, "");
    await new Promise((resolve) => swapper.once("close", resolve));
    expect(readdirSync(outside)).toEqual(["place"]);
    expect(mountsBelow(outside)).toEqual(before);
  });
}

/** What a pod's annotations make of its volumes. */
describe.skipIf(needsRoot !== undefined)("the containers of a pod", () => {
  const runtime = new Runtime(path.join(top, "pod-root"));
  const ids = ["pod", "first", "second", "third"];
  const hint = (name: string, fields: Readonly<Record<string, string>>) =>
    Object.fromEntries(
      Object.entries(fields).map(([field, value]) => [`dev.gvisor.spec.mount.${name}.${field}`, value]),
    );
  const shared = hint("cache", { source: "/pod/cache", type: "tmpfs", share: "pod", options: "mode=1777" });

  afterEach(() => {
    for (const id of ids.toReversed()) runtime.code("delete", "--force", id);
  });

  /** A container of the pod "pod", created and not started. */
  function create(id: string, spec: Spec): number | null {
    const directory = makeProbe(guestFile("spin"), [], spec);
    const role = id === "pod" ? "sandbox" : "container";
    const config = path.join(directory, "config.json");
    const parsed = JSON.parse(readFileSync(config, "utf8"));
    Object.assign(parsed.annotations, shared, {
      "io.kubernetes.cri.container-type": role,
      "io.kubernetes.cri.sandbox-id": "pod",
    });
    writeFileSync(config, JSON.stringify(parsed));
    put(directory, "rootfs/bin/ask", readFileSync(guestFile("probe-files")));
    return runtime.code("run", "--detach", "--bundle", directory, id);
  }

  const ask = (id: string, ...operations: string[]) =>
    answersIn(runtime.run("exec", id, "/bin/ask", ...operations).stdout, operations);

  test("share a volume in memory, and a bind; not what only one has (MH-04, MH-05, MH-07, D18)", () => {
    const volume = makeVolume({});
    const cache = { type: "bind", source: "/pod/cache" };
    expect(create("pod", {})).toBe(0);
    expect(create("first", { mounts: [{ ...cache, destination: "/cache" }, bind(volume, "/volume")] })).toBe(
      0,
    );
    expect(
      create("second", {
        mounts: [{ ...cache, destination: "/other", options: ["ro"] }, bind(volume, "/volume")],
      }),
    ).toBe(0);
    expect(ask("first", "write:/cache/note", "write:/volume/note", "write:/own")).toEqual(["ok", "ok", "ok"]);
    expect(
      ask("second", "read:/other/note", "write:/other/x", "read:/volume/note", "kind:/own", "kind:/cache"),
    ).toEqual(['"written"', "ROFS", '"written"', "NOENT", "NOENT"]);
    expect(readdirSync(volume)).toEqual(["note"]);
    // The volume is the pod's: it is there for a container that comes later.
    for (const id of ["first", "second"]) expect(runtime.code("delete", "--force", id)).toBe(0);
    expect(create("third", { mounts: [{ ...cache, destination: "/cache" }] })).toBe(0);
    expect(ask("third", "read:/cache/note")).toEqual(['"written"']);
  });
});

function mountsBelow(directory: string): string[] {
  const lines = readFileSync("/proc/self/mountinfo", "utf8").split("\n");
  return lines.filter((line) => line.includes(` ${directory}`));
}

/** Each operation is repeated before its answer. */
function answersIn(output: string, operations: readonly string[]): string[] {
  const lines = output.split("\n");
  return operations.map((operation) => {
    const line = lines.find((each) => each.startsWith(`${operation} `));
    return line === undefined ? `no answer in ${output}` : line.slice(operation.length + 1);
  });
}
