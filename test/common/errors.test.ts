import { expect, test } from "vitest";
import { EACCES, ENOENT } from "../../assembly/abi/errno.ts";
import { ErrnoError, errnoName, WvisorError } from "../../src/common/errors.ts";

test("an errno has Linux's name, and one that Linux does not have its number", () => {
  expect([errnoName(ENOENT), errnoName(EACCES), errnoName(999)]).toEqual(["ENOENT", "EACCES", "E999"]);
});

test("a refusal carries what Node's own errors carry", () => {
  const cause = new Error("why");
  const error = new ErrnoError(ENOENT, "openat", { cause });
  expect(error).toMatchObject({ name: "ErrnoError", value: 2, code: "ENOENT", syscall: "openat", cause });
  expect(error.message).toBe("ENOENT: openat");
});

test("a failure ends the process with 125 unless it is told otherwise", () => {
  expect(new WvisorError("ERR_WVISOR_KERNEL", "text")).toMatchObject({
    name: "WvisorError",
    code: "ERR_WVISOR_KERNEL",
    message: "text",
    exitCode: 125,
  });
  expect(new WvisorError("ERR_WVISOR_IMPORT", "text", 126).exitCode).toBe(126);
});
