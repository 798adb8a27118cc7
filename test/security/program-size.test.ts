// A program file that is only large: the loader refuses it before it reads it.

import { truncateSync } from "node:fs";
import { expect, test } from "vitest";
import { EMPTY_MODULE, put, scratchDirectory } from "../host/scratch.ts";
import { wvisor } from "../support/cli.ts";

const folder = scratchDirectory();

test.each([
  ["above the limit", 2 ** 29 + 1],
  ["of more than any memory holds", 2 ** 43],
])("a sparse module %s is refused at once", (_what, size) => {
  truncateSync(put(folder, "large.wasm", EMPTY_MODULE), size);
  const end = wvisor(["do", "-v", `${folder}:/d:ro`, "--", "/d/large.wasm"]);
  expect(end).toMatchObject({ code: 126, stdout: "" });
  expect(end.stderr).toBe("wvisor do: /d/large.wasm: larger than 512 MiB\n");
});
