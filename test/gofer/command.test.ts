// `wvisor gofer --bundle`: a container's files on descriptors that somebody else has opened (rows G18 and G23).

import { execFileSync, spawnSync } from "node:child_process";
import {
  closeSync,
  existsSync,
  mkdirSync,
  openSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  rmSync,
  statSync,
  writeFileSync,
} from "node:fs";
import path from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { O_RDONLY, O_RDWR } from "../../assembly/abi/fcntl.ts";
import * as p9 from "../../assembly/abi/p9.ts";
import { VERSION_9P2000L } from "../../src/common/p9-version.ts";
import { CLI } from "../support/cli.ts";
import {
  ContainerGofer,
  makeBundle,
  type StartOptions,
  specOf,
  type TestMount,
} from "../support/container-gofer.ts";
import { readable, requireNative, scratch } from "../support/gofer.ts";
import { Message, type P9Client, socketPair } from "../support/p9-client.ts";
import { childrenOf, isRunning } from "../support/processes.ts";

const native = requireNative();
const isRoot = process.getuid!() === 0;
let folder: string;

beforeEach(() => {
  folder = scratch();
  for (const name of ["first", "second"]) {
    mkdirSync(path.join(folder, name));
    writeFileSync(path.join(folder, name, "name"), name);
  }
});

afterEach(() => rmSync(folder, { recursive: true }));

const bind = (destination: string, source: string, ...options: string[]): TestMount => {
  return { destination, type: "bind", source: path.join(folder, source), options };
};

/** Runs the command to its end with descriptors from 3 on. */
function run(args: readonly string[], fds: readonly number[] = []) {
  const { status, stdout, stderr } = spawnSync(process.execPath, [CLI, "gofer", ...args], {
    stdio: ["ignore", "pipe", "pipe", ...fds],
    encoding: "utf8",
  });
  return { status, stdout, stderr };
}

const usage = (problem: string) => {
  return { status: 2, stdout: "", stderr: `wvisor gofer: ${problem} (see 'wvisor gofer --help')\n` };
};
const refused = (problem: string) => ({ status: 128, stdout: "", stderr: `wvisor gofer: ${problem}\n` });

/** Runs it with the bundle's configuration at 3 and `count` sockets from 4 on. */
function serve(bundle: string, count: number, flags: readonly string[] = [], spec?: string) {
  const pairs = Array.from({ length: count }, () => socketPair(native));
  const config = spec === undefined ? openSync(path.join(bundle, "config.json"), "r") : readable(spec);
  const ioFds = pairs.map((_pair, index) => `--io-fds=${index + 4}`);
  const result = run(
    ["--bundle", bundle, "--spec-fd=3", ...ioFds, ...flags],
    [config, ...pairs.map((pair) => pair[1])],
  );
  for (const fd of [config, ...pairs.flat()]) native.close(fd);
  return result;
}

function start(bundle: string, options: StartOptions): ContainerGofer {
  return new ContainerGofer(bundle, options);
}

/** What is in the file "name" of the mount, or the errno's name that the server refuses it with. */
function nameIn(client: P9Client): string {
  const file = client.reach(0, "name");
  const { fd } = client.open(file, O_RDONLY);
  if (fd >= 0) native.close(fd);
  return client.read(file, 0, 100).toString();
}

const writeRefusal = (client: P9Client) =>
  client.refusal(p9.P9_TLOPEN, new Message().u32(client.reach(0, "name")).u32(O_RDWR));

describe("flags", () => {
  test.each([
    [[], "--listen and --root are needed, or --bundle, --io-fds and --spec-fd"],
    [["--bundle", "/b"], "--bundle, --io-fds and --spec-fd are needed"],
    [["--bundle=", "--io-fds=3", "--spec-fd=4"], "--bundle, --io-fds and --spec-fd are needed"],
    [["--bundle=/b", "--io-fds=3"], "--bundle, --io-fds and --spec-fd are needed"],
    [["--bundle=/b", "--io-fds=3", "--spec-fd=-1"], "--bundle, --io-fds and --spec-fd are needed"],
    [["--bundle=/b", "--io-fds=", "--spec-fd=4"], "--io-fds: nothing is not a number from 3 to 2147483647"],
    [["--bundle=/b", "--io-fds=3,", "--spec-fd=4"], "--io-fds: nothing is not a number from 3 to 2147483647"],
    [["--bundle=/b", "--io-fds=3,x", "--spec-fd=4"], "--io-fds: x is not a number from 3 to 2147483647"],
    [["--bundle=/b", "--io-fds=2", "--spec-fd=4"], "--io-fds: 2 is not a number from 3 to 2147483647"],
    [["--bundle=/b", "--io-fds=-3", "--spec-fd=4"], "--io-fds: -3 is not a number from 3 to 2147483647"],
    [["--io-fds=9999999999"], "--io-fds: 9999999999 is not a number from 3 to 2147483647"],
    [["--spec-fd=three"], "--spec-fd: three is not a number from 3 to 2147483647"],
    [["--bundle=/b", "--io-fds=3,3", "--spec-fd=4"], "descriptor 3 is given twice"],
    [["--bundle=/b", "--io-fds=3", "--spec-fd=3"], "descriptor 3 is given twice"],
    [["--bundle=/b", "--io-fds=3", "--spec-fd=4", "--mounts-fd=4"], "descriptor 4 is given twice"],
    [["--listen=unix:/x", "--bundle=/b"], "--listen and --bundle do not go together"],
    [["--apply-caps=no"], "flag --apply-caps: expected true or false"],
    [["--setup-root=0"], "flag --setup-root: expected true or false"],
    [["--bundle=/b", "operand"], "unexpected argument operand"],
  ])("%j is a usage error (G18-02, G18-05, G23-03)", (args, problem) => {
    expect(run(args)).toEqual(usage(problem));
  });

  const needed = ["--bundle=/b", "--io-fds=3,4", "--spec-fd=5"];
  test.each([
    [["--overlay-mediums=0"], "--overlay-mediums: 1 entries for 2 descriptors"],
    [["--overlay-mediums=0,1,2"], "--overlay-mediums: 3 entries for 2 descriptors"],
    [["--overlay-mediums=0,4"], "--overlay-mediums: 4 is not a number from 0 to 3"],
    [["--overlay-mediums=0,memory"], "--overlay-mediums: memory is not a number from 0 to 3"],
    [["--fd-limit=many"], "--fd-limit: many is not a number from 0 to 1048576"],
    [["--host-uds=yes"], "--host-uds yes: expected one of none, open"],
    [["--host-fifo=all"], "--host-fifo all: expected one of none, open"],
    [
      ["--setup-root=false", "--confine=native+ns"],
      "--setup-root=false and --confine=native+ns do not go together",
    ],
  ])("%j, too (G23-03: no panic)", (args, problem) => {
    expect(run([...needed, ...args])).toEqual(usage(problem));
  });

  test("help names every flag (G18-01, G23-02)", () => {
    const { status, stdout } = run(["--help"]);
    expect(status).toBe(0);
    for (const flag of [
      "io-fds",
      "spec-fd",
      "mounts-fd",
      "overlay-mediums",
      "apply-caps",
      "setup-root",
      "fd-limit",
    ]) {
      expect(stdout).toContain(`--${flag}`);
    }
    for (const flag of ["sync-userns-fd", "proc-mount-sync-fd", "host-uds", "host-fifo"]) {
      expect(stdout).toContain(`--${flag}`);
    }
  });
});

describe("the specification", () => {
  test("is the descriptor's, whatever the bundle has now (G23-04)", async () => {
    const bundle = makeBundle(folder, [bind("/m", "first")]);
    const fd = openSync(path.join(bundle, "config.json"), "r");
    // Read before, so that the descriptor does not stand at the start.
    expect(readFileSync(fd, "utf8")).toContain("first");
    rmSync(path.join(bundle, "config.json"));
    makeBundle(folder, [bind("/m", "second"), bind("/more", "second")]);
    const gofer = start(bundle, { connections: 2, specFd: fd });
    expect(nameIn(gofer.connect(1))).toBe("first");
    expect(await gofer.stop()).toEqual({ code: 0, signal: null, stderr: "" });
  });

  test.each([
    ["", /^error reading spec: not JSON: .*/],
    ["{", /^error reading spec: not JSON: .*/],
    ["[]", /^error reading spec: root: is missing$/],
    ['{"root":{"path":"x"}}', /^error reading spec: process: is missing$/],
    [
      JSON.stringify(specOf([{ destination: "" }])),
      /^error reading spec: mounts\[0\]\.destination: must not be empty$/,
    ],
    [
      JSON.stringify(specOf([{ destination: "/a\0b" }])),
      /^error reading spec: mounts\[0\]\.destination: must not contain/,
    ],
    [JSON.stringify({ ...specOf([]), mounts: [1] }), /^error reading spec: mounts\[0\]: .*/],
    [`[${"[".repeat(100_000)}`, /^error reading spec: not JSON: .*/],
  ])("%.60s is refused with 128 (G18-06)", (text, problem) => {
    const bundle = makeBundle(folder);
    const { status, stderr } = serve(bundle, 1, [], text);
    expect(stderr.replace(/^wvisor gofer: /, "").trimEnd()).toMatch(problem);
    expect(status).toBe(128);
    expect(stderr.match(/\n/g)).toHaveLength(1);
  });

  test("is not read when it is too long, no file, or not open", () => {
    const bundle = makeBundle(folder);
    const text = `{"x":"${"y".repeat(16 << 20)}"}`;
    expect(serve(bundle, 1, [], text)).toEqual(
      refused("error reading spec: descriptor 3: larger than 16777216 bytes"),
    );
    const [ours, theirs] = socketPair(native);
    const flags = ["--bundle", bundle, "--spec-fd=3", "--io-fds=4"];
    expect(run(flags, [theirs, theirs])).toEqual(
      refused("error reading spec: descriptor 3: not a regular file"),
    );
    expect(run(["--bundle", bundle, "--spec-fd=77", "--io-fds=4"])).toEqual(
      refused("error reading spec: descriptor 77: bad file descriptor"),
    );
    const directory = openSync(folder, "r");
    expect(run(flags, [directory, theirs])).toEqual(
      refused("error reading spec: descriptor 3: not a regular file"),
    );
    closeSync(directory);
    for (const fd of [ours, theirs]) native.close(fd);
  });

  test("may have as many mounts as the gofer's configuration holds, and says so where not", () => {
    const mounts = Array.from({ length: 20_000 }, (_, index) => ({
      destination: `/proc/${index}`,
      type: "proc",
    }));
    const { status, stderr } = serve(makeBundle(folder, mounts), 1, ["--mounts-fd=5"]);
    expect([status, stderr]).toEqual([128, expect.stringMatching(/^wvisor gofer: /)]);
  });
});

describe("mounts and descriptors", () => {
  test("too few (G18-15, G23-17)", () => {
    const source = path.join(folder, "first");
    const bundle = makeBundle(folder, [
      { destination: "/proc", type: "proc", source: "proc" },
      bind("/m", "first", "ro"),
    ]);
    const mount = `{Destination:/m Type:bind Source:${source} Options:[ro] UIDMappings:[] GIDMappings:[]}`;
    expect(serve(bundle, 1)).toEqual(
      refused(`no FD found for mount. Did you forget --io-fd? FDs: 1, Mount: ${mount}`),
    );
  });

  test("too many (G18-16, G23-17)", () => {
    expect(serve(makeBundle(folder), 2)).toEqual(
      refused("too many FDs passed for mounts. mounts: 1, FDs: 2"),
    );
    expect(serve(makeBundle(folder, [bind("/m", "first")]), 5)).toEqual(
      refused("too many FDs passed for mounts. mounts: 2, FDs: 5"),
    );
  });

  test("a destination that is not absolute (G23-17)", () => {
    expect(serve(makeBundle(folder, [bind("m", "first")]), 2)).toEqual(
      refused('mount destination must be absolute: "m"'),
    );
  });

  test("descriptors that are no connections (G18-17, G23-18)", () => {
    const bundle = makeBundle(folder);
    const config = openSync(path.join(bundle, "config.json"), "r");
    const file = openSync(path.join(folder, "first/name"), "r");
    const flags = ["--bundle", bundle, "--spec-fd=3"];
    const says = (fd: number, error: string) =>
      refused(`starting connection on FD ${fd} for gofer mount failed: ${error}`);
    expect(run([...flags, "--io-fds=99"], [config])).toEqual(says(99, "EBADF"));
    expect(run([...flags, "--io-fds=4"], [config, file])).toEqual(says(4, "ENOTSOCK"));
    const scratchMemory = new Uint8Array(256);
    native.registerMemory(9, scratchMemory);
    scratchMemory.set(Buffer.from(`${folder}/listener\0`), 0);
    const listener = native.listenUnix(9, 0);
    expect(run([...flags, "--io-fds=4"], [config, listener])).toEqual(says(4, "ENOTCONN"));
    scratchMemory.set(Buffer.from("127.0.0.1\0"), 0);
    const tcp = native.listenTcp(9, 0, 0);
    expect(run([...flags, "--io-fds=4"], [config, tcp])).toEqual(says(4, "EAFNOSUPPORT"));
    const [ours, theirs] = socketPair(native);
    expect(run([...flags, "--io-fds=4", "--mounts-fd=99"], [config, theirs])).toEqual(
      refused("descriptor 99 is not open"),
    );
    for (const fd of [config, file, listener, tcp, ours, theirs]) native.close(fd);
  });

  test("a source that is not there", () => {
    const source = path.join(folder, "missing");
    expect(serve(makeBundle(folder, [bind("/m", "missing")]), 2)).toMatchObject({
      status: 128,
      stderr: expect.stringContaining(`mount source ${source}: ENOENT`),
    });
    expect(serve(makeBundle(folder, [], { path: "nowhere" }), 1)).toMatchObject({ status: 128 });
  });
});

describe("what is served", () => {
  test("the root first, then the binds in the order of the bundle (G18-03, G18-10, G18-12, G18-13, G18-14)", async () => {
    const bundle = makeBundle(folder, [
      { destination: "/proc", type: "proc", source: "proc" },
      bind("/z", "second", "rbind"),
      { destination: "/dev", type: "tmpfs", source: "tmpfs" },
      // Any type is a bind by its option, and one without a source is none (V21-24).
      { destination: "/a", type: "none", source: path.join(folder, "first"), options: ["bind"] },
      { destination: "/nothing", type: "bind", source: "" },
      // Relative to the bundle (B18-10).
      { destination: "/dev/shm", type: "bind", source: "../second" },
    ]);
    writeFileSync(path.join(bundle, "rootfs/name"), "root");
    const gofer = start(bundle, { connections: 4 });
    expect([0, 1, 2, 3].map((index) => nameIn(gofer.connect(index)))).toEqual([
      "root",
      "second",
      "first",
      "second",
    ]);
    expect(await gofer.stop()).toEqual({ code: 0, signal: null, stderr: "" });
  });

  test("is read-only by the root, the last of ro and rw, a remount, or an overlay (G18-19, G23-15, G23-16)", async () => {
    const mounts = [
      bind("/a", "first", "ro"),
      bind("/b", "first", "ro", "rw"),
      bind("/c", "first", "rw", "ro"),
      bind("/d", "first"),
      bind("/e", "first"),
      { destination: "/e/", type: "none", source: "none", options: ["remount", "bind", "ro"] },
    ];
    const bundle = makeBundle(folder, mounts, { readonly: true });
    writeFileSync(path.join(bundle, "rootfs/name"), "root");
    const gofer = start(bundle, {
      connections: 6,
      flags: ["--overlay-mediums=0,0,0,0,1", "--overlay-mediums=0"],
    });
    expect(gofer.clients.map((_client, index) => writeRefusal(gofer.connect(index)))).toEqual([
      ...["EROFS", "EROFS", "", "EROFS", "EROFS", "EROFS"],
    ]);
    await gofer.stop();
  });

  test("an overlay makes a writable root read-only (G23-16)", async () => {
    const bundle = makeBundle(folder);
    writeFileSync(path.join(bundle, "rootfs/name"), "root");
    for (const [medium, refusal] of [
      ["0", ""],
      ["1", "EROFS"],
      ["2", "EROFS"],
      ["3", "EROFS"],
    ] as const) {
      const gofer = start(bundle, { connections: 1, flags: ["--overlay-mediums", medium] });
      expect(writeRefusal(gofer.connect())).toBe(refusal);
      await gofer.stop();
    }
  });

  test("descriptors of regular files go to a client with the extension, and to no other", async () => {
    const bundle = makeBundle(folder, [bind("/m", "first")]);
    const gofer = start(bundle, { connections: 2 });
    const extended = gofer.connect(1);
    const { fd } = extended.open(extended.reach(0, "name"), O_RDONLY);
    expect(readFileSync(fd, "utf8")).toBe("first");
    native.close(fd);
    const plain = gofer.connect(0, VERSION_9P2000L);
    writeFileSync(path.join(bundle, "rootfs/name"), "root");
    expect(plain.open(plain.reach(0, "name"), O_RDONLY).fd).toBe(-1);
    await gofer.stop();
  });

  test("one connection's end is not the others' (G18-17, G18-18, G23-19)", async () => {
    const gofer = start(makeBundle(folder, [bind("/m", "first")]), { connections: 2 });
    const [root, mount] = [gofer.connect(0), gofer.connect(1)];
    root.sendRaw(Buffer.from("0000000000"));
    expect(root.receive()).toBeLessThan(0);
    expect(nameIn(mount)).toBe("first");
    expect(isRunning(gofer.process.pid!)).toBe(true);
    expect(await gofer.stop()).toEqual({ code: 0, signal: null, stderr: "" });
  });
});

describe("the process", () => {
  /** The gofer itself: the command's process, or the child that it has in namespaces. */
  const goferOf = (gofer: ContainerGofer) => childrenOf(gofer.process.pid!)[0] ?? gofer.process.pid!;
  const statusOf = (pid: number) => readFileSync(`/proc/${pid}/status`, "utf8");

  test("becomes the gofer: the pid, the descriptors and nothing else stay (G18-08, G23-34, G23-35)", async () => {
    const gofer = start(makeBundle(folder), {
      connections: 1,
      flags: ["--setup-root=false"],
      more: ["pipe", "pipe"],
    });
    await gofer.list;
    const { pid } = gofer.process;
    expect(readFileSync(`/proc/${pid}/cmdline`, "utf8")).toMatch(/gofer\.js\0--config-fd=\d+\0$/);
    expect(readFileSync(`/proc/${pid}/environ`, "utf8")).toBe("");
    expect(readlinkSync(`/proc/${pid}/fd/0`)).toBe("/dev/null");
    expect(readlinkSync(`/proc/${pid}/fd/1`)).toBe("/dev/null");
    expect(readlinkSync(`/proc/${pid}/fd/3`)).toMatch(/^socket:/);
    // The configuration, the list, and what was left over (6 and 7).
    const open = spawnSync("ls", [`/proc/${pid}/fd`], { encoding: "utf8" }).stdout.split("\n");
    for (const fd of ["4", "5", "6", "7"]) {
      if (open.includes(fd))
        expect(readlinkSync(`/proc/${pid}/fd/${fd}`)).not.toMatch(/config\.json|^socket:|memfd/);
    }
    expect(await gofer.stop()).toEqual({ code: 0, signal: null, stderr: "" });
  });

  test("keeps five capabilities at most, or with --apply-caps=false its own (G18-04, G18-07, G23-01)", async () => {
    const expected = { "--apply-caps": isRoot ? "000000000000001f" : "0000000000000000" };
    const own = /^CapPrm:\t(\w+)$/m.exec(statusOf(process.pid))![1]!;
    const cases = [
      ["--apply-caps", expected["--apply-caps"]],
      ["--apply-caps=true", expected["--apply-caps"]],
      ["--apply-caps=false", own],
    ] as const;
    for (const [flag, capabilities] of cases) {
      const gofer = start(makeBundle(folder), { connections: 1, flags: ["--setup-root=false", flag] });
      await gofer.list;
      const status = statusOf(goferOf(gofer));
      expect(/^CapPrm:\t(\w+)$/m.exec(status)![1]).toBe(capabilities);
      expect(/^CapEff:\t(\w+)$/m.exec(status)![1]).toBe(capabilities);
      expect(status).toMatch(/^CapInh:\t0+$/m);
      expect(status).toMatch(/^CapAmb:\t0+$/m);
      expect(status).toMatch(/^Seccomp:\t2$/m);
      expect(status).toMatch(/^NoNewPrivs:\t1$/m);
      await gofer.stop();
    }
  });

  test("has a root of its own with --setup-root, and the umask 0 (G18-20, G23-07, G23-10, G23-20)", async () => {
    const bundle = makeBundle(folder);
    const gofer = start(bundle, { connections: 1, flags: isRoot ? [] : ["--confine=native+ns"] });
    if ((await gofer.list) === "") {
      const { stderr } = await gofer.stop();
      expect(isRoot).toBe(false);
      console.log(`skipped: this user may make no namespaces: ${stderr}`);
      return;
    }
    const pid = goferOf(gofer);
    expect(pid).not.toBe(gofer.process.pid);
    expect(readlinkSync(`/proc/${pid}/ns/mnt`)).not.toBe(readlinkSync("/proc/self/ns/mnt"));
    const root = spawnSync("ls", [`/proc/${pid}/root`], { encoding: "utf8" }).stdout.split("\n");
    expect(root).not.toContain("home");
    const client = gofer.connect();
    const opened = client.create(client.reach(0), "new", O_RDWR, 0o777);
    if (opened.fd >= 0) native.close(opened.fd);
    expect(client.getattr(client.reach(0, "new")).mode & 0o777).toBe(0o777);
    expect(await gofer.stop()).toEqual({ code: 0, signal: null, stderr: "" });
  });

  describe.runIf(isRoot)("in namespaces of its own", () => {
    /** Its descriptors of directories. */
    const directoriesOf = (pid: number) =>
      readdirSync(`/proc/${pid}/fd`)
        .map((fd) => `/proc/${pid}/fd/${fd}`)
        .filter((file) => statSync(file, { throwIfNoEntry: false })?.isDirectory());

    test("opens files by /proc/self/fd, of which it has nothing but the descriptor (G23-11, G23-12)", async () => {
      const gofer = start(makeBundle(folder, [bind("/m", "first")]), { connections: 2 });
      await gofer.list;
      const pid = goferOf(gofer);
      // The launcher is told that it may go, and takes it away in its own time.
      await expect.poll(() => readdirSync(`/proc/${pid}/root/proc`), { timeout: 20_000 }).toEqual([]);
      expect(nameIn(gofer.connect(1))).toBe("first");
      expect(await gofer.stop()).toEqual({ code: 0, signal: null, stderr: "" });
    });

    test("has read-only mounts of what is read-only, whoever takes it over (G23-25, G23-27)", async () => {
      const bundle = makeBundle(folder, [bind("/a", "first", "ro"), bind("/b", "second")], {
        readonly: true,
      });
      writeFileSync(path.join(bundle, "rootfs/name"), "root");
      const gofer = start(bundle, { connections: 3 });
      await gofer.list;
      const refusals = directoriesOf(goferOf(gofer))
        .filter((directory) => existsSync(path.join(directory, "name")))
        .map((directory) => {
          const name = readFileSync(path.join(directory, "name"), "utf8");
          try {
            writeFileSync(path.join(directory, "written"), "");
            return `${name}: written`;
          } catch (error) {
            return `${name}: ${(error as NodeJS.ErrnoException).code}`;
          }
        });
      expect(new Set(refusals)).toEqual(new Set(["root: EROFS", "first: EROFS", "second: written"]));
      expect(await gofer.stop()).toEqual({ code: 0, signal: null, stderr: "" });
    });

    test("serves what the host has mounted below the root (G23-22)", async () => {
      const bundle = makeBundle(folder);
      const below = path.join(bundle, "rootfs/below");
      mkdirSync(below);
      execFileSync("mount", ["-t", "tmpfs", "tmpfs", below]);
      try {
        writeFileSync(path.join(below, "name"), "mounted");
        const gofer = start(bundle, { connections: 1 });
        const client = gofer.connect();
        const file = client.reach(0, "below", "name");
        const { fd } = client.open(file, O_RDONLY);
        if (fd >= 0) native.close(fd);
        expect(client.read(file, 0, 100).toString()).toBe("mounted");
        await gofer.stop();
      } finally {
        execFileSync("umount", [below]);
      }
    });
  });

  test("has as many descriptors as --fd-limit says (G23-06)", async () => {
    const bundle = makeBundle(folder);
    const gofer = start(bundle, { connections: 1, flags: ["--fd-limit=500"] });
    await gofer.list;
    const limits = readFileSync(`/proc/${goferOf(gofer)}/limits`, "utf8");
    expect(limits).toMatch(/^Max open files +500 +500/m);
    // Running into it is an errno of the one who does, and the gofer goes on.
    const client = gofer.connect();
    const names = Array.from({ length: 600 }, () =>
      client.refusal(p9.P9_TWALK, new Message().u32(0).u32(client.fid()).u16(0)),
    );
    expect(new Set(names)).toEqual(new Set([""]));
    writeFileSync(path.join(bundle, "rootfs/name"), "root");
    const refusals = new Set<string>();
    for (let i = 0; i < 600; i++) {
      refusals.add(client.refusal(p9.P9_TWALK, new Message().u32(0).u32(client.fid()).u16(1).string("name")));
    }
    expect(refusals).toEqual(new Set(["", "EMFILE"]));
    expect(await gofer.stop()).toMatchObject({ code: 0, stderr: "" });
    expect(serve(makeBundle(folder), 1, ["--fd-limit=50"])).toEqual(
      refused("50 descriptors are not enough for 1 connections"),
    );
  });

  test("warns where the limit cannot be had (G23-06)", async () => {
    const launcher = ["prlimit", "--nofile=1000:1000"];
    const drop = isRoot ? ["setpriv", "--bounding-set=-sys_resource", "--inh-caps=-sys_resource"] : [];
    const gofer = start(makeBundle(folder), {
      connections: 1,
      launcher: [...launcher, ...drop],
      flags: ["--fd-limit=2000", "--setup-root=false"],
    });
    await gofer.list;
    expect(await gofer.stop()).toEqual({
      code: 0,
      signal: null,
      stderr: "wvisor gofer: warning: RLIMIT_NOFILE stays 1000: it may not become 2000\n",
    });
  });

  test("dies by a signal to its pid, in namespaces too", async () => {
    for (const flags of [[], ["--setup-root=false"]]) {
      const gofer = start(makeBundle(folder), { connections: 1, flags });
      await gofer.list;
      const pid = goferOf(gofer);
      gofer.process.kill("SIGTERM");
      expect(await gofer.exit).toMatchObject({ code: null, signal: "SIGTERM" });
      await expect.poll(() => isRunning(pid)).toBe(false);
      gofer.clients[0]!.close();
    }
  });
});

describe.each([[[]], [["--setup-root=false"]]])("when its parent ends, %j", (flags) => {
  /** The command as a child of a shell, which lets go of its descriptors and is killed then. */
  async function orphan(launch: string) {
    const launcher = ["bash", "-c", `${launch} "$@" & exec 3>&- 4>&- 5>&-; wait`, "bash"];
    const gofer = start(makeBundle(folder), { connections: 1, flags, launcher });
    await gofer.list;
    const command = childrenOf(gofer.process.pid!)[0]!;
    // Another child of the launcher's takes /proc away, and ends.
    await expect.poll(() => childrenOf(command).length).toBeLessThanOrEqual(1);
    const pids = [command, ...childrenOf(command)];
    gofer.process.kill("SIGKILL");
    await new Promise((exited) => gofer.process.once("exit", exited));
    return { gofer, pids };
  }

  test("it goes on", async () => {
    const { gofer, pids } = await orphan("");
    expect(gofer.connect().getattr(0).mode).toBeGreaterThan(0);
    expect(pids.every(isRunning)).toBe(true);
    gofer.clients[0]!.close();
    await expect.poll(() => pids.some(isRunning), { timeout: 20_000 }).toBe(false);
  });

  test("it ends too if it has asked for a signal", async () => {
    const { gofer, pids } = await orphan("setpriv --pdeathsig KILL");
    await expect.poll(() => pids.some(isRunning), { timeout: 20_000 }).toBe(false);
    gofer.clients[0]!.close();
  });
});

describe("synchronisation", () => {
  test("--sync-userns-fd: nothing happens until its other end is closed (G23-12, G23-32, G23-33)", async () => {
    const gofer = start(makeBundle(folder), {
      connections: 1,
      flags: ["--sync-userns-fd=6"],
      more: ["pipe"],
    });
    if (!isRoot) {
      gofer.stream(6).end();
      expect(await gofer.exit).toMatchObject({
        code: 128,
        stderr: expect.stringContaining("user namespace: "),
      });
      return;
    }
    let listed = false;
    const list = gofer.list.then(() => {
      listed = true;
    });
    await new Promise((later) => setTimeout(later, 500));
    expect(listed).toBe(false);
    expect(readFileSync(`/proc/${gofer.process.pid}/cmdline`, "utf8")).toContain("cli.js");
    gofer.stream(6).end();
    await list;
    expect(await gofer.stop()).toEqual({ code: 0, signal: null, stderr: "" });
  });

  test("--sync-userns-fd: a wrong specification is told before (G23-05)", async () => {
    const gofer = start(makeBundle(folder), {
      connections: 1,
      flags: ["--sync-userns-fd=6"],
      more: ["pipe"],
      specFd: readable("{}"),
    });
    expect(await gofer.exit).toMatchObject({
      code: 128,
      stderr: "wvisor gofer: error reading spec: root: is missing\n",
    });
    gofer.stream(6).end();
    gofer.clients[0]!.close();
  });

  test("--sync-userns-fd: data is an error (G23-32)", async () => {
    const gofer = start(makeBundle(folder), {
      connections: 1,
      flags: ["--sync-userns-fd=6"],
      more: ["pipe"],
    });
    gofer.stream(6).write("x");
    expect(await gofer.exit).toEqual({
      code: 128,
      signal: null,
      stderr: "wvisor gofer: failed to sync on userns sync FD: there is data on it\n",
    });
    expect(await gofer.list).toBe("");
    gofer.clients[0]!.close();
  });

  test("--sync-userns-fd: one that cannot be read", () => {
    expect(serve(makeBundle(folder), 1, ["--sync-userns-fd=99"])).toEqual(
      refused("failed to sync on userns sync FD: EBADF"),
    );
  });

  test("--proc-mount-sync-fd gets one byte and its end when /proc is needed no more (G23-12)", async () => {
    for (const flags of [[], ["--setup-root=false"]]) {
      const gofer = start(makeBundle(folder), {
        connections: 1,
        flags: ["--proc-mount-sync-fd=6", ...flags],
        more: ["pipe"],
      });
      const bytes: number[] = [];
      for await (const part of gofer.stream(6)) bytes.push(...Buffer.from(part));
      expect(bytes).toEqual([0]);
      expect(await gofer.stop()).toEqual({ code: 0, signal: null, stderr: "" });
    }
  });

  test("--proc-mount-sync-fd: nobody there is an error", () => {
    const bundle = makeBundle(folder);
    const [ours, theirs] = socketPair(native);
    const [near, far] = socketPair(native);
    native.close(near);
    const config = openSync(path.join(bundle, "config.json"), "r");
    const flags = ["--bundle", bundle, "--spec-fd=3", "--io-fds=4", "--proc-mount-sync-fd=5"];
    expect(run(flags, [config, theirs, far])).toEqual(
      refused("unable to write into the proc umounter descriptor: EPIPE"),
    );
    for (const fd of [ours, theirs, far, config]) native.close(fd);
  });
});
