// What options are refused, and in which words.

import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { createSandbox, type Sandbox } from "../../src/library/index.ts";

const wrongSandboxes: [options: unknown, code: string, message: RegExp][] = [
  [null, "ERR_INVALID_ARG_TYPE", /^The "options" argument must be of type object. Received null$/],
  [
    { cwd: 5 },
    "ERR_INVALID_ARG_TYPE",
    /^The "options.cwd" property must be of type string. Received type number \(5\)$/,
  ],
  [{ cwd: "relative" }, "ERR_INVALID_ARG_VALUE", /"options.cwd" property must be an absolute path/],
  [{ memory: "1G" }, "ERR_INVALID_ARG_VALUE", /"options.memory" property is not known/],
  [{ limits: { memory: "lots" } }, "ERR_INVALID_ARG_VALUE", /must be a size such as '64M'. Received 'lots'/],
  [{ limits: { memory: 0 } }, "ERR_OUT_OF_RANGE", /"options.limits.memory" is out of range/],
  [{ limits: { time: -1 } }, "ERR_OUT_OF_RANGE", /"options.limits.time" is out of range/],
  [{ limits: { openFiles: 1.5 } }, "ERR_OUT_OF_RANGE", /It must be an integer/],
  [{ limits: { files: 1 } }, "ERR_INVALID_ARG_VALUE", /"options.limits.files" property is not known/],
  [{ env: { "A=B": "x" } }, "ERR_INVALID_ARG_VALUE", /names without '='/],
  [{ env: { A: 1 } }, "ERR_INVALID_ARG_TYPE", /"options.env.A" property must be of type string/],
  [{ user: "root" }, "ERR_INVALID_ARG_VALUE", /must be 'uid' or 'uid:gid'/],
  [{ user: { uid: 2 ** 32 } }, "ERR_OUT_OF_RANGE", /options.user.uid/],
  [{ hostname: "" }, "ERR_INVALID_ARG_VALUE", /1 to 64 bytes/],
  [{ mounts: {} }, "ERR_INVALID_ARG_TYPE", /must be an instance of Array. Received an instance of Object/],
  [{ mounts: [{ type: "nfs", dst: "/x" }] }, "ERR_INVALID_ARG_VALUE", /'bind', 'tmpfs', 'overlay'/],
  [
    { mounts: [{ type: "tmpfs", dst: "x" }] },
    "ERR_INVALID_ARG_VALUE",
    /"options.mounts\[0\].dst" property must be/,
  ],
  [{ mounts: [{ type: "tmpfs", dst: "/" }] }, "ERR_INVALID_ARG_VALUE", /below the root/],
  [{ mounts: [{ type: "bind", dst: "/x" }] }, "ERR_INVALID_ARG_TYPE", /"options.mounts\[0\].src" property/],
  [{ mounts: [{ type: "bind", src: "a\0b", dst: "/x" }] }, "ERR_INVALID_ARG_VALUE", /null bytes/],
  [
    { mounts: [{ type: "bind", src: "/nowhere", dst: "/x" }] },
    "ERR_WVISOR_MOUNT_SOURCE",
    /\/nowhere: no such file/,
  ],
  [
    {
      mounts: [
        { type: "tmpfs", dst: "/x" },
        { type: "tmpfs", dst: "/y/../x" },
      ],
    },
    "ERR_INVALID_ARG_VALUE",
    /two mounts at one place/,
  ],
  [{ root: { type: "tmpfs", dst: "/" } }, "ERR_INVALID_ARG_VALUE", /not for the root/],
  [{ runtimes: { "a/b": "/x" } }, "ERR_INVALID_ARG_VALUE", /names that files can have/],
  [{ runtimes: { a: new URL("http://x/") } }, "ERR_INVALID_ARG_VALUE", /must be a file: URL/],
  [{ confinement: "none" }, "ERR_INVALID_ARG_VALUE", /'native\+ns', 'native'/],
];

test.each(wrongSandboxes)("createSandbox(%j)", async (options, code, message) => {
  const created = createSandbox(options as object);
  await expect(created).rejects.toMatchObject({ code, message: expect.stringMatching(message) });
});

describe("spawn", () => {
  let box: Sandbox;
  beforeAll(async () => {
    box = await createSandbox();
  });
  afterAll(() => box.close());

  const module = new WebAssembly.Module(Uint8Array.of(0, 97, 115, 109, 1, 0, 0, 0));
  const wrong: [args: unknown[], code: string, message: RegExp][] = [
    [[5], "ERR_INVALID_ARG_TYPE", /"command" argument must be of type string or an instance of URL/],
    [[""], "ERR_INVALID_ARG_VALUE", /must not be empty/],
    [[module], "ERR_INVALID_ARG_VALUE", /pass its bytes/],
    [["x", "y"], "ERR_INVALID_ARG_TYPE", /"args" argument must be an instance of Array/],
    [["x", [1]], "ERR_INVALID_ARG_TYPE", /"args\[0\]"/],
    [["x", [], { cwd: "y" }], "ERR_INVALID_ARG_VALUE", /options.cwd/],
    [["x", [], { timeout: "soon" }], "ERR_INVALID_ARG_VALUE", /'10s'/],
    [["x", [], { killSignal: "SIGNONE" }], "ERR_UNKNOWN_SIGNAL", /Unknown signal: SIGNONE/],
    [["x", [], { signal: {} }], "ERR_INVALID_ARG_TYPE", /an instance of AbortSignal/],
    [["x", [], { stdio: "none" }], "ERR_INVALID_ARG_VALUE", /'pipe', 'ignore', 'inherit'/],
    [["x", [], { stdio: [0, 1, 2, 3] }], "ERR_INVALID_ARG_VALUE", /no more than three/],
    [["x", [], { stdio: [null, null, -1] }], "ERR_INVALID_ARG_VALUE", /a descriptor/],
    [["x", [], { stdio: [999_999] }], "ERR_WVISOR_STDIO", /EBADF: dup 999999/],
    [["x", [], { shell: true }], "ERR_INVALID_ARG_VALUE", /"options.shell" property is not known/],
  ];

  test.each(wrong)("spawn(...%j)", (args, code, message) => {
    const spawn = box.spawn.bind(box) as (...given: unknown[]) => unknown;
    expect(() => spawn(...args)).toThrow(
      expect.objectContaining({ code, message: expect.stringMatching(message) }),
    );
  });

  test("kill() knows signals", () => {
    const process = box.spawn("nothing");
    process.on("error", () => {});
    expect(() => process.kill("SIGNONE" as "SIGTERM")).toThrow(/Unknown signal/);
    expect(() => process.kill({} as "SIGTERM")).toThrow(/of type string or number/);
  });
});
