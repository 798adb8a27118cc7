// When calls were made: a row for each kind, on a canvas, since there are many.

import { duration, element } from "./elements.ts";
import type { Model } from "./model.ts";

const ROW = 26;
const WIDTH = 1200;
const HEIGHT = 4 * ROW + 20;
const LEFT = 70;
/** How far from a stroke a click still means it. */
const NEAR = 6;
const TICKS = 6;

const ROWS = ["path_*", "fd_*", "others", "failed"] as const;

function rowOf(name: string): number {
  if (name.startsWith("path_")) return 0;
  return name.startsWith("fd_") ? 1 : 2;
}

export function timelineView(model: Model, show: (index: number) => void): HTMLElement {
  const { calls, length } = model;
  const canvas = element("canvas", { class: "timeline", width: `${WIDTH}`, height: `${HEIGHT}` });
  const scale = (WIDTH - LEFT - 1) / length;
  const xOf = (t: number): number => LEFT + t * scale;
  draw(canvas, model, xOf);
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => draw(canvas, model, xOf));
  canvas.addEventListener("click", ({ offsetX, offsetY }) => {
    const x = (offsetX / canvas.clientWidth) * WIDTH;
    const row = Math.floor(((offsetY / canvas.clientHeight) * HEIGHT) / ROW);
    let best = -1;
    let distance = NEAR;
    calls.forEach(({ t, name, errno }, index) => {
      const here = row === 3 ? errno !== undefined : rowOf(name) === row;
      const away = Math.abs(xOf(t) - x);
      if (!here || away >= distance) return;
      best = index;
      distance = away;
    });
    if (best >= 0) show(best);
  });
  return element("div", {}, [canvas]);
}

function draw(canvas: HTMLCanvasElement, { calls, length }: Model, xOf: (t: number) => number): void {
  const context = canvas.getContext("2d");
  if (context === null) return;
  const style = getComputedStyle(document.documentElement);
  const color = (name: string): string => style.getPropertyValue(name);
  context.clearRect(0, 0, WIDTH, HEIGHT);
  context.font = "12px system-ui, sans-serif";
  context.textBaseline = "middle";
  context.fillStyle = color("--quiet");
  for (const [row, name] of ROWS.entries()) context.fillText(name, 0, row * ROW + ROW / 2);
  for (let tick = 0; tick < TICKS; tick++) {
    const t = (length * tick) / TICKS;
    context.fillRect(xOf(t), 0, 0.5, 4 * ROW);
    context.fillText(tick === 0 ? "0" : duration(t), xOf(t) + 3, 4 * ROW + 10);
  }
  for (const { t, dur, name, errno } of calls) {
    const width = Math.max(xOf(t + (dur ?? 0)) - xOf(t), 1);
    context.fillStyle = color(errno === undefined ? "--accent" : "--bad");
    context.fillRect(xOf(t), rowOf(name) * ROW + 4, width, ROW - 8);
    if (errno !== undefined) context.fillRect(xOf(t), 3 * ROW + 4, width, ROW - 8);
  }
}
