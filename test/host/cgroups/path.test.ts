import { describe, expect, test } from "vitest";
import { cgroupPath, expandSlice } from "../../../src/host/cgroups/path.ts";
import { failure } from "../scratch.ts";

describe("linux.cgroupsPath", () => {
  test.each([
    ["/a/b", "/a/b"],
    ["/a/../../../b", "/b"],
    ["/", "/"],
    ["a/b", "a/b"],
    ["../../a", "a"],
    ["./", "name"],
    ["..", "name"],
    ["", "name"],
  ])("%j is %j", (given, path) => {
    expect(cgroupPath(given, "name", false)).toBe(path);
  });

  test.each([
    ["system.slice:podman:c1", "/system.slice/podman-c1.scope"],
    [":podman:c1", "/system.slice/podman-c1.scope"],
    [
      "kubepods-burstable-pod1.slice:cri:c1",
      "/kubepods.slice/kubepods-burstable.slice/kubepods-burstable-pod1.slice/cri-c1.scope",
    ],
    ["-.slice::c1", "/c1.scope"],
    ["a.slice:x:b.slice", "/a.slice/b.slice"],
    ["", "/system.slice/wvisor-name.scope"],
  ])("of systemd: %j is %j", (given, path) => {
    expect(cgroupPath(given, "name", true)).toBe(path);
  });

  test.each([
    "/a",
    "a:b",
    "a:b:c:d",
    "a:b:c",
    "a/b.slice:x:c",
    "a--b.slice:x:c",
    "-a.slice:x:c",
    ".slice:x:c",
    "a.slice:../x:c",
    "a.slice::..",
    "a.slice:x:/c",
  ])("of systemd: %j is refused", (given) => {
    expect(failure(() => cgroupPath(given, "name", true))).toMatch(/cgroupsPath|invalid slice name/);
  });

  test("line ends would write a second line where it is kept", () => {
    expect(failure(() => cgroupPath("/a\nfreezer /", "name", false))).toContain("control characters");
  });

  test("slices lie in each other", () => {
    expect(expandSlice("a-b-c.slice")).toBe("/a.slice/a-b.slice/a-b-c.slice");
  });
});
