import { describe, expect, test } from "vitest";
import { Cgroup } from "../../../src/host/cgroups/cgroup.ts";
import { directoryIn, findHierarchies } from "../../../src/host/cgroups/hierarchies.ts";

function find(membership: string, mounts: readonly string[]) {
  return findHierarchies((file) =>
    file === "/proc/self/cgroup"
      ? membership
      : `${mounts.map((line, at) => `${at + 30} 23 0:${at} ${line}\n`).join("")}`,
  );
}

const PLAIN = "/ / rw - ext4 /dev/root rw";
const TMPFS = "/ /sys/fs/cgroup rw - tmpfs tmpfs rw,mode=755";
const V2 = "/ /sys/fs/cgroup rw,nosuid shared:4 - cgroup2 cgroup2 rw,nsdelegate";
const v1 = (name: string, place = name, root = "/") =>
  `${root} /sys/fs/cgroup/${place} rw - cgroup cgroup rw,${name}`;
const UNIFIED = "/ /sys/fs/cgroup/unified rw - cgroup2 cgroup2 rw";

describe("finding the hierarchies", () => {
  test("version 2 alone", () => {
    const system = find("0::/user.slice/session\n", [PLAIN, V2]);
    expect(system).toEqual({
      version: 2,
      hierarchies: [
        { names: ["unified"], mountPoint: "/sys/fs/cgroup", mountRoot: "/", own: "/user.slice/session" },
      ],
    });
  });

  test("version 1, controllers together, named, and version 2 beside it", () => {
    const membership = "5:name=systemd:/a\n4:cpu,cpuacct:/b/c\n3:memory:/\n0::/u\n";
    const system = find(membership, [
      TMPFS,
      v1("cpu,cpuacct"),
      v1("memory"),
      v1("xattr,name=systemd", "systemd"),
      UNIFIED,
    ]);
    expect(system.version).toBe(1);
    expect(system.hierarchies.map(({ names, own }) => [names.join(), own])).toEqual([
      ["cpu,cpuacct", "/b/c"],
      ["memory", "/"],
      ["name=systemd", "/a"],
      ["unified", "/u"],
    ]);
  });

  test("what is mounted elsewhere, or twice, does not count", () => {
    const system = find("3:memory:/\n", [
      "/ /var/lib/box/rootfs/sys/fs/cgroup/memory rw - cgroup cgroup rw,memory",
      v1("memory"),
      v1("memory", "again"),
      "/ /sys/fs/cgroup\\040of rw - cgroup2 none rw",
    ]);
    expect(system.hierarchies.map(({ mountPoint }) => mountPoint)).toEqual(["/sys/fs/cgroup/memory"]);
  });

  test("none", () => {
    expect(find("", [PLAIN])).toEqual({ version: 1, hierarchies: [] });
    expect(Cgroup.at(find("", [PLAIN]), "/a")).toBeUndefined();
  });

  test("the last of several mounts at the same place is the one that is seen", () => {
    expect(
      find("0::/\n", [V2, "/lower /sys/fs/cgroup rw - cgroup2 cgroup2 rw"]).hierarchies[0]!.mountRoot,
    ).toBe("/lower");
  });
});

describe("the directory of a cgroup", () => {
  const hierarchy = { names: ["memory"], mountPoint: "/m", mountRoot: "/", own: "/a/b" };

  test.each([
    ["/x/y", 1, "/m/x/y"],
    ["x", 1, "/m/a/b/x"],
    ["/x/y", 2, "/m/x/y"],
    // Ours has processes: nothing below it can be limited.
    ["x", 2, "/m/a/x"],
  ] as const)("%s in version %i", (path, version, directory) => {
    expect(directoryIn(hierarchy, version, path)).toBe(directory);
  });

  test("where only a part of the hierarchy is mounted", () => {
    expect(directoryIn({ ...hierarchy, mountRoot: "/a" }, 1, "x")).toBe("/m/b/x");
    expect(directoryIn({ ...hierarchy, mountRoot: "/elsewhere" }, 1, "x")).toBe("/m/x");
  });
});
