"use strict";
// How the graph is drawn.

const thumbnails = new Thumbnails(() => view.draw());
const view = new View($("canvas"), paint);
const aspect = clamp(view.width / view.height, 0.55, 2);
const layout = new Layout(centre, data.depths, { first, second, weights: shares }, aspect);

function paint() {
  thumbnails.begin();
  const focus = inFocus();
  const near = new Set(focus < 0 ? [] : [focus, ...shown(focus).map(({ to }) => to)]);
  paintEdges(focus < 0 && !found ? 1 : 0.35);
  const names = [];
  for (let i = 0; i < count; i++) if (!near.has(i)) paintPicture(i, focus < 0 ? 1 : 0.3, names);
  if (focus >= 0) paintFocus(focus);
  for (const i of near) paintPicture(i, 1, names);
  if (focus < 0) names.forEach(paintName);
  paintScores(focus);
  if (focus >= 0) paintName([focus, sizeOf(focus)[1] / 2 + 3, 220]);
}

const layer = element("canvas");
let layered = "";

/** The edges, drawn anew when they or the view have changed. */
function paintEdges(strength) {
  const { pen, canvas, x, y, scale } = view;
  const state = [
    x,
    y,
    scale,
    canvas.width,
    canvas.height,
    edgeCount,
    moves,
    settling,
    view.moving,
    colours.quiet,
  ].join();
  if (state !== layered) {
    layered = state;
    [layer.width, layer.height] = [canvas.width, canvas.height];
    const on = layer.getContext("2d");
    on.setTransform(view.ratio, 0, 0, view.ratio, 0, 0);
    strokeEdges(on);
  }
  pen.globalAlpha = strength;
  pen.drawImage(layer, 0, 0, view.width, view.height);
}

const MOVING = 800; // so many edges are drawn while things move
const TOGETHER = 20; // so many in one stroke, where there are many: long paths are slow to fill

/** Edges, the weakest first, so that the strongest lie on top. */
function strokeEdges(pen) {
  const most = settling || view.moving ? Math.min(edgeCount, MOVING) : edgeCount;
  const crowd = Math.min(1, 0.14 + Math.sqrt(350 / Math.max(1, most)));
  pen.strokeStyle = colours.quiet;
  const together = most < 500 ? 1 : TOGETHER;
  for (let from = most - 1; from >= 0; from -= together) {
    const share = shares[from];
    pen.globalAlpha = (0.2 + 0.6 * share) * crowd;
    pen.lineWidth = (0.7 + 2.4 * share * share) * clamp(view.scale, 0.5, 1.4);
    pen.beginPath();
    for (let e = from; e > from - together && e >= 0; e--) {
      pen.moveTo(view.across(layout.x[first[e]]), view.down(layout.y[first[e]]));
      pen.lineTo(view.across(layout.x[second[e]]), view.down(layout.y[second[e]]));
    }
    pen.stroke();
  }
}

function paintFocus(focus) {
  const { pen } = view;
  pen.strokeStyle = colours.accent;
  for (const { e, to } of shown(focus)) {
    pen.globalAlpha = 0.45 + 0.55 * shares[e];
    pen.lineWidth = (1.2 + 2.6 * shares[e] ** 2) * clamp(view.scale, 0.6, 1.4);
    pen.beginPath();
    pen.moveTo(view.across(layout.x[focus]), view.down(layout.y[focus]));
    pen.lineTo(view.across(layout.x[to]), view.down(layout.y[to]));
    pen.stroke();
  }
}

/** A picture, fitted into its box; `names` is told where there is room for its name. */
function paintPicture(i, strength, names) {
  const { pen } = view;
  const side = layout.sides[i] * view.scale;
  const [x, y] = [view.across(layout.x[i]), view.down(layout.y[i])];
  if (x + side < 0 || y + side < 0 || x - side > view.width || y - side > view.height) return;
  const made = thumbnails.of(i);
  const [w, h] = sizeOf(i);
  pen.globalAlpha = strength * (depths[i] < 0 ? 0.22 : 1) * (found && !found.has(i) ? 0.18 : 1);
  const box = [x - w / 2, y - h / 2, w, h];
  const round = Math.max(w, h) * ROUND;
  if (made) stamp(pen, made, box, view.ratio);
  else fill(box, round, data.thumbnails[i] === null ? colours.line : colours.ground);
  frame(i, box, round, side);
  if (names && side > 70 && pen.globalAlpha > 0.5) names.push([i, h / 2 + 3, side]);
}

/** A picture's width and height on the canvas: as large as fits into its box. */
function sizeOf(i) {
  const side = layout.sides[i] * view.scale;
  const made = thumbnails.of(i);
  if (!made) return [side, side * 0.75];
  const fit = side / Math.max(made.width, made.height);
  return [made.width * fit, made.height * fit];
}

/** The line about a picture: its group's colour, or what it is to the reader. */
function frame(i, box, round, side) {
  const { pen } = view;
  const marked = i === chosen || i === byKeys();
  const hue =
    marked || i === centre || (found && found.has(i)) ? colours.accent : hueOf(data.groups[i]);
  if (!hue && side < 34) return;
  pen.strokeStyle = hue ?? colours.line;
  pen.lineWidth = marked ? 4 : hue ? clamp(side / 22, 1, 3) : 1;
  if (side < 40) {
    pen.strokeRect(...box);
    return;
  }
  pen.beginPath();
  pen.roundRect(...box, round);
  pen.stroke();
}

function fill(box, round, colour) {
  view.pen.fillStyle = colour;
  view.pen.beginPath();
  view.pen.roundRect(...box, round);
  view.pen.fill();
}

function paintName([i, below, room]) {
  const [x, y] = [view.across(layout.x[i]), view.down(layout.y[i]) + below + 9];
  label(shortened(nameOf(i), room), x, y, i === inFocus() ? colours.ink : colours.quiet);
}

/** Words on a soft ground. */
function label(words, x, y, colour, ground = 0.9) {
  const { pen } = view;
  pen.font = FONT;
  pen.textAlign = "center";
  pen.textBaseline = "middle";
  const width = pen.measureText(words).width + 10;
  pen.globalAlpha = ground;
  fill([x - width / 2, y - 9, width, 18], 9, colours.page);
  pen.globalAlpha = 1;
  pen.fillStyle = colour;
  pen.fillText(words, x, y + 0.5);
}

const FONT = '600 11.5px system-ui, -apple-system, "Segoe UI", Roboto, sans-serif';

/** A name that is not wider than this, with its end, which tells the format, in any case. */
function shortened(name, room) {
  view.pen.font = FONT;
  if (view.pen.measureText(name).width <= room) return name;
  const letters = Array.from(name);
  const end = letters.slice(-7).join("");
  for (let kept = letters.length - 8; kept > 1; kept--) {
    const short = `${letters.slice(0, kept).join("")}…${end}`;
    if (view.pen.measureText(short).width <= room) return short;
  }
  return `…${end}`;
}

/** Scores: of the picture in focus, where its edges end; or on all edges, where there are few. */
function paintScores(focus) {
  if (focus < 0 && (edgeCount > 40 || settling)) return;
  const taken =
    focus < 0
      ? []
      : [-80, -40, 0, 40, 80].map((aside) =>
          // its name is there
          [
            view.across(layout.x[focus]) + aside,
            view.down(layout.y[focus]) + sizeOf(focus)[1] / 2 + 12,
          ],
        );
  const put = (e, x, y, colour) => {
    if (taken.some(([tx, ty]) => Math.abs(tx - x) < 44 && Math.abs(ty - y) < 19)) return;
    taken.push([x, y]);
    label(told(score(e)), x, y, colour);
  };
  if (focus < 0) for (let e = 0; e < edgeCount; e++) midway(e, put);
  else for (const { e, to } of shown(focus)) atEnd(e, focus, to, put);
}

/** Where the line from one picture to another enters the other's box. */
function atEnd(e, from, to, put) {
  const [x, y] = [view.across(layout.x[to]), view.down(layout.y[to])];
  const [dx, dy] = [view.across(layout.x[from]) - x, view.down(layout.y[from]) - y];
  const [w, h] = sizeOf(to);
  const way = Math.min((w / 2 + 8) / Math.abs(dx || 1e-9), (h / 2 + 8) / Math.abs(dy || 1e-9), 0.5);
  put(e, x + dx * way, y + dy * way, colours.accent);
}

/** Halfway between two boxes, unless another one lies there. */
function midway(e, put) {
  const [a, b] = [first[e], second[e]];
  const [dx, dy] = [layout.x[b] - layout.x[a], layout.y[b] - layout.y[a]];
  const [sa, sb] = [layout.sides[a], layout.sides[b]];
  const way = 0.5 + (sa - sb) / 4 / (Math.hypot(dx, dy) || 1);
  const [x, y] = [view.across(layout.x[a] + dx * way), view.down(layout.y[a] + dy * way)];
  if (at(x, y) < 0) put(e, x, y, colours.quiet);
}
