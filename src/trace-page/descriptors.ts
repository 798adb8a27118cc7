// Descriptors over time: a lane for each number.

import { duration, element, svg } from "./elements.ts";
import type { Model, Span } from "./model.ts";

const LANE = 22;
const LEFT = 44;
const WIDTH = 1200;
/** What a page still draws well. */
const LANES_MAX = 64;
const SPANS_MAX = 4000;
/** Of a path in a bar, for each unit of its width. */
const CHARACTER = 7;

export function descriptorsView({ spans, length }: Model): HTMLElement {
  const numbers = [...new Set(spans.map(({ fd }) => fd))].sort((a, b) => a - b);
  const lanes = new Map(numbers.slice(0, LANES_MAX).map((fd, lane) => [fd, lane]));
  const drawn = spans.filter(({ fd }) => lanes.has(fd)).slice(0, SPANS_MAX);
  const height = lanes.size * LANE;
  const labels = [...lanes].map(([fd, lane]) =>
    svg("text", { class: "label", x: `${LEFT - 8}`, y: `${lane * LANE + 15}`, "text-anchor": "end" }, [
      `${fd}`,
    ]),
  );
  const bars = drawn.map((span) => bar(span, lanes.get(span.fd)!, length));
  const picture = svg(
    "svg",
    { class: "lanes", viewBox: `0 0 ${WIDTH} ${height}`, role: "img", "aria-label": "descriptors over time" },
    [...labels, ...bars],
  );
  const left = spans.length - drawn.length;
  const note = left === 0 ? [] : [element("p", { class: "about" }, [`${left} more are not drawn.`])];
  return element("div", {}, [picture, ...note]);
}

function bar(span: Span, lane: number, length: number): SVGElement {
  const scale = (WIDTH - LEFT) / length;
  const x = LEFT + span.from * scale;
  const width = Math.max((span.to - span.from) * scale, 2);
  const room = Math.floor(width / CHARACTER) - 1;
  const y = lane * LANE;
  const name = span.path.length <= room ? span.path : room > 4 ? `${span.path.slice(0, room - 1)}…` : "";
  const about = `${span.fd} ${span.path}: ${duration(span.from)} to ${duration(span.to)}`;
  return svg("g", {}, [
    svg("title", {}, [about]),
    svg("rect", {
      class: "bar",
      x: `${x}`,
      y: `${y + 2}`,
      width: `${width}`,
      height: `${LANE - 4}`,
      rx: "3",
    }),
    svg("text", { class: "name", x: `${x + 5}`, y: `${y + 15}` }, [name]),
  ]);
}
