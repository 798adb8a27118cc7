// The client's end of URPC: its calls wait for a server that another process is, or that has answered beforehand here.

import { spawn } from "node:child_process";
import { closeSync, openSync, readSync } from "node:fs";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { WvisorError } from "../../src/common/errors.ts";
import { UrpcClient } from "../../src/urpc/client.ts";
import { socketPair } from "../support/p9-client.ts";
import { native, openDescriptors, Peer } from "./support.ts";

const CLIENT_SLOT = 13;
/** Over before the test is. */
const LONG_MS = 25_000;

let client: UrpcClient;
let peer: Peer;
let before: number;

beforeEach(() => {
  before = openDescriptors();
  const [ours, theirs] = socketPair(native);
  client = new UrpcClient(native, ours, CLIENT_SLOT);
  peer = new Peer(theirs);
});

afterEach(() => {
  client.close();
  peer.close();
  expect(openDescriptors()).toBe(before);
});

const reply = (result: unknown) => JSON.stringify({ success: true, err: "", result });

/** The code and text of what a call throws. */
function failure(use: () => unknown): string {
  try {
    use();
  } catch (error) {
    return error instanceof WvisorError ? `${error.code} ${error.message}` : String(error);
  }
  return "";
}

describe("a call", () => {
  test("sends method, argument and descriptors, and gives result and descriptors (UR-01, UR-02)", () => {
    const zero = openSync("/dev/zero", "r");
    peer.send(reply({ n: 1 }), [zero, zero]);
    const { result, files } = client.call("Type.Method", { a: [1] }, { files: [zero], timeoutMs: LONG_MS });
    expect(result).toEqual({ n: 1 });
    expect(files).toHaveLength(2);
    expect(readSync(files[1]!, Buffer.alloc(4))).toBe(4);
    const request = peer.receive();
    if (typeof request === "string") throw new Error(request);
    expect(request.value).toEqual({ method: "Type.Method", arg: { a: [1] } });
    expect(request.files.count).toBe(1);
    request.files.close();
    for (const fd of [...files, zero]) closeSync(fd);
  });

  test("that the server refuses fails with its words, and the next one is made", () => {
    const zero = openSync("/dev/zero", "r");
    peer.send(JSON.stringify({ success: false, err: "not today", result: null }), [zero]);
    expect(failure(() => client.call("A.B"))).toBe("ERR_WVISOR_REFUSED A.B: not today");
    closeSync(zero);
    peer.send(reply(2));
    expect(client.call("A.B").result).toBe(2);
  });

  test("waits no longer than it is told, and is the last then", () => {
    expect(failure(() => client.call("A.B", null, { timeoutMs: 20 }))).toBe(
      "ERR_WVISOR_URPC A.B: ETIMEDOUT: poll",
    );
    expect(failure(() => client.call("A.B"))).toBe("ERR_WVISOR_URPC A.B: the connection is closed");
  });

  test("may have an argument larger than a socket holds, and a result", () => {
    // It answers with the argument that comes.
    const echo = `
      const fs = require("node:fs");
      const piece = Buffer.alloc(65536);
      let text = "";
      while (!text.endsWith("]}")) text += piece.toString("latin1", 0, fs.readSync(0, piece));
      const reply = Buffer.from('{"success":true,"err":"","result":' + JSON.stringify(JSON.parse(text).arg) + "}");
      for (let at = 0; at < reply.length; ) at += fs.writeSync(0, reply, at);`;
    const child = spawn(process.execPath, ["-e", echo], { stdio: [peer.fd, "ignore", "inherit"] });
    const arg = Array.from({ length: 200_000 }, (_, index) => index);
    expect(client.call("A.B", arg, { timeoutMs: LONG_MS }).result).toEqual(arg);
    child.kill();
  });
});

describe("a server that", () => {
  const cases: readonly [string, string | undefined, string | RegExp][] = [
    ["closes instead", undefined, "A.B: ECONNRESET: recv"],
    ["closes in the middle", '{"success":true', "message: cut off"],
    ["says no JSON", "nonsense", "message: not a JSON object"],
    ["says no reply", '{"method":"x"}', "reply: success is not a boolean"],
    ["gives no reason", '{"success":false,"err":5}', "reply: err is not a string"],
    ["says more", '{"success":true,"err":"","result":1,"more":1}', 'reply: unknown key "more"'],
    [
      "nests",
      `{"success":true,"err":"","result":${"[".repeat(100)}`,
      "message: nested deeper than 64 levels",
    ],
  ];

  test.each(cases)("%s ends the connection", (_name, text, message) => {
    const zero = openSync("/dev/zero", "r");
    if (text !== undefined) peer.send(text, [zero]);
    closeSync(zero);
    native.close(peer.fd);
    expect(failure(() => client.call("A.B"))).toBe(`ERR_WVISOR_URPC ${message}`);
    expect(failure(() => client.call("A.B"))).toBe("ERR_WVISOR_URPC A.B: the connection is closed");
    peer.close = () => {};
  });

  test("never ends its reply is heard up to 16 MiB", () => {
    const flood = `
      const text = Buffer.alloc(65536, "1");
      try {
        for (require("node:fs").writeSync(0, '{"a":'); ; ) require("node:fs").writeSync(0, text);
      } catch {}`;
    const child = spawn(process.execPath, ["-e", flood], { stdio: [peer.fd, "ignore", "inherit"] });
    expect(failure(() => client.call("A.B", null, { timeoutMs: LONG_MS }))).toBe(
      "ERR_WVISOR_URPC message: longer than 16777216 bytes",
    );
    child.kill();
  });
});
