import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import type { MountConfig } from "../../../src/host/config/sandbox-config.ts";
import { MNT_NOSUID, MNT_RELATIME } from "../../../src/host/kernel/exports.ts";
import { loadBundle } from "../../../src/host/spec/bundle.ts";
import { parseVolumeHints } from "../../../src/host/spec/volume-hints.ts";
import { failure, put, scratchDirectory } from "../scratch.ts";

const PREFIX = "dev.gvisor.spec.mount.";

function annotations(name: string, fields: Record<string, string>, prefix = PREFIX): Record<string, string> {
  return Object.fromEntries(
    Object.entries(fields).map(([field, value]) => [`${prefix}${name}.${field}`, value]),
  );
}

const SHM = { source: "/shm", type: "tmpfs", share: "pod" };

function parse(given: Record<string, string>) {
  const warnings: string[] = [];
  return { hints: parseVolumeHints(given, (text) => warnings.push(text)), warnings };
}

describe("what annotations say of a volume", () => {
  test("is known by its source, its options sorted (MH-01, MH-02, MH-04)", () => {
    const given = annotations("shm", { ...SHM, options: "ro,nosuid,mode=777", lifecycle: "pod" });
    const { hints, warnings } = parse({ ...given, "org.example.key": "value" });
    expect(warnings).toEqual([]);
    expect([...hints]).toEqual([
      [
        "/shm",
        {
          name: "shm",
          source: "/shm",
          type: "tmpfs",
          share: "pod",
          options: ["mode=777", "nosuid", "ro"],
          cache: "shared",
        },
      ],
    ]);
  });

  test("may have our prefix", () => {
    expect([...parse(annotations("a", SHM, "wvisor.dev/mount.")).hints.keys()]).toEqual(["/shm"]);
  });

  test("of one container's bind: nobody else changes it (MH-07)", () => {
    const cacheOf = (share: string) =>
      parse(annotations("v", { source: "/v", type: "bind", share })).hints.get("/v")?.cache;
    expect(["container", "pod", "shared"].map(cacheOf)).toEqual(["exclusive", "shared", "shared"]);
  });

  test.each([
    [{ [`${PREFIX}a`]: "x" }, `invalid mount annotation: ${PREFIX}a=x`],
    [{ [`${PREFIX}a.b.c`]: "x" }, `invalid mount annotation: ${PREFIX}a.b.c=x`],
    [{ [`${PREFIX}.type`]: "bind" }, `invalid mount name: ${PREFIX}.type`],
    [
      { ...annotations("a", SHM), ...annotations("b", SHM) },
      'mounts "a" and "b" have the same mount source "/shm"',
    ],
  ])("%j is an error (MH-01, MH-03)", (given, problem) => {
    expect(failure(() => parse(given))).toBe(`annotations: ${problem}`);
  });

  test.each([
    [{ type: "tmpfs", share: "pod" }, "source cannot be empty"],
    [{ ...SHM, source: "" }, "source cannot be empty"],
    [{ source: "/s", share: "pod" }, 'invalid type ""'],
    [{ ...SHM, type: "nfs" }, 'invalid type "nfs"'],
    [{ source: "/s", type: "bind" }, 'invalid share ""'],
    [{ ...SHM, share: "world" }, 'invalid share "world"'],
    [{ ...SHM, options: "ro,fast" }, 'unknown mount option "fast"'],
    [{ ...SHM, type: "bind", options: "size=1m" }, 'unknown mount option "size=1m"'],
    [{ ...SHM, colour: "red" }, 'unknown field "colour"'],
  ])("%j is left out with a warning (MH-02, MH-03)", (fields, problem) => {
    const { hints, warnings } = parse(annotations("v", fields));
    expect([...hints]).toEqual([]);
    expect(warnings).toEqual([`annotations: ignoring what they say of the mount "v": ${problem}`]);
  });
});

describe("a bundle whose annotations speak of a volume", () => {
  const scratch = scratchDirectory();
  const bundle = join(scratch, "bundle");
  mkdirSync(join(bundle, "rootfs"), { recursive: true });

  function mountOf(mount: object, fields: Record<string, string>): MountConfig {
    const config = {
      ociVersion: "1.0.2",
      root: { path: "rootfs" },
      process: { args: ["/app"], cwd: "/" },
      mounts: [{ destination: "/v", ...mount }],
      annotations: annotations("v", fields),
    };
    put(bundle, "config.json", JSON.stringify(config));
    return loadBundle({ id: "c", bundle, overlay: "none", warn: () => {} }).mounts[0]!;
  }

  test("has a tmpfs of the sandbox's, whatever type its mount has (MH-05)", () => {
    const fields = { ...SHM, options: "size=1m,mode=700" };
    const shared = { name: "v", source: "/shm" };
    const source = { type: "tmpfs", readonly: false, mode: 0o700, uid: 0, gid: 0, sizeBytes: 1 << 20 };
    for (const type of ["bind", "tmpfs"]) {
      const mount = mountOf({ type, source: "/shm", options: ["nosuid"] }, fields);
      expect(mount).toEqual({ destination: "/v", source, shared, flags: MNT_NOSUID | MNT_RELATIME });
    }
    const readonly = mountOf({ type: "bind", source: "/shm", options: ["rbind", "ro"] }, fields);
    expect(readonly.source).toMatchObject({ type: "tmpfs", readonly: true });
  });

  test("has a bind of its own where others on the host share it", () => {
    const mount = mountOf({ type: "bind", source: "/" }, { source: "/", type: "tmpfs", share: "shared" });
    expect(mount).toMatchObject({ source: { type: "bind", source: "/", cache: "shared" } });
    expect(mount.shared).toBeUndefined();
  });

  test("may not have a mount that allows more than the volume (MH-06)", () => {
    const given =
      (option: string, ...options: string[]) =>
      () =>
        mountOf({ type: "bind", source: "/shm", options }, { ...SHM, options: option });
    expect(failure(given("ro", "rw", "nosuid"))).toBe(
      "loading bundle: config.json: mounts[0].options: mount options in annotations differ from container mount, " +
        "annotation: ro, mount: rw,nosuid",
    );
    for (const option of ["noexec", "nosuid", "noatime"]) {
      expect(failure(given(option))).toMatch(/^.*: mount options in annotations differ/);
      expect(given(option, option, "ro")).not.toThrow();
    }
    expect(given("rw")).not.toThrow();
  });
});
