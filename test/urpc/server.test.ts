// The server's end of URPC: gVisor's wire format (UR-01, UR-02), methods by name (UR-04), and whatever a client may send instead.

import { closeSync, openSync, readSync } from "node:fs";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import type { Method } from "../../src/urpc/dispatcher.ts";
import { JsonScanner } from "../../src/urpc/json-scanner.ts";
import { DESCRIPTORS_MAX } from "../../src/urpc/protocol.ts";
import { connect, LIMITS, native, openDescriptors, type Pair } from "./support.ts";

const succeeded = (result: unknown) => ({ success: true, err: "", result });
const failed = (err: unknown) => ({ success: false, err, result: null });
const call = (method: string, arg?: unknown) => JSON.stringify({ method, arg });

/** What methods have taken. */
const taken: number[] = [];
let pair: Pair;
let before: number;

const methods: Record<string, Method> = {
  "Test.Echo": (arg) => ({ result: arg }),
  "Test.Count": (_arg, files) => ({ result: files.count }),
  "Test.Take": (_arg, files) => {
    taken.push(files.take(0));
    return { result: files.count };
  },
  "Test.Throw": () => {
    throw new Error("no such thing");
  },
  "Test.ThrowText": () => {
    throw "a text";
  },
  "Test.NoJson": (_arg, files) => ({ result: 10n, files: files.takeAll() }),
  "Test.Give": () => ({ result: null, files: [openSync("/dev/zero", "r")] }),
  "Test.Later": async (arg) => {
    await Promise.resolve();
    if (arg === "fail") throw new Error("later");
    return { result: arg, files: [openSync("/dev/zero", "r")] };
  },
};

beforeEach(() => {
  before = openDescriptors();
  pair = connect(methods);
});

afterEach(() => {
  for (const fd of taken.splice(0)) native.close(fd);
  pair.peer.close();
  pair.server.close();
  expect(pair.closed).toBe(1);
  expect(openDescriptors()).toBe(before);
});

/** `count` descriptors for the time of a test's call. */
function withFiles<T>(count: number, use: (fds: number[]) => T): T {
  const fds = Array.from({ length: count }, () => openSync("/dev/zero", "r"));
  try {
    return use(fds);
  } finally {
    for (const fd of fds) closeSync(fd);
  }
}

describe("calls", () => {
  test("are answered, one after the other (UR-01)", () => {
    expect(pair.exchange(call("Test.Echo", { a: [1, "}"], b: null }))).toEqual(
      succeeded({ a: [1, "}"], b: null }),
    );
    expect(pair.exchange(`\n\t ${call("Test.Echo", 5)}\r\n`)).toEqual(succeeded(5));
    expect(pair.exchange('{"method":"Test.Echo"}')).toEqual(succeeded(null));
  });

  test("may follow each other without a separator, and wait for their turn", () => {
    pair.peer.send([1, 2, 3].map((arg) => call("Test.Echo", arg)).join(""));
    for (const arg of [1, 2, 3]) {
      pair.server.ready();
      expect(pair.peer.reply()).toEqual(succeeded(arg));
      expect(pair.peer.reply()).toBe("nothing");
    }
  });

  test("come in any pieces", () => {
    const text = Buffer.from(call("Test.Echo", { '\\"{': ["é\u0000", { "]": "\\" }] }));
    for (let cut = 1; cut < text.length; cut++) {
      pair.peer.send(text.subarray(0, cut));
      pair.settle();
      expect(pair.peer.reply()).toBe("nothing");
      expect(pair.exchange(text.subarray(cut))).toEqual(succeeded({ '\\"{': ["é\u0000", { "]": "\\" }] }));
    }
  });

  test("of unknown methods fail, and the connection goes on (UR-04)", () => {
    for (const name of ["Test.Nothing", "", "toString", "__proto__"]) {
      expect(pair.exchange(call(name))).toEqual(failed(`unknown method ${JSON.stringify(name)}`));
    }
    expect(pair.exchange(call("Test.Echo", 1))).toEqual(succeeded(1));
  });

  test("whose methods throw fail with what was thrown, and nobody else notices (UR-05)", () => {
    expect(pair.exchange(call("Test.Throw"))).toEqual(failed("no such thing"));
    expect(pair.exchange(call("Test.ThrowText"))).toEqual(failed("a text"));
    withFiles(2, (fds) => {
      expect(pair.exchange(call("Test.NoJson"), fds)).toEqual(failed(expect.stringContaining("BigInt")));
    });
    expect(pair.exchange(call("Test.Echo", 1))).toEqual(succeeded(1));
  });

  test("may be answered later; the client's next one waits (UR-03)", async () => {
    pair.peer.send(call("Test.Later", "done") + call("Test.Echo", 2));
    pair.server.ready();
    expect(pair.server.interest).toBe(0);
    pair.server.ready();
    expect(pair.peer.reply()).toBe("nothing");
    await new Promise(setImmediate);
    expect(pair.peer.reply()).toEqual(succeeded("done"));
    pair.settle();
    expect(pair.peer.reply()).toEqual(succeeded(2));
    pair.peer.send(call("Test.Later", "fail"));
    pair.server.ready();
    await new Promise(setImmediate);
    expect(pair.peer.reply()).toEqual(failed("later"));
  });

  test("that are answered after the connection's end leave nothing", async () => {
    pair.peer.send(call("Test.Later", "done"));
    pair.server.ready();
    pair.server.close();
    await new Promise(setImmediate);
    expect(pair.peer.reply()).toBe("closed");
  });
});

describe("descriptors", () => {
  test("belong to the call with whose bytes they came, whichever byte that was (UR-02)", () => {
    withFiles(3, ([a, b, c]) => {
      const text = call("Test.Count");
      expect(pair.exchange(text, [a!])).toEqual(succeeded(1));
      pair.peer.send(text.slice(0, 5), [a!]);
      pair.peer.send(text.slice(5), [b!, c!]);
      pair.peer.send(text, [c!]);
      pair.peer.send(text);
      for (const count of [3, 1, 0]) expect(pair.awaitReply()).toEqual(succeeded(count));
    });
  });

  test("that are taken stay, and work; all others are closed", () => {
    withFiles(5, (fds) => {
      expect(pair.exchange(call("Test.Take"), fds)).toEqual(succeeded(5));
      expect(pair.exchange(call("Test.Throw"), fds)).toEqual(failed("no such thing"));
      expect(pair.exchange(call("Test.Nothing"), fds)).toMatchObject({ success: false });
    });
    expect(openDescriptors()).toBe(before + 3);
    expect(readSync(taken[0]!, Buffer.alloc(10))).toBe(10);
  });

  test("go with replies", () => {
    pair.peer.send(call("Test.Give"));
    pair.settle();
    const message = pair.peer.receive();
    if (typeof message === "string") throw new Error(message);
    expect(message.value).toEqual(succeeded(null));
    expect(message.files.count).toBe(1);
    message.files.close();
  });

  test(`are at most ${DESCRIPTORS_MAX} for a message, in one piece or in several`, () => {
    withFiles(DESCRIPTORS_MAX, (fds) => {
      expect(pair.exchange(call("Test.Count"), fds)).toEqual(succeeded(DESCRIPTORS_MAX));
      const text = call("Test.Count");
      pair.peer.send(text.slice(0, 5), fds);
      pair.peer.send(text.slice(5), [fds[0]!]);
      pair.settle();
      expect(pair.peer.reply()).toEqual(failed(`message: more than ${DESCRIPTORS_MAX} descriptors`));
      expect(pair.server.ended).toBe(true);
    });
  });

  test("beyond that are not even made", () => {
    withFiles(200, (fds) => {
      expect(pair.exchange(call("Test.Count"), fds)).toEqual(
        failed(`message: more than ${DESCRIPTORS_MAX} descriptors`),
      );
    });
    expect(pair.server.ended).toBe(true);
  });

  test("of a message that is never finished are closed with the connection", () => {
    withFiles(7, (fds) => pair.peer.send('{"method":', fds));
    pair.settle();
    expect(openDescriptors()).toBe(before + 2 + 7);
    pair.peer.close();
    pair.settle();
    expect(pair.server.ended).toBe(true);
    expect(openDescriptors()).toBe(before);
    pair.peer.close = () => {};
  });
});

describe("what is no call ends the connection, with a reason:", () => {
  const depth = LIMITS.depth;
  const cases: readonly [string, string | Uint8Array, unknown][] = [
    ["no JSON", "hello", "message: not a JSON object"],
    ["no object", '["method"]', "message: not a JSON object"],
    ["a number", "5", "message: not a JSON object"],
    ["NUL", Buffer.alloc(1), "message: not a JSON object"],
    ["a 9P message", Buffer.from("1300000064ffff000002000000", "hex"), "message: not a JSON object"],
    ["an object that is none", '{"method" "a"}', expect.stringMatching(/^message: .*JSON/)],
    ["brackets that do not fit", '{"method":"a",]', expect.stringMatching(/^message: .*JSON/)],
    [
      "bytes that are no text",
      Buffer.from('{"method":"\xff"}', "latin1"),
      expect.stringMatching(/^message: /),
    ],
    ["no method", '{"arg":1}', "request: method is not a string"],
    ["a method of another type", '{"method":{}}', "request: method is not a string"],
    ["another key", '{"method":"Test.Echo","args":1}', 'request: unknown key "args"'],
    [
      "a message too long",
      `{"method":"${"x".repeat(LIMITS.bytes)}"}`,
      `message: longer than ${LIMITS.bytes} bytes`,
    ],
    ["one without an end", `{"a":${"1".repeat(LIMITS.bytes)}`, `message: longer than ${LIMITS.bytes} bytes`],
    [
      "one too deep",
      `{"method":"Test.Echo","arg":${"[".repeat(depth)}`,
      `message: nested deeper than ${depth} levels`,
    ],
  ];

  test.each(cases)("%s", (_name, data, reason) => {
    const fd = openSync("/dev/zero", "r");
    expect(pair.exchange(data, [fd])).toEqual(failed(reason));
    closeSync(fd);
    expect(pair.server.ended).toBe(true);
    expect(pair.peer.receive()).toBe("closed");
  });

  test("but the largest and deepest that are allowed are calls", () => {
    const frame = call("Test.Echo", "").length;
    const text = "x".repeat(LIMITS.bytes - frame);
    expect(pair.exchange(call("Test.Echo", text))).toEqual(succeeded(text));
    const nested = `${"[".repeat(depth - 1)}${"]".repeat(depth - 1)}`;
    expect(pair.exchange(`{"method":"Test.Echo","arg":${nested}}`)).toEqual(succeeded(JSON.parse(nested)));
  });

  test("white space without end is no message, and costs nothing", () => {
    for (let i = 0; i < 10; i++) expect(pair.exchange(" ".repeat(LIMITS.bytes))).toBe("nothing");
    expect(pair.exchange(call("Test.Echo", 1))).toEqual(succeeded(1));
  });

  test("an end in the middle of a message is no reason to fail", () => {
    pair.peer.send('{"method"');
    pair.settle();
    pair.peer.close();
    pair.settle();
    expect(pair.server.ended).toBe(true);
    pair.peer.close = () => {};
  });
});

test("a client that takes no replies is waited for, and holds one of them", () => {
  const text = "x".repeat(LIMITS.bytes - 100);
  let calls = 0;
  // The replies fill the socket, then one does not fit.
  while (pair.server.interest === 1) {
    pair.peer.send(call("Test.Echo", text));
    pair.server.ready();
    calls++;
  }
  expect(pair.server.interest).toBe(4);
  pair.server.ready();
  expect(pair.server.interest).toBe(4);
  for (let replies = 0; replies < calls; replies++) {
    expect(pair.peer.reply()).toEqual(succeeded(text));
    pair.server.ready();
  }
  expect(pair.exchange(call("Test.Echo", 1))).toEqual(succeeded(1));
});

describe("the scanner", () => {
  test("finds the same ends however the bytes are cut", () => {
    const values = ['{"a":"}{\\\\\\"]["}', "{}", '{"b":[{"c":{}},[1,2],"\\u007d"]}'];
    const bytes = Buffer.from(values.join(" \n"));
    const ends = values.map((_value, index) => values.slice(0, index + 1).join(" \n").length);
    for (let size = 1; size <= bytes.length; size++) {
      const scanner = new JsonScanner(8);
      const found: number[] = [];
      for (let at = 0; at < bytes.length; ) {
        const end = scanner.scan(bytes, at, Math.min(at + size, bytes.length));
        if (end >= 0) found.push(end);
        at = end >= 0 ? end : at + size;
      }
      expect(found).toEqual(ends);
      expect(scanner.inside).toBe(false);
    }
  });
});
