// The page of a trace in a browser: Debian's chromium, driven by playwright-core. The screenshot is build/trace-page.png.

import { existsSync } from "node:fs";
import path from "node:path";
import { type Browser, chromium, type Page } from "playwright-core";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { PYTHON, put, ROOT, scratchDirectory, wvisor } from "../support/cli.ts";

const CHROMIUM = "/usr/bin/chromium";
const why = existsSync(CHROMIUM) ? "" : ` (not run: there is no ${CHROMIUM}; apt-get install chromium)`;
const top = scratchDirectory();

const PROGRAM = `
import os
files = [open(f"/t/{i}", "w") for i in range(4)]
for f in files[::2]: f.close()
for attempt in (lambda: os.rmdir("/data"), lambda: open("/data/new", "w"), lambda: open("../x"),
                lambda: open("/t/<img src=x onerror=alert(1)>")):
    try: attempt()
    except OSError: pass
`;

describe.skipIf(why !== "")(`the page of a trace${why}`, () => {
  let browser: Browser;
  let page: Page;
  const requests: string[] = [];
  const errors: string[] = [];

  beforeAll(async () => {
    expect(existsSync(PYTHON)).toBe(true);
    put(top, "data/a.txt", "hello");
    const trace = path.join(top, "t.jsonl");
    const html = path.join(top, "t.html");
    const flags = ["--trace", trace, "--tmpfs", "/t:size=64k", "-v", `${top}/data:/data:ro`];
    expect(wvisor(["do", ...flags, "--", "python3", "-c", PROGRAM]).code).toBe(0);
    expect(wvisor(["trace", "--html", html, trace]).code).toBe(0);
    browser = await chromium.launch({ executablePath: CHROMIUM, args: ["--no-sandbox"] });
    page = await browser.newPage({ viewport: { width: 1280, height: 1200 } });
    page.on("request", (request) => requests.push(request.url()));
    page.on("pageerror", (error) => errors.push(error.message));
    page.on("console", (message) => errors.push(message.text()));
    await page.goto(`file://${html}`);
  });

  afterAll(async () => {
    await browser?.close();
  });

  test("shows the mounts, the descriptors, and all calls; asks for nothing else; no markup of the program's", async () => {
    expect(await page.locator(".mounts li").allInnerTexts()).toContainEqual(
      expect.stringMatching(/^\/data 9p read-only /),
    );
    const bars = await page.locator(".lanes title").allTextContents();
    expect(bars).toContainEqual(expect.stringMatching(/^\d+ \/t\/1: /));
    expect(await page.locator("#count").innerText()).toMatch(/^(\d+) of \1$/);
    expect(await page.locator("img").count()).toBe(0);
    await page.screenshot({ path: path.join(ROOT, "build/trace-page.png"), fullPage: true });
    expect(requests).toHaveLength(1);
    expect(errors).toEqual([]);
  });

  test("filters by words and by failure", async () => {
    await page.fill("input[type=search]", "path_open erofs");
    expect(await page.locator("#count").innerText()).toMatch(/^1 of /);
    expect(await page.locator(".row code").innerText()).toContain("= EROFS (mount /data is read-only)");
    await page.fill("input[type=search]", "");
    await page.check("#failed");
    const failed = Number((await page.locator("#count").innerText()).split(" ")[0]);
    expect(failed).toBeGreaterThan(3);
    expect(await page.locator(".row:not(.failed):not(.refused)").count()).toBe(0);
  });

  test("a stroke of the timeline leads to its call", async () => {
    await page.check("#failed");
    const canvas = (await page.locator("canvas").boundingBox())!;
    // Every few points along the row of calls that failed, until one is met.
    for (let x = 80; x < canvas.width && (await page.locator(".marked").count()) === 0; x += 5) {
      await page.locator("canvas").click({ position: { x, y: (canvas.height * 3.5 * 26) / 124 } });
    }
    expect(await page.locator(".marked code").innerText()).toMatch(/ = E/);
  });
});
