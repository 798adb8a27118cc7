// Pages of a web server as files: what a file says has to be fetched first, so that its methods answer with promises. Many
// requests are under way at a time, and one that is given up gives up its fetch.
//
//   npm run build && node examples/p9/web-pages.mjs

import { createServer } from "node:http";
import { makePair, P9Client, serveObject, serveStream } from "wvisor/p9";

const DIRECTORY = 0o040555;
const FILE = 0o100444;
const TYPE = 0o170000;

/** A directory of the pages below `site`, whose names and numbers are listed at "/". */
function pagesOf(site) {
  const list = async (signal) => (await fetch(site, { signal })).json();
  return {
    attributes: () => ({ ino: 0, mode: DIRECTORY, size: 0 }),
    async *entries({ signal }) {
      for (const [name, ino] of Object.entries(await list(signal))) yield { name, ino, type: FILE & TYPE };
    },
    async lookup(name, { signal }) {
      const ino = (await list(signal))[name];
      if (ino === undefined) throw Object.assign(new Error(`no page ${name}`), { code: "ENOENT" });
      return page(`${site}${name}`, ino);
    },
  };
}

function page(url, ino) {
  return {
    async attributes({ signal }) {
      const { headers } = await fetch(url, { method: "HEAD", signal });
      return { ino, mode: FILE, size: Number(headers.get("content-length")) };
    },
    async read(into, offset, { signal }) {
      const range = `bytes=${offset}-${offset + into.length - 1}`;
      const response = await fetch(url, { headers: { range }, signal });
      if (response.status !== 206) return 0;
      return Buffer.from(await response.arrayBuffer()).copy(into);
    },
  };
}

// A web server to read from: "numbers" takes its time, and "forever" never answers.
let onGivenUp;
const givenUp = new Promise((resolve) => {
  onGivenUp = resolve;
});
const pages = { hello: "Hello, web!\n", numbers: "1 2 3 4 5\n", forever: "?" };
const web = createServer((request, response) => {
  const name = request.url.slice(1);
  if (name === "") {
    response.end(JSON.stringify(Object.fromEntries(Object.keys(pages).map((each, i) => [each, i + 1]))));
    return;
  }
  const text = Buffer.from(pages[name]);
  if (request.method === "HEAD") {
    response.setHeader("content-length", text.length).end();
    return;
  }
  if (name === "forever") {
    response.on("close", onGivenUp);
    return;
  }
  const [, from, to] = /(\d+)-(\d+)/.exec(request.headers.range).map(Number);
  const part = text.subarray(from, to + 1);
  setTimeout(() => response.writeHead(part.length > 0 ? 206 : 416).end(part), name === "numbers" ? 50 : 0);
});
await new Promise((resolve) => web.listen(0, "127.0.0.1", resolve));

const [here, there] = makePair();
const connection = serveStream(there, serveObject(pagesOf(`http://127.0.0.1:${web.address().port}/`)));
const client = await P9Client.connect(here);
const root = await client.attach();

for await (const entry of (await (await root.walk()).open()).entries()) {
  const { size } = entry.type === 8 ? await (await root.walk(entry.name)).getattr() : { size: 0n };
  console.log(`${Buffer.from(entry.name)} ${size}`);
}

const [numbers, hello, forever] = await Promise.all(
  ["numbers", "hello", "forever"].map(async (name) => (await root.walk(name)).open()),
);
const given = new AbortController();
const never = forever.read(0, 100, given.signal).catch((error) => console.log(`forever: ${error.message}`));
await Promise.all([
  numbers.read(0, 100).then((text) => process.stdout.write(`numbers: ${text}`)),
  hello.read(7, 3).then((text) => console.log(`hello: ${text}`)),
]);
given.abort(new Error("no longer wanted"));
await never;
await givenUp;
console.log("the fetch of forever was given up");

client.close();
await connection.ended;
web.closeAllConnections();
web.close();
